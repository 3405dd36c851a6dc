"""Tracks beside those of the installed Gymnasium, to the bit."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("Box2D", reason="the real CarRacing needs Box2D")
pytest.importorskip("pygame", reason="the real CarRacing needs pygame")

from gymnasium.utils.seeding import np_random

from agent.worlds.car_racing.exact.palette import DEFAULT, draw_palette
from agent.worlds.car_racing.exact.road import NO_TILE
from agent.worlds.car_racing.exact.track import Track, make_track
from experiments.car_racing_exactness import real_car_racing

SEEDS = (0, 1, 2, 36, 313)  # the first trial of 36 does not close, nor the second of 313


@pytest.fixture(scope="module")
def real() -> Any:
    return real_car_racing()


def levels_drawn(env: Any) -> np.ndarray:
    return np.array([[int(level) for level in colour] for _, colour in env.road_poly])


def assert_same(env: Any, track: Track) -> None:
    np.testing.assert_array_equal(np.array(env.track), track.points)
    np.testing.assert_array_equal(np.array([list(p) for p, _ in env.road_poly]), track.polygons)
    near = (track.tile_of == 0) | (track.tile_of == 1)  # touched at the start: repainted
    np.testing.assert_array_equal(levels_drawn(env)[~near], track.colours[~near])
    assert (levels_drawn(env)[near] == track.plain).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_points_polygons_and_colours_are_gymnasiums(real: Any, seed: int) -> None:
    real.reset(seed=seed)
    rng, _ = np_random(seed)
    assert_same(real, make_track(rng))
    assert rng.bit_generator.state == real.np_random.bit_generator.state


def test_the_next_track_comes_from_the_same_generator(real: Any) -> None:
    real.reset(seed=1)
    real.reset()
    rng, _ = np_random(1)
    make_track(rng)
    assert_same(real, make_track(rng))


def test_kerbs_belong_to_no_tile(real: Any) -> None:
    track = make_track(np_random(0)[0])
    kerbs = track.tile_of == NO_TILE
    assert 0 < kerbs.sum() < track.tiles
    np.testing.assert_array_equal(track.tile_of[~kerbs], np.arange(track.tiles))
    assert {tuple(colour) for colour in track.colours[kerbs]} == {(255, 255, 255), (255, 0, 0)}


def test_random_colours_are_drawn_before_the_track() -> None:
    env = real_car_racing(domain_randomize=True)
    for seed in (0, 1):
        env.reset(seed=seed)
        rng, _ = np_random(seed)
        palette = draw_palette(rng)
        assert_same(env, make_track(rng, palette))
        np.testing.assert_array_equal(env.grass_color, palette.grass)
        np.testing.assert_array_equal(env.bg_color, palette.ground)
    env.reset(options={"randomize": False})
    assert_same(env, make_track(rng, palette))


def test_default_colours_are_gymnasiums(real: Any) -> None:
    np.testing.assert_array_equal(real.road_color, DEFAULT.road)
    np.testing.assert_array_equal(real.bg_color, DEFAULT.ground)
    np.testing.assert_array_equal(real.grass_color, DEFAULT.grass)
