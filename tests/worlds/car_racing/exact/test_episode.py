"""Cars beside those of the installed Gymnasium: bodies, wheels, tiles, rewards, ends."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("Box2D", reason="the real CarRacing needs Box2D")
pytest.importorskip("pygame", reason="the real CarRacing needs pygame")

from gymnasium.utils.seeding import np_random

from agent.worlds.car_racing.exact.car import CAR
from agent.worlds.car_racing.exact.episode import OFF_FIELD_REWARD, advance_all, start
from agent.worlds.car_racing.exact.track import make_track
from agent.worlds.car_racing.exact.tracks import Tracks, make_tracks
from experiments.car_racing_drivers import DRIVERS, centre_line, standstill, straight_on
from experiments.car_racing_exactness import ExactCar, compare, real_car_racing

STEPS = 250
LAP_SEED = 3  # the driver finishes its lap in 1,127 steps


def advance(cars: Any, tracks: Tracks, actions: Any, most: list[int]) -> tuple[Any, Any, Any]:
    n = len(cars)
    results = np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    advance_all(cars, tracks, actions, np.array(most), *results)
    rewards, done, ended = results
    return rewards.tolist(), done.tolist(), ended.tolist()


@pytest.fixture(scope="module")
def real() -> Any:
    return real_car_racing()


@pytest.fixture
def exact() -> ExactCar:
    return ExactCar()


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", DRIVERS)
def test_no_value_differs(real: Any, exact: ExactCar, name: str, seed: int) -> None:
    found = compare(real, exact, DRIVERS[name], seed, STEPS)
    assert found.steps > 100
    assert found.values == 0, found


def test_a_car_falls_asleep_and_wakes(real: Any, exact: ExactCar) -> None:
    slept = woke = False

    def watched(env: Any, rng: np.random.Generator, step: int) -> Any:
        nonlocal slept, woke
        still = not exact.record["velocity"].any()
        slept = slept or (step > 50 and still)
        woke = woke or (slept and not still)
        return standstill(env, rng, step)

    assert compare(real, exact, watched, seed=0, steps=700).values == 0
    assert slept
    assert woke


def test_a_lap_ends_when_all_tiles_are_visited(real: Any, exact: ExactCar) -> None:
    found = compare(real, exact, centre_line, LAP_SEED, steps=1500)
    assert found.values == 0, found
    car = exact.record
    assert car["lap_finished"] == 1
    assert car["visited"] == car["tiles"] == len(real.track)
    assert car["reward"] == pytest.approx(1000 - 0.1 * car["steps"])


def test_the_field_ends_at_its_border(real: Any, exact: ExactCar) -> None:
    found = compare(real, exact, straight_on, seed=0, steps=1000)
    assert found.values == 0, found
    assert found.steps < 1000
    assert np.abs(exact.record["position"][0]).max() > 2000 / 6
    assert exact.record["lap_finished"] == 0


@pytest.mark.parametrize("speed", [3.0, 100.0, 500.0])  # the last two are cut to a step's limits
def test_cars_that_are_thrown_about_come_to_rest_alike(
    real: Any, exact: ExactCar, speed: float
) -> None:
    thrown = False

    def throw(env: Any, rng: np.random.Generator, step: int) -> Any:
        nonlocal thrown
        if step == 20:
            for number, body in enumerate([env.car.hull, *env.car.wheels]):
                x, y, rate = rng.normal(0, speed, 3).astype(np.float32)
                body.linearVelocity = float(x), float(y)
                body.angularVelocity = float(rate)
                exact.record["velocity"][number] = x, y
                exact.record["yaw_rate"][number] = rate
            thrown = True
        return np.zeros(3, np.float32)

    found = compare(real, exact, throw, seed=1, steps=100)
    assert thrown
    assert found.values == 0, found


@pytest.mark.parametrize("share", [0.0, 0.95])
def test_the_share_of_a_lap_counts_where_the_first_tile_is_visited(share: float) -> None:
    env = real_car_racing(lap_complete_percent=share)
    env.reset(seed=0)
    cars, tracks = np.zeros(1, CAR), make_tracks(1)
    start(cars, tracks, 0, make_track(np_random(0)[0]), lap_share=share)
    assert env.new_lap == bool(cars[0]["new_lap"]) == (share == 0.0)
    action = np.array([0.0, 0.1, 0.0])
    _, reward, end, _, _ = env.step(action)
    assert advance(cars, tracks, action[None], [1]) == ([reward], [1], [end])


def test_cars_side_by_side_drive_as_each_alone() -> None:
    tracks, cars = make_tracks(2), np.zeros(2, CAR)
    made = [make_track(np.random.default_rng(seed)) for seed in (0, 1)]
    for k in (0, 1):
        start(cars, tracks, k, made[k])
    actions = np.array([[0.1, 0.5, 0.0], [-0.1, 0.2, 0.0]])
    rewards, done, _ = advance(cars, tracks, actions, [30, 50])
    alone, one = make_tracks(1), np.zeros(1, CAR)
    start(one, alone, 0, made[1])
    singly = [advance(one, alone, actions[1:], [1])[0][0] for _ in range(50)]
    assert cars[1] == one[0]
    assert rewards[1] == sum(singly)
    assert done == cars["steps"].tolist() == [30, 50]


def test_a_car_stops_at_its_end() -> None:
    tracks, cars = make_tracks(1), np.zeros(1, CAR)
    start(cars, tracks, 0, make_track(np.random.default_rng(0)))
    cars[0]["centre"][:, 0] += 400  # beyond the field after the next step
    result = advance(cars, tracks, np.zeros((1, 3)), [10])
    assert result == ([OFF_FIELD_REWARD], [1], [True])


def test_a_start_forgets_the_last_episode() -> None:
    tracks, cars = make_tracks(1), np.zeros(1, CAR)
    track = make_track(np.random.default_rng(0))
    start(cars, tracks, 0, track)
    fresh = cars.copy()
    colours = tracks.colours.copy()
    advance(cars, tracks, np.array([[0.0, 1.0, 0.0]]), [100])
    assert (tracks.colours != colours).any()
    start(cars, tracks, 0, track)
    assert cars[0] == fresh[0]
    np.testing.assert_array_equal(tracks.colours, colours)
