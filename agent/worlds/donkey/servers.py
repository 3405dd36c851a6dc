"""Simulators of a study's trials: embedded, running already, or servers that are started here."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.config import files
from agent.config.errors import UserError
from agent.worlds.base import EMBEDDED, parse_address, shown_address, task_of
from agent.worlds.capabilities import AssignEnvs, StartedProcess, StartProcess
from agent.worlds.donkey.tasks import SCENE_OF_ENV, scene_of

SERVER = files.REPO_ROOT / "agent" / "donkey_sim.py"
SPAWN = "spawn"
START_LIMIT_SEC = 120.0  # chosen: the first start after installation compiles
POLL_SEC = 0.05
GRACE_SEC = 5.0
# The server's own line among all that libraries and the loader print, before it and on it.
LISTENING = re.compile(r"listening on (\S+:[0-9]+) scene ")
LAST_LINES = 3  # chosen: of a server that ended, in the complaint


def check_sim(sim: str, envs: list[str], workers: int) -> None:
    """Refuses a ``--sim`` that cannot be followed.

    :param sim: ``embedded``, ``spawn`` or addresses
    :param envs: environment ids of a trial
    :param workers: trials side by side
    :raises UserError: no address, not one for each environment, or environments that have theirs
    """
    if sim == EMBEDDED:
        return
    addressed = [env for env in envs if task_of(env) != env]
    if addressed:
        raise UserError(
            f"--sim {sim!r} and --env {addressed[0]!r} both say where to drive; drop one"
        )
    if sim != SPAWN:
        deal(sim, envs, workers)


def deal(sim: str, envs: list[str], workers: int) -> list[list[str]]:
    """Returns the environments of each worker with their addresses: one endpoint, one trial.

    :param sim: addresses ``[HOST:]PORT,...``
    :param envs: environment ids of a trial
    :param workers: trials side by side
    :raises UserError: no address, or not one for each
    """
    try:
        addresses = [parse_address(text.strip()) for text in sim.split(",")]
    except UserError as error:
        raise UserError(f"--sim {sim!r}: {error}; or give {EMBEDDED} or {SPAWN}") from None
    if len(addresses) != len(envs) * workers:
        times = f" times {workers} --workers" if workers > 1 else ""
        raise UserError(
            f"--sim {sim!r} has {len(addresses)} addresses for {len(envs)} --env{times}; "
            "give one for each"
        )
    pairs = zip(envs * workers, addresses, strict=True)
    addressed = [f"{env}@{shown_address(*address)}" for env, address in pairs]
    return [addressed[first : first + len(envs)] for first in range(0, len(addressed), len(envs))]


@contextmanager
def simulators(
    sim: str, envs: list[str], workers: int, folder: Path, start: StartProcess
) -> Iterator[AssignEnvs]:
    """Gives a function that tells the environments of a worker, with its simulators' addresses.

    Servers that were started here are ended on every way out. They are started again when they are
    found dead, or when a trial has lost them.

    :param sim: ``embedded``, ``spawn`` or addresses, one for each of ``envs`` and each worker
    :param envs: environment ids of a trial
    :param workers: trials side by side
    :param folder: of the servers' logs
    :param start: starts a server's process
    :raises ChildProcessError: a server that does not start
    """
    if sim != SPAWN:
        dealt = [envs] * workers if sim == EMBEDDED else deal(sim, envs, workers)
        yield lambda slot, _lost: dealt[slot]
        return
    with ExitStack() as stack:
        n_servers = len(envs) * workers
        logs = [folder / f"simulator-{number}.log" for number in range(1, n_servers + 1)]
        scenes = [asked_scene(env) for env in envs] * workers
        servers = [Server(log, start, scene) for log, scene in zip(logs, scenes, strict=True)]
        for each in servers:
            stack.callback(each.stop)

        def assign_spawned(slot: int, lost: bool) -> list[str]:
            first = slot * len(envs)
            pairs = zip(envs, servers[first : first + len(envs)], strict=True)
            return [f"{env}@{each.address(restart=lost)}" for env, each in pairs]

        yield assign_spawned


def asked_scene(env_id: str) -> str:
    """Returns the scene that a server has to be started with; empty for one that is in its menu."""
    return "" if env_id in SCENE_OF_ENV else scene_of(env_id)


class Server:
    """A headless simulator in lockstep on a free port, started when first asked for."""

    def __init__(self, log: Path, start: StartProcess, scene: str = "") -> None:
        """Starts nothing yet.

        :param log: file of its output
        :param start: starts its process
        :param scene: loaded already; empty for the menu
        """
        self.log = log
        self.start = start
        self.scene = scene
        self._process: StartedProcess | None = None
        self._address = ""

    def address(self, *, restart: bool = False) -> str:
        """Returns ``HOST:PORT`` where it listens.

        :param restart: end it first, for it may live and not answer
        :raises ChildProcessError: it does not start
        """
        if restart:
            self.stop()
        if self._process is None or not self._process.is_running():
            self._start()
        return self._address

    def stop(self) -> None:
        """Ends it, by force if it must be."""
        if self._process is not None:
            self._process.stop(GRACE_SEC)

    def _start(self) -> None:
        command = [sys.executable, str(SERVER), "--port", "0", "--clock", "lockstep"]
        if self.scene:
            command += ["--scene", self.scene]
        self._process = self.start(command, self.log)
        deadline = time.monotonic() + START_LIMIT_SEC
        while True:
            ended = not self._process.is_running()
            output = self.log.read_text(errors="replace")
            said = LISTENING.search(output)
            if said:
                self._address = said[1]
                return
            if ended or time.monotonic() > deadline:
                raise ChildProcessError(self._why_not_started(output, ended))
            time.sleep(POLL_SEC)

    def _why_not_started(self, output: str, ended: bool) -> str:
        lines = [line.strip() for line in output.splitlines() if line.strip()][-LAST_LINES:]
        how = "did not start"
        if not ended:
            how += f" within {START_LIMIT_SEC:g} s"
        said = " / ".join(lines) or "it said nothing"
        return f"{SERVER.name} {how}: {said}; see {self.log}"
