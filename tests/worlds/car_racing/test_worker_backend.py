"""Gymnasium's cars in processes: the same bits as in this one, and no process is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("Box2D", reason="Gymnasium's CarRacing needs Box2D")

from agent.worlds.base import Purpose, SimulatorLost
from agent.worlds.car_racing.gymnasium_backend import GymnasiumBackend
from agent.worlds.car_racing.make_vec_env import MANY, open_backend
from agent.worlds.car_racing.observation import Window
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.worker_backend import WorkerBackend

WINDOW = Window(84, 6, 84, colour=False, strip=False)
CARS = 3
COMMANDS = np.array([[-0.1, 0.3, 0.0], [0.0, 0.2, 0.0], [0.3, 0.0, 0.1]])


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerBackend]:
    backend = WorkerBackend(CARS, WINDOW, processes=2)
    yield backend
    backend.close()


def test_they_do_to_the_bit_what_they_do_in_this_process(workers: WorkerBackend) -> None:
    here = GymnasiumBackend(CARS, WINDOW)
    for backend in (workers, here):
        for k in range(CARS):
            backend.restart(k, 40 + k)
    for frames in ([1, 2, 3], [2, 0, 1]):
        moved = workers.advance(COMMANDS, np.array(frames))
        expected = here.advance(COMMANDS, np.array(frames))
        assert all(map(np.array_equal, moved, expected))
        assert moved.frames.tolist() == frames
    workers.restart(2, 50)
    here.restart(2, 50)
    assert np.array_equal(workers.cars, here.cars)
    assert len(np.unique(workers.cars["position"][:, 0], axis=0)) == CARS
    which = [2, 0, 1]
    seen, expected_seen = np.zeros((2, len(which), *WINDOW.shape), dtype=np.uint8)
    workers.observe(seen, which)
    here.observe(expected_seen, which)
    assert np.array_equal(seen, expected_seen)
    assert len(np.unique(seen.reshape(CARS, -1), axis=0)) == CARS
    workers.observe(seen[:1], [1])
    assert np.array_equal(seen[0], expected_seen[2])
    for k in range(CARS):
        assert np.array_equal(workers.picture(k), here.picture(k))
        assert np.array_equal(workers.centre_line(k), here.centre_line(k))
    here.close()


def test_ctrl_c_is_not_for_them_and_an_end_is_told(workers: WorkerBackend) -> None:
    first, last = multiprocessing.active_children()
    for process in (first, last):
        assert process.pid
        os.kill(process.pid, signal.SIGINT)
    workers.restart(0, 1)
    os.kill(last.pid or 0, signal.SIGKILL)
    with pytest.raises(SimulatorLost, match="cars ended"):
        workers.advance(COMMANDS, np.ones(CARS, dtype=np.int64))
    assert multiprocessing.active_children() == []
    workers.close()


def test_many_cars_are_judged_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        def __init__(self, *_: object) -> None: ...

    monkeypatch.setattr("agent.worlds.car_racing.make_vec_env.WorkerBackend", Fake)
    options = CarRacingOptions(backend="gymnasium")
    assert isinstance(open_backend(options, MANY, Purpose.JUDGE), Fake)
    for n, purpose in ((MANY - 1, Purpose.JUDGE), (MANY, Purpose.CHOOSE), (MANY, Purpose.TRAIN)):
        assert isinstance(open_backend(options, n, purpose), GymnasiumBackend)
