"""Where the trials of a night drive: embedded, in simulators that run already, or in servers of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.config.trial import UserError, parse_address
from agent.executors.processes import new_tag, start, stop_tree

EMBEDDED, SPAWN = "embedded", "spawn"
# The first start after installation compiles.
START_LIMIT_SEC = 120.0
POLL_SEC = 0.05
GRACE_SEC = 5.0
LISTENING = "listening on "
Place = Callable[
    [int, bool], list[str]
]  # of a worker's slot, and whether its last simulator was lost


def check_sim(sim: str, envs: list[str], workers: int) -> None:
    """Refuse a ``--sim`` that cannot be followed.

    :raises UserError: no address, not one for each environment, or environments that have theirs already
    """
    if sim == EMBEDDED:
        return
    if placed := [env for env in envs if "@" in env]:
        raise UserError(f"--sim {sim!r} and --env {placed[0]!r} both say where to drive; drop one")
    if sim != SPAWN:
        deal(sim, envs, workers)


def deal(sim: str, envs: list[str], workers: int) -> list[list[str]]:
    """The environments of each worker, each with its own address of ``[HOST:]PORT,…``: one endpoint, one trial.

    :raises UserError: no address, or not one for each
    """
    addresses = [parse_address(text) for text in sim.split(",")]
    if len(addresses) != len(envs) * workers:
        times = f" times {workers} --workers" if workers > 1 else ""
        raise UserError(
            f"--sim {sim!r} has {len(addresses)} addresses for {len(envs)} --env{times}; give one for each"
        )
    placed = [
        f"{env}@{host}:{port}" for env, (host, port) in zip(envs * workers, addresses, strict=True)
    ]
    return [placed[start : start + len(envs)] for start in range(0, len(placed), len(envs))]


@contextmanager
def simulators(
    sim: str, envs: list[str], server: Path, folder: Path, workspace: str, workers: int
) -> Iterator[Place]:
    """A function that tells where the next trial of a worker drives, as ``--env`` takes it.

    Servers that were started here are ended on every way out, and started again when they are found dead or a trial
    has lost them.

    :param sim: ``embedded``, ``spawn`` or addresses, one for each of ``envs`` and each worker
    :param server: script to start, see ``agent/donkey_sim.py``
    :param folder: of the servers' logs
    :param workspace: see ``processes``; a server whose controller was killed is ended like a trial
    :raises ChildProcessError: a server that does not start
    """
    if sim == SPAWN:
        with ExitStack() as stack:
            logs = [
                folder / f"simulator-{number}.log" for number in range(1, len(envs) * workers + 1)
            ]
            servers = [Server(server, log, new_tag(workspace)) for log in logs]
            for each in servers:
                stack.callback(each.stop)

            def spawned(slot: int, lost: bool) -> list[str]:
                mine = servers[slot * len(envs) : (slot + 1) * len(envs)]
                return [
                    f"{env}@{each.address(anew=lost)}" for env, each in zip(envs, mine, strict=True)
                ]

            yield spawned
    else:
        dealt = [envs] * workers if sim == EMBEDDED else deal(sim, envs, workers)
        yield lambda slot, _lost: dealt[slot]


class Server:
    """A headless simulator in lockstep on a free port, started when first asked for."""

    def __init__(self, script: Path, log: Path, mark: str) -> None:
        self.script, self.log, self.mark = script, log, mark
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    def address(self, *, anew: bool = False) -> str:
        """``HOST:PORT`` where it listens.

        :param anew: start another in its place: it may live and not answer
        :raises ChildProcessError: it does not start
        """
        if anew:
            self.stop()
        if self._process is None or self._process.poll() is not None:
            self._start()
        return self._address

    def stop(self) -> None:
        """End it, by force if it must be."""
        if self._process is not None:
            stop_tree(self._process, self.mark, GRACE_SEC)

    def _start(self) -> None:
        command = [sys.executable, str(self.script), "--port", "0", "--clock", "lockstep"]
        self._process = start(command, self.log, self.mark)
        deadline = time.monotonic() + START_LIMIT_SEC
        while True:
            ended = self._process.poll() is not None
            said = self.log.read_text(errors="replace")
            if said.startswith(LISTENING) and "\n" in said:
                self._address = said.removeprefix(LISTENING).split()[0]
                return
            if ended or time.monotonic() > deadline:
                last = (said.strip().splitlines() or ["it said nothing"])[-1]
                raise ChildProcessError(f"{self.script.name} did not start: {last}; see {self.log}")
            time.sleep(POLL_SEC)
