"""Pictures beside those of the installed Gymnasium, pixel by pixel."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("Box2D", reason="the real CarRacing needs Box2D")
pytest.importorskip("pygame", reason="the real CarRacing needs pygame")

from gymnasium.utils.seeding import np_random

from agent.worlds.car_racing.exact.track import make_track
from experiments.car_racing_drivers import DRIVERS
from experiments.car_racing_exactness import ExactCar
from experiments.car_racing_pictures import Artist, RealPictures, Scene, compare, read_scene

FIELD = 2000 / 6


@pytest.fixture(scope="module")
def real() -> RealPictures:
    return RealPictures()


@pytest.fixture(scope="module")
def artist() -> Artist:
    return Artist()


def differing(artist: Artist, real: RealPictures) -> int:
    """Pixels that differ in the picture of the real world as it is now."""
    scene = read_scene(real.env)
    return int((artist.picture(scene) != real.draw("state_pixels")).any(2).sum())


@pytest.mark.parametrize("name", ["centre line", "wild", "spinning"])
def test_no_pixel_differs(real: RealPictures, artist: Artist, name: str) -> None:
    found = compare(real, artist, DRIVERS[name], seed=1, steps=240, every=12)
    assert found.pictures > 30
    assert (found.colour, found.grey) == (0, 0)


def test_no_pixel_differs_over_our_own_physics(real: RealPictures, artist: Artist) -> None:
    car = ExactCar()
    tracks = car.tracks
    real.wanted = True
    real.env.reset(seed=1)
    car.reset(make_track(np_random(1)[0]))
    rng = np.random.default_rng(1)
    scores = set()
    for step in range(81):
        arrays = (tracks.polygons[0], tracks.colours[0], int(tracks.polygon_counts[0]))
        scene = Scene(car.record, *arrays, tracks.ground[0])
        assert (artist.picture(scene) != real.picture).sum() == 0, step
        scores.add(round(car.record["score"]))
        action = DRIVERS["centre line"](real.env, rng, step)
        real.env.step(action)
        car.step(action)
    assert len(scores) > 10


def test_no_pixel_differs_in_random_colours(artist: Artist) -> None:
    real = RealPictures(domain_randomize=True)
    found = compare(real, artist, DRIVERS["centre line"], seed=2, steps=120, every=12)
    assert len(np.unique(real.env.road_color)) == 3
    assert found.pictures > 20
    assert (found.colour, found.grey) == (0, 0)


@pytest.mark.parametrize(
    ("x", "y", "angle"),
    [
        (FIELD, 0, 0),
        (-FIELD + 20, FIELD - 5, 2.5),
        (FIELD - 30, -FIELD + 30, -40),
        (0, 0, 0),
        (10, -20, np.pi / 2),
        (40, -20, np.pi),
        (60, 200, -np.pi / 2),
    ],
)
@pytest.mark.parametrize("sec", [0.3, 5.0])
def test_corners_of_the_field_and_quarter_turns(
    real: RealPictures, artist: Artist, x: float, y: float, angle: float, sec: float
) -> None:
    real.env.reset(seed=3)
    real.env.t = sec
    hull = real.env.car.hull
    hull.transform = ((x, y), angle)
    for wheel in real.env.car.wheels:
        wheel.transform = (hull.GetWorldPoint(wheel.joint.anchorA), angle)
    assert differing(artist, real) == 0


def test_the_bar_shows_values_that_no_drive_has(real: RealPictures, artist: Artist) -> None:
    real.env.reset(seed=4)
    hull = real.env.car.hull
    wheels = real.env.car.wheels
    for spins, speed, yaw_rate, reward in (
        ((100, -100, 250, -20), 99, 25, 999.4),
        ((1e-5, -1e-5, 0.4, -0.4), 0, -12, -0.3),
        ((4, 5, 6, 7), 3, 1e-5, 0.5),
        ((0, 0, 0, 0), 1e-5, 0.06, -123.5),
    ):
        for wheel, spin in zip(wheels, spins, strict=True):
            wheel.omega = spin
        hull.linearVelocity = (0.6 * speed, 0.8 * speed)
        hull.angularVelocity = yaw_rate
        real.env.reward = reward
        assert differing(artist, real) == 0


@pytest.mark.parametrize("turns", np.linspace(0, 2, 9))
def test_stripes_of_turning_wheels(real: RealPictures, artist: Artist, turns: float) -> None:
    real.env.reset(seed=5)
    real.env.t = 2.0
    for k, wheel in enumerate(real.env.car.wheels):
        wheel.phase = np.pi * (turns + 0.07 * k)
    assert differing(artist, real) == 0


@pytest.mark.parametrize(
    ("rows", "columns", "top", "left"),
    [(84, 84, 0, 6), (96, 96, 0, 0), (12, 96, 84, 0), (9, 7, 80, 5)],
)
def test_planes_of_colours(
    real: RealPictures, artist: Artist, rows: int, columns: int, top: int, left: int
) -> None:
    real.env.reset(seed=7)
    real.env.t = 4.0
    real.env.reward = 123.4
    real.env.car.hull.angularVelocity = 3
    picture = real.draw("state_pixels")
    planes = np.zeros((3, rows, columns), np.uint8)
    artist.window(planes, top, left, read_scene(real.env))
    part = picture[top : top + rows, left : left + columns]
    assert len(np.unique(part.reshape(-1, 3), axis=0)) > 5
    assert (planes.transpose(1, 2, 0) != part).sum() == 0


def test_a_picture_leaves_nothing_behind(real: RealPictures, artist: Artist) -> None:
    pictures = []
    for seed, angle in ((8, 0.0), (9, 1.0), (8, 0.0)):
        real.env.reset(seed=seed)
        real.env.t = 2.0
        real.env.car.hull.transform = (real.env.car.hull.position, angle)
        pictures.append(artist.picture(read_scene(real.env)).copy())
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] == pictures[2]).all()


def odd_scene(rng: np.random.Generator, real: Any) -> Scene:
    """A scene with quads that no track has: crossed, flat, of one row, one over the other."""
    corners = rng.uniform(-25, 25, (30, 1, 2)) + rng.uniform(-12, 12, (30, 4, 2))
    corners[:5, 1] = corners[:5, 0]
    corners[5:10, :, 1] = corners[5:10, :1, 1]
    corners[10:15, :, 0] = corners[10:15, :1, 0]
    real.road_poly = [
        ([(x, y) for x, y in quad], tuple(rng.integers(0, 255, 3).tolist())) for quad in corners
    ]
    return read_scene(real)


def test_polygons_that_no_track_has(real: RealPictures, artist: Artist) -> None:
    real.env.reset(seed=6)
    real.env.t = 3.0
    rng = np.random.default_rng(6)
    for angle in (0, 0, 0.3, 1.9, 3.5):
        real.env.car.hull.transform = ((0, -10), angle)
        scene = odd_scene(rng, real.env)
        picture = artist.picture(scene)
        assert (picture != real.draw("state_pixels")).sum() == 0
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100
