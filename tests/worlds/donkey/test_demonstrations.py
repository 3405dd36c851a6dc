"""Recorded drives: what is kept, the file, and what they are paid under another reward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.worlds.donkey.demonstrations import (
    Demonstration,
    Episode,
    demonstration,
    rescaled,
)
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.observation import FRAMES
from agent.worlds.donkey.recorded_envs import Recorder, Replayed
from agent.worlds.donkey.reward_wrappers import with_reward

TRACK = "donkey-generated-roads-v0"  # nothing stands beside it
HEADER: dict[str, Any] = {"env": TRACK, "conf": {"max_cte": 8.0}}


def recorded(
    reward: str = "sim", terms: tuple[str, ...] = (), episodes: int = 2
) -> tuple[Demonstration, list[float]]:
    """Short drives with made-up commands, and what they were paid; the last leaves the road."""
    env = Recorder(make_env(TRACK, reward=reward, reward_terms=terms, max_episode_steps=40), [])
    rng = np.random.default_rng(0)
    paid = []
    for number in range(episodes):
        env.reset(seed=number)
        ended = False
        while not ended:
            action = rng.uniform([-0.2, -1.0], [0.2, 1.0])
            if number + 1 == episodes:
                action = np.array([1.0, 1.0])
            _, reward_of_step, terminated, truncated, _ = env.step(action.astype(np.float32))
            paid.append(reward_of_step)
            ended = terminated or truncated
    return demonstration(HEADER, env.episodes), paid


def test_a_file_gives_back_what_was_driven(tmp_path: Path) -> None:
    drive, paid = recorded()
    drive.save(tmp_path / "drive.npz")
    read = Demonstration.load(tmp_path / "drive.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["drive.npz"]
    assert read.header == {"format": 2, **HEADER}
    assert read.lengths[0] == 40 and read.steps == sum(read.lengths) == len(paid)
    assert (
        read.observations.shape == (read.steps + 2, FRAMES, 40, 80)
        and read.observations.dtype == np.uint8
    )
    assert read.terminated.tolist() == [False] * (read.steps - 1) + [True]
    np.testing.assert_allclose(read.rewards, paid, rtol=1e-6)
    assert (
        np.abs(read.commands[:40, 0]).max() <= 1.0
        and read.commands[40:].tolist() == [[1.0, 1.0]] * read.lengths[1]
    )
    assert abs(read.cte[-1]) > 8.0 >= np.abs(read.cte[:-1]).max()


def test_the_same_commands_drive_the_same_way() -> None:
    drive, _ = recorded(episodes=1)
    env = make_env(TRACK, max_episode_steps=40)
    observation, _ = env.reset(seed=0)
    for row, command in enumerate(drive.commands):
        assert np.array_equal(observation, drive.observations[row])
        observation, *_ = env.step(rescaled(command, [-1.0, 0.0], [1.0, 1.0]))


@pytest.mark.parametrize(
    ("reward", "terms"),
    [("speed", ()), ("efficiency", ()), ("race", ()), ("sim", ("progress", "steering=1", "tanh"))],
)
def test_a_replayed_drive_is_paid_as_if_it_had_been_driven_under_that_reward(
    reward: str, terms: tuple[str, ...]
) -> None:
    drive, _ = recorded()
    _, paid = recorded(reward, terms)
    env = with_reward(Replayed(drive), reward, 8.0, terms)
    earned: list[float] = []
    for length in drive.lengths:
        env.reset()
        first = len(earned)
        for command in drive.commands[first : first + length]:
            observation, reward_of_step, terminated, truncated, _ = env.step(command)
            earned.append(float(reward_of_step))
        assert terminated or truncated
    assert np.array_equal(observation, drive.observations[-1])
    assert earned == pytest.approx(paid, rel=1e-5)


def test_an_episode_without_end_is_forgotten() -> None:
    driven: list[Episode] = []
    env = Recorder(make_env(TRACK, max_episode_steps=40), driven)
    env.reset(seed=0)
    env.step(np.zeros(2, dtype=np.float32))
    with pytest.raises(ValueError, match="nothing is recorded"):
        demonstration(HEADER, driven)


def test_commands_become_actions_within_the_limits() -> None:
    commands = np.array([[0.0, 0.1], [0.5, 0.35], [-1.0, 0.0]], dtype=np.float32)
    wanted = np.array([[0.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    np.testing.assert_allclose(rescaled(commands, [-0.5, 0.1], [0.5, 0.35]), wanted, atol=1e-6)


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    drive, _ = recorded(episodes=1)
    drive.save(tmp_path / "drive.npz")
    with np.load(tmp_path / "drive.npz") as file:
        np.savez(tmp_path / "short.npz", **{**file, "rewards": file["rewards"][1:]})
    np.savez(tmp_path / "foreign.npz", observations=np.zeros(3))
    (tmp_path / "torn.npz").write_bytes((tmp_path / "drive.npz").read_bytes()[:1000])
    for name, message in {
        "none.npz": "do not exist; record them",
        "short.npz": "of another format or torn",
        "foreign.npz": "is no recorded drive",
        "torn.npz": "is no recorded drive",
    }.items():
        with pytest.raises(ValueError, match=message) as caught:
            Demonstration.load(tmp_path / name)
        assert "\n" not in str(caught.value)
