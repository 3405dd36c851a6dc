"""Where the trials of a night drive: embedded, in simulators that run already, or in servers of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.trials.config import UserError, parse_address
from agent.trials.processes import MARK, new_mark, stop_tree

EMBEDDED, SPAWN = "embedded", "spawn"
# The first start after installation compiles.
START_LIMIT_SEC = 120.0
POLL_SEC = 0.05
GRACE_SEC = 5.0
LISTENING = "listening on "


def check_sim(sim: str, envs: list[str]) -> None:
    """Refuse a ``--sim`` that cannot be followed.

    :raises UserError: no address, not one for each environment, or environments that have theirs already
    """
    if sim == EMBEDDED:
        return
    if placed := [env for env in envs if "@" in env]:
        raise UserError(f"--sim {sim!r} and --env {placed[0]!r} both say where to drive; drop one")
    if sim != SPAWN:
        deal(sim, envs)


def deal(sim: str, envs: list[str]) -> list[str]:
    """The environments, each with its address of ``[HOST:]PORT,…``.

    :raises UserError: no address, or not one for each
    """
    addresses = [parse_address(text) for text in sim.split(",")]
    if len(addresses) != len(envs):
        raise UserError(f"--sim {sim!r} has {len(addresses)} addresses for {len(envs)} --env; give one for each")
    return [f"{env}@{host}:{port}" for env, (host, port) in zip(envs, addresses, strict=True)]


@contextmanager
def simulators(
    sim: str, envs: list[str], server: Path, folder: Path, workspace: str
) -> Iterator[Callable[[], list[str]]]:
    """A function that tells the environments of the next trial, as ``--env`` takes them.

    Servers that were started here are ended on every way out, and started again when they are found dead.

    :param sim: ``embedded``, ``spawn`` or addresses, one for each of ``envs``
    :param server: script to start, see ``agent/donkey_sim.py``
    :param folder: of the servers' logs
    :param workspace: see ``processes``; a server whose controller was killed is ended like a trial
    :raises ChildProcessError: a server that does not start
    """
    if sim == SPAWN:
        with ExitStack() as stack:
            logs = [folder / f"simulator-{number}.log" for number in range(1, len(envs) + 1)]
            servers = [Server(server, log, new_mark(workspace)) for log in logs]
            for each in servers:
                stack.callback(each.stop)
            yield lambda: [f"{env}@{each.address()}" for env, each in zip(envs, servers, strict=True)]
    else:
        dealt = envs if sim == EMBEDDED else deal(sim, envs)
        yield lambda: dealt


class Server:
    """A headless simulator in lockstep on a free port, started when first asked for."""

    def __init__(self, script: Path, log: Path, mark: str) -> None:
        self.script, self.log, self.mark = script, log, mark
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    def address(self) -> str:
        """``HOST:PORT`` where it listens.

        :raises ChildProcessError: it does not start
        """
        if self._process is None or self._process.poll() is not None:
            self._start()
        return self._address

    def stop(self) -> None:
        """End it, by force if it must be."""
        if self._process is not None:
            stop_tree(self._process, self.mark, GRACE_SEC)

    def _start(self) -> None:
        command = [sys.executable, str(self.script), "--port", "0", "--clock", "lockstep"]
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C is for the controller, which ends the trial first.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {MARK: self.mark, "PYTHONUNBUFFERED": "1"},
            )
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
