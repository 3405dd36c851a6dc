"""Both sockets: logins, the pull rule, clocks, spectators, and clients that misbehave."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.worlds.robotini.simulator import server as server_module
from agent.worlds.robotini.simulator.commands import LINE_LIMIT
from agent.worlds.robotini.simulator.events import CarInfo
from agent.worlds.robotini.simulator.parameters import Parameters
from tests.worlds.robotini.serving import Client, Serving, Spectator, serving, wait_until


@pytest.fixture(scope="module")
def practice() -> Iterator[Serving]:
    """One server in lockstep for tests that leave no car behind."""
    with serving() as server:
        yield server


def everybody_is_gone(server: Serving) -> bool:
    return wait_until(lambda: server.n_cars == 0)


def test_a_car_logs_in_and_drives(practice: Serving) -> None:
    with Client(practice) as client:
        first = client.frame()
        assert first.shape == (80, 128, 3)
        for _ in range(30):
            last = client.drive()
        assert (first != last).any()
    assert everybody_is_gone(practice)


@pytest.mark.parametrize(
    ("width", "shape"), [(64, (40, 64, 3)), (8, (5, 8, 3)), (7, (80, 128, 3)), (129, (80, 128, 3))]
)
def test_the_width_is_as_asked_for(
    practice: Serving, width: int, shape: tuple[int, int, int]
) -> None:
    with Client(practice, imageWidth=width) as client:
        assert client.frame().shape == shape
    assert everybody_is_gone(practice)


def test_a_frame_comes_only_to_who_said_something(practice: Serving) -> None:
    with Client(practice) as client:
        client.frame()
        assert client.is_silent()
        client.socket.sendall(b"\n")  # says nothing, and is an answer
        client.frame()
        assert client.is_silent()
        client.say(move=True)
        client.frame()
        client.say(action="wave")
        client.frame()
    assert everybody_is_gone(practice)


@pytest.mark.parametrize(
    "login",
    [
        b"\n",
        b"{}\n",
        b'{"name": "", "teamId": "a"}\n',
        b'{"name": "a"}\n',
        b'{"name": 3, "teamId": "a"}\n',
        b'{"name": "a", "teamId": "a", "imageWidth": "wide"}\n',
        b'["name"]\n',
        b"GET / HTTP/1.1\n",
        b"\xff\xfe\n",
    ],
)
def test_a_refused_login_is_a_closed_socket(practice: Serving, login: bytes) -> None:
    with Client(practice, None) as client:
        client.socket.sendall(login)
        assert client.is_closed()
    assert practice.said


def test_a_name_that_is_there_is_refused(practice: Serving) -> None:
    with Client(practice) as client:
        client.frame()
        with Client(practice) as other:
            assert other.is_closed()
        client.drive()
    assert everybody_is_gone(practice)
    assert "connection closed: car 'ann' is there already" in practice.said


@pytest.mark.parametrize(
    "line", [b"{\n", b"3\n", b'{"value": "much"}\n', b'{"value": 1e999}\n', b'{"value": NaN}\n']
)
def test_a_command_that_is_none_ends_the_connection(practice: Serving, line: bytes) -> None:
    with Client(practice) as client:
        client.frame()
        client.socket.sendall(line)
        assert client.is_closed()
    assert everybody_is_gone(practice)


def test_a_line_without_an_end_is_limited(practice: Serving) -> None:
    with Client(practice) as client:
        client.frame()
        client.socket.sendall(b"x" * (LINE_LIMIT + 2))
        assert client.is_closed()
    assert everybody_is_gone(practice)


def test_lines_come_in_any_pieces(practice: Serving) -> None:
    with Client(practice, None) as client:
        for byte in b'{"name": "ann", "teamId": "ann"}\n':
            client.socket.sendall(bytes([byte]))
        client.frame()
        client.socket.sendall(b'{"action": "forw')
        assert client.is_silent()
        client.socket.sendall(b'ard", "value": 0.1}\n')
        client.frame()
    assert everybody_is_gone(practice)


def test_lockstep_is_the_same_to_the_pixel() -> None:
    drives = []
    for _ in range(2):
        with serving() as server, Client(server) as client:
            client.frame()
            drives.append([client.drive(0.05, np.sin(i / 5)) for i in range(40)])
    assert np.array_equal(drives[0], drives[1])


def test_lockstep_waits_for_every_car_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server, Client(server, "ann") as ann:
        ann.frame()
        with Client(server, "bea") as bea:
            assert bea.is_silent()  # ann has not answered
            ann.drive()
            bea.frame()
            ann.say(action="forward", value=0.05)
            assert ann.is_silent()
            bea.drive()
            ann.frame()
            ann.say(action="forward", value=0.05)
            began = time.monotonic()
            ann.frame()  # though bea says nothing
            assert time.monotonic() - began > 0.5
        ann.drive()


def test_cars_see_each_other() -> None:
    with serving() as server, Client(server, "ann") as ann:
        alone = ann.frame()
        with Client(server, "bea"):
            assert wait_until(lambda: server.n_cars == 2)
            ann_racer = server.session.racers["ann"]
            bea_racer = server.session.racers["bea"]
            assert ann_racer.vehicle is not None
            server.session.place(bea_racer, ann_racer.vehicle.distance_m + 0.5)
            together = ann.drive(0.0)
            assert (together == (255, 200, 0)).all(axis=2).sum() > 100
        assert not (alone == (255, 200, 0)).all(axis=2).any()


def test_in_real_time_frames_pass_without_the_client() -> None:
    with serving("realtime") as server, Client(server) as client, Spectator(server) as spectator:
        client.frame()
        times = [spectator.expect("GameStatus")["timestamp"] for _ in range(30)]
        assert np.diff(times) == pytest.approx(1 / 60, abs=1e-5)
        assert client.is_silent()


def test_a_spectator_is_told_who_is_there_and_what_happens(practice: Serving) -> None:
    with Client(practice) as client:
        client.frame()
        with Spectator(practice) as spectator:
            assert spectator.next()["type"] == "RaceParameters"
            added = spectator.next()
            assert added["type"] == "CarAdded"
            assert {"teamId": "ann", "name": "ann", "color": "#ffc800"}.items() <= added[
                "car"
            ].items()
            client.drive()
            status = spectator.next()
            assert status["type"] == "GameStatus"
            (car,) = status["cars"]
            assert list(car) == ["name", "position", "velocity", "rotation"]
            client.socket.close()
            assert spectator.next()["type"] == "CarDisconnected"
            assert spectator.next()["type"] == "CurrentStandings"
            assert spectator.next()["type"] == "CarRemoved"
    assert everybody_is_gone(practice)


def test_a_spectators_command_is_done_and_another_ends_it() -> None:
    with serving() as server, Spectator(server) as spectator:
        spectator.expect("RaceParameters")
        for kind in ("CameraFollow", "ProceedToNextPhase", "MotorsToggle"):
            spectator.socket.sendall(json.dumps({"type": kind}).encode() + b"\n")
        assert wait_until(lambda: not server.session.motors_on)
        spectator.socket.sendall(b'{"type": "Explode"}\n')
        assert spectator.socket.recv(1 << 16) == b""
        assert server.said == ["connection closed: a spectator's command 'Explode' is unknown"]


def test_a_spectator_that_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "OUTBOX_LIMIT", 1000)
    with serving() as server, Client(server) as client:
        client.frame()
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.connect(server.addresses[1])
        limit = time.monotonic() + 10
        while not server.said and time.monotonic() < limit:
            server.session.tell("LongStory", text="x" * 30_000)
            client.drive()
        assert server.said == ["connection closed: a spectator does not read"]
        deaf.close()


def test_who_does_not_log_in_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LOGIN_SEC", 0.1)
    with serving() as server, Client(server, None) as client:
        assert client.is_closed()
        assert server.said == ["connection closed: no login in 0.1 s"]


def test_more_clients_than_seats_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MOST_CLIENTS", 1)
    with serving() as server, Client(server) as client:
        client.frame()
        with Client(server, "bea") as other:
            assert other.is_closed()
        client.drive()


NONSENSE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b'{"action":"forward","value":1e308}',
            b'{"action":"turn","value":-1e308}',
            b'{"action":"brake","value":-3}',
            b'{"action":"reverse"}',
            b'{"action":null,"value":null}',
            b'{"name":"x","teamId":"x","imageWidth":8}',
            b'{"name":"\\ud800","teamId":"x"}',
            b'{"type":"ResetSimulator"}',
            b"[" * 3000,
            b"1" * 5000,
        ]
    ),
)


@given(st.lists(st.lists(NONSENSE, max_size=4), min_size=20, max_size=20), st.booleans())
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_nonsense_ends_its_own_connection_at_most(
    practice: Serving, clients: list[list[bytes]], logged_in: bool
) -> None:
    """Some 2,000 inputs; a car that drives meanwhile is not disturbed."""
    with Client(practice, "good") as good:
        good.frame()
        for i, lines in enumerate(clients):
            with Client(practice, f"bad{i}" if logged_in else None) as bad:
                bad.socket.settimeout(1)
                bad.socket.sendall(b"".join(line + b"\n" for line in lines))
        assert wait_until(lambda: practice.n_cars == 1)
        good.drive()
        vehicle = practice.session.racers["good"].vehicle
        assert vehicle is not None
        assert np.isfinite([vehicle.x_m, vehicle.z_m, vehicle.speed]).all()
    assert everybody_is_gone(practice)
    assert [line for line in practice.said if "fault" in line] == []


def test_a_race_over_sockets_leaves_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parameters = Parameters(
        mode="race",
        cars=(CarInfo("ann", "the ann"), CarInfo("bea", "the bea")),
        raceTimeoutSeconds=1,
        raceResultFile="result.json",
    )
    with serving("realtime", parameters) as server, Spectator(server) as spectator:
        assert spectator.expect("RaceParameters")["mode"] == "race"
        with Client(server, "cat") as stranger:
            assert stranger.is_closed()
        with Client(server, "ann") as client:
            spectator.expect("CarConnected")
            for kind in ("QualifyingStart", "StartingGridInit", "RaceStart"):
                spectator.socket.sendall(b'{"type": "ProceedToNextPhase"}\n')
                spectator.expect(kind)
            client.frame()
            with Client(server, "bea") as late:
                assert late.is_closed()
            spectator.expect("RaceFinished")
            assert wait_until((tmp_path / "result.json").is_file)
        result = json.loads((tmp_path / "result.json").read_text())
        assert result["type"] == "RaceFinished"
        assert [row["car"]["name"] for row in result["standings"]] == ["the ann"]
        assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
