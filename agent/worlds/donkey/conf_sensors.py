"""Cameras and lidar in an environment's ``conf``, in upstream's nested form and in its flat one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.sensor_config import (
    CAMERA_LIMITS,
    ENCODINGS,
    KEPT_ENCODING,
    LARGEST_SIDE_PX,
    LIDAR_LIMITS,
    LIDAR_RAYS,
    SMALLEST_SIDE_PX,
    has_rays,
    is_size,
)
from agent.worlds.donkey.conf_values import (
    ABOVE_ZERO,
    Limits,
    number,
    table,
    whole,
    whole_list,
    wrong,
)

Conf = Mapping[str, Any]

SIDES = ("img_w", "img_h")
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
# Unity's lidar may have no level and no range; whoever asks for such a one has made a mistake.
LIDAR_CONF_LIMITS: dict[str, Limits] = {key: LIDAR_LIMITS[field] for key, field, _ in LIDAR_FIELDS}
LIDAR_CONF_LIMITS |= {"num_sweeps_levels": (1, 360), "max_range": (ABOVE_ZERO, 1000.0)}
KEYS = {
    "cam_config": (*CAMERA_LIMITS, "img_enc"),
    "cam_config_b": (*CAMERA_LIMITS, "img_enc"),
    "lidar_config": tuple(LIDAR_CONF_LIMITS),
}
# Flat keys that ask for a lidar; where it hangs may be the camera's to say.
LIDAR_ONLY = frozenset(LIDAR_CONF_LIMITS) - frozenset(CAMERA_LIMITS)


def read_sensors(conf: Conf) -> dict[str, Any]:
    """``cam_config``, ``cam_config_b``, ``lidar_config`` and ``cam_resolution`` of a conf, read.

    A flat key counts more than a nested one. Without a ``cam_resolution`` it is the picture's.

    :raises ValueError: an impossible value; it names the key
    """
    first = _camera("cam_config", conf, flat=KEYS["cam_config"])
    flat_lidar = () if LIDAR_ONLY.isdisjoint(conf) else KEYS["lidar_config"]
    read: dict[str, Any] = {
        "cam_config": first,
        "cam_config_b": _camera("cam_config_b", conf),
        "lidar_config": _lidar(conf, flat_lidar),
        "cam_resolution": _resolution(conf, first),
    }
    rows, columns, _ = read["cam_resolution"]
    for key in ("cam_config", "cam_config_b"):
        width = read[key].get("img_w") or columns
        height = read[key].get("img_h") or rows
        if not is_size(width, height):
            raise wrong(f"{key} img_w x img_h", (width, height), "is too large; ask for less")
    return read


def unknown_names(conf: Conf) -> list[str]:
    """Names in a conf's nested dictionaries that are no sensor's."""
    return [
        f"{key}.{name}"
        for key, names in KEYS.items()
        for name in conf.get(key, {})
        if name not in names
    ]


def _camera(key: str, conf: Conf, flat: tuple[str, ...] = ()) -> dict[str, Any]:
    found = _found(key, conf, flat)
    return {name: _camera_value(shown, name, value) for name, (shown, value) in found.items()}


def _found(key: str, conf: Conf, flat: tuple[str, ...]) -> dict[str, tuple[str, Any]]:
    """Each known name with what an error calls it and its value."""
    nested = table(key, conf.get(key, {}))
    found = {name: (f"{key} {name}", nested[name]) for name in KEYS[key] if name in nested}
    return found | {name: (name, conf[name]) for name in flat if name in conf}


def _camera_value(shown: str, name: str, value: object) -> float | str:
    if name == "img_enc":
        return _encoding(shown, value)
    if name in (*SIDES, "img_d"):
        read = whole(shown, value, CAMERA_LIMITS[name])
        if name in SIDES and 0 < read < SMALLEST_SIDE_PX:
            raise wrong(shown, value, f"is too small; give at least {SMALLEST_SIDE_PX}, or 0")
        return read
    return number(shown, value, CAMERA_LIMITS[name])


def _encoding(shown: str, value: object) -> str:
    encoding = str(value).upper()
    if encoding not in (*ENCODINGS, KEPT_ENCODING):
        raise wrong(shown, value, f"is unknown; choose from {', '.join(ENCODINGS)}")
    return encoding


def _lidar(conf: Conf, flat: tuple[str, ...]) -> dict[str, float]:
    found = _found("lidar_config", conf, flat)
    read = {name: _lidar_value(shown, name, value) for name, (shown, value) in found.items()}
    levels = int(read.get("num_sweeps_levels", 1))
    step = read.get("deg_per_sweep_inc", 2.0)
    if not has_rays(levels, step):
        keys = "lidar_config num_sweeps_levels / deg_per_sweep_inc"
        raise wrong(keys, (levels, step), f"are more than {LIDAR_RAYS} rays; ask for fewer")
    return read


def _lidar_value(shown: str, name: str, value: object) -> float:
    if name == "num_sweeps_levels":
        return whole(shown, value, LIDAR_CONF_LIMITS[name])
    read = number(shown, value, LIDAR_CONF_LIMITS[name])
    if name == "deg_ang_delta" and read == 0.0:
        raise wrong(shown, value, "tells no level from another; give an angle")
    return read


def _resolution(conf: Conf, camera: Conf) -> tuple[int, int, int]:
    if "cam_resolution" not in conf:
        return camera.get("img_h") or HEIGHT, camera.get("img_w") or WIDTH, 3
    given = conf["cam_resolution"]
    rows, columns, channels = whole_list("cam_resolution", given, (1, LARGEST_SIDE_PX), 3)
    if min(rows, columns) < SMALLEST_SIDE_PX:
        raise wrong("cam_resolution", given, f"is too small; give at least {SMALLEST_SIDE_PX} each")
    fitting = (camera.get("img_h") or rows, camera.get("img_w") or columns, 3)
    if (rows, columns, channels) != fitting:
        raise wrong("cam_resolution", given, f"does not fit cam_config; give {fitting}")
    return fitting
