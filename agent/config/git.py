"""Calls of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run_git(folder: Path, *arguments: str, timeout_sec: float) -> str:
    """Runs git in ``folder``, where it asks nobody anything; returns what it printed, stripped.

    :param folder: anywhere in a work tree
    :param arguments: command and options of git
    :param timeout_sec: wall clock after which it is ended
    :raises OSError: there is no git
    :raises subprocess.SubprocessError: it failed, or took too long
    """
    answer = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_sec,
        check=True,
        env=os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
    )
    return answer.stdout.strip()
