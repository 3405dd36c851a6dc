"""CarRacing side by side: seeds of episodes, stacks, ends and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.worlds.base import SEED_BAND, Learner, Purpose
from agent.worlds.car_racing.actions import Actions
from agent.worlds.car_racing.backend import MOST_FRAMES
from agent.worlds.car_racing.make_vec_env import make_vec_env
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.teacher import AHEAD, PATIENT, Teacher
from agent.worlds.car_racing.training_rules import TrainingRules
from agent.worlds.car_racing.vec_env import CarRacingVecEnv
from tests.worlds.car_racing.fake_backend import TILES, FakeBackend

GAS = [0.0, 0.5]
NOTHING = [0.0, 0.0]
BRAKE = [0.0, -1.0]  # leaves the fake field
PICTURE = (1, 16, 8)


def make(n: int, repeat: int = 1, stack: tuple[int, int] = (1, 1), **more: Any) -> CarRacingVecEnv:
    """Cars of the fake backend, with two actions."""
    return CarRacingVecEnv(FakeBackend(n), PICTURE, stack, Actions("two", 1.0), repeat, **more)


def backend_of(vec_env: CarRacingVecEnv) -> FakeBackend:
    assert isinstance(vec_env.backend, FakeBackend)
    return vec_env.backend


def drive(
    vec_env: CarRacingVecEnv, *actions: list[float], decisions: int = MOST_FRAMES
) -> tuple[dict[str, Any], float]:
    """Drives the first car until its episode ends; returns its last info and its return."""
    score = 0.0
    for _ in range(decisions):
        _, rewards, dones, infos = vec_env.step(np.array(actions))
        score += float(rewards[0])
        if dones[0]:
            return infos[0], score
    raise AssertionError("the episode does not end")


def test_every_episode_has_a_seed_of_its_own() -> None:
    vec_env = make(3)
    vec_env.seed(100)
    vec_env.reset()
    for _ in range(3):
        drive(vec_env, GAS, GAS, BRAKE)
    first, second, third = backend_of(vec_env).restarts
    assert first == [100, 103, 106, 109] == [seed - 1 for seed in second]
    assert third[:5] == [102, 105, 108, 111, 114] and len(third) == 3 * TILES + 1
    assert not set(first) & set(second) & set(third)
    vec_env.reset()
    assert first[-1] == 112, "no episode is met again"
    vec_env.seed(100)
    vec_env.reset()
    assert [seeds[-1] for seeds in (first, second, third)] == [100, 101, 102]


def test_seeds_stay_in_the_band_of_their_purpose() -> None:
    vec_env = make(3)
    vec_env.seed(2 * SEED_BAND - 3)
    vec_env.reset()
    drive(vec_env, GAS, GAS, GAS)
    seeds = [seed for each in backend_of(vec_env).restarts for seed in each]
    assert len(set(seeds)) == 6
    assert {seed // SEED_BAND for seed in seeds} == {Purpose.CHOOSE}


@pytest.mark.parametrize(
    ("action", "reason", "truncated"),
    [(GAS, "lap", False), (BRAKE, "off_field", False), (NOTHING, "time_limit", True)],
)
def test_an_episode_tells_how_it_ended(action: list[float], reason: str, truncated: bool) -> None:
    vec_env = make(2)
    vec_env.seed(5)
    vec_env.reset()
    info, score = drive(vec_env, action, NOTHING)
    assert info["end_reason"] == reason
    assert info["TimeLimit.truncated"] is truncated
    assert info["seed"] == 5, "of the episode that ended"
    if reason == "lap":
        assert (info["tiles"], info["tiles_visited"], info["frames"]) == (TILES, TILES, TILES)
        assert score == pytest.approx(1000.0 - 0.1 * TILES, abs=1e-3)
    if reason == "off_field":
        assert score == pytest.approx(-100.1, abs=1e-4)


def test_held_decisions_end_at_the_thousandth_frame() -> None:
    vec_env = make(1, repeat=3)
    vec_env.reset()
    for _ in range(MOST_FRAMES // 3):
        _, rewards, dones, infos = vec_env.step(np.array([NOTHING]))
        assert not dones[0] and not infos[0]["TimeLimit.truncated"]
        assert rewards[0] == pytest.approx(-0.3)
    _, rewards, dones, infos = vec_env.step(np.array([NOTHING]))
    assert dones[0] and infos[0]["frames"] == MOST_FRAMES
    assert rewards[0] == pytest.approx(-0.1), "one frame was left"
    _, _, dones, infos = vec_env.step(np.array([NOTHING]))
    assert not dones[0] and infos[0]["frames"] == 3


@pytest.mark.parametrize("repeat", [1, 4])
def test_patience_ends_what_gets_nowhere_as_a_truncation(repeat: int) -> None:
    vec_env = make(2, repeat, rules=TrainingRules(20))
    vec_env.seed(9)
    vec_env.reset()
    for _ in range(3):
        vec_env.step(np.array([GAS, GAS]))
    for _ in range(20 // repeat - 1):
        assert not vec_env.step(np.array([NOTHING, GAS]))[2][0]
    newest, _, dones, infos = vec_env.step(np.array([NOTHING, GAS]))
    seen = np.asarray(newest)
    assert dones[0] and infos[0]["end_reason"] == "no_progress"
    assert infos[0]["TimeLimit.truncated"] is True
    frames = 3 * repeat + 20
    assert infos[0]["frames"] == frames
    assert (infos[0]["terminal_observation"] == (7 * 9 + frames) % 256).all()
    assert (seen[0] == 7 * 11 % 256).all(), "the next episode's first picture"
    assert infos[0]["terminal_observation"].shape == vec_env.observation_space.shape
    assert "terminal_observation" not in infos[1] or repeat == 4


def test_patience_that_pays_is_an_end_and_costs_the_frames_that_were_left() -> None:
    vec_env = make(2, 4, rules=TrainingRules(20, patience_pays=True))
    vec_env.reset()
    for _ in range(4):
        vec_env.step(np.array([NOTHING, GAS]))
    _, rewards, dones, infos = vec_env.step(np.array([NOTHING, GAS]))
    assert dones[0] and infos[0]["TimeLimit.truncated"] is False
    assert rewards[0] == pytest.approx(4 * -0.1 + (1000 - 20) * -0.1)
    assert not dones[1]


def test_patience_is_shorter_once_nearly_all_tiles_are_touched() -> None:
    vec_env = make(2, rules=TrainingRules(20, lap_patience=5))
    vec_env.reset()
    for _ in range(38):  # of 40 tiles
        vec_env.step(np.array([GAS, GAS]))
    ends = [vec_env.step(np.array([NOTHING, NOTHING]))[2][0] for _ in range(5)]
    assert ends == [False] * 4 + [True]


def test_a_car_at_rest_creeps_to_the_next_tile() -> None:
    vec_env = CarRacingVecEnv(FakeBackend(1), PICTURE, (1, 1), Actions("two", 1.0, creep=0.1), 1)
    vec_env.reset()
    backend_of(vec_env).cars["velocity"] = 0.0
    vec_env.step(np.array([BRAKE]))
    assert backend_of(vec_env).cars["visited"] == 1, "gas, not brake"


def test_way_costs_a_share_of_the_tiles_on_it() -> None:
    free, paid = make(1), make(1, rules=TrainingRules(speed_cost=0.5))
    for vec_env in (free, paid):
        vec_env.reset()
    _, whole, _, _ = free.step(np.array([GAS]))
    _, left, _, infos = paid.step(np.array([GAS]))
    assert infos[0]["unshaped_reward"] == pytest.approx(whole[0])
    way = 50.0 * 0.02  # units in a frame
    assert whole[0] - left[0] == pytest.approx(0.5 * 1000.0 / TILES * way / 3.5)


def test_what_way_costs_grows_from_nothing() -> None:
    vec_env = make(2, rules=TrainingRules(speed_cost=0.5, cost_steps=8))
    vec_env.reset()
    rewards = [vec_env.step(np.array([GAS, GAS]))[1][0] for _ in range(6)]
    costs = rewards[0] - np.array(rewards)
    assert costs[-1] == costs[-2] > 0.0, "all of it after eight decisions of two cars"
    np.testing.assert_allclose(costs / costs[-1], [0.0, 0.25, 0.5, 0.75, 1.0, 1.0], rtol=1e-5)


def test_a_stack_has_decisions_of_the_past_and_begins_with_the_first_picture() -> None:
    vec_env = make(2, repeat=2, stack=(3, 2))
    vec_env.seed(1)
    observations = np.asarray(vec_env.reset())
    assert vec_env.observation_space.shape == (3, 16, 8)
    assert (observations[0] == 7).all() and (observations[1] == 14).all()
    for decision in range(1, 8):
        observations = np.asarray(vec_env.step(np.array([NOTHING, GAS]))[0])
        for k in range(2):
            ages = [max(decision - back, 0) for back in (4, 2, 0)]
            expected = [7 * (k + 1) + 2 * age for age in ages]
            assert observations[k, :, 3, 3].tolist() == expected
    while not vec_env.step(np.array([NOTHING, GAS]))[2][1]:
        pass
    observations = vec_env.stacks.newest
    assert len(np.unique(observations[1])) == 1, "nothing of the episode before is left"
    assert len(np.unique(observations[0])) == 3


def test_only_new_episodes_are_drawn_twice() -> None:
    vec_env = make(3)
    vec_env.reset()
    vec_env.step(np.array([GAS, BRAKE, GAS]))
    vec_env.step(np.array([GAS, GAS, GAS]))
    vec_env.close()
    backend = backend_of(vec_env)
    assert backend.drawn == [[0, 1, 2], [0, 1, 2], [1], [0, 1, 2]]
    assert backend.closed


def test_numbered_actions_drive_too() -> None:
    vec_env = CarRacingVecEnv(FakeBackend(2), PICTURE, (1, 1), Actions("five", 1.0), 1)
    vec_env.reset()
    _, _, _, infos = vec_env.step(np.array([3, 1]))
    assert [info["tiles_visited"] for info in infos] == [1, 0]


def test_labels_are_the_expert_s_for_every_step() -> None:
    teacher = Teacher(3, PATIENT, 1.0)
    vec_env = make(3, teacher=teacher)
    vec_env.reset()
    for _ in range(4):
        vec_env.step(np.array([GAS, GAS, NOTHING]))
    labels = vec_env.take_labels()
    width = 2 + len(AHEAD) + 2
    assert labels.shape == (4, 3, width) and labels.dtype == np.float32
    assert len(vec_env.label_weights) == len(vec_env.mirror_signs) == width
    assert (np.abs(labels[..., :2]) <= 1.0).all()
    assert np.array_equal(labels[0, 0], labels[0, 1]), "both stand at the start"
    assert not np.array_equal(labels[3, 0], labels[0, 0])
    assert np.array_equal(labels[3, 2], labels[0, 2]), "the third one still does"
    vec_env.step(np.array([GAS, GAS, GAS]))
    assert vec_env.take_labels().shape == (1, 3, width)
    vec_env.dismiss()
    vec_env.step(np.array([GAS, GAS, GAS]))
    assert vec_env._labels == []


@pytest.fixture
def random_drive() -> Callable[[int], list[NDArray[Any]]]:
    """Drives our own cars at random, as a labelled learner would; returns all that came of it."""

    def call(seed: int) -> list[NDArray[Any]]:
        options = CarRacingOptions(backend="own", expert_share=0.5, patience=30, n_envs=2)
        learner = Learner(labelled=True, timesteps=100)
        vec_env = make_vec_env(options, 2, Purpose.TRAIN, seed, learner)
        assert isinstance(vec_env, CarRacingVecEnv)
        rng = np.random.default_rng(1)
        found: list[NDArray[Any]] = [np.asarray(vec_env.reset())]
        for _ in range(40):
            actions = rng.uniform(-1.0, 1.0, (2, 2)).astype(np.float32)
            observations, rewards, dones, _ = vec_env.step(actions)
            found += [np.asarray(observations), rewards, dones]
        found.append(vec_env.take_labels())
        vec_env.close()
        return found

    return call


def test_the_same_seed_gives_the_same_digits(
    random_drive: Callable[[int], list[NDArray[Any]]],
) -> None:
    once = random_drive(3)
    assert all(map(np.array_equal, once, random_drive(3)))
    assert not np.array_equal(once[0], random_drive(4)[0])
    assert len(np.unique(once[0])) > 10
