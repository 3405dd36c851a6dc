"""Start poses of episodes: the scene's own, near it, anywhere on the road, or perturbed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.simulator.tracks import Track

STARTS = ("line", "jitter", "anywhere", "perturbed")

# All of these are chosen.
JITTER_U = 0.5
JITTER_DEG = 5.0
ANYWHERE_U = 1.5
ANYWHERE_DEG = 10.0
PERTURBED_SHARE = 0.7  # of the cross-track error that ends an episode
PERTURBED_DEG = 35.0
OPEN_ROAD_SHARE = 0.8  # of an open road, so that there is some left to drive
ANY_CROSSING = 0.05  # weight of a crossing at right angles; the narrowest has about 1 more


@dataclass(frozen=True)
class CrossingStarts:
    """Perturbed starts that stand upright before a crossing instead, where the road crosses itself.

    :param share: of the perturbed starts
    :param distance_u: least and largest way to the crossing, u
    :param narrow: a narrow crossing is likelier, by the squared cosine between its directions
    """

    share: float
    distance_u: tuple[float, float]
    narrow: bool


EVEN_CROSSINGS = CrossingStarts(0.5, (20.0, 45.0), narrow=False)
NARROW_CROSSINGS = CrossingStarts(0.8, (20.0, 80.0), narrow=True)


def jittered(rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of ``World.reset`` for a start near the scene's own."""
    return {
        "lateral_u": rng.uniform(-JITTER_U, JITTER_U),
        "yaw_offset_rad": math.radians(rng.uniform(-JITTER_DEG, JITTER_DEG)),
    }


def anywhere(track: Track, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of ``World.reset`` for a start anywhere on the road, upright."""
    return _beside(_any_arc(track, rng), ANYWHERE_U, ANYWHERE_DEG, rng)


def perturbed(
    track: Track, crossings: CrossingStarts, max_cte: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Arguments of ``World.reset`` for a start far aside and turned away, or before a crossing.

    :param track: the road
    :param crossings: share and place of those before a crossing
    :param max_cte: cross-track error that ends an episode, u
    :param rng: draws it
    """
    arc_u = _any_arc(track, rng)
    if len(track.crossings) and rng.uniform() < crossings.share:
        probabilities = None
        if crossings.narrow:
            weight = track.narrowness**2 + ANY_CROSSING
            probabilities = weight / weight.sum()
        node = rng.choice(track.crossings, p=probabilities)
        arc_u = track.arc_before(node, rng.uniform(*crossings.distance_u))
        return _beside(arc_u, ANYWHERE_U, ANYWHERE_DEG, rng)
    return _beside(arc_u, PERTURBED_SHARE * max_cte, PERTURBED_DEG, rng)


def _any_arc(track: Track, rng: np.random.Generator) -> float:
    share = 1.0 if track.closed else OPEN_ROAD_SHARE
    return rng.uniform(0.0, track.length_u * share)


def _beside(
    arc_u: float, aside_u: float, turned_deg: float, rng: np.random.Generator
) -> dict[str, Any]:
    return {
        "arc_u": arc_u,
        "lateral_u": rng.uniform(-aside_u, aside_u),
        "yaw_offset_rad": math.radians(rng.uniform(-turned_deg, turned_deg)),
    }
