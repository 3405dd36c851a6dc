"""The keys of an environment's ``conf``, and the world that they ask for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from agent.simulator.lens import HEIGHT, WIDTH, View
from agent.simulator.lidar import LidarConfig
from agent.simulator.remote_car import FIRST_CAMERA, SECOND_CAMERA, lidar_config, updated_camera
from agent.simulator.world import World
from agent.worlds.donkey.remote.client import Connection, Limits, Link
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.remote.upstream import UpstreamConnection
from agent.worlds.donkey.remote.upstream_version import missing

# Upstream's conf keys with their defaults, and five of our own.
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
    "appearance": "plain",
    "road": "kept",
    "roads": 0,
    "crossroads": 0.0,
}
# Keys of a simulator on the wire; host or port ask for one. Upstream has no limits to its waits.
WIRE_DEFAULTS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 9091,
    "client": "own",
    "reconnect": False,
    **{f"{limit.name.removesuffix('_sec')}_limit_sec": limit.default for limit in fields(Limits)},
}
# Upstream's keys that change nothing that the driver senses.
COSMETIC = {"car_config", "body_style", "body_rgb", "car_name", "font_size", "racer_name", "country", "bio", "guid",
            "log_level", "start_delay", "level"}  # fmt: skip
STARTS = ("line", "jitter", "anywhere", "astray")
APPEARANCES = ("plain", "random")
ROADS = ("kept", "new")
CLIENTS = ("own", "gym-donkeycar")
# Every field of upstream's cam_config; zero keeps what the simulator has.
CAM_FIELDS = ("fov", "fish_eye_x", "fish_eye_y", "img_w", "img_h", "img_d", "img_enc", "offset_x", "offset_y",
              "offset_z", "rot_x", "rot_y", "rot_z")  # fmt: skip
# Upstream's lidar_config: its conf key, the field of its message, its default.
LIDAR_FIELDS: tuple[tuple[str, str, float], ...] = (
    ("deg_per_sweep_inc", "degPerSweepInc", 2.0), ("deg_ang_down", "degAngDown", 0.0),
    ("deg_ang_delta", "degAngDelta", -1.0), ("num_sweeps_levels", "numSweepsLevels", 1),
    ("max_range", "maxRange", 50.0), ("noise", "noise", 0.5), ("offset_x", "offset_x", 0.0),
    ("offset_y", "offset_y", 0.5), ("offset_z", "offset_z", 0.5), ("rot_x", "rot_x", 0.0),
)  # fmt: skip


def checked(conf: dict[str, Any]) -> dict[str, Any]:
    """``conf`` with every default filled in.

    :raises ValueError: an unknown key or an impossible value
    """
    if "exe_path" in conf:
        raise ValueError(
            f"conf exe_path {conf['exe_path']!r} is not supported; start the simulator and give its port"
        )
    on_wire = "host" in conf or "port" in conf
    defaults = DEFAULTS | WIRE_DEFAULTS if on_wire else DEFAULTS
    for key in conf:
        if key in WIRE_DEFAULTS and not on_wire:
            raise ValueError(
                f"conf {key} {conf[key]!r} is for a simulator on the wire; give its port or drop it"
            )
        if key not in defaults and key not in COSMETIC:
            raise ValueError(
                f"conf key {key!r} is not supported; choose from {', '.join(defaults)}"
            )
    merged = {**defaults, **conf}
    for key, choices in (
        ("start", STARTS),
        ("client", CLIENTS),
        ("appearance", APPEARANCES),
        ("road", ROADS),
    ):
        if key in defaults and merged[key] not in choices:
            raise ValueError(
                f"conf {key} {merged[key]!r} is unknown; choose from {', '.join(choices)}"
            )
    if not merged["throttle_min"] < merged["throttle_max"]:
        raise ValueError(
            f"conf throttle_min {merged['throttle_min']} is not below throttle_max; lower it"
        )
    positive = (
        "max_cte",
        "frame_skip",
        "steer_limit",
        "max_episode_steps",
        *(k for k in defaults if "limit_sec" in k),
    )
    for key in positive:
        if not merged[key] > 0:
            raise ValueError(f"conf {key} {merged[key]} is not positive; give a positive number")
    if not 0.0 <= merged["crossroads"] <= 1.0:
        raise ValueError(f"conf crossroads {merged['crossroads']} is no share; give 0 to 1")
    if on_wire and merged["appearance"] != "plain":
        raise ValueError(
            "conf appearance 'random' changes the embedded world only; drop it or the port"
        )
    if on_wire and not 0 < int(merged["port"]) < 65536:
        raise ValueError(f"conf port {merged['port']} is no TCP port; give 1 to 65535")
    return merged


def camera_message(conf: dict[str, Any], key: str = "cam_config") -> dict[str, str]:
    """The fields of the message that ``conf[key]`` asks for, as strings; empty for the default camera.

    :raises ValueError: an unknown field, or a size that is not ``cam_resolution``
    """
    asked, (rows, columns, channels) = conf[key], conf["cam_resolution"]
    if unknown := sorted(set(asked) - set(CAM_FIELDS)):
        raise ValueError(
            f"conf {key} {unknown[0]!r} is unknown; choose from {', '.join(CAM_FIELDS)}"
        )
    size = int(asked.get("img_h") or rows), int(asked.get("img_w") or columns)
    if channels != 3 or size != (rows, columns):
        raise ValueError(
            f"conf cam_resolution {conf['cam_resolution']} does not fit {key}; give {(*size, 3)}"
        )
    if not asked and (size == (HEIGHT, WIDTH) or key == "cam_config_b"):
        return {}
    fields_asked = {
        **dict.fromkeys(CAM_FIELDS, 0),
        "img_enc": "JPG",
        **asked,
        "img_h": rows,
        "img_w": columns,
    }
    return {name: str(value) for name, value in fields_asked.items()}


def camera_view(conf: dict[str, Any]) -> View:
    """What the embedded camera draws for ``conf``."""
    camera = camera_message(conf)
    return (
        updated_camera(FIRST_CAMERA, {"msg_type": "cam_config", **camera}).view
        if camera
        else FIRST_CAMERA.view
    )


def second_view(conf: dict[str, Any]) -> View | None:
    """What the second camera sees; None while it is off."""
    camera = camera_message(conf, "cam_config_b")
    return (
        updated_camera(SECOND_CAMERA, {"msg_type": "cam_config_b", **camera}).view
        if camera
        else None
    )


def lidar_message(conf: dict[str, Any]) -> dict[str, str]:
    """The fields of the ``lidar_config`` message that ``conf`` asks for, as strings; empty for no lidar.

    :raises ValueError: an unknown field
    """
    asked = conf["lidar_config"]
    if unknown := sorted(set(asked) - {key for key, _, _ in LIDAR_FIELDS}):
        known = ", ".join(key for key, _, _ in LIDAR_FIELDS)
        raise ValueError(f"conf lidar_config {unknown[0]!r} is unknown; choose from {known}")
    return (
        {field: str(asked.get(key, default)) for key, field, default in LIDAR_FIELDS}
        if asked
        else {}
    )


def lidar(conf: dict[str, Any]) -> LidarConfig | None:
    """The lidar that ``conf`` asks for; None for none.

    :raises ValueError: an unknown field or an impossible value
    """
    message = lidar_message(conf)
    return lidar_config({"msg_type": "lidar_config", **message}) if message else None


def open_world(level: str, conf: dict[str, Any]) -> World | RemoteWorld:
    """The embedded world, or one in the simulator that the checked ``conf`` has the host and port of.

    :raises ValueError: a conf value that cannot be followed, a scene that is not at hand
    :raises SimulatorLost: no simulator answers there, or not with that scene
    """
    if "port" not in conf:
        return World(level)
    camera = camera_message(conf)
    second = camera_message(conf, "cam_config_b")
    messages = {"cam_config": camera, "cam_config_b": second, "lidar_config": lidar_message(conf)}
    configs = {msg_type: fields for msg_type, fields in messages.items() if fields}
    host, port, client = str(conf["host"]), int(conf["port"]), conf["client"]
    limits = Limits(conf["connect_limit_sec"], conf["frame_limit_sec"], conf["reset_limit_sec"])

    def connect() -> Link:
        if client == "own":
            return Connection(host, port, level, limits, configs)
        # Upstream's client sends what its conf has of these, even when that is nothing.
        own = {key: value for key, value in conf.items() if key not in messages}
        own |= {"cam_config": camera} if camera else {}
        own |= {"cam_config_b": second} if second else {}
        own |= {"lidar_config": conf["lidar_config"]} if conf["lidar_config"] else {}
        return UpstreamConnection(host, port, level, limits, {"log_level": "WARNING", **own})

    if client != "own" and (reason := missing()):
        raise ValueError(reason)
    return RemoteWorld(level, connect, limits, reconnect=conf["reconnect"])
