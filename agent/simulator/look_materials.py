"""Materials of an appearance's ground and road: a pool of textures, drawn once.

Textures are costly to draw and cheap to lay on another colour, so appearances share some dozens.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from agent.simulator.pixels import LUMA

POOL = 40  # chosen: textures; a process draws each once, in 3 ms
# All chosen: the least and most of what a texture holds, u, and shares of the textures with it.
NOISE_U = (0.15, 8.0)
NOISES = 3  # most scales
STRIPE_U = (0.6, 8.0)
TILE_U = (0.5, 8.0)
CRACKS_PER_100_U2 = (0.5, 8.0)
STRIPED, TILED, CRACKED = 0.3, 0.25, 0.3
GREEN_HUE = 0.35  # of the levels: how much a texture's colours differ

Texture = dict[str, Any]
Colour = list[int]


@lru_cache(maxsize=4)
def texture_pool(levels: float) -> list[Texture]:
    """Returns textures of every kind.

    :param levels: strongest peak of a pattern, grey levels
    """
    rng = np.random.default_rng(11)
    return [_texture(levels, rng) for _ in range(POOL)]


def grey_level(rgb: Any) -> float:
    """Returns a colour's grey level."""
    return float(np.dot(rgb, LUMA))


def told_apart(rgb: Colour, under: Colour, least: float) -> Colour:
    """Returns a colour that differs from another by so many grey levels, mixed where it must.

    White is mixed in, unless there is no room; then it is black.
    """
    level = grey_level(rgb)
    if abs(level - grey_level(under)) >= least:
        return rgb
    wanted = grey_level(under) + least
    end = 255.0
    if wanted > end:
        wanted = grey_level(under) - least
        end = 0.0
    share = (wanted - level) / (end - level)
    return [round(each + share * (end - each)) for each in rgb]


def _texture(levels: float, rng: np.random.Generator) -> Texture:
    """Returns noise of some scales, and now and then stripes, tiles or cracks."""
    sizes = [_between(NOISE_U, rng) for _ in range(rng.integers(1, NOISES + 1))]
    texture: Texture = {
        "noise": [[size_u, _levels(levels * rng.uniform(0.1, 0.7), rng)] for size_u in sizes]
    }
    if rng.random() < STRIPED:
        every_u = _between(STRIPE_U, rng)
        texture["stripes"] = {
            "every_u": every_u,
            "width_u": round(every_u * rng.uniform(0.2, 0.6), 3),
            "yaw_deg": round(rng.uniform(0.0, 180.0), 1),
            "levels": _levels(_signed(levels, rng), rng),
        }
    if rng.random() < TILED:
        texture["tiles"] = {
            "side_u": _between(TILE_U, rng),
            "levels": _levels(0.7 * levels * rng.random(), rng),
            "gap_u": round(rng.uniform(0.05, 0.2), 3),
            "gap_levels": round(_signed(levels, rng), 1),
        }
    if rng.random() < CRACKED:
        per_100_u2 = _between(CRACKS_PER_100_U2, rng)
        texture["cracks"] = {"per_100_u2": per_100_u2, "levels": round(_signed(levels, rng), 1)}
    return texture


def _between(ends: tuple[float, float], rng: np.random.Generator) -> float:
    """Returns a length drawn evenly in its logarithm."""
    return round(float(np.exp(rng.uniform(*np.log(ends)))), 3)


def _signed(levels: float, rng: np.random.Generator) -> float:
    return float(levels * rng.uniform(0.3, 1.0) * rng.choice([-1.0, 1.0]))


def _levels(peak: float, rng: np.random.Generator) -> list[float]:
    """Returns levels of red, green and blue around a peak."""
    drawn = peak * (1.0 + GREEN_HUE * rng.uniform(-1.0, 1.0, 3))
    return [round(float(level), 1) for level in drawn]
