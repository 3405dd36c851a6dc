"""CarRacing behind the worlds' interface: environments for a purpose, measures, verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.worlds.base import Episode, Learner, Purpose, headline
from agent.worlds.capabilities import HasExpert, HasMirror, SharesSimulator
from agent.worlds.car_racing.exact_backend import ExactBackend
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.vec_env import CarRacingVecEnv
from agent.worlds.car_racing.world import WORLD
from agent.worlds.comparisons import HasBaselines, HasFilms, HasRaces, HasVerdict

TASKS = ["CarRacing-v3"]


def opened(
    purpose: Purpose, n: int = 2, learner: Learner = Learner(), **options: Any
) -> CarRacingVecEnv:
    vec_env = WORLD.make_vec(TASKS, CarRacingOptions(**options), n, purpose, 4, learner)
    assert isinstance(vec_env, CarRacingVecEnv)
    return vec_env


def test_what_it_can_do() -> None:
    for capability in (HasExpert, HasMirror, HasBaselines, HasFilms, HasVerdict):
        assert isinstance(WORLD, capability)
    assert not isinstance(WORLD, HasRaces)
    assert not isinstance(WORLD, SharesSimulator)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_episodes_have_seeds_of_their_purpose(purpose: Purpose) -> None:
    vec_env = opened(purpose)
    vec_env.reset()
    _, _, _, infos = vec_env.step(np.zeros((2, 2), dtype=np.float32))
    first = purpose.first_seed(4)
    assert [info["seed"] for info in infos] == [first, first + 1]
    vec_env.close()


def test_only_training_is_impatient_labelled_and_in_other_colours() -> None:
    labelled = Learner(labelled=True, timesteps=100)
    changes: dict[str, Any] = {"patience": 40, "domain_randomize": True, "expert_share": 0.5}
    for purpose in Purpose:
        vec_env = opened(purpose, 2, labelled, **changes)
        training = purpose is Purpose.TRAIN
        assert isinstance(vec_env.backend, ExactBackend)
        assert vec_env.backend.domain_randomize is training
        assert vec_env.rules.patience == 40 * training
        assert (vec_env.teacher is not None) is training
        if training:
            assert WORLD.expert(vec_env) is vec_env
            assert vec_env.teacher and vec_env.teacher.takeover_steps == 50
        vec_env.close()


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (1, 96, 96)),
        ({"bar": "crop"}, (1, 84, 96)),
        ({"frame_size": 84}, (1, 96, 84)),
        ({"frame_size": 84, "bar": "crop", "frame_stack": 4}, (4, 84, 84)),
        ({"colour": True, "frame_stack": 2, "bar": "keep"}, (6, 96, 96)),
    ],
)
def test_observations_are_as_they_are_asked_for(
    options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    vec_env = opened(Purpose.TRAIN, **options)
    seen = np.asarray(vec_env.reset())
    assert vec_env.observation_space.shape == shape
    assert seen.shape == (2, *shape) and seen.dtype == np.uint8
    assert (seen.reshape(2, -1).std(axis=1) > 5.0).all()
    vec_env.close()


def test_actions_are_those_of_the_learner() -> None:
    shapes = [opened(Purpose.TRAIN, actions=name).action_space.shape for name in ("two", "three")]
    assert shapes == [(2,), (3,)]
    numbered = opened(Purpose.TRAIN, learner=Learner(discrete=True))
    assert numbered.action_space == spaces.Discrete(5)
    options = CarRacingOptions(actions="three")
    assert WORLD.mirrored_actions(options, False).tolist() == [-1.0, 1.0, 1.0]
    assert WORLD.mirrored_actions(options, True).tolist() == [0, 2, 1, 3, 4]


@pytest.mark.parametrize(
    "params",
    [
        {"frame_size": 84, "conv_layers": 2},
        {"bar": "crop", "conv_layers": 1},
        {"frame_size": 84, "bar": "keep", "conv_layers": 3},
        {"frame_size": 90},
        {"bar": "keep", "augment": ["flip"]},
    ],
)
def test_what_does_not_go_together_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"give|neither"):
        TrialConfig.of(world="car_racing", **params)


def test_the_expert_is_in_cars_of_its_own_until_the_context_ends() -> None:
    config = TrialConfig.of(world="car_racing")
    with WORLD.scripted_policies("CarRacing-v3", config, 2) as scripted:
        ((name, (policy, vec_env)),) = scripted.items()
        actions, _ = policy.predict(np.asarray(vec_env.reset()), deterministic=True)
    assert name == "expert" and np.shape(actions) == (2, 2)
    assert (np.asarray(actions)[:, 1] > 0.0).all(), "gas, at the start"
    assert WORLD.reference("CarRacing-v3", config) is None


def infos_of(tiles: int, frames: int) -> list[dict[str, int]]:
    return [{"tiles": 300, "tiles_visited": tiles, "frames": frames}]


def episode(reward: float, tiles: int, frames: int) -> Episode:
    return Episode(reward, frames, measures=WORLD.measure(infos_of(tiles, frames)))


def test_measures_are_tiles_laps_and_their_time() -> None:
    assert WORLD.measure(infos_of(300, 700)) == {
        "tiles_missed": 0,
        "frames": 700,
        "lap_time_sec": 14.0,
    }
    assert WORLD.measure(infos_of(296, 1000))["lap_time_sec"] is None
    episodes = [episode(930.0, 300, 700), episode(920.0, 300, 800), episode(880.0, 296, 1000)]
    found = {each.name: each.combine(episodes) for each in WORLD.measures if each.combine}
    assert found == {
        "worst_reward": 880.0,
        "laps": 2,
        "tiles_missed": pytest.approx(4 / 3),
        "lap_time_sec": pytest.approx(15.0),
        "frames": pytest.approx(2500 / 3),
    }
    assert headline(WORLD, found) == " laps 2"


@pytest.mark.parametrize(
    ("episodes", "word"),
    [
        ([episode(930.0, 300, 700), episode(880.0, 296, 1000)], "solved"),
        ([episode(880.0, 300, 999), episode(890.0, 300, 999)], "drives"),
        ([episode(880.0, 300, 999), episode(20.0, 40, 999)], "partly"),
        ([episode(20.0, 40, 999)], "fails"),
    ],
)
def test_a_verdict_is_one_word(episodes: list[Episode], word: str) -> None:
    assert WORLD.verdict(episodes) == word


def test_a_film_is_named_after_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.worlds.car_racing.fake_backend import Constant, FakeBackend

    monkeypatch.setattr(
        "agent.worlds.car_racing.make_vec_env.open_backend", lambda _, n, __: FakeBackend(n)
    )
    config = TrialConfig.of(world="car_racing")
    WORLD.film(Constant(0.0, 0.5), "CarRacing-v3", config, 3, tmp_path / "films")
    files = sorted(path.name for path in (tmp_path / "films").iterdir())
    assert files[0] == "CarRacing-v3.gif"
    assert str(tmp_path / "films" / "CarRacing-v3.gif") in capsys.readouterr().out
