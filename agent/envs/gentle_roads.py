"""Random roads by how sharply they bend: a curriculum draws gentle ones first."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from agent.simulator.tracks import Scene, build_track, load_scene

GENTLEST = 0.125  # share of the roads that a curriculum begins with
SHARP = 95  # percentile of a road's curvature by which roads are compared
SAMPLE = 64  # roads of a scene that say what share of all is gentler than a road
MOST_DRAWS = 64  # of which the gentlest is taken if none is gentle enough


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
