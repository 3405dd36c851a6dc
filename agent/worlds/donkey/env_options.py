"""The ``conf`` of an environment: its keys, their checks, and the sensors and world it asks for.

Upstream's keys mean what they mean in gym-donkeycar 1.3.1. Our own are

- ``start``: see ``starts``; ``line`` is the scene's start pose, ``jitter`` near it, ``anywhere`` on
  the road, ``perturbed`` far aside and turned away, all from the seed;
- ``narrow_crossings``: perturbed starts prefer narrow crossings;
- ``road``: ``kept`` from one seed to the next or, where the scene's is random, ``new`` in every
  episode;
- ``roads``: number of random roads, 0 for as many as there are seeds;
- ``appearance``: ``plain``, or ``random``: another look in every episode, from the seed;
- ``max_episode_steps``.

``host`` or ``port`` ask for a simulator on a port. Then there are ``client`` (``own`` or
``gym-donkeycar``), ``reconnect`` (a lost simulator truncates the episode and the next reset
connects anew) and limits of the waits in seconds (``connect_limit_sec``, ``frame_limit_sec``,
``reset_limit_sec``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agent.simulator.lens import HEIGHT, WIDTH, View
from agent.simulator.lidar import LidarConfig
from agent.simulator.sensor_config import (
    FIRST_CAMERA,
    SECOND_CAMERA,
    Camera,
    lidar_config,
    updated_camera,
)
from agent.simulator.world import World
from agent.worlds.donkey.observed_world import ObservedWorld
from agent.worlds.donkey.remote.client import Connection
from agent.worlds.donkey.remote.link import Limits, Link
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.remote.upstream import UpstreamConnection
from agent.worlds.donkey.remote.upstream_version import missing
from agent.worlds.donkey.starts import STARTS

AnyWorld = World | RemoteWorld | ObservedWorld
Conf = Mapping[str, Any]

LAST_PORT = 65535
# Upstream's conf keys with their defaults, then our own.
DEFAULTS: dict[str, Any] = {
    "max_cte": 8.0,
    "frame_skip": 1,
    "cam_resolution": (HEIGHT, WIDTH, 3),
    "cam_config": {},
    "cam_config_b": {},
    "lidar_config": {},
    "steer_limit": 1.0,
    "throttle_min": 0.0,
    "throttle_max": 1.0,
    "max_episode_steps": 1000,
    "start": "line",
    "narrow_crossings": False,
    "appearance": "plain",
    "road": "kept",
    "roads": 0,
}
LIMIT_DEFAULTS = {
    f"{limit.name.removesuffix('_sec')}_limit_sec": limit.default for limit in fields(Limits)
}
# Keys of a simulator on a port. Upstream has no limits to its waits.
PORT_DEFAULTS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 9091,
    "client": "own",
    "reconnect": False,
    **LIMIT_DEFAULTS,
}
# Upstream's keys that change nothing that the driver senses.
COSMETIC = {
    "car_config", "body_style", "body_rgb", "car_name", "font_size", "racer_name", "country", "bio",
    "guid", "log_level", "start_delay", "level",
}  # fmt: skip
CHOICES: dict[str, tuple[str, ...]] = {
    "start": STARTS,
    "client": ("own", "gym-donkeycar"),
    "appearance": ("plain", "random"),
    "road": ("kept", "new"),
}
POSITIVE = ("max_cte", "frame_skip", "steer_limit", "max_episode_steps", *LIMIT_DEFAULTS)
# Every field of upstream's cam_config; zero keeps what the simulator has.
CAM_FIELDS = (
    "fov", "fish_eye_x", "fish_eye_y", "img_w", "img_h", "img_d", "img_enc", "offset_x", "offset_y",
    "offset_z", "rot_x", "rot_y", "rot_z",
)  # fmt: skip
# Upstream's lidar_config: its conf key, the field of its message, its default.
LIDAR_FIELDS: tuple[tuple[str, str, float], ...] = (
    ("deg_per_sweep_inc", "degPerSweepInc", 2.0),
    ("deg_ang_down", "degAngDown", 0.0),
    ("deg_ang_delta", "degAngDelta", -1.0),
    ("num_sweeps_levels", "numSweepsLevels", 1),
    ("max_range", "maxRange", 50.0),
    ("noise", "noise", 0.5),
    ("offset_x", "offset_x", 0.0),
    ("offset_y", "offset_y", 0.5),
    ("offset_z", "offset_z", 0.5),
    ("rot_x", "rot_x", 0.0),
)


def checked(conf: Conf) -> dict[str, Any]:
    """``conf`` with every default filled in.

    :raises ValueError: an unknown key or an impossible value
    """
    on_port = "host" in conf or "port" in conf
    defaults = dict(DEFAULTS)
    if on_port:
        defaults |= PORT_DEFAULTS
    _check_keys(conf, defaults)
    merged = {**defaults, **conf}
    for key, choices in CHOICES.items():
        if key in merged and merged[key] not in choices:
            raise ValueError(
                f"conf {key} {merged[key]!r} is unknown; choose from {', '.join(choices)}"
            )
    for key in POSITIVE:
        if key in merged and not merged[key] > 0:
            raise ValueError(f"conf {key} {merged[key]} is not positive; give a positive number")
    if not merged["throttle_min"] < merged["throttle_max"]:
        raise ValueError(
            f"conf throttle_min {merged['throttle_min']} is not below throttle_max; lower it"
        )
    if on_port:
        _check_port(merged)
    return merged


def _check_keys(conf: Conf, defaults: Conf) -> None:
    if "exe_path" in conf:
        raise ValueError(
            f"conf exe_path {conf['exe_path']!r} is not supported;"
            " start the simulator and give its port"
        )
    for key in conf:
        if key in defaults or key in COSMETIC:
            continue
        if key in PORT_DEFAULTS:
            raise ValueError(
                f"conf {key} {conf[key]!r} is for a simulator on a port; give its port or drop it"
            )
        raise ValueError(f"conf key {key!r} is not supported; choose from {', '.join(defaults)}")


def _check_port(conf: Conf) -> None:
    if conf["appearance"] != "plain":
        raise ValueError(
            "conf appearance 'random' changes the embedded world only; drop it or the port"
        )
    if not 0 < int(conf["port"]) <= LAST_PORT:
        raise ValueError(f"conf port {conf['port']} is no TCP port; give 1 to {LAST_PORT}")


def camera_message(conf: Conf, key: str = "cam_config") -> dict[str, str]:
    """Fields of the message that ``conf[key]`` asks for, as strings; empty for the default camera.

    :raises ValueError: an unknown field, or a size that is not ``cam_resolution``
    """
    asked = conf[key]
    rows, columns, channels = conf["cam_resolution"]
    if unknown := sorted(set(asked) - set(CAM_FIELDS)):
        raise ValueError(
            f"conf {key} {unknown[0]!r} is unknown; choose from {', '.join(CAM_FIELDS)}"
        )
    size = (int(asked.get("img_h") or rows), int(asked.get("img_w") or columns))
    if channels != 3 or size != (rows, columns):
        raise ValueError(
            f"conf cam_resolution {conf['cam_resolution']} does not fit {key}; give {(*size, 3)}"
        )
    if not asked and (size == (HEIGHT, WIDTH) or key == "cam_config_b"):
        return {}
    message = {**dict.fromkeys(CAM_FIELDS, 0), "img_enc": "JPG", **asked}
    message |= {"img_h": rows, "img_w": columns}
    return {name: str(value) for name, value in message.items()}


def camera_view(conf: Conf) -> View:
    """View that the embedded camera draws for ``conf``."""
    message = camera_message(conf)
    return _view(FIRST_CAMERA, "cam_config", message) if message else FIRST_CAMERA.view


def second_view(conf: Conf) -> View | None:
    """View of the second camera; None while it is off."""
    message = camera_message(conf, "cam_config_b")
    return _view(SECOND_CAMERA, "cam_config_b", message) if message else None


def _view(camera: Camera, msg_type: str, message: dict[str, str]) -> View:
    return updated_camera(camera, {"msg_type": msg_type, **message}).view


def lidar_message(conf: Conf) -> dict[str, str]:
    """Fields of the ``lidar_config`` message of ``conf``, as strings; empty for no lidar.

    :raises ValueError: an unknown field
    """
    asked = conf["lidar_config"]
    known = [key for key, _, _ in LIDAR_FIELDS]
    if unknown := sorted(set(asked) - set(known)):
        raise ValueError(
            f"conf lidar_config {unknown[0]!r} is unknown; choose from {', '.join(known)}"
        )
    if not asked:
        return {}
    return {field: str(asked.get(key, default)) for key, field, default in LIDAR_FIELDS}


def lidar(conf: Conf) -> LidarConfig | None:
    """The lidar that ``conf`` asks for; None for none.

    :raises ValueError: an unknown field or an impossible value
    """
    message = lidar_message(conf)
    return lidar_config({"msg_type": "lidar_config", **message}) if message else None


def open_world(level: str, conf: Conf) -> World | RemoteWorld:
    """The embedded world, or the one in the simulator on the checked ``conf``'s host and port.

    :raises ValueError: a conf value that cannot be followed, a scene that is not at hand
    :raises SimulatorLost: no simulator answers there, or not with that scene
    """
    if "port" not in conf:
        return World(level)
    host = str(conf["host"])
    port = int(conf["port"])
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
        upstream = {"log_level": "WARNING", **others, **asked}
        if "lidar_config" in asked:
            upstream["lidar_config"] = conf["lidar_config"]
        return UpstreamConnection(host, port, level, limits, upstream)

    if client != "own":
        reason = missing()
        if reason:
            raise ValueError(reason)
    return RemoteWorld(level, connect, limits, reconnect=conf["reconnect"])
