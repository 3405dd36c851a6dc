"""Colours of ground and road: Gymnasium's own, or drawn at random (``domain_randomize``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.worlds.car_racing.exact.arrays import Doubles, Ints
from agent.worlds.car_racing.exact.road import ROAD_SHADES

LIGHTEST = 210  # level that random colours stay below
GRASS_LIGHTER = 20  # levels, in one channel
KERBS = ((255, 255, 255), (255, 0, 0))


@dataclass(frozen=True)
class Palette:
    """Levels of red, green and blue, not yet whole numbers."""

    road: Doubles
    ground: Doubles
    grass: Doubles

    def of_kinds(self) -> Ints:
        """Returns the levels as they are drawn of each kind of polygon: (5, 3)."""
        # Gymnasium's product, for another order has other bits: 0.01 * shade * 255.
        shades = [(self.road + 0.01 * shade * 255).astype(np.int32) for shade in range(ROAD_SHADES)]
        return np.array([*shades, *KERBS], np.int32)


DEFAULT = Palette(
    road=np.array([102.0, 102.0, 102.0]),
    ground=np.array([102.0, 204.0, 102.0]),
    grass=np.array([102.0, 230.0, 102.0]),
)


def draw_palette(rng: np.random.Generator) -> Palette:
    """Returns random colours; takes seven numbers, before those of the track."""
    road = rng.uniform(0, LIGHTEST, size=3)
    ground = rng.uniform(0, LIGHTEST, size=3)
    grass = ground.copy()
    grass[rng.integers(3)] += GRASS_LIGHTER
    return Palette(road, ground, grass)
