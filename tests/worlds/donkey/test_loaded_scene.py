"""Which scene a simulator has loaded, told by its path."""

from __future__ import annotations

import numpy as np
import pytest

from agent.simulator.tracks import build_track, load_scene
from agent.worlds.donkey.remote.loaded_scene import NODES_ASKED, nearest_scene
from agent.worlds.donkey.tasks import SCENE_OF_ENV


@pytest.fixture(scope="module")
def paths() -> dict[str, np.ndarray]:
    return {name: build_track(load_scene(name)).nodes for name in SCENE_OF_ENV.values()}


def asked(path: np.ndarray) -> list[tuple[float, float, float]]:
    indices = np.linspace(0, len(path) - 1, NODES_ASKED).round().astype(int)
    return [(float(x), float(z), float(y)) for x, z, y in path[indices]]


@pytest.mark.parametrize("scene", SCENE_OF_ENV.values())
def test_it_is_told_by_its_nodes(scene: str, paths: dict[str, np.ndarray]) -> None:
    assert nearest_scene(asked(paths[scene])) == scene


def test_a_track_that_is_driven_the_other_way_is_another(paths: dict[str, np.ndarray]) -> None:
    assert nearest_scene(asked(paths["warren"][::-1])) == "random_track"


def test_a_road_of_one_s_own_is_driven_as_one_that_is_drawn(paths: dict[str, np.ndarray]) -> None:
    elsewhere = np.array([7.0, -11.0, 0.0])
    assert nearest_scene(asked(paths["warren"] * 1.7 + elsewhere)) == "random_track"
    half = paths["warren"][: len(paths["warren"]) // 2] * 1.7 + elsewhere
    assert nearest_scene(asked(half)) == "generated_road"
