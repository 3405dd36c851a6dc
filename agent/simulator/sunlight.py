"""Light of a scene as the camera shows it: a tint of everything but the sky, glare and the sun."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.kernels import fast_part
from agent.simulator.pixels import LUMA
from agent.simulator.shadows import AZIMUTH_DEG
from agent.simulator.tracks import Scene

WHITE = [255, 255, 255]
GLARE_U = 8.0  # chosen: at this distance ground towards the sun has half its glare
BRIGHTEST = 240  # of glare; grain on it must not carry a byte past its end
BYTES = (1, 1 << 8, 1 << 16)


class Glare(NamedTuple):
    """Glare of ground towards the sun: its most, where the sun stands, and its colour, packed."""

    most: float
    x: float
    z: float
    word: np.uint64


def tinted(scene: Scene) -> Scene:
    """Returns the scene in its own light; the sky, which is no thing that is lit, stays."""
    tint = (scene.light or {}).get("rgb", WHITE)
    if tint == WHITE:
        return scene
    share = [level / 255.0 for level in tint]
    return replace(
        scene,
        ground_rgb=_lit("rgb", scene.ground_rgb, share),
        cross_section=_lit("", scene.cross_section, share),
        obstacles=_lit("", scene.obstacles, share),
        barriers=_lit("", scene.barriers, share),
        skyline=_lit("", scene.skyline, share),
    )


def _lit(key: str, value: Any, share: list[float]) -> Any:
    """Returns a value with all colours in it multiplied by a share of each channel."""
    if isinstance(value, dict):
        return {name: _lit(name, each, share) for name, each in value.items()}
    if key.endswith("rgb") and isinstance(value[0], int | float):
        return [round(level * part) for level, part in zip(value, share, strict=True)]
    if isinstance(value, list):
        return [_lit(key, each, share) for each in value]
    return value


def glare_of(light: dict[str, Any] | None, *, grey: bool) -> Glare:
    """Returns the glare of a scene's light."""
    light = light or {}
    azimuth = math.radians(light.get("azimuth_deg", AZIMUTH_DEG))
    rgb = np.minimum(np.array(light.get("rgb", WHITE), dtype=float), BRIGHTEST)
    levels = [int(rgb @ LUMA)] * 3 if grey else [int(level) for level in rgb]
    one = sum(level * byte for level, byte in zip(levels, BYTES, strict=True))
    word = one | one << 24 | one << 48
    return Glare(
        float(light.get("glare", 0.0)),
        math.sin(azimuth),
        math.cos(azimuth),
        np.uint64(word & 0xFFFFFFFFFFFFFFFF),
    )


@fast_part
def glare_share(
    glare: Glare, sin: float, cos: float, ahead_u: float
) -> Any:  # pragma: no cover - compiled
    """Returns how much of the sun's colour ground has, 0 to 255.

    :param glare: the scene's
    :param sin: of the heading, as is ``cos``
    :param ahead_u: how far ahead the ground is
    """
    facing = max(glare.x * sin + glare.z * cos, 0.0)
    share = glare.most * facing * facing * facing * ahead_u / (ahead_u + GLARE_U)
    return np.uint64(int(255.0 * min(share, 1.0)))
