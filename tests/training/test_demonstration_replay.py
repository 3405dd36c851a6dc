"""Demonstrations in a replay buffer: what is stored of them, how often it is drawn, and whole trials with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agent.config.trial import TrialConfig, UserError
from agent.donkeycar_sb3_runner import main
from agent.record_drive import main as record
from agent.training.imitation.demonstration_replay import DemoReplay, actions_of, as_space, show
from agent.worlds.donkey.demonstrations import Demonstration
from agent.worlds.donkey.observation import FRAMES

PICTURE = spaces.Box(0, 255, (FRAMES, 40, 80), dtype=np.uint8)
WHEEL = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
TERMS = ("progress", "stall=9,speed=40,after=0")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of the line follower, 30 steps each."""
    path = tmp_path_factory.mktemp("drive") / "drive.npz"
    assert (
        record(
            [
                "--driver",
                "follower",
                "--episodes",
                "2",
                "--max-episode-steps",
                "30",
                "--out",
                str(path),
            ]
        )
        == 0
    )
    return path


def replay(config: TrialConfig, own: int = 0, **demos: Any) -> DemoReplay:
    """A buffer with ``own`` blank transitions, rewarded -7, and the demonstrations of ``config``."""
    buffer = DemoReplay(200, PICTURE, WHEEL, "cpu", n_envs=2, n_steps=1, gamma=0.9, **demos)
    blank = np.zeros((2, *PICTURE.shape), dtype=np.uint8)
    for _ in range(own // 2):
        buffer.add(blank, blank, np.zeros((2, 2)), np.full(2, -7.0), np.zeros(2), [{}, {}])
    show(buffer, config)
    return buffer


def config_for(drive: Path, **changes: Any) -> TrialConfig:
    return TrialConfig(agent="sac", demos=str(drive), return_steps=1, **changes)


def test_transitions_are_those_of_the_file_under_the_trials_reward(drive: Path) -> None:
    seen = Demonstration.load(drive)
    buffer = replay(config_for(drive, reward="speed", throttle_max=0.3))
    shown = buffer.shown
    assert shown is not None and shown.size() == 60
    assert np.array_equal(shown.observations[30, 0], seen.observations[31])
    assert np.array_equal(shown.next_observations[29, 0], seen.observations[30])
    assert (
        np.flatnonzero(shown.dones[:, 0]).tolist()
        == np.flatnonzero(shown.timeouts[:, 0]).tolist()
        == [29, 59]
    )
    speed, cte = seen.speed[1:31], seen.cte[1:31]
    np.testing.assert_allclose(shown.rewards[:30, 0], speed * (1.0 - np.abs(cte) / 8.0), rtol=1e-5)
    np.testing.assert_allclose(shown.actions[:, 0, 0], seen.commands[:, 0], atol=1e-6)
    assert shown.actions[:, 0, 1].max() == pytest.approx(
        1.0
    )  # 0.35 was driven, 0.3 is what the trial has


def test_a_term_that_ends_episodes_ends_those_of_the_drive(drive: Path) -> None:
    buffer = replay(config_for(drive, reward_term=list(TERMS)))
    assert buffer.shown is not None and 0 < buffer.shown.size() < 60
    assert buffer.shown.dones[: buffer.shown.size()].sum() == 2.0
    assert buffer.shown.timeouts.sum() == 0.0


@pytest.mark.parametrize(
    ("demos", "own", "weight", "share"),
    [
        ({}, 0, 1.0, 1.0),
        ({}, 60, 1.0, 0.5),
        ({"repeat": 3}, 60, 1.0, 0.75),
        ({"weight": 3.0}, 60, 3.0, 0.75),
        ({"weight": 3.0, "decay": 240}, 60, 2.0, 120.0 / 180.0),
        ({"weight": 3.0, "repeat": 3, "decay": 480}, 60, 2.0, 360.0 / 420.0),
        ({"weight": 3.0, "decay": 120}, 60, 1.0, 0.5),
        ({"weight": 0.0}, 60, 0.0, 0.0),
    ],
)
def test_how_often_the_drive_is_drawn(
    drive: Path, demos: dict[str, Any], own: int, weight: float, share: float
) -> None:
    buffer = replay(config_for(drive), own, **demos)
    assert (buffer.present_weight, buffer.share) == pytest.approx((weight, share))
    np.random.seed(0)
    drawn = buffer.sample(4000)
    assert drawn.observations.shape == (4000, *PICTURE.shape)
    fraction = float((drawn.rewards != -7.0).float().mean())
    assert fraction == pytest.approx(share, abs=0.03)
    told = {"debug/demo_fraction_in_batch": fraction, "debug/demo_sampling_weight": weight}
    assert buffer.metrics == pytest.approx(told, abs=1e-6)


def test_bins_are_the_nearest() -> None:
    config = TrialConfig(agent="dqn", n_steer=5, n_throttle=3, throttle_min=0.1, throttle_max=0.3)
    commands = np.array([[-1.0, 0.1], [0.4, 0.22], [1.0, 0.9]], dtype=np.float32)
    assert actions_of(commands, config)[:, 0].tolist() == [0, 3 * 3 + 1, 4 * 3 + 2]


def test_a_drive_beyond_the_memory_limit_is_refused(drive: Path) -> None:
    with pytest.raises(
        UserError, match="take 1 MB, more than half of memory_limit 1M; raise it or record less"
    ):
        replay(config_for(drive, memory_limit="1M"))


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
        (["--agent", "sac", "--demo-weight", "-1"], "demo_weight -1.0 is too small"),
    ],
)
def test_drives_that_do_not_fit_are_refused_in_one_line(
    drive: Path, argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--demos", str(drive), *argv, "--save-dir", str(tmp_path / "trial")])
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and message in said and said.count("\n") == 1
    assert not (tmp_path / "trial").exists()


def test_a_missing_drive_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(
            [
                "--agent",
                "sac",
                "--demos",
                str(tmp_path / "no.npz"),
                "--save-dir",
                str(tmp_path / "trial"),
            ]
        )
    assert "do not exist; record them with record_drive.py" in capsys.readouterr().err


def test_the_raw_picture_has_its_channels_first_as_the_learner_has_it() -> None:
    picture = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    moved = as_space(picture, spaces.Box(0, 255, (3, 2, 4), dtype=np.uint8))
    assert np.array_equal(moved[1], picture[:, :, 1])
    assert as_space(picture, spaces.Box(0, 255, (2, 4, 3), dtype=np.uint8)) is picture
