"""Pushing results to the repository's remote, without ever stopping the study."""

from __future__ import annotations

import subprocess
from pathlib import Path

from agent.config.git import run_git

GIT_TIMEOUT_SEC = 60.0


def publish(paths: list[Path], message: str) -> str | None:
    """Commits ``paths`` alone and pushes; does nothing outside a work tree or without a remote.

    :returns: one line for the log, or ``None`` when there was nothing to do
    """
    paths = [path.resolve() for path in paths if path.exists()]
    if not paths:
        return None
    try:
        return _publish(paths, message)
    except subprocess.CalledProcessError as error:
        complaint = str(error.stderr or "").strip()
        if "not a git repository" in complaint:
            return None
        last_line = complaint.rpartition("\n")[2]
        return f"push failed: {last_line or error}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"push failed: {error}"


def _publish(paths: list[Path], message: str) -> str | None:
    folder = paths[0].parent
    names = [str(path) for path in paths]

    def git(*arguments: str) -> str:
        return run_git(folder, *arguments, timeout_sec=GIT_TIMEOUT_SEC)

    remotes = git("remote").split()
    if not remotes:
        return None
    git("add", "--", *names)
    if not git("status", "--porcelain", "--", *names):
        return None
    git("commit", "--quiet", "--message", message, "--", *names)
    remote = "origin" if "origin" in remotes else remotes[0]
    git("push", "--quiet", remote, "HEAD")
    return f"pushed: {message}"
