"""TensorBoard's names are the same for every algorithm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agent.config.trial import TrialConfig
from agent.training.metrics import Metrics
from agent.training.run import run_trial
from tests.training.off_policy_models import SMALL

Build = Callable[..., TrialConfig]

EPISODES = {"return_train", "return_test", "episode_length_train", "episode_length_test"}
LOSSES = {"losses/loss_actor", "losses/loss_critic"}
DEBUG = {
    f"debug/{name}" for name in ("q_a1", "q_a1_std", "q1", "q2", "backup", "backup_std", "r", "d")
}
NORMS = {"debug/actor_grad_norm", "debug/critic_grad_norm"}


def events_of(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder / "tb"))
    events.Reload()
    return events


def test_an_off_policy_algorithm_logs_all_of_them(tiny: Build, tmp_path: Path) -> None:
    run_trial(tiny(agent="sac", max_episode_steps=5, **SMALL), tmp_path)
    events = events_of(tmp_path)
    names = set(events.Tags()["scalars"])
    assert EPISODES | LOSSES | DEBUG | NORMS | {"entropy_coef"} <= names
    assert any(name.startswith("ended/") for name in names)
    first, second = ([event.value for event in events.Scalars(f"debug/q{i}")] for i in (1, 2))
    assert first != second, "twin critics differ"


def test_ppos_numbers_get_the_same_names(tiny: Build, tmp_path: Path) -> None:
    run_trial(tiny(timesteps=96, n_steps=16), tmp_path)
    names = set(events_of(tmp_path).Tags()["scalars"])
    assert EPISODES | LOSSES | {"debug/entropy"} <= names


def test_the_return_is_that_of_the_reward_before_it_was_shaped() -> None:
    metrics = Metrics()
    metrics.locals = {"infos": [{"unshaped_reward": 2.0}, {"unshaped_reward": -1.0}]}
    assert metrics._rewards().tolist() == [2.0, -1.0]
