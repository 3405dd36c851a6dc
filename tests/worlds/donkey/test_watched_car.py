from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from agent import donkey_sim
from agent.config import files
from agent.simulator.server import Server
from agent.worlds.donkey.watched_car import Showing, WatchedCar
from tests.refusals import refusal
from tests.simulator.serving import TRACK, Client
from tests.watched import picture_in, watching

LIMIT_SEC = 20.0


@contextmanager
def shown_server(folder: Path) -> Iterator[Server]:
    showing = Showing(folder)
    showing.open("9091")
    server = Server(port=0, scene=TRACK, clock="lockstep", car=partial(WatchedCar, showing=showing))
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(LIMIT_SEC)
        showing.close()


def test_cars_are_shown_side_by_side_to_who_watches(tmp_path: Path) -> None:
    with (
        shown_server(tmp_path) as server,
        watching(tmp_path / "9091") as seen,
        Client(server) as one,
        Client(server) as two,
    ):
        one.enter()
        two.enter()
        deadline = time.monotonic() + LIMIT_SEC
        while not any(facts["gauges"]["throttle"] and len(files) == 2 for facts, files in seen):
            one.drive()
            two.drive()
            assert time.monotonic() < deadline
    facts, pictures = seen[-1]
    assert set(pictures) == {"car 1", "car 2"}
    assert picture_in(pictures["car 1"]).shape == (120, 160, 3)
    assert facts["gauges"]["throttle"] == pytest.approx(0.3)
    assert not (tmp_path / "9091").exists()


def test_nobody_is_shown_what_nobody_watches(tmp_path: Path) -> None:
    with shown_server(tmp_path) as server, Client(server) as client:
        client.enter()
        for _ in range(20):
            client.drive()
        assert list((tmp_path / "9091").iterdir()) == []


def test_a_folder_that_cannot_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    argv = ["--port", "0", "--show", str(tmp_path / "file")]
    line = refusal(donkey_sim.main, argv, tmp_path, capsys)
    assert f"--show {tmp_path / 'file' / files.SIMULATORS} cannot be a folder" in line
