"""A recorded drive as a learner would have met it: reward, actions, and drives that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import main
from agent.record_drive import main as record
from agent.worlds.capabilities import Transition
from agent.worlds.donkey.demonstrations import Demonstration
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.recorded_transitions import (
    actions_of,
    channels_first,
    recorded_transitions,
)

TERMS = ["progress", "stall=9,speed=40,after=0"]


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of the line follower, 30 steps each."""
    path = tmp_path_factory.mktemp("drive") / "drive.npz"
    options = ["--driver", "follower", "--episodes", "2", "--max-episode-steps", "30"]
    assert record([*options, "--out", str(path)]) == 0
    return path


def transitions_of(drive: Path, **changes: Any) -> list[Transition]:
    config = TrialConfig.of(agent="sac", demos=str(drive), **changes)
    return list(recorded_transitions(drive, config).transitions())


def test_transitions_are_those_of_the_file_under_the_trials_reward(drive: Path) -> None:
    seen = Demonstration.load(drive)
    found = transitions_of(drive, reward="speed", throttle_max=0.3)
    assert len(found) == 60
    assert np.array_equal(found[30].observation, seen.observations[31])
    assert np.array_equal(found[29].next_observation, seen.observations[30])
    assert [k for k, each in enumerate(found) if each.truncated] == [29, 59]
    assert not any(each.terminated for each in found)
    speed = seen.speed[1:31]
    cte = seen.cte[1:31]
    rewards = [each.reward for each in found[:30]]
    np.testing.assert_allclose(rewards, speed * (1.0 - np.abs(cte) / 8.0), rtol=1e-5)
    actions = np.array([each.action for each in found])
    np.testing.assert_allclose(actions[:, 0], seen.commands[:, 0], atol=1e-6)
    # 0.35 was driven, 0.3 is what the trial has.
    assert actions[:, 1].max() == pytest.approx(1.0)


def test_a_term_that_ends_episodes_ends_those_of_the_drive(drive: Path) -> None:
    found = transitions_of(drive, reward_term=TERMS)
    assert 0 < len(found) < 60
    assert sum(each.terminated for each in found) == 2
    assert not any(each.truncated for each in found)


def test_bins_are_the_nearest() -> None:
    options = DonkeyOptions(n_steer=5, n_throttle=3, throttle_min=0.1, throttle_max=0.3)
    commands = np.array([[-1.0, 0.1], [0.4, 0.22], [1.0, 0.9]], dtype=np.float32)
    bins = actions_of(commands, options, discrete=True)
    assert bins[:, 0].tolist() == [0, 3 * 3 + 1, 4 * 3 + 2]


def test_the_raw_picture_has_its_channels_first_as_the_learner_has_it() -> None:
    picture = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(channels_first(picture)[1], picture[:, :, 1])
    stack = np.zeros((2, 40, 80), dtype=np.uint8)
    assert channels_first(stack) is stack


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["dqn", "sac"])
def test_a_trial_learns_from_a_drive_and_logs_its_share(
    drive: Path, agent: str, tmp_path: Path, tiny: Callable[..., TrialConfig]
) -> None:
    config = tiny(
        agent=agent, demos=str(drive), demo_weight=2.5, demo_repeat=2, batch_size=16, timesteps=240
    )
    assert main([*config.to_argv(), "--save-dir", str(tmp_path)]) == 0
    logged = EventAccumulator(str(tmp_path / "tb"))
    logged.Reload()
    assert 1.0 < logged.Scalars("debug/demo_sampling_weight")[-1].value < 2.5
    assert 0.0 < logged.Scalars("debug/demo_fraction_in_batch")[-1].value <= 1.0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--agent", "ppo"], "is no setting of ppo; drop it or choose"),
        (
            ["--agent", "sac", "--observation", "raw"],
            "recorded with observation fast, the trial has raw",
        ),
        (["--agent", "sac", "--frame-stack", "4"], "recorded with frame_stack 2, the trial has 4"),
        (["--agent", "sac", "--frame-gap", "3"], "recorded with frame_gap 1, the trial has 3"),
        (
            ["--agent", "sac", "--action-repeat", "2"],
            "recorded step by step, do not go together; drop one",
        ),
        (["--agent", "sac", "--max-cte", "6"], "recorded with max_cte 8.0, the trial has 6.0"),
        (["--agent", "sac", "--demo-weight", "-1"], "--demo-weight -1.0 is too small"),
    ],
)
def test_drives_that_do_not_fit_are_refused_in_one_line(
    drive: Path, argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--demos", str(drive), *argv, "--save-dir", str(tmp_path / "trial")])
    [line] = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2
    assert message in line
    assert not (tmp_path / "trial").exists()


def test_a_missing_drive_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demos = ["--agent", "sac", "--demos", str(tmp_path / "no.npz")]
    with pytest.raises(SystemExit):
        main([*demos, "--save-dir", str(tmp_path / "trial")])
    assert "do not exist; record them with record_drive.py" in capsys.readouterr().err
