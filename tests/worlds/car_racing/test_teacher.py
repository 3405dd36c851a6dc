"""The expert: it drives laps, it mirrors, and it leaves driving to the learner bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.evaluation.episodes import evaluate
from agent.worlds.base import Purpose
from agent.worlds.car_racing.exact.car import CAR
from agent.worlds.car_racing.exact.centre_line import X, Y
from agent.worlds.car_racing.exact.track import make_track
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.scripted import expert_policy
from agent.worlds.car_racing.teacher import BLOCK, MANNER, NOISE, PATIENT, Teacher
from agent.worlds.car_racing.world import WORLD

CARS = 6
MIRROR = np.array([-1.0, 1.0])


def centre_line(seed: int) -> NDArray[np.float64]:
    """Middle of the road of a track of our own (tiles, 2)."""
    points: NDArray[np.float64] = make_track(np.random.default_rng(seed)).points[:, [X, Y]]
    return points


def cars_along(line: NDArray[np.float64]) -> NDArray[np.void]:
    """Cars beside a line, askew, of different speeds."""
    rng = np.random.default_rng(7)
    cars: NDArray[np.void] = np.zeros(CARS, dtype=CAR)
    for k, car in enumerate(cars):
        at = 5 + 30 * k
        along = line[at + 1] - line[at]
        angle = np.arctan2(-along[0], along[1]) + rng.uniform(-0.3, 0.3)
        car["position"][0] = line[at] + rng.uniform(-3.0, 3.0, 2)
        car["angle"][0] = angle
        car["velocity"][0] = rng.uniform(5.0, 95.0) * np.array([-np.sin(angle), np.cos(angle)])
        car["spin"][:] = rng.uniform(0.0, 200.0)
    return cars


def mirrored(cars: NDArray[np.void]) -> NDArray[np.void]:
    found = cars.copy()
    for name in ("position", "velocity"):
        found[name] *= MIRROR.astype(np.float32)
    found["angle"] *= -1.0
    return found


def on_track(line: NDArray[np.float64]) -> Teacher:
    """A teacher of cars that are all on one track."""
    teacher = Teacher(CARS, MANNER, 0.4)
    for k in range(CARS):
        teacher.restart(k, line)
    return teacher


@pytest.mark.parametrize("seed", [1, 2])
def test_a_mirrored_line_has_mirrored_labels(seed: int) -> None:
    line = centre_line(seed)
    cars = cars_along(line)
    teacher = on_track(line)
    commands = teacher.commands(cars)
    bearings = teacher.bearings(cars)
    other = on_track(line)
    other.lines *= [-1.0, 1.0, 1.0]
    other_commands = other.commands(mirrored(cars))
    other_bearings = other.bearings(mirrored(cars))
    np.testing.assert_allclose(other_commands, commands * [-1.0, 1.0, 1.0], atol=1e-4)
    np.testing.assert_allclose(other_bearings, bearings * Teacher.bearing_signs, atol=1e-4)
    assert np.abs(commands[:, 0]).max() > 0.1 < np.abs(bearings).max()
    assert (commands[:, 1:].min(axis=1) == 0.0).all(), "never both pedals"
    assert commands[:, 1].max() > 0.0


def test_bearings_are_positive_to_the_left() -> None:
    straight = np.stack([np.zeros(200), 3.5 * np.arange(200)], axis=1)
    cars: NDArray[np.void] = np.zeros(CARS, dtype=CAR)
    cars["position"][:, 0] = [8.0, 350.0]  # to the right of the line, which goes up
    teacher = on_track(straight)
    commands = teacher.commands(cars)
    bearings = teacher.bearings(cars)
    assert (bearings[:, :6] > 0.0).all()
    assert (commands[:, 0] < 0.0).all(), "steers to the left, which is negative"
    assert (bearings[:, 6] == 0.0).all(), "it stands"
    assert (bearings[:, 7] > 0.0).all()


def test_it_drives_a_lap_of_any_track() -> None:
    policy, vec_env = expert_policy(CarRacingOptions(backend="own"), 3, 0)
    score = evaluate(policy, WORLD, vec_env, 3, Purpose.JUDGE.first_seed(0))
    vec_env.close()
    assert [episode.end_reason for episode in score.episodes] == ["lap"] * 3
    assert all(episode.reward > 900.0 for episode in score.episodes)
    assert len({episode.reward for episode in score.episodes}) == 3
    assert WORLD.verdict(score.episodes) == "solved"


def test_it_leaves_driving_to_the_learner_bit_by_bit() -> None:
    n = 50
    teacher = Teacher(n, PATIENT, 0.4, takeover_steps=40 * BLOCK * n, seed=3)
    learned = np.tile([0.2, 0.1, 0.0], (n, 1))
    its = np.tile([-0.2, 0.5, 0.0], (n, 1))
    shares = []
    noise = []
    for decision in range(40 * BLOCK):
        driven = teacher.take_over(learned, its)
        drives = driven[:, 1] == 0.5
        if decision % BLOCK == 0:
            shares.append(drives.mean())
            stretch = drives
        assert np.array_equal(drives, stretch), "a stretch is driven by one"
        assert np.array_equal(driven[~drives], learned[~drives]), "without noise"
        noise += (driven[drives, 0] + 0.2).tolist()
    assert np.mean(shares[:10]) > 0.75 > 0.5 > np.mean(shares[-10:]) + 0.2
    assert np.std(noise) == pytest.approx(NOISE * 0.4, rel=0.05)
    assert np.array_equal(teacher.take_over(learned, its), learned), "and then it is over"


def test_without_a_takeover_it_only_labels() -> None:
    teacher = Teacher(2, PATIENT, 0.4)
    learned = np.array([[0.2, 0.1, 0.0], [0.0, 0.0, 0.3]])
    assert np.array_equal(teacher.take_over(learned, np.zeros((2, 3))), learned)
