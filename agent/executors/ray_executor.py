"""The executor of a Ray cluster: an actor for each trial, on whichever node has room for it.

Ray restarts nothing: a trial that is lost with its node is the loop's to try again. No file system
is shared. What a trial needs goes out once, its files come home as bytes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.provenance import Provenance
from agent.config.snapshot import SHOW_EVERY_SEC, is_young
from agent.executors.base import LOST, Job, Outcome, read_progress
from agent.executors.node_trial import Ended, NodeTrial, Work
from agent.executors.ray_cluster import RayCluster

NEWS_EVERY_SEC = 0.5
# Chosen: an actor that says nothing for so long is taken for lost. A machine without current tells
# nobody that it is gone, and Ray finds out after half a minute.
SILENCE_SEC = 20.0
PLACE_SEC = 600.0  # chosen: a trial waits for a place no longer
HOME_SEC = 120.0  # chosen: a gigabyte of files at most
STOP_SEC = 20.0  # chosen, beside the grace: files come home
THREADS = 5  # of an actor: ``run`` and what is asked meanwhile
STOPPED = "the controller was asked to stop"


class RayTrial:
    """The ``Handle`` of a trial in an actor."""

    def __init__(
        self,
        cluster: RayCluster,
        workspace: str,
        job: Job,
        work: Work,
        inputs: list[Any],
        *,
        verbose: bool,
    ) -> None:
        """Has Ray find a place for its actor.

        :param cluster: has the nodes
        :param workspace: see ``workspace_id``
        :param job: the trial
        :param work: the same for the node
        :param inputs: contents of its files, in Ray's store
        :param verbose: show its output on the console as it comes
        """
        self.cluster = cluster
        self.workspace = workspace
        self.job = job
        self.work = work
        self.inputs = inputs
        self.verbose = verbose
        self.submitted = time.monotonic()
        self.ended = self.submitted
        self._asked_at = self.submitted
        self._host: str | None = None  # of its node, None until it has a place
        self._offsets: dict[str, int] = {}
        self._find_place()

    def poll(self) -> Outcome | None:
        """Returns the outcome once its files are here, ``None`` until then.

        :raises OSError: see ``RayCluster.check``
        """
        self.cluster.check()
        if self._host is None and self._names != self.cluster.names:
            ray.kill(self._actor)
            self._find_place()  # which may be on a node that came meanwhile
        self._hear()
        if self._is_done(0.0):
            return self._end()
        silent = self._silence()
        return self._lose(silent) if silent is not None else None

    def progress(self) -> list[tuple[int, float]]:
        """Timesteps and score of every intermediate evaluation that is known here."""
        return read_progress(self.job.folder)

    def ask_to_stop(self, cause: str) -> None:
        """Has the trial save its model and end as ``pruned``."""
        self._actor.ask_to_stop.remote(cause)

    def terminate(self) -> None:
        """Has its node end the trial, without waiting."""
        self._actor.stop.remote()

    def stop(self) -> Outcome:
        """Ends the trial because the controller was asked to stop."""
        self._actor.stop.remote()
        within_reach = self._host is not None and not self.cluster.is_gone
        if within_reach and self._is_done(self.job.limits.grace_sec + STOP_SEC):
            outcome = self._end()
        else:
            outcome = self._lose("its node did not answer")
        return replace(outcome, status="interrupted", cause=STOPPED, stopped=True)

    def _find_place(self) -> None:
        self._names = self.cluster.names
        kind = ray.remote(NodeTrial).options(max_concurrency=THREADS, **self.cluster.options())
        self._actor = kind.remote(self.workspace)
        self._run = self._actor.run.remote(self.work, *self.inputs)
        self._news: Any = None

    def _is_done(self, wait_sec: float) -> bool:
        done, _ = ray.wait([self._run], timeout=wait_sec, fetch_local=False)
        return bool(done)

    def _hear(self) -> None:
        """Takes what the actor has told since, and asks it again now and then."""
        if self._news is None:
            watched = is_young(self.job.folder / files.WATCH)
            pause_sec = SHOW_EVERY_SEC if watched else NEWS_EVERY_SEC
            if time.monotonic() - self._asked_at >= pause_sec or self._host is None:
                self._asked_at = time.monotonic()
                self._news = self._actor.news.remote(self._offsets, watched)
            return
        done, _ = ray.wait([self._news], timeout=0.0)
        if not done:
            return
        try:
            news = ray.get(self._news)
        except ray.exceptions.RayError:
            return  # and ``run`` has the same error
        finally:
            self._news = None
        self._host = news.host
        for name, data in news.added.items():
            self._append(name, data)
        if news.snapshot:
            snapshot = self.job.folder / files.SNAPSHOT
            scratch = snapshot.with_name(f".{files.SNAPSHOT}.{os.getpid()}")
            scratch.write_bytes(news.snapshot)
            scratch.replace(snapshot)

    def _append(self, name: str, data: bytes) -> None:
        mode = "ab" if name in self._offsets else "wb"
        with (self.job.folder / name).open(mode) as file:
            file.write(data)
        self._offsets = self._offsets | {name: self._offsets.get(name, 0) + len(data)}
        self._show(name, data)

    def _show(self, name: str, data: bytes) -> None:
        if self.verbose and name == files.TRIAL_LOG:
            sys.stdout.write(data.decode(errors="replace"))
            sys.stdout.flush()

    def _silence(self) -> str | None:
        """Returns, in words, that nothing was heard of the trial for too long."""
        silent_sec = time.monotonic() - self._asked_at
        if self._host is None:
            if time.monotonic() - self.submitted > PLACE_SEC:
                return f"no node had room for it within {PLACE_SEC:g} s"
        elif self._news is not None and silent_sec > SILENCE_SEC:
            return f"node {self._host} has been silent for {silent_sec:.0f} s"
        return None

    def _end(self) -> Outcome:
        """Brings the files home; nothing of the trial is left on the node."""
        try:
            ended: Ended = ray.get(self._run, timeout=HOME_SEC)
        except ray.exceptions.RayError as error:
            name = f"node {self._host}" if self._host else "its node"
            return self._lose(f"{name} was lost ({_in_words(error)})")
        log = ended.contents.get(files.TRIAL_LOG, b"")
        self._show(files.TRIAL_LOG, log[self._offsets.get(files.TRIAL_LOG, 0) :])
        # The result last: once that is here, all is.
        for name in sorted(ended.contents, key=lambda name: name == files.RESULT):
            path = self.job.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, ended.contents[name])
        self._forget()
        return ended.outcome

    def _lose(self, cause: str) -> Outcome:
        self._forget()
        host = self._host or ""
        return Outcome(
            status=LOST,
            exit_code=-signal.SIGKILL,
            elapsed_sec=self.ended - self.submitted,
            last_line="",
            provenance=Provenance(host, {}, None, None),
            cause=cause,
        )

    def _forget(self) -> None:
        """Ends the actor, which has its place until it is gone."""
        ray.kill(self._actor, no_restart=True)
        for name in (files.WATCH, files.SNAPSHOT):
            (self.job.folder / name).unlink(missing_ok=True)
        self.ended = time.monotonic()


class RayExecutor:
    """Runs trials on the nodes of a Ray cluster.

    A slot is no node: Ray places each trial where there is room.
    """

    def __init__(
        self,
        cluster: RayCluster,
        runner: Path,
        workspace: str,
        *,
        slots: int = 1,
        cooldown_sec: float = 0.0,
        verbose: bool = False,
        spawn: bool = False,
    ) -> None:
        """Starts nothing yet.

        :param cluster: its nodes
        :param runner: script of one trial
        :param workspace: see ``workspace_id``
        :param slots: trials side by side
        :param cooldown_sec: pause of a slot between two trials
        :param verbose: show the trials' output on the console as it comes
        :param spawn: each trial has simulators' servers of its own on its node
        """
        self.cluster = cluster
        self.runner = runner
        if runner.is_relative_to(files.REPO_ROOT):  # a node may have the package elsewhere
            self.runner = runner.relative_to(files.REPO_ROOT)
        self.workspace = workspace
        self.slots = slots
        self.cooldown_sec = cooldown_sec
        self.verbose = verbose
        self.spawn = spawn
        self._latest: dict[int, RayTrial] = {}
        self._stored: dict[tuple[str, int, int], Any] = {}

    def ready_in_sec(self, slot: int) -> float:
        """Seconds that a free slot has still to cool down."""
        if slot not in self._latest:
            return 0.0
        return max(0.0, self._latest[slot].ended + self.cooldown_sec - time.monotonic())

    def submit(self, job: Job) -> RayTrial:
        """Has Ray find a place for the job's actor."""
        for name in (files.PROGRESS, files.STOP):  # of a first try, whose node was lost
            (job.folder / name).unlink(missing_ok=True)
        inputs = job.config.input_files
        config = job.config
        work = Work(
            name=job.folder.name,
            runner=self.runner,
            argv=config.to_argv(),
            limits=job.limits,
            threads=self.cluster.share.cpus,
            inputs=inputs,
            servers=config.trial.world if self.spawn else "",
        )
        stored = [self._store(path) for path in inputs]
        trial = RayTrial(self.cluster, self.workspace, job, work, stored, verbose=self.verbose)
        self._latest[job.slot] = trial
        return trial

    def recover(self) -> str | None:
        """Tells of nodes that came and went; a controller that is gone leaves nothing running."""
        return self.cluster.look()

    def close(self) -> None:
        """Leaves the cluster."""
        self.cluster.close()

    def _store(self, path: str) -> Any:
        """Puts a file into Ray's store, once while it stays as it is."""
        stat = Path(path).stat()
        key = (path, stat.st_size, stat.st_mtime_ns)
        if key not in self._stored:
            self._stored[key] = ray.put(Path(path).read_bytes())
        return self._stored[key]


def _in_words(error: Exception) -> str:
    """Returns an error in a few words; Ray's texts are pages."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}"
    return type(error).__name__
