"""Random roads by their shape: a curriculum draws gentle ones first, lessons more that cross themselves narrowly."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from agent.simulator.tracks import Scene, build_track, load_scene

GENTLEST = 0.125  # share of the roads that a curriculum begins with
SHARP = 95  # percentile of a road's curvature by which roads are compared
SAMPLE = 64  # roads of a scene that say what share of all is gentler than a road
MOST_DRAWS = 64  # of which the gentlest is taken if none is gentle enough
NARROW = 0.6  # cosine between the ways of a crossing, from which on it is narrow: 53 degrees


def draw_gentle(scene: str, roads: int, grown: float, rng: np.random.Generator) -> int:
    """Number of a random road of ``scene`` below ``roads`` that is gentle enough.

    :param grown: how far the curriculum has come, from 0, the gentlest roads, to 1, all of them
    """
    drawn = int(rng.integers(roads))
    if grown >= 1.0:
        return drawn
    limit = np.quantile(_sample(scene), GENTLEST + (1.0 - GENTLEST) * grown)
    for _ in range(MOST_DRAWS):
        if sharpness(scene, drawn) <= limit:
            break
        drawn = min(drawn, int(rng.integers(roads)), key=partial(sharpness, scene))
    return drawn


def draw_narrow(scene: str, roads: int, rng: np.random.Generator) -> int:
    """Number of a random road of ``scene`` below ``roads`` with a narrow crossing, if one is found."""
    for _ in range(MOST_DRAWS):
        drawn = int(rng.integers(roads))
        if narrowest(scene, drawn) > NARROW:
            break
    return drawn


@lru_cache(maxsize=4096)
def narrowest(scene: str, seed: int) -> float:
    """The cosine between the two ways of a road's narrowest crossing, 0 where it has none."""
    return float(build_track(_scene(scene), seed).narrowness.max(initial=0.0))


@lru_cache(maxsize=4096)
def sharpness(scene: str, seed: int) -> float:
    """How sharply a road bends: the ``SHARP``-th percentile of its curvature, 1/u."""
    track = build_track(_scene(scene), seed)
    heading = np.unwrap(np.arctan2(track.direction[:, 0], track.direction[:, 1]))
    return float(np.percentile(np.abs(np.diff(heading)) / track.span_u[:-1], SHARP))


@lru_cache
def _sample(scene: str) -> tuple[float, ...]:
    return tuple(sharpness(scene, seed) for seed in range(SAMPLE))


@lru_cache
def _scene(name: str) -> Scene:
    return load_scene(name)
