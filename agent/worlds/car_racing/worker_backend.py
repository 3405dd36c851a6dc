"""Gymnasium's cars in processes of their own, for it draws every frame and that takes long."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.worlds.base import SimulatorLost
from agent.worlds.car_racing.backend import Moved
from agent.worlds.car_racing.exact.car import CAR
from agent.worlds.car_racing.gymnasium_backend import GymnasiumBackend
from agent.worlds.car_racing.observation import Window

ANSWER_SEC = 120.0  # for a call, also for the first; a call takes less than a second
ALIVE_SEC = 10.0  # from one look of a waiting worker at its parent to the next
END_SEC = 5.0  # that a worker has to end when it is asked to
START: Final = "spawn"  # a fork of a process with threads, such as torch has, may wait for ever


class WorkerBackend:
    """Environments of Gymnasium, dealt in turn to processes; to the bit as in one.

    :param n: how many
    :param window: that a learner sees
    :param processes: at most so many
    """

    def __init__(self, n: int, window: Window, processes: int | None = None) -> None:
        self.cars: NDArray[np.void] = np.zeros(n, dtype=CAR)
        workers = min(n, processes or os.cpu_count() or 1)
        self._workers = [_Worker(len(range(w, n, workers)), window) for w in range(workers)]

    def restart(self, k: int, seed: int) -> None:
        """See ``Backend``.

        :param k: number of the car
        :param seed: as Gymnasium's ``reset`` takes it
        """
        self._ask_one(k, "restart", seed)

    def centre_line(self, k: int) -> NDArray[np.float64]:
        """See ``Backend``."""
        found: NDArray[np.float64] = self._ask_one(k, "centre_line")
        return found

    def advance(self, commands: NDArray[np.float64], frames: NDArray[np.int64]) -> Moved:
        """See ``Backend``.

        :param commands: steering, gas and brake (n, 3)
        :param frames: how many at most (n,)
        """
        n = len(self.cars)
        moved = Moved(np.empty(n), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_))
        for w, worker in enumerate(self._workers):
            worker.ask("advance", commands[self._of(w)], frames[self._of(w)])
        for w in range(len(self._workers)):
            for every, part in zip(moved, self._answer(w), strict=True):
                every[self._of(w)] = part
        return moved

    def observe(self, out: NDArray[np.uint8], which: Sequence[int]) -> None:
        """See ``Backend``.

        :param out: pictures (cars, channels, rows, columns)
        :param which: numbers of these cars
        """
        numbers = np.asarray(which)
        worker_of = numbers % len(self._workers)
        asked = np.unique(worker_of).tolist()
        for w in asked:
            self._workers[w].ask("pictures", numbers[worker_of == w] // len(self._workers))
        for w in asked:
            out[worker_of == w] = self._answer(w)

    def picture(self, k: int) -> NDArray[np.uint8]:
        """See ``Backend``."""
        found: NDArray[np.uint8] = self._ask_one(k, "picture")
        return found

    def close(self) -> None:
        """See ``Backend``: the processes end."""
        for worker in self._workers:
            worker.close()
        self._workers = []

    def _of(self, w: int) -> slice:
        """The cars of a worker."""
        return slice(w, None, len(self._workers))

    def _ask_one(self, k: int, method: str, *arguments: Any) -> Any:
        w = k % len(self._workers)
        self._workers[w].ask(method, k // len(self._workers), *arguments)
        return self._answer(w)

    def _answer(self, w: int) -> Any:
        """The worker's answer; its cars are then as they are there."""
        try:
            found, self.cars[self._of(w)] = self._workers[w].answer()
        except SimulatorLost:
            self.close()
            raise
        return found


class _Worker:
    """A process with some of the cars.

    :param n: how many
    :param window: that a learner sees
    """

    def __init__(self, n: int, window: Window) -> None:
        context = multiprocessing.get_context(START)
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, n, window), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, method: str, *arguments: Any) -> None:
        """Sends a call, which ``answer`` waits for."""
        with suppress(OSError):  # the answer says so
            self._connection.send((method, arguments))

    def answer(self) -> Any:
        """Result of the call, and the cars after it.

        :raises SimulatorLost: the process ended or fell silent
        """
        try:
            if self._connection.poll(ANSWER_SEC):
                return self._connection.recv()
        except (EOFError, OSError):
            raise SimulatorLost("a process with Gymnasium's cars ended") from None
        raise SimulatorLost(f"a process with Gymnasium's cars said nothing for {ANSWER_SEC:.0f} s")

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.join(END_SEC)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(END_SEC)
        self._process.close()


class _Cars(GymnasiumBackend):
    """Gymnasium's cars as a worker has them."""

    def pictures(self, which: Sequence[int]) -> NDArray[np.uint8]:
        """Pictures of these cars as the learner sees them (cars, channels, rows, columns)."""
        out: NDArray[np.uint8] = np.empty((len(which), *self.window.shape), dtype=np.uint8)
        self.observe(out, which)
        return out


def _serve(connection: Connection, n: int, window: Window) -> None:
    """Answers calls until the other end is closed or gone.

    :param connection: to the process that asks
    :param n: cars
    :param window: that a learner sees
    """
    # Ctrl-C is for the one who asks, and it closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with closing(_Cars(n, window)) as cars, suppress(EOFError, OSError):
        while _parent_lives(connection):
            method, arguments = connection.recv()
            found = getattr(cars, method)(*arguments)
            connection.send((found, cars.cars))


def _parent_lives(connection: Connection) -> bool:
    """Waits for a call; returns False if there is nobody left to make one."""
    parent = multiprocessing.parent_process()
    while not connection.poll(ALIVE_SEC):
        if parent is None or not parent.is_alive():
            return False
    return True
