"""The sensors and the world that an environment's ``conf`` asks for; see ``conf_checks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.simulator.fields import Fields
from agent.simulator.lens import HEIGHT, WIDTH, View
from agent.simulator.lidar import LidarConfig
from agent.simulator.sensor_config import (
    FIRST_CAMERA,
    SECOND_CAMERA,
    Camera,
    updated_camera,
    updated_lidar,
)
from agent.simulator.world import World
from agent.worlds.donkey.conf_checks import DEFAULTS, LIMIT_DEFAULTS, checked, is_on_port
from agent.worlds.donkey.conf_sensors import KEYS, LIDAR_FIELDS
from agent.worlds.donkey.observed_world import ObservedWorld
from agent.worlds.donkey.remote.client import Connection
from agent.worlds.donkey.remote.link import Limits, Link
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.remote.upstream import UpstreamConnection
from agent.worlds.donkey.remote.upstream_version import missing

__all__ = ["DEFAULTS", "checked", "is_on_port"]

# Upstream's own defaults, which its client does not find by itself once there is a body_style.
LOOKS = {"body_rgb": (255, 255, 255), "car_name": "car", "font_size": 100}
AnyWorld = World | RemoteWorld | ObservedWorld
Conf = Mapping[str, Any]


def camera_message(conf: Conf, key: str = "cam_config") -> dict[str, str]:
    """Fields of the message that a checked conf's ``key`` asks for; empty for the default camera.

    :param conf: checked
    :param key: of the camera
    """
    asked = conf[key]
    rows, columns, _ = conf["cam_resolution"]
    if not asked and ((rows, columns) == (HEIGHT, WIDTH) or key == "cam_config_b"):
        return {}
    message: dict[str, Any] = dict.fromkeys(KEYS[key], 0) | {"img_enc": "JPG"} | asked
    message["img_w"] = message["img_w"] or columns
    message["img_h"] = message["img_h"] or rows
    return {name: _written(value) for name, value in message.items()}


def _written(value: float | str) -> str:
    """A value as Unity reads it: whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def camera_view(conf: Conf) -> View:
    """View that the embedded camera draws for a checked conf."""
    message = camera_message(conf)
    return _view(FIRST_CAMERA, "cam_config", message) if message else FIRST_CAMERA.view


def second_view(conf: Conf) -> View | None:
    """View of the second camera of a checked conf; None while it is off."""
    message = camera_message(conf, "cam_config_b")
    return _view(SECOND_CAMERA, "cam_config_b", message) if message else None


def _view(camera: Camera, msg_type: str, message: dict[str, str]) -> View:
    return updated_camera(camera, Fields({"msg_type": msg_type, **message}, ())).view


def is_grey(conf: Conf, key: str) -> bool:
    """True where the pictures of a checked conf's camera are in grey levels."""
    return bool(conf[key].get("img_d") == 1)


def lidar_message(conf: Conf) -> dict[str, str]:
    """Fields of the ``lidar_config`` message of a checked conf; empty for no lidar."""
    asked = conf["lidar_config"]
    if not asked:
        return {}
    return {field: _written(asked.get(key, default)) for key, field, default in LIDAR_FIELDS}


def lidar(conf: Conf) -> LidarConfig | None:
    """The lidar of a checked conf; None for none."""
    message = lidar_message(conf)
    if not message:
        return None
    return updated_lidar(LidarConfig(), Fields({"msg_type": "lidar_config", **message}, ()))


def open_world(level: str, conf: Conf) -> World | RemoteWorld:
    """The embedded world, or the one in the simulator on the checked ``conf``'s host and port.

    :raises ValueError: a conf value that cannot be followed, a scene that is not at hand
    :raises SimulatorLost: no simulator answers there, or not with that scene
    """
    if not is_on_port(conf):
        return World(conf["scene"] or level, random_look=conf["random_look"])
    host = conf["host"]
    port = conf["port"]
    client = conf["client"]
    limits = Limits(*(conf[key] for key in LIMIT_DEFAULTS))
    messages = {
        "cam_config": camera_message(conf),
        "cam_config_b": camera_message(conf, "cam_config_b"),
        "lidar_config": lidar_message(conf),
    }
    asked = {msg_type: fields for msg_type, fields in messages.items() if fields}

    def connect() -> Link:
        if client == "own":
            return Connection(host, port, level, limits, asked)
        # Upstream's client sends what its conf has of these, even when that is nothing.
        others = {key: value for key, value in conf.items() if key not in messages}
        upstream = {"log_level": "WARNING", **LOOKS, **others, **asked}
        if "lidar_config" in asked:
            upstream["lidar_config"] = conf["lidar_config"]
        return UpstreamConnection(host, port, level, limits, upstream)

    if client != "own":
        reason = missing()
        if reason:
            raise ValueError(reason)
    return RemoteWorld(level, connect, limits, reconnect=conf["reconnect"])
