"""Pushing results to a branch of their own, without ever stopping the study.

A commit is put together in an index of its own. So the user's branch, work tree and index stay as
they are, and hooks of commits do not run. It holds the project as it was checked out when the study
began, and in it the ledgers, the log, and the manifest and model of each champion. So a study goes
on in a clone of the branch.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.config import files
from agent.config.git import GitCalls, printable, reason
from agent.config.plain import read_object
from agent.trials.champion import sha256

LIMIT_SEC = 60.0  # chosen, of all that one push takes: the trials wait for it
TRIES = 2
# What git and servers say when somebody else has pushed in between.
MOVED_ON = ("! [rejected]", "(failed to update ref)", "(incorrect old value provided)")
BRANCHES = "autoresearch"
IDENTITY = ("-c", "user.name=autoresearch", "-c", "user.email=autoresearch@localhost")
HASHES = {40: "sha1", 64: "sha256"}  # of git, by their hexadecimal digits
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class CannotPublishError(Exception):
    """Results cannot be pushed; the text says why."""


@dataclass(frozen=True)
class Publisher:
    """Pushes to one branch of one remote.

    :param top: root of the work tree
    :param remote: its name
    :param url: its address for pushing
    :param source: where its branches are read: its name, or that address where it has two
    :param branch: its name; the first push makes it
    :param code: commit that was checked out when the study began, empty if there was none
    """

    top: Path
    remote: str
    url: str
    source: str
    branch: str
    code: str

    def promise(self, every: int) -> str:
        """Returns in one line what will be pushed, and where.

        :param every: trials from one push to the next
        """
        line = f"pushing every {every} trials to branch {self.branch} of {self.remote} ({self.url})"
        line += ": ledgers, which name this host, log, and champions with their models"
        if self.code:
            line += f", upon commit {self.code[:10]}"
        return printable(line)

    def publish(self, paths: list[Path], message: str) -> str | None:
        """Commits ``paths`` alone, and pushes that.

        :param paths: files, and champions' folders; absent ones are left out
        :param message: of the commit
        :returns: one line for the log, or ``None`` when nothing is new
        """
        try:
            names, left_out = self._whole(paths)
            if not self._push(names, message):
                return None
        except (OSError, subprocess.SubprocessError, CannotPublishError) as error:
            return f"push failed: {_why(error)}"
        return "; ".join([f"pushed: {message} to {self.branch}", *left_out])

    def _whole(self, paths: list[Path]) -> tuple[list[str], list[str]]:
        """Names of what can be pushed, seen from the top, and in words what cannot."""
        names = []
        left_out = []
        for path in paths:
            try:
                names += [self._name(part) for part in _parts(path)]
            except CannotPublishError as error:
                left_out.append(f"without {files.shown_path(path)}, {error}")
        return names, left_out

    def _name(self, path: Path) -> str:
        try:
            return path.resolve().relative_to(self.top).as_posix()
        except ValueError:
            raise CannotPublishError(f"which is outside of {self.top}") from None

    def _push(self, names: list[str], message: str) -> bool:
        """Pushes files by their names, seen from the top; returns whether anything was new."""
        git = GitCalls(self.top, LIMIT_SEC)
        for tries_left in reversed(range(TRIES)):
            commit = self._commit(git, names, message)
            if commit is None:
                return False
            ref = f"{commit}:refs/heads/{self.branch}"
            alone = ("--no-follow-tags", "--recurse-submodules=no")
            try:
                git("push", "--quiet", *alone, self.remote, ref)
                break
            except subprocess.CalledProcessError as error:
                if not tries_left or not any(words in error.stderr for words in MOVED_ON):
                    raise
        return True

    def _commit(self, git: GitCalls, names: list[str], message: str) -> str | None:
        """Returns a commit upon what the remote's branch has, ``None`` if nothing is new.

        :param git: calls it
        :param names: see ``_push``
        :param message: of the commit
        """
        tip = self._tip(git)
        if tip:
            self._check_continued(git, tip, names)
        heads = [commit for commit in (self.code, tip) if commit]
        parents = []
        if heads:
            parents = git("merge-base", "--independent", *heads).split()
        base = self.code if self.code in parents else tip
        tree = _tree(git, base, names)
        if base and tree == git("rev-parse", f"{base}^{{tree}}"):
            return None
        options = [option for parent in parents for option in ("-p", parent)]
        return git(*_identity(git), "commit-tree", tree, *options, "-m", message)

    def _tip(self, git: GitCalls) -> str:
        """Returns the commit of the remote's branch and makes sure it is here; empty for none."""
        ref = f"refs/heads/{self.branch}"
        tip = git("ls-remote", self.source, ref).partition("\t")[0]
        if tip and not git.succeeds("cat-file", "-e", f"{tip}^{{commit}}"):
            git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.source, ref)
        return tip

    def _check_continued(self, git: GitCalls, tip: str, names: list[str]) -> None:
        """Makes sure that each ledger begins with what the branch has of it.

        :param git: calls it
        :param tip: commit of the branch
        :param names: of files, seen from the top
        :raises CannotPublishError: it has records from elsewhere
        """
        ledgers = [name for name in names if name.endswith(".jsonl")]
        for entry in git("ls-tree", "-l", "-z", tip, "--", *ledgers).split("\0"):
            facts, _, name = entry.partition("\t")
            if name not in ledgers:
                continue
            _, _, blob, size = facts.split()
            if _blob(self.top / name, int(size), blob) != blob:
                raise CannotPublishError(
                    f"branch {self.branch} of {self.remote} has records that {name} lacks;"
                    " delete that branch, or give this experiment a --name of its own"
                )


def open_publisher(results_dir: Path, name: str | None) -> Publisher:
    """Finds out where the results of a study are pushed to.

    :param results_dir: its results folder, which exists
    :param name: of the experiment; ``None`` to name it after that folder
    :raises CannotPublishError: nowhere
    """
    git = GitCalls(results_dir, LIMIT_SEC)
    try:
        top = Path(git("rev-parse", "--show-toplevel"))
        remote = _remote(git, top)
        url = git("remote", "get-url", "--push", remote)
        source = url
        if git("remote", "get-url", remote) == url:
            source = remote
        branch = _branch(git, name or results_dir.resolve().relative_to(top).as_posix())
        code = ""
        if git.succeeds("rev-parse", "--verify", "--quiet", "HEAD"):
            code = git("rev-parse", "HEAD")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        why = _why(error)
        if "not a git repository" in why:
            why = f"{results_dir} is in no git work tree"
        raise CannotPublishError(why) from None
    return Publisher(top, remote, url, source, branch, code)


def _remote(git: GitCalls, top: Path) -> str:
    names = git("remote").split()
    if not names:
        raise CannotPublishError(f"{top} has no git remote; add one: git remote add origin URL")
    if "origin" in names:
        return "origin"
    return names[0]


def _branch(git: GitCalls, name: str) -> str:
    """Returns the branch of an experiment, or of a results folder as seen from the top."""
    branch = f"{BRANCHES}/{NOT_IN_A_NAME.sub('-', name).strip('-')}"
    if not git.succeeds("check-ref-format", f"refs/heads/{branch}"):
        raise CannotPublishError(f"no branch can be called {branch}; choose another --name")
    return branch


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return (
            f"git {error.cmd[3]} was ended, {LIMIT_SEC:g} s had passed;"
            " a hook, the network or a question for a password kept it"
        )
    if isinstance(error, subprocess.CalledProcessError):
        return reason(error)
    return printable(str(error))


def _parts(path: Path) -> Iterator[Path]:
    """Gives the files that stand for ``path``: itself, or a champion's manifest and model.

    :raises CannotPublishError: these two do not belong together
    """
    if not path.is_dir():
        if path.exists():
            yield path
        return
    manifest = path / files.MANIFEST
    model = path / files.MODEL
    try:
        wanted = read_object(manifest)["sha256"]
        found = sha256(model)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotPublishError(f"which cannot be read: {error}") from None
    if found != wanted:
        raise CannotPublishError("whose model is not its manifest's")
    yield from (manifest, model)


def _tree(git: GitCalls, base: str, names: list[str]) -> str:
    """Returns the tree of a commit with some files as they are now.

    :param git: calls it
    :param base: the commit, empty for none
    :param names: of the files, seen from the top
    """
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        git("read-tree", base or "--empty", index=index)
        git("update-index", "--add", "--replace", "--", *names, index=index)  # ignored ones too
        return git("write-tree", index=index)


def _identity(git: GitCalls) -> tuple[str, ...]:
    """Returns options that name an author where the user has not said who that is."""
    for who in ("AUTHOR", "COMMITTER"):
        if not git.succeeds("-c", "user.useConfigOnly=true", "var", f"GIT_{who}_IDENT"):
            return IDENTITY
    return ()


def _blob(path: Path, size: int, like: str) -> str:
    """Returns git's name for the beginning of a file.

    :param path: the file
    :param size: bytes of the beginning
    :param like: a name of this repository, as long
    """
    with path.open("rb") as file:
        beginning = file.read(size)
    header = f"blob {len(beginning)}\0".encode()
    return hashlib.new(HASHES[len(like)], header + beginning).hexdigest()
