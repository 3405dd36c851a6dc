"""Pushing the ledgers and the manifest to the repository's remote, without ever stopping the night."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

GIT_TIMEOUT_SEC = 60.0


def publish(paths: list[Path], message: str) -> str | None:
    """Commit ``paths`` alone and push; nothing happens outside a git work tree or without a remote.

    :returns: one line for the log, or ``None`` when there was nothing to do
    """
    paths = [path.resolve() for path in paths if path.exists()]
    if not paths:
        return None
    folder = paths[0].parent
    names = [str(path) for path in paths]
    try:
        remotes = _git(folder, "remote").split()
        if not remotes:
            return None
        _git(folder, "add", "--", *names)
        if not _git(folder, "status", "--porcelain", "--", *names):
            return None
        _git(folder, "commit", "--quiet", "--message", message, "--", *names)
        _git(folder, "push", "--quiet", "origin" if "origin" in remotes else remotes[0], "HEAD")
    except subprocess.CalledProcessError as error:
        return None if _no_work_tree(error) else f"push failed: {_last_line(error.stderr) or error}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"push failed: {error}"
    return f"pushed: {message}"


def _git(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GIT_TIMEOUT_SEC,
        check=True,
        env=os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
    )
    return answer.stdout.strip()


def _no_work_tree(error: subprocess.CalledProcessError) -> bool:
    return "not a git repository" in (error.stderr or "")


def _last_line(text: str | None) -> str:
    return (text or "").strip().rpartition("\n")[2]
