"""A scripted Unity simulator on a port: upstream's message order, its habits, and one car."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.simulator.tracks import build_track, load_scene
from agent.worlds.donkey.env import DonkeyEnv

ROOT = Path(__file__).resolve().parents[3]
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
    """One car as Unity serves it: telemetry by itself, resets some frames late, no answers.

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
        self.client = client
        self.menu = menu
        self.legacy = legacy
        self.comma = comma
        self.sparse = sparse
        self.follows = follows
        self.leaves = leaves
        self.fault = fault
        self.fault_at = fault_at
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
            self.say(
                {
                    "msg_type": "collision_with_starting_line",
                    "starting_line_index": 0,
                    "timeStamp": 1.5,
                }
            )
            self.say({"msg_type": "a_word_of_some_later_build", "ratio": 0.5})

    def telemetry(self, speed: float) -> None:
        x, z, yaw = self.place
        at_start = bool(np.hypot(x - self.start[0], z - self.start[1]) < 0.5)
        message: dict[str, Any] = {
            "msg_type": "telemetry",
            "steering_angle": 0.0,
            "throttle": self.control["throttle"],
            "image": AT_START if at_start else ELSEWHERE,
            "hit": self.hits.pop() if self.hits else "none",
            "speed": speed,
            "pos_x": x / 8,
            "pos_y": 0.5,
            "pos_z": z / 8,
            "yaw": yaw + 0.0,
        }
        if not self.sparse:
            message |= {
                "time": self.frames * 0.05, "cte": 0.125, "activeNode": 1,
                "totalNodes": len(self.track.nodes), "vel_x": 0.0, "vel_y": 0.0, "vel_z": speed,
                "accel_x": 0.5, "accel_y": 0.5, "accel_z": 1.5e-05, "gyro_x": 0.0, "gyro_y": 0.25,
                "gyro_z": 0.0, "roll": 0.0, "pitch": 0.0,
            }  # fmt: skip
        self.say(message)

    def say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        self.client.sendall(
            (re.sub(r"(: -?\d+)\.(\d)", r"\1,\2", text) if self.comma else text).encode() + b"\n"
        )

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
            self.say(
                {"msg_type": "node_position", "index": 0, "pos_x": x, "pos_y": height, "pos_z": z}
            )

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
