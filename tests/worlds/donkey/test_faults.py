"""Every way to lose a simulator is named, within the limits of the waits.

A wait without a limit would outlast the fault, and another cause would be named or none.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from agent.simulator.protocol import parse_strictly
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.remote.client import SimulatorLost, as_json
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.remote.upstream_version import missing
from tests.worlds.donkey.scripted_unity import (
    AT_START,
    FULL,
    LIMITS,
    REST,
    ROOT,
    Fault,
    Unity,
    driving,
    picture,
    simulator,
)


def freeze(unity: Unity) -> None:
    unity.over.wait(10.0)


def close(unity: Unity) -> None:
    raise ConnectionError


def cut(unity: Unity) -> None:
    unity.client.sendall(b'{"msg_type":"telemetry","image":"/9j/4AAQ')
    raise ConnectionError


def reset_connection(unity: Unity) -> None:
    unity.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raise ConnectionError


def says(line: bytes) -> Fault:
    return lambda unity: unity.client.sendall(line)


def says_only(line: bytes) -> Fault:
    def fault(unity: Unity) -> None:
        while not unity.over.wait(0.01):
            unity.client.sendall(line)

    return fault


def telemetry(**fields: Any) -> Fault:
    whole = {
        "msg_type": "telemetry",
        "speed": 0.0,
        "pos_x": 6.2,
        "pos_y": 0.0,
        "pos_z": 6.0,
        "image": AT_START,
    }
    return says(json.dumps(whole | fields).encode() + b"\n")


def drive(env: DonkeyEnv) -> None:
    for _ in range(1000):
        env.step(REST)


FAULTS: dict[str, tuple[Fault, str]] = {
    "frozen": (freeze, r"no telemetry for 0\.3 s"),
    "closed": (close, "it closed the connection"),
    "cut": (cut, "it closed the connection in the middle of a message"),
    "reset": (reset_connection, r"the connection broke|it closed|it does not take"),
    "garbage": (says_only(b"\x00\xff\xfe garbage\n"), "no telemetry .*garbage: "),
    "http": (says_only(b"HTTP/1.1 400 Bad\r\n\r\n"), "garbage: b'HTTP/1.1 400"),
    "list": (says_only(b"[1, 2, 3]\n"), "garbage: "),
    "flood": (says_only(b"what?\n" * 20_000), r"no telemetry .*broken lines were skipped"),
    "endless": (says(b"x" * (3 << 20)), "garbage: .* bytes without the end of a line"),
    "nan": (telemetry(speed=float("nan")), "its telemetry has speed nan"),
    "huge": (telemetry(pos_x=10**400), "its telemetry has pos_x 1000"),
    "text": (telemetry(cte="left"), "its telemetry has cte 'left'"),
    "blind": (telemetry(image="AAAA"), "no picture that can be read"),
    "imageless": (telemetry(image=None), "no picture that can be read"),
    "small": (
        telemetry(image=picture(9, (8, 8))),
        r"its pictures are \(8, 8, 3\), not \(120, 160, 3\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_named(name: str) -> None:
    fault, cause = FAULTS[name]
    with simulator(fault=fault) as (port, _), driving(port) as env:
        env.reset()
        with pytest.raises(SimulatorLost, match=cause) as caught:
            drive(env)
        assert str(caught.value).startswith(f"simulator 127.0.0.1:{port} lost: ")
        assert "last message: " in str(caught.value) and "\n" not in str(caught.value)
        with pytest.raises(SimulatorLost, match="give conf reconnect=True"):
            env.reset()


@pytest.mark.parametrize(
    "habits", [{"fault": freeze}, {"fault": close}, {"fault": says_only(b"what?\n")}]
)
def test_faults_while_connecting(habits: dict[str, Any]) -> None:
    with simulator(fault_at=0, **habits) as (port, _):
        lost = pytest.raises(SimulatorLost, match=f"127.0.0.1:{port} lost")
        with lost, driving(port):
            pass


BROKEN = {
    "bytes": b"\x00\xff\xfe garbage\n",
    "torn": b'{"msg_type":"telemetry","speed":1.5,"pos_x":\n',
    "list": b"[1, 2, 3]\n",
    "no type": b'{"speed":1.5}\n',
    "log line": b"NullReferenceException: Object reference not set\n",
    "nested": b"[" * 100_000 + b"\n",
}


@pytest.mark.filterwarnings("ignore:simulator 127.0.0.1")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_among_good_ones_is_skipped_and_counted(name: str) -> None:
    with simulator(fault=says(BROKEN[name]), fault_at=0) as (port, _), driving(port) as env:
        env.reset()
        for _ in range(20):
            env.step(REST)
        assert isinstance(env.world, RemoteWorld)
        assert env.world._link.broken_lines > 10


@pytest.mark.filterwarnings("default")
def test_the_first_broken_line_is_said_once(recwarn: pytest.WarningsRecorder) -> None:
    with simulator(fault=says(b"what?\n"), fault_at=0) as (port, _), driving(port) as env:
        env.reset()
        env.step(REST)
    (said,) = recwarn.list
    assert f"127.0.0.1:{port} sends garbage, which is skipped: b'what?'" in str(said.message)


def test_paths_with_backslashes_are_read_as_unity_writes_them() -> None:
    line = as_json(rb'{"msg_type":"scene_names","scene_names":["warren","C:\Users\new\x"],"t":1,5}')
    assert parse_strictly(line) == {
        "msg_type": "scene_names", "scene_names": ["warren", r"C:\Users\new\x"], "t": 1.5,
    }  # fmt: skip


def until_lost(act: Callable[[], Any]) -> None:
    for _ in range(50):
        act()


@pytest.mark.parametrize("name", ["step", "reset"])
def test_silence_is_named_within_the_limit_and_closing_waits_for_nothing(name: str) -> None:
    with simulator(fault=freeze, fault_at=10**9) as (port, met), driving(port) as env:
        env.reset()
        met[0].fault_at = 0  # silent from its next frame on
        acts = {"step": lambda: env.step(REST), "reset": lambda: env.reset()}
        began = time.monotonic()
        with pytest.raises(SimulatorLost, match=r"no telemetry for 0\.3 s; last message: {"):
            until_lost(acts[name])
        assert time.monotonic() - began < 1.5
        began = time.monotonic()
        env.close()
        assert time.monotonic() - began < 0.2


def test_a_simulator_that_never_says_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        silent = pytest.raises(SimulatorLost, match=r"no car within 1\.2 s; last message: none")
        with silent, driving(port):
            pass


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        SimulatorLost,
        match=rf'answers on 127.0.0.1:{port} .* "python agent/donkey_sim.py --port {port}"',
    ):
        DonkeyEnv("generated_track", {"port": port})


def test_a_scene_that_is_not_in_the_list() -> None:
    with (
        simulator(menu=True) as (port, _),
        pytest.raises(SimulatorLost, match="generated_road, warehouse, generated_"),
    ):
        DonkeyEnv("mini_monaco", {"port": port, **LIMITS})


def test_a_scene_that_cannot_be_left() -> None:
    wrong = pytest.raises(SimulatorLost, match="wrong scene, 'generated_track' was asked for")
    with simulator(scene="mountain_track", leaves=False) as (port, _), wrong, driving(port):
        pass


def test_a_car_that_does_not_go_where_it_is_put() -> None:
    with simulator(follows=False) as (port, _), driving(port, start="anywhere") as env:
        place = r"at \(.*\) u, .* degrees in 0\.6 s"
        with pytest.raises(
            SimulatorLost, match=f"after set_position the car does not rest {place}"
        ):
            env.reset(seed=3)


def test_reconnects_where_asked() -> None:
    with simulator(fault=close) as (port, met), driving(port, reconnect=True) as env:
        env.reset()
        for _ in range(200):
            frame, reward, terminated, truncated, info = env.step(REST)
            if truncated:
                break
        assert (reward, terminated, truncated, info["end_reason"]) == (0.0, False, True, "sim_lost")
        assert frame.shape == (120, 160, 3)
        assert env.reset()[1]["speed"] == 0.0
        assert len(met) == 2


@pytest.mark.slow
@pytest.mark.parametrize("client", ["own", "gym-donkeycar"])
def test_the_real_server_frozen_and_killed(client: str) -> None:
    if client != "own" and (reason := missing()):
        pytest.skip(reason)
    command = [sys.executable, "agent/donkey_sim.py", "--port", "0"]
    command += ["--clock", "lockstep", "--scene", "generated_track"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().split()[2].rpartition(":")[2])
            for number, cause in (
                (signal.SIGSTOP, "no telemetry for 0.3 s"),
                (signal.SIGKILL, "it closed|broke|not take"),
            ):
                with driving(port, client=client, connect_limit_sec=9.0) as env:
                    env.reset()
                    env.step(FULL)
                    process.send_signal(number)
                    with pytest.raises(SimulatorLost, match=cause):
                        drive(env)
                    process.send_signal(signal.SIGCONT)
        finally:
            process.kill()
