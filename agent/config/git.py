"""Calls of git."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

GRACE_SEC = 5.0  # chosen: git removes its own locks when it is asked to end
HOOK_GRACE_SEC = 2.0  # chosen: git does not wait for its hooks, which may clean up as well
POLL_SEC = 0.02
# It asks nobody anything, takes no lock that it can do without, and speaks English.
QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C",
}
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
REASONS = ("error:", "fatal:", "remote:", "! [")
# What git says after a reason that it, ssh, a hook or the server has given.
AFTERTHOUGHTS = (
    "hint:",
    "To ",
    "error: failed to push some refs",
    "fatal: Could not read from remote repository",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
LONGEST_REASON = 300


def run_git(
    folder: Path,
    *arguments: str,
    timeout_sec: float,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Runs git in ``folder``, where it asks nobody anything; returns what it printed, stripped.

    :param folder: anywhere in a work tree
    :param arguments: command and options of git
    :param timeout_sec: wall clock after which it is ended, with its hooks
    :param environment: variables beside this process's own
    :raises OSError: there is no git
    :raises subprocess.SubprocessError: it failed, or took too long
    """
    command = ["git", "-C", str(folder), *arguments]
    # Files, not pipes: a process that a hook leaves behind would keep those open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, **QUIET, **(environment or {})},
        )
        try:
            code = process.wait(timeout_sec)
        finally:
            if process.poll() is None:
                _end(process)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if code != 0:
        raise subprocess.CalledProcessError(code, command, *texts)
    return texts[0].strip()


class GitCalls:
    """Calls of git in a work tree which together take no longer than a limit."""

    def __init__(self, folder: Path, limit_sec: float) -> None:
        """Begins to count the time.

        :param folder: anywhere in the work tree
        :param limit_sec: wall clock of all calls
        """
        self._folder = folder
        self._deadline = time.monotonic() + limit_sec

    def __call__(self, *arguments: str, index: Path | None = None) -> str:
        """Returns what git printed; raises as ``run_git`` does.

        :param arguments: of git
        :param index: another one than the user's
        """
        environment = {}
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        left_sec = max(0.0, self._deadline - time.monotonic())
        return run_git(self._folder, *arguments, timeout_sec=left_sec, environment=environment)

    def succeeds(self, *arguments: str) -> bool:
        """Returns whether git answers with 0."""
        with suppress(subprocess.CalledProcessError):
            self(*arguments)
            return True
        return False


def reason(error: subprocess.CalledProcessError) -> str:
    """Returns in one line why git failed: of its many lines those that tell."""
    said = f"{error.stdout}\n{error.stderr}"  # a hook may say why on either
    lines = [" ".join(line.split()) for line in said.splitlines()]
    lines = [line for line in lines if line]
    told = [line for line in lines if not line.startswith(AFTERTHOUGHTS)]
    reasons = [line for line in told if line.startswith(REASONS)]
    reasons.sort(key=lambda line: line.startswith("remote:"))  # those may be many
    chosen = reasons or told[-1:] or lines[:1] or [f"git ended with {error.returncode}"]
    return printable("; ".join(chosen))[:LONGEST_REASON]


def printable(text: str) -> str:
    """Returns ``text`` without the passwords of addresses, and without control characters."""
    text = CREDENTIALS.sub("", text)
    return "".join(letter for letter in text if letter.isprintable())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends git and its hooks: SIGTERM, on which it cleans up, then SIGKILL to what is left."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SEC)
        deadline = time.monotonic() + HOOK_GRACE_SEC
        while _any_left(process.pid) and time.monotonic() < deadline:
            time.sleep(POLL_SEC)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _any_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
