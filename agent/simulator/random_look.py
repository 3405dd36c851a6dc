"""Random looks, as the real simulator draws them: light, trees, chairs and a cone.

The scene file has what may be drawn under ``random_look``, a seed draws it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from agent.simulator.kernels import kernel
from agent.simulator.tracks import Scene, Track
from agent.simulator.typing import Array

TRIES = 11  # upstream's: one and ten more
X, Z = range(2)


def scene_with_look(scene: Scene, track: Track, seed: int) -> Scene:
    """Returns the scene with the light and the things beside the road that ``seed`` draws.

    :param scene: whose ``random_look`` says what may be drawn
    :param track: its centre line
    :param seed: the same one draws the same
    """
    look = scene.random_look or {}
    light = scene.light
    if "light" in look:
        light = {**(light or {}), **_light(look["light"], np.random.default_rng([seed, 4]))}
    things: list[dict[str, Any]] = []
    for k, name in enumerate(("trees", "chairs")):
        if name in look:
            things += scattered(look[name], track, np.random.default_rng([seed, 5, k]))
    if "cone" in look:
        things.append(_cone(look["cone"], track, np.random.default_rng([seed, 6])))
    return replace(scene, light=light, obstacles=[*scene.obstacles, *things])


def _light(ranges: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Returns a colour between two, and a place of the sun."""
    mix = rng.random()
    drawn: dict[str, Any] = {}
    if "rgb" in ranges:
        first, last = np.array(ranges["rgb"], dtype=float)
        drawn["rgb"] = (first + mix * (last - first)).round(1).tolist()
    for name in ("sun_deg", "azimuth_deg"):
        low, high = ranges.get(name, (0.0, 0.0))
        place = rng.uniform(low, high)
        if name in ranges:
            drawn[name] = place
    return drawn


def scattered(ranges: dict[str, Any], track: Track, rng: np.random.Generator) -> list[Any]:
    """Returns cut-outs around random nodes, none near any node; some find no place."""
    draws = rng.random((int(ranges["count"]), TRIES, 5))
    low_u, high_u = ranges["away_u"]
    places = np.empty((len(draws), 2))
    n = _find_places(places, draws, track.nodes, low_u, high_u, ranges.get("clear_u", 0.0))
    kept = ("shape", "width_u", "height_u", "rgb", "trunk_rgb")
    like: dict[str, Any] = {"kind": "cutout", "name": ranges.get("name", ranges["shape"])}
    like |= {"solid": ranges.get("solid", False)}
    like |= {name: ranges[name] for name in kept if name in ranges}
    return [{**like, "x": x, "z": z, "seed": k} for k, (x, z) in enumerate(places[:n].tolist())]


@kernel
def _find_places(
    places: Array, draws: Array, nodes: Array, low_u: float, high_u: float, clear_u: float
) -> int:  # pragma: no cover - compiled
    """Fill in places; returns how many were found.

    :param places: x and z, (count, 2), changed in place
    :param draws: numbers in [0, 1), (count, ``TRIES``, 5): the node, how far aside, which sides
    :param nodes: of the track
    :param low_u: least offset along x, and along z
    :param high_u: most
    :param clear_u: least distance from all nodes
    """
    found = 0
    for k in range(len(draws)):
        for draw in draws[k]:
            node = nodes[int(draw[0] * len(nodes))]
            x = node[X] + (low_u + draw[1] * (high_u - low_u)) * (1.0 if draw[3] < 0.5 else -1.0)
            z = node[Z] + (low_u + draw[2] * (high_u - low_u)) * (1.0 if draw[4] < 0.5 else -1.0)
            clear = True
            for i in range(len(nodes)):
                if (nodes[i, X] - x) ** 2 + (nodes[i, Z] - z) ** 2 < clear_u * clear_u:
                    clear = False
                    break
            if clear:
                places[found, X] = x
                places[found, Z] = z
                found += 1
                break
    return found


def _cone(ranges: dict[str, Any], track: Track, rng: np.random.Generator) -> dict[str, Any]:
    """Returns a cone near a random node that is not among the first and the last ones.

    Cars drive through it: its one collider in the Unity project is a trigger (coneCollider.prefab).
    """
    ends = min(int(ranges.get("ends", 0)), (len(track.nodes) - 1) // 2)
    x, z, _ = track.nodes[rng.integers(ends, len(track.nodes) - ends)]
    dx, dz = rng.uniform(-ranges["away_u"], ranges["away_u"], 2)
    size = {name: ranges[name] for name in ("radius_u", "height_u", "rgb")}
    place = {"x": float(x + dx), "z": float(z + dz)}
    like = {"kind": "cone", "name": ranges.get("name", "cone"), "solid": ranges.get("solid", False)}
    return {**like, **place, **size}
