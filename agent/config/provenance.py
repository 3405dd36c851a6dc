"""The machine and the code that a trial ran on, as its record tells them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from platform import node, python_version

from agent import PRODUCT
from agent.config.files import CHECKOUT, REPO_ROOT
from agent.config.git import run_git

GIT_TIMEOUT_SEC = 10.0
VERSIONED = (
    PRODUCT,
    "numpy",
    "torch",
    "stable-baselines3",
    "sb3-contrib",
    "gymnasium",
    "box2d",
    "pygame-ce",
    "numba",
    "opencv-python-headless",
)
# Ledgers and manifests change in every study and say nothing about the code.
CODE = ("*.py", "*.toml", "*.txt", "agent/simulator", "agent/worlds")
# git says nothing of another user's checkout, such as root's in a container, unless it is trusted.
# It is: its code runs.
OWNED = ("-c", f"safe.directory={REPO_ROOT}")


@dataclass(frozen=True)
class Provenance:
    """Place where a trial ran: host, installed versions, commit, and if code differed from it.

    ``git_commit`` and ``git_dirty`` are ``None`` outside a repository.
    """

    host: str
    versions: dict[str, str]
    git_commit: str | None
    git_dirty: bool | None

    @classmethod
    def here(cls) -> Provenance:
        """That of this process."""
        return cls(node(), installed_versions(), git_commit(), git_dirty())


@cache
def installed_versions() -> dict[str, str]:
    """Versions of what decides a trial's outcome, from package metadata: no package is imported."""
    from importlib import metadata  # takes 10 ms, which no command's start needs

    versions = {"python": python_version()}
    for name in VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """The checked-out commit of this repository, or ``None`` outside one.

    A folder may lie in a repository that is not its own: that one has no such file.
    """
    if not CHECKOUT:
        return None
    answer = _git("rev-parse", "HEAD", "HEAD:./pyproject.toml")
    return answer and answer.split()[0]


def git_dirty() -> bool | None:
    """True if committed code differs from that commit, ``None`` outside a repository."""
    if git_commit() is None:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *CODE)
    return None if changed is None else bool(changed)


def _git(*arguments: str) -> str | None:
    try:
        return run_git(REPO_ROOT, *OWNED, *arguments, timeout_sec=GIT_TIMEOUT_SEC)
    except (OSError, subprocess.SubprocessError):
        return None
