"""Messages to a client's car and what it answers, for the tests of this room."""

from __future__ import annotations

import base64
import json
from typing import Any

import cv2
import numpy as np

from agent.simulator.remote_car import RemoteCar

CAMERA = dict.fromkeys(
    [
        "fov",
        "offset_x",
        "offset_y",
        "offset_z",
        "rot_x",
        "fish_eye_x",
        "fish_eye_y",
        "img_w",
        "img_h",
        "img_d",
        "img_enc",
    ],
    "0",
)
LIDAR = {
    "offset_x": "0",
    "offset_y": "0.5",
    "offset_z": "0.5",
    "rot_x": "0",
    "degPerSweepInc": "2",
    "degAngDown": "10",
    "degAngDelta": "-1",
    "maxRange": "50",
    "noise": "0.4",
    "numSweepsLevels": "2",
}


def a_car(scene: str = "generated_track", slot: int = 0) -> RemoteCar:
    return RemoteCar(scene, 0, slot)


def tell(car: RemoteCar, msg_type: str, **fields: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in car.handle({"msg_type": msg_type, **fields}).splitlines()]


def drive(car: RemoteCar, steering: float, throttle: float, brake: float = 0.0) -> dict[str, Any]:
    tell(car, "control", steering=str(steering), throttle=str(throttle), brake=str(brake))
    car.drive()
    return show(car)


def show(car: RemoteCar) -> dict[str, Any]:
    *_, telemetry = (json.loads(line) for line in car.frame().splitlines())
    return dict(telemetry)


def picture(encoded: str) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(image)
