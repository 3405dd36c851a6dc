"""A trial on a node of a cluster: today's supervisor of a process, in a scratch folder there.

It loads no cluster's library. An executor has one made on the node, gives it the work, asks it for
news meanwhile, and has the files back as bytes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from platform import node
from typing import NamedTuple

from agent.config import files
from agent.config.provenance import Provenance
from agent.executors.base import LOST, SIM_LOST, Limits, Outcome
from agent.executors.node_servers import with_servers
from agent.executors.processes import NodeReaper, kill_orphans
from agent.executors.trial_process import LOG_LIMIT_BYTES, TrialProcess

POLL_SEC = 0.05
NEWS_BYTES = 2**20  # of a file at a time
HOME_BYTES = 2**30  # chosen: models take a few MB, a log at most 64
GROWING = (files.PROGRESS, files.TRIAL_LOG)  # files that are followed while they grow


class Work(NamedTuple):
    """A trial for a node.

    :param name: of its folder
    :param runner: script of one trial; below the package's own folder if it is relative
    :param argv: its arguments, but for its folder
    :param limits: limits at which it is ended
    :param threads: of numeric libraries
    :param inputs: files that the arguments name, as they name them
    :param servers: world whose servers are started beside it, empty for none
    """

    name: str
    runner: Path
    argv: list[str]
    limits: Limits
    threads: int
    inputs: Sequence[str] = ()
    servers: str = ""


class Ended(NamedTuple):
    """A trial that has ended, with the bytes of its files by their paths in its folder."""

    outcome: Outcome
    contents: dict[str, bytes]


class News(NamedTuple):
    """News of a running trial since the last time.

    :param host: of the node
    :param added: bytes that were added to each of ``GROWING``
    :param snapshot: its newest snapshot, while somebody watches
    """

    host: str
    added: dict[str, bytes]
    snapshot: bytes = b""


class NodeTrial:
    """One trial on this node; ``run`` is called once, the others beside it from other threads."""

    def __init__(self, workspace: str) -> None:
        """Ends what a trial of the same workspace left here whose own reaper was killed too.

        :param workspace: see ``workspace_id``
        """
        kill_orphans(workspace)
        self.workspace = workspace
        self._stopping = threading.Event()
        self._folder: Path | None = None
        self._stop_cause: str | None = None

    def run(self, work: Work, *inputs: bytes) -> Ended:
        """Runs the trial to its end; nothing of it is left here then, its folder included.

        :param work: the trial
        :param inputs: contents of ``work.inputs``
        """
        started = time.monotonic()
        scratch = Path(tempfile.gettempdir()) / f"autoresearch-{uuid.uuid4().hex}"
        reaper = NodeReaper(self.workspace, scratch)  # first, for it removes the folder
        try:
            scratch.mkdir(mode=0o700)
            folder = scratch / work.name
            folder.mkdir()
            argv = _placed(work, inputs, scratch)
            outcome = self._watched(work, argv, folder)
            return Ended(*_brought_home(outcome, folder, scratch, work.inputs))
        except OSError as error:
            cause = f"node {node()}: {error}"
            elapsed_sec = time.monotonic() - started
            return Ended(Outcome(LOST, 1, elapsed_sec, "", Provenance.here(), cause), {})
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            reaper.close()

    def news(self, offsets: Mapping[str, int], watched: bool = False) -> News:
        """Returns what was added to ``GROWING``, and what is to be seen.

        :param offsets: bytes of each that are known
        :param watched: somebody watches it at home
        """
        if self._folder is None:
            return News(node(), {})
        added = {}
        for name in GROWING:
            data = _read_from(self._folder / name, offsets.get(name, 0))
            if data:
                added[name] = data
        snapshot = b""
        if watched:
            with suppress(OSError):
                (self._folder / files.WATCH).touch()
            snapshot = _read_from(self._folder / files.SNAPSHOT, 0)
        return News(node(), added, snapshot)

    def ask_to_stop(self, cause: str) -> None:
        """Has the trial save its model and end, also if its process has not started yet."""
        self._stop_cause = cause

    def stop(self) -> None:
        """Has ``run`` end the trial because the controller was asked to stop."""
        self._stopping.set()

    def _watched(self, work: Work, argv: list[str], folder: Path) -> Outcome:
        with _serving(work.servers, argv, folder, self.workspace) as served:
            if isinstance(served, str):
                return Outcome(SIM_LOST, 1, 0.0, "", Provenance.here(), served)
            process = TrialProcess(
                [sys.executable, str(_runner(work.runner)), *served, "--save-dir", str(folder)],
                folder,
                work.limits,
                workspace=self.workspace,
                threads=work.threads,
            )
            self._folder = folder
            return self._ended(process)

    def _ended(self, process: TrialProcess) -> Outcome:
        asked = False
        while not self._stopping.is_set():
            if self._stop_cause is not None and not asked:
                process.ask_to_stop(self._stop_cause)
                asked = True
            outcome = process.poll()
            if outcome is not None:
                return outcome
            self._stopping.wait(POLL_SEC)
        return process.stop()


@contextmanager
def _serving(
    world: str, argv: list[str], folder: Path, workspace: str
) -> Iterator[list[str] | str]:
    """Gives the arguments with servers' addresses, or why these did not start."""
    if not world:
        yield argv
        return
    with with_servers(world, argv, folder, workspace) as served:
        yield served


def _runner(runner: Path) -> Path:
    return files.REPO_ROOT / runner


def _placed(work: Work, inputs: Sequence[bytes], scratch: Path) -> list[str]:
    """Writes the inputs down; returns the arguments with their paths here."""
    argv = list(work.argv)
    for number, (path, content) in enumerate(zip(work.inputs, inputs, strict=True)):
        own = _own_path(scratch, number, path)
        own.parent.mkdir(parents=True)
        own.write_bytes(content)
        argv = [_renamed(argument, path, str(own)) for argument in argv]
    return argv


def _own_path(scratch: Path, number: int, path: str) -> Path:
    return scratch / "inputs" / str(number) / Path(path).name


def _renamed(argument: str, path: str, own: str) -> str:
    """Returns an argument with another path in it; what may follow a # is kept."""
    named, mark, rest = argument.partition("#")
    if named != path:
        return argument
    return own + mark + rest


def _brought_home(
    outcome: Outcome, folder: Path, scratch: Path, inputs: Sequence[str]
) -> tuple[Outcome, dict[str, bytes]]:
    """Returns the outcome, and the bytes of all files in a trial's folder by their paths in it.

    :param outcome: of the trial
    :param folder: its files
    :param scratch: has its inputs
    :param inputs: paths that its configuration has at home
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    total_bytes = sum(path.stat().st_size for path in paths)
    if total_bytes > HOME_BYTES:
        paths = [path for path in paths if path.name in GROWING]
        cause = f"its files take {total_bytes // 2**20} MB, more than {HOME_BYTES // 2**20}"
        outcome = replace(outcome, status="crashed", cause=f"{cause} can come home")
    contents = {path.relative_to(folder).as_posix(): _end_of(path) for path in paths}
    if files.CONFIG in contents:
        for number, path in enumerate(inputs):
            own = str(_own_path(scratch, number, path)).encode()
            contents[files.CONFIG] = contents[files.CONFIG].replace(own, path.encode())
    return outcome, contents


def _end_of(path: Path) -> bytes:
    """Returns a file's content, of a log no more than the limit that it may have grown over."""
    data = path.read_bytes()
    if path.name != files.TRIAL_LOG:
        return data
    return data[-LOG_LIMIT_BYTES:]


def _read_from(path: Path, start: int) -> bytes:
    """Returns what was added to a file, nothing of one that is not there."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(NEWS_BYTES)
    except OSError:
        return b""
