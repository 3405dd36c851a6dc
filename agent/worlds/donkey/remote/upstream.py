"""Upstream's own client, gym_donkeycar 1.3 or newer, as a link of ``RemoteWorld``.

Its socket, handshake and picture decoding are used as they are. Its waits are not, for they have no
limit.
"""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agent.simulator.protocol import Message
from agent.worlds.donkey.remote.link import (
    NODE_LIMIT_SEC,
    NODES_AT_ONCE,
    Limits,
    Link,
    Vector,
    refused,
)

POLL_SEC = 0.1  # chosen


def _modules() -> tuple[ModuleType, ModuleType]:
    """Upstream's client and message handler.

    Importing them registers upstream's environments; ours keep their ids.
    """
    ours = dict(gymnasium.registry)
    with warnings.catch_warnings(action="ignore"):
        client = import_module("gym_donkeycar.core.sim_client")
        simulator = import_module("gym_donkeycar.envs.donkey_sim")
    gymnasium.registry.update(ours)
    return client, simulator


class UpstreamConnection(Link):
    """The link over upstream's client.

    :param host: of the simulator
    :param port: of the simulator
    :param scene: the simulator's name of the scene to drive in
    :param limits: of all waits
    :param conf: upstream's conf, which its own client reads
    :raises SimulatorLost: nobody answers, or not as a simulator
    """

    def __init__(
        self, host: str, port: int, scene: str, limits: Limits, conf: dict[str, Any]
    ) -> None:
        client, simulator = _modules()
        super().__init__(host, port, limits)
        self._arrived = threading.Condition()
        self._telemetry: list[Message] = []
        self._nodes: list[Message] = []
        self._connected = threading.Event()
        own = {**conf, "level": scene, "host": host, "port": port}
        self._handler = self._hooked(simulator.DonkeyUnitySimHandler(own))
        self._client = self._connect(client)
        self._connected.set()
        self.is_open = True
        # It sends a control of its own once the car is there; what follows the answer to this is
        # ours.
        if not self._wait(lambda: bool(self._telemetry), self.deadline):
            raise self.lost(f"no car within {limits.connect_sec:g} s")
        self._wait(lambda: self._client.msg is None, time.monotonic() + NODE_LIMIT_SEC)
        self.nodes([0], self.deadline)

    def _hooked(self, handler: Any) -> Any:
        """Upstream's message handler, with what comes going to us."""
        handler.set_episode_over_fn(lambda _: None)  # it would not note another hit
        # Its thread reads before its handler may answer; what comes that early would go unanswered.
        for name in ("scene_selection_ready", "car_loaded", "need_car_config"):
            handler.fns[name] = partial(self._when_connected, handler.fns[name])
        handler.fns |= {
            "telemetry": self._on_telemetry,
            "node_position": self._on_node,
            "aborted": lambda _: None,  # its own handler joins the thread that it runs in
        }
        return handler

    def _connect(self, client: ModuleType) -> Any:
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(self.limits.connect_sec)  # its connect has no other limit
        try:
            return client.SimClient((self.host, self.port), self._handler)
        except OSError as error:
            raise refused(self.host, self.port, error) from None
        except Exception as error:
            raise refused(self.host, self.port, OSError(str(error))) from None
        finally:
            socket.setdefaulttimeout(before)

    def forget(self) -> None:
        with self._arrived:
            self._telemetry.clear()

    def control(self, steering: float, throttle: float, brake: float) -> list[Message]:
        with self._arrived:
            seen = self._telemetry
            self._telemetry = []
        self.send("control", steering=steering, throttle=throttle, brake=brake)
        return [*seen, self.telemetry(self.limits.frame_sec)]

    def telemetry(self, limit_sec: float) -> Message:
        if not self._wait(lambda: bool(self._telemetry), time.monotonic() + limit_sec):
            raise self.lost(f"no telemetry for {limit_sec:.1f} s")
        with self._arrived:
            return self._telemetry.pop(0)

    def send(self, msg_type: str, **fields: object) -> None:
        # At once: its queue holds one message, and the next would replace it.
        message = {"msg_type": msg_type, **{name: str(value) for name, value in fields.items()}}
        try:
            self._client.send_now(message)
        except OSError as error:
            raise self.lost(f"it does not take {msg_type} ({error.strerror or error})") from None

    def frame(self) -> NDArray[np.uint8]:
        return np.asarray(self._handler.image_array, dtype=np.uint8)

    def nodes(self, indices: Sequence[int], deadline: float) -> list[Vector]:
        self._nodes.clear()
        for first in range(0, len(indices), NODES_AT_ONCE):
            asked = indices[first : first + NODES_AT_ONCE]
            for index in asked:
                self.send("node_position", index=index)
            wanted = first + len(asked)
            limit = min(deadline, time.monotonic() + NODE_LIMIT_SEC)
            # The function is called before ``wanted`` changes.
            if not self._wait(lambda: len(self._nodes) >= wanted, limit):  # noqa: B023
                return []
        return [
            (
                self.number(node, "pos_x"),
                self.number(node, "pos_z"),
                self.number(node, "pos_y"),
            )
            for node in self._nodes
        ]

    def change_scene(self) -> bool:
        return False  # upstream's client takes the scene that is loaded

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._client.stop()

    def _wait(self, is_so: Callable[[], bool], deadline: float) -> bool:
        with self._arrived:
            while not is_so() and not self._client.aborted:
                left_sec = deadline - time.monotonic()
                if left_sec <= 0.0:
                    break
                self._arrived.wait(min(left_sec, POLL_SEC))
            if is_so():
                return True
        if self._client.aborted:
            raise self.lost("its connection broke")
        return False

    def _when_connected(self, answer: Callable[[Message], None], message: Message) -> None:
        self._connected.wait(self.limits.connect_sec)
        answer(message)

    def _on_telemetry(self, message: Message) -> None:
        self._handler.on_telemetry(message)
        with self._arrived:
            del message["image"]
            self.last = str(message)
            self._telemetry.append(message)
            self._arrived.notify()

    def _on_node(self, message: Message) -> None:
        with self._arrived:
            self._nodes.append(message)
            self._arrived.notify()
