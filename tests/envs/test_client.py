"""Our client against a scripted simulator: upstream's message order, its habits, and every way to lose it."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.envs.client import SimulatorLost
from agent.envs.donkey_env import DonkeyEnv
from agent.envs.upstream import missing
from agent.simulator.tracks import build_track, load_scene

ROOT = Path(__file__).resolve().parents[2]
SCENES = ["generated_road", "warehouse", "generated_track", "mountain_track"]
FRAME_SEC = 0.005
LIMITS = {"connect_limit_sec": 1.2, "frame_limit_sec": 0.3, "reset_limit_sec": 0.6}
FULL = np.array([0.0, 1.0], dtype=np.float32)
REST = np.array([0.0, 0.0], dtype=np.float32)
Fault = Callable[["Unity"], None]


def picture(brightness: int, size: tuple[int, int] = (120, 160)) -> str:
    file = cv2.imencode(".jpg", np.full((*size, 3), brightness, dtype=np.uint8))[1]
    return base64.b64encode(file.tobytes()).decode()


AT_START, ELSEWHERE = picture(20), picture(200)


class Unity:
    """One car as the Unity simulator serves it: telemetry by itself, resets some frames late, no answers.

    It drives straight on from the start of generated_track, as fast as the throttle says.
    """

    def __init__(
        self,
        client: socket.socket,
        *,
        menu: bool = False,
        legacy: bool = False,
        comma: bool = False,
        sparse: bool = False,
        follows: bool = True,
        leaves: bool = True,
        scene: str = "generated_track",
        fault: Fault | None = None,
        fault_at: int = 30,
    ) -> None:
        self.client, self.menu, self.legacy, self.comma, self.sparse = client, menu, legacy, comma, sparse
        self.follows, self.leaves, self.fault, self.fault_at = follows, leaves, fault, fault_at
        self.heard: list[dict[str, Any]] = []
        self.raw = b""
        self.hits: list[str] = []
        self.over = threading.Event()
        self.frames = self.since_reset = 0
        self.was_reset = False
        self.load(scene)

    def load(self, scene: str) -> None:
        self.scene = load_scene(scene)
        self.track = build_track(self.scene, 7)
        self.control = {"steering": 0.0, "throttle": 0.0, "brake": 0.0}
        self.place = self.start
        self.reset_in = self.put_in = -1
        self.target = self.start

    @property
    def start(self) -> tuple[float, float, float]:
        start = self.scene.start
        return start["x"], start["z"], start["yaw_deg"]

    def serve(self) -> None:
        self.client.settimeout(FRAME_SEC)
        if self.menu:
            self.say({"msg_type": "scene_selection_ready", "loaded": "1"})
        else:
            self.say({"msg_type": "need_car_config" if self.legacy else "car_loaded"})
        while True:
            with contextlib.suppress(TimeoutError):
                self.listen()
            if not self.menu:
                self.frame()

    def listen(self) -> None:
        chunk = self.client.recv(1 << 16)
        if not chunk:
            raise ConnectionError
        self.raw += chunk
        for piece in chunk.decode().split("{")[1:]:
            self.heard.append(json.loads("{" + piece))
            getattr(self, "on_" + self.heard[-1]["msg_type"])(self.heard[-1])

    def frame(self) -> None:
        """Let 0.05 s of its own time pass and send telemetry."""
        self.frames += 1
        self.since_reset += self.was_reset
        if self.fault is not None and self.since_reset >= self.fault_at:
            self.fault(self)
        x, z, yaw = self.place
        speed = 0.0 if self.control["brake"] else 3.0 * self.control["throttle"]
        self.place = (x, z + speed * 8 * 0.05, yaw)
        self.put_in -= 1
        if self.put_in == 0:
            self.place = self.target
        self.reset_in -= 1
        if self.reset_in == 0:
            self.place, self.control = self.start, {"steering": 0.0, "throttle": 0.0, "brake": 1.0}
            speed = 0.0
        self.telemetry(speed)
        if self.frames % 3 == 0:
            self.client.sendall(b"{}\n")
        if self.frames % 5 == 0:
            self.say({"msg_type": "collision_with_starting_line", "starting_line_index": 0, "timeStamp": 1.5})
            self.say({"msg_type": "a_word_of_some_later_build", "ratio": 0.5})

    def telemetry(self, speed: float) -> None:
        x, z, yaw = self.place
        at_start = bool(np.hypot(x - self.start[0], z - self.start[1]) < 0.5)
        message: dict[str, Any] = {
            "msg_type": "telemetry", "steering_angle": 0.0, "throttle": self.control["throttle"],
            "image": AT_START if at_start else ELSEWHERE, "hit": self.hits.pop() if self.hits else "none",
            "speed": speed, "pos_x": x / 8, "pos_y": 0.5, "pos_z": z / 8, "yaw": yaw + 0.0,
        }  # fmt: skip
        if not self.sparse:
            message |= {
                "time": self.frames * 0.05, "cte": 0.125, "activeNode": 1, "totalNodes": len(self.track.nodes),
                "vel_x": 0.0, "vel_y": 0.0, "vel_z": speed, "accel_x": 0.5, "accel_y": 0.5, "accel_z": 1.5e-05,
                "gyro_x": 0.0, "gyro_y": 0.25, "gyro_z": 0.0, "roll": 0.0, "pitch": 0.0,
            }  # fmt: skip
        self.say(message)

    def say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        self.client.sendall((re.sub(r"(: -?\d+)\.(\d)", r"\1,\2", text) if self.comma else text).encode() + b"\n")

    def on_get_scene_names(self, _: dict[str, Any]) -> None:
        if self.menu:
            self.say({"msg_type": "scene_names", "scene_names": SCENES})

    def on_load_scene(self, message: dict[str, Any]) -> None:
        self.menu = False
        self.load(message["scene_name"])
        self.say({"msg_type": "car_loaded"})

    def on_exit_scene(self, _: dict[str, Any]) -> None:
        self.menu = self.leaves

    def on_control(self, message: dict[str, Any]) -> None:
        self.control = {name: float(message[name]) for name in ("steering", "throttle", "brake")}

    def on_reset_car(self, _: dict[str, Any]) -> None:
        self.reset_in = 3
        self.was_reset = True

    def on_set_position(self, message: dict[str, Any]) -> None:
        if self.follows:
            turn = 2 * np.degrees(np.arctan2(float(message["Qy"]), float(message["Qw"])))
            self.target = (float(message["pos_x"]), float(message["pos_z"]), float(turn))
            self.put_in = 2

    def on_node_position(self, message: dict[str, Any]) -> None:
        x, z, height = self.track.nodes[int(message["index"])].tolist()
        if not self.sparse:
            self.say({"msg_type": "node_position", "index": 0, "pos_x": x, "pos_y": height, "pos_z": z})

    def on_cam_config(self, _: dict[str, Any]) -> None:
        pass


@contextlib.contextmanager
def simulator(**habits: Any) -> Iterator[tuple[int, list[Unity]]]:
    """A port where every connection meets a ``Unity`` with these habits; and those met so far."""
    met: list[Unity] = []
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(unity: Unity) -> None:
        with unity.client, contextlib.suppress(OSError):
            unity.serve()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                met.append(Unity(listener.accept()[0], **habits))
                threads.append(threading.Thread(target=serve, args=(met[-1],), daemon=True))
                threads[-1].start()

    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    try:
        yield listener.getsockname()[1], met
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for unity in met:
            unity.over.set()
            with contextlib.suppress(OSError):
                unity.client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5.0)
            assert not thread.is_alive()


@contextlib.contextmanager
def driving(port: int, **conf: Any) -> Iterator[DonkeyEnv]:
    env = DonkeyEnv("generated_track", {"port": port, **LIMITS, **conf})
    try:
        yield env
    finally:
        env.close()


@pytest.mark.parametrize(
    "habits",
    [
        {"menu": True},
        {},
        {"legacy": True, "sparse": True},
        {"comma": True},
        {"menu": True, "comma": True, "sparse": True},
    ],
    ids=["menu", "loaded", "legacy", "comma", "sparse menu"],
)
def test_upstreams_habits(habits: dict[str, Any]) -> None:
    with simulator(**habits) as (port, met), driving(port) as env:
        for _ in range(2):
            frame, info = env.reset(seed=0)
            assert info["pos"] == pytest.approx((49.69 / 8, 0.5, 47.838 / 8)) and info["speed"] == 0.0
            assert abs(int(frame.mean()) - 20) < 3 and info["progress"] == 0.0
            for _ in range(6):
                frame, reward, terminated, truncated, info = env.step(FULL)
            assert info["speed"] == info["forward_vel"] == 3.0 and not terminated and not truncated
            assert info["progress"] > 0.01 and info["pos"][2] > 6.3 and abs(int(frame.mean()) - 200) < 3
            assert reward == pytest.approx(3.0 * (1.0 - abs(info["cte"]) / 8.0))
    (unity,) = met
    heard = [message["msg_type"] for message in unity.heard if message["msg_type"] != "node_position"]
    entry = ["get_scene_names", "load_scene"] if habits.get("menu") else []
    assert heard[: len(entry) + 3] == [*entry, "control", "reset_car", "control"]
    assert next(message for message in unity.heard if message["msg_type"] == "control")["brake"] == "1.0"
    assert b"\n" not in unity.raw
    assert all(isinstance(value, str) for message in unity.heard for value in message.values())


def test_a_reset_is_over_when_the_car_rests_at_its_start_and_nothing_stale_follows() -> None:
    with simulator() as (port, met), driving(port) as env:
        for _ in range(5):
            env.reset()
            _, _, _, _, info = env.step(REST)
            assert info["pos"][2] == pytest.approx(47.838 / 8) and info["speed"] == 0.0
            for _ in range(4):
                _, _, _, _, info = env.step(FULL)
            assert info["pos"][2] > 47.838 / 8 + 0.1
        met[0].hits.append("cone")
        time.sleep(0.05)
        assert env.reset()[1]["hit"] == "none"


def test_a_car_put_a_little_aside_is_not_taken_to_be_there_before_it_is() -> None:
    with simulator() as (port, met), driving(port, start="jitter") as env:
        for seed in range(5):
            _, info = env.reset(seed=seed)
            x, z, yaw = met[0].target
            assert (info["pos"][0] * 8, info["pos"][2] * 8) == pytest.approx((x, z))
            assert info["car"][2] == pytest.approx(yaw)


def test_a_hit_in_a_frame_between_two_steps_is_not_lost() -> None:
    with simulator() as (port, met), driving(port) as env:
        env.reset()
        met[0].hits.append("cone (3)")
        time.sleep(0.1)
        _, reward, terminated, _, info = env.step(REST)
        assert terminated and reward == -1.0 and info["hit"] == "cone (3)" and info["end_reason"] == "hit"


def test_episodes_start_where_asked_and_a_path_that_is_lost_by_it_is_our_own() -> None:
    with simulator() as (port, _), driving(port, start="anywhere") as env:
        _, info = env.reset(seed=3)
        x, z = info["pos"][0] * 8, info["pos"][2] * 8
        assert np.hypot(x - 49.69, z - 47.838) > 5.0
        track = env.world.track
        node = track.nearest_node(x, z)
        assert abs(info["cte"]) == pytest.approx(np.hypot(*(track.nodes[node, :2] - (x, z))), abs=1.0)


def test_another_scene_is_left_for_the_one_asked_for() -> None:
    with simulator(scene="mountain_track") as (port, met), driving(port) as env:
        assert env.reset()[1]["pos"][0] == pytest.approx(49.69 / 8)
    heard = [message["msg_type"] for message in met[0].heard]
    assert heard.index("exit_scene") < heard.index("get_scene_names") < heard.index("load_scene")


def test_the_nodes_of_a_random_road_are_the_simulators() -> None:
    with simulator(menu=True) as (port, met):
        env = DonkeyEnv("generated_road", {"port": port, **LIMITS, "connect_limit_sec": 5.0})
        assert np.allclose(env.world.track.nodes, met[0].track.nodes)
        env.close()


def test_a_camera_is_asked_for_after_the_car_is_loaded() -> None:
    with simulator() as (port, met), driving(port, cam_config={"fov": 80}) as env:
        env.reset()
        assert met[0].heard[0] == {
            "msg_type": "cam_config", "fov": "80", "fish_eye_x": "0", "fish_eye_y": "0", "img_w": "160",
            "img_h": "120", "img_d": "0", "img_enc": "JPG", "offset_x": "0", "offset_y": "0", "offset_z": "0",
            "rot_x": "0", "rot_y": "0", "rot_z": "0",
        }  # fmt: skip


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


def telemetry(**fields: Any) -> Fault:
    whole = {"msg_type": "telemetry", "speed": 0.0, "pos_x": 6.2, "pos_y": 0.0, "pos_z": 6.0, "image": AT_START}
    return says(json.dumps(whole | fields).encode() + b"\n")


def drive(env: DonkeyEnv) -> None:
    for _ in range(1000):
        env.step(REST)


FAULTS: dict[str, tuple[Fault, str]] = {
    "frozen": (freeze, r"no telemetry for 0\.3 s"),
    "closed": (close, "it closed the connection"),
    "cut": (cut, "it closed the connection in the middle of a message"),
    "reset": (reset_connection, r"the connection broke|it closed|it does not take"),
    "garbage": (says(b"\x00\xff\xfe garbage\n"), "garbage: "),
    "http": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "garbage: b'HTTP/1.1 400"),
    "list": (says(b"[1, 2, 3]\n"), "garbage: "),
    "endless": (says(b"x" * (3 << 20)), "garbage: .* bytes without the end of a line"),
    "nan": (telemetry(speed=float("nan")), "its telemetry has speed nan"),
    "huge": (telemetry(pos_x=10**400), "its telemetry has pos_x 1000"),
    "text": (telemetry(cte="left"), "its telemetry has cte 'left'"),
    "blind": (telemetry(image="AAAA"), "no picture that can be read"),
    "imageless": (telemetry(image=None), "no picture that can be read"),
    "small": (telemetry(image=picture(9, (8, 8))), r"its pictures are \(8, 8, 3\), not \(120, 160, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_named_in_time(name: str) -> None:
    fault, cause = FAULTS[name]
    with simulator(fault=fault) as (port, _), driving(port) as env:
        env.reset()
        begun = time.monotonic()
        with pytest.raises(SimulatorLost, match=cause) as caught:
            drive(env)
        assert time.monotonic() - begun < 8.0  # on a busy machine; the limits add up to less than two
        assert str(caught.value).startswith(f"simulator 127.0.0.1:{port} lost: ")
        assert "last message: " in str(caught.value) and "\n" not in str(caught.value)
        with pytest.raises(SimulatorLost, match="give conf reconnect=True"):
            env.reset()


@pytest.mark.parametrize("habits", [{"fault": freeze}, {"fault": close}, {"fault": says(b"what?\n")}])
def test_faults_while_connecting(habits: dict[str, Any]) -> None:
    with simulator(fault_at=0, **habits) as (port, _):
        begun = time.monotonic()
        with pytest.raises(SimulatorLost, match=f"127.0.0.1:{port} lost"), driving(port):
            pass
        assert time.monotonic() - begun < 8.0  # on a busy machine; the limits add up to less than two


def test_a_simulator_that_never_says_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port, begun = mute.getsockname()[1], time.monotonic()
        with pytest.raises(SimulatorLost, match=r"no car within 1\.2 s; last message: none"), driving(port):
            pass
        assert time.monotonic() - begun < 8.0  # on a busy machine; the limits add up to less than two


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        SimulatorLost, match=rf'answers on 127.0.0.1:{port} .* "python agent/donkey_sim.py --port {port}"'
    ):
        DonkeyEnv("generated_track", {"port": port})


def test_a_scene_that_is_not_in_the_list() -> None:
    with simulator(menu=True) as (port, _), pytest.raises(SimulatorLost, match="generated_road, warehouse, generated_"):
        DonkeyEnv("mini_monaco", {"port": port, **LIMITS})


def test_a_scene_that_cannot_be_left() -> None:
    begun = time.monotonic()
    wrong = pytest.raises(SimulatorLost, match="wrong scene, 'generated_track' was asked for")
    with simulator(scene="mountain_track", leaves=False) as (port, _), wrong, driving(port):
        pass
    assert time.monotonic() - begun < 8.0  # on a busy machine; the limits add up to less than two


def test_a_car_that_does_not_go_where_it_is_put() -> None:
    with simulator(follows=False) as (port, _), driving(port, start="anywhere") as env:
        begun = time.monotonic()
        with pytest.raises(
            SimulatorLost, match=r"after set_position the car does not rest at \(.*\) u, .* degrees in 0\.6 s"
        ):
            env.reset(seed=3)
        assert time.monotonic() - begun < 8.0  # on a busy machine; the limits add up to less than two


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
    command = [
        sys.executable,
        "agent/donkey_sim.py",
        "--port",
        "0",
        "--clock",
        "lockstep",
        "--scene",
        "generated_track",
    ]
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
                    begun = time.monotonic()
                    with pytest.raises(SimulatorLost, match=cause):
                        drive(env)
                    assert time.monotonic() - begun < 8.0  # on a busy machine; the limits add up to less than two
                    process.send_signal(signal.SIGCONT)
        finally:
            process.kill()
