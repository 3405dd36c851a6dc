"""The keys of an environment's ``conf``, their defaults, and how their values are read.

Upstream's keys mean what they mean in gym-donkeycar 1.3.1, in its older flat form too, and a number
may be text. Keys that neither of us has are ignored with a warning. Our own are

- ``start``: see ``starts``; ``line`` is the scene's start pose, ``jitter`` near it, ``anywhere`` on
  the road, ``perturbed`` far aside and turned away, all from the seed;
- ``narrow_crossings``: perturbed starts prefer narrow crossings;
- ``road``: ``kept`` from one seed to the next or, where the scene's is random, ``new`` in every
  episode;
- ``roads``: number of random roads, 0 for as many as there are seeds;
- ``scene``: path of a scene file, ``.json``, to drive in instead of the environment's own scene;
- ``random_look``: what the real simulator randomises by default (light, trees, chairs, a cone) is
  drawn in every episode, from the seed;
- ``appearance``: ``plain``, or ``random``: another look in every episode, from the seed;
- ``max_episode_steps``.

``host``, ``port`` or ``exe_path`` (``remote`` or ``manual``) ask for a simulator on a port. Then
there are ``client`` (``own`` or ``gym-donkeycar``), ``reconnect`` (a lost simulator truncates the
episode and the next reset connects anew) and limits of the waits in seconds
(``connect_limit_sec``, ``frame_limit_sec``, ``reset_limit_sec``).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.scene_ways import split_ways
from agent.simulator.tracks import is_scene_file, load_scene
from agent.worlds.donkey import conf_sensors
from agent.worlds.donkey.conf_values import (
    ABOVE_ZERO,
    choice,
    flag,
    number,
    table,
    whole,
    whole_list,
    word,
    wrong,
)
from agent.worlds.donkey.remote.link import Limits as WaitLimits
from agent.worlds.donkey.starts import STARTS

Conf = Mapping[str, Any]

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
    "random_look": True,
    "scene": "",
}
LIMIT_DEFAULTS = {
    f"{limit.name.removesuffix('_sec')}_limit_sec": limit.default for limit in fields(WaitLimits)
}
# Keys of a simulator on a port. Upstream has no limits to its waits.
PORT_DEFAULTS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 9091,
    "client": "own",
    "reconnect": False,
    **LIMIT_DEFAULTS,
}
ASKS_FOR_PORT = frozenset({"host", "port", "exe_path"})
STARTED_ALREADY = ("remote", "manual")  # values of exe_path
# Chosen: beyond these a number is a mistake.
LARGEST = 1e12
MOST_SKIPPED = 10_000
LONGEST_SEC = 1e6
LAST_PORT = 65535
HOST = re.compile(r"[^\s/@\[\]]+")

Read = Callable[[str, Any], Any]


def _number(low: float, high: float) -> Read:
    return partial(number, limits=(low, high))


def _whole(low: float, high: float) -> Read:
    return partial(whole, limits=(low, high))


def _anything(_key: str, value: object) -> object:
    return value


def _port(key: str, value: object) -> int:
    try:
        return whole(key, value, (1, LAST_PORT))
    except ValueError:
        raise wrong(key, value, f"is no TCP port; give 1 to {LAST_PORT}") from None


def _host(key: str, value: object) -> str:
    host = word(key, value).removeprefix("[").removesuffix("]")
    if not HOST.fullmatch(host) or host.count(":") == 1:
        raise wrong(key, value, "is no host; give a name or an address, and the port apart")
    return host


def _exe_path(key: str, value: object) -> str:
    if not isinstance(value, str) or value not in STARTED_ALREADY:
        raise wrong(
            key, value, "is not supported; start the simulator and give its port, or 'remote'"
        )
    return value


def _scene_file(key: str, value: object) -> str:
    path = word(key, value)
    if path and not is_scene_file(path) and not split_ways(path)[1]:
        raise wrong(key, value, "is no scene file; give the path of one that ends in .json")
    if path:
        try:
            load_scene(path)
        except ValueError as error:
            raise ValueError(f"conf {error}") from None
    return path


def _renamed(key: str, value: object) -> object:
    raise wrong(key, value, "is a name of old; give lidar_config deg_per_sweep_inc and its like")


# How each value is read; sensors are read together.
READ: dict[str, Read] = {
    "max_cte": _number(ABOVE_ZERO, LARGEST),
    "frame_skip": _whole(1, MOST_SKIPPED),
    "steer_limit": _number(ABOVE_ZERO, LARGEST),
    "throttle_min": _number(-LARGEST, LARGEST),
    "throttle_max": _number(-LARGEST, LARGEST),
    "max_episode_steps": _whole(1, LARGEST),
    "start": partial(choice, choices=STARTS),
    "narrow_crossings": flag,
    "appearance": partial(choice, choices=("plain", "random")),
    "road": partial(choice, choices=("kept", "new")),
    "roads": _whole(0, LARGEST),
    "random_look": flag,
    "scene": _scene_file,
    "host": _host,
    "port": _port,
    "exe_path": _exe_path,
    "client": partial(choice, choices=("own", "gym-donkeycar")),
    "reconnect": flag,
    **dict.fromkeys(LIMIT_DEFAULTS, _number(ABOVE_ZERO, LONGEST_SEC)),
    # Upstream's keys that change nothing that the driver senses.
    "start_delay": _number(0.0, LARGEST),
    "body_style": word,
    "body_rgb": partial(whole_list, limits=(0, 255), n=3),
    "car_name": word,
    "font_size": _whole(0, LARGEST),
    "car_config": table,
    "degPerSweepInc": _renamed,
    **dict.fromkeys(("racer_name", "country", "bio", "guid", "log_level", "level"), _anything),
}
SENSORS = {
    "cam_resolution",
    *conf_sensors.KEYS,
    *conf_sensors.KEYS["cam_config"],
    *conf_sensors.KEYS["lidar_config"],
}


def is_on_port(conf: Conf) -> bool:
    """True where a conf asks for a simulator on a port."""
    return not ASKS_FOR_PORT.isdisjoint(conf)


def checked(conf: Conf) -> dict[str, Any]:
    """``conf`` with every default filled in, numbers as numbers, sensors in their dictionaries.

    :raises ValueError: an impossible value; it names the key
    """
    given = table("itself", conf)
    on_port = is_on_port(given)
    if not on_port:
        _refuse_port_keys(given)
    defaults = DEFAULTS | (PORT_DEFAULTS if on_port else {})
    read = {key: READ[key](key, value) for key, value in given.items() if key in READ}
    merged = defaults | read | conf_sensors.read_sensors(given)
    if not merged["throttle_min"] < merged["throttle_max"]:
        raise wrong("throttle_min", merged["throttle_min"], "is not below throttle_max; lower it")
    if on_port:
        _refuse_keys_of_the_embedded_world(merged)
    _warn_of_unknown(given)
    return merged


def _refuse_port_keys(given: Conf) -> None:
    for key in PORT_DEFAULTS:
        if key in given:
            raise wrong(key, given[key], "is for a simulator on a port; give its port or drop it")


def _refuse_keys_of_the_embedded_world(merged: Conf) -> None:
    for key in ("appearance", "scene", "random_look"):
        if merged[key] != DEFAULTS[key]:
            raise wrong(key, merged[key], "changes the embedded world only; drop it or the port")


def _warn_of_unknown(given: Conf) -> None:
    """Name all keys that are ignored in one warning."""
    unknown = [key for key in given if key not in READ and key not in SENSORS]
    unknown += conf_sensors.unknown_names(given)
    if unknown:
        from difflib import get_close_matches

        known = [*READ, *SENSORS]
        meant = [
            get_close_matches(name.rpartition(".")[2], known, n=1, cutoff=0.75) for name in unknown
        ]
        named = [
            f"{name} (did you mean {close[0]}?)" if close else name
            for name, close in zip(unknown, meant, strict=True)
        ]
        warnings.warn(f"conf keys that are not known are ignored: {', '.join(named)}", stacklevel=4)
