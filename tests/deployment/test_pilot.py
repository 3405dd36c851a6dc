"""The pilot, against the environments that models are evaluated in; and pictures that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import RescaleAction
from numpy.typing import NDArray

from agent.config import files
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.deployment import Pilot
from agent.deployment.pilot import camera_frame
from agent.training.saved_model import load_model, read_driver
from agent.worlds.action_repeat import HeldAction
from agent.worlds.base import WORLDS
from agent.worlds.donkey.actions import DiscretizedActionWrapper
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.observation import FastObservation
from agent.worlds.donkey.options import DonkeyOptions
from tests.deployment.models import saved_model

STEPS = 15
Frames = list[NDArray[np.uint8]]
Commands = list[NDArray[np.float32]]


class Witness(gymnasium.Wrapper):
    """Keeps the camera's frames and the commands that they were answered with."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.frames: Frames = []
        self.commands: Commands = []

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        frame, info = self.env.reset(**kwargs)
        self.frames.append(frame.copy())
        return frame, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.commands.append(np.array(action))
        frame, *rest = self.env.step(action)
        self.frames.append(frame.copy())
        return frame, *rest


def evaluated(folder: Path, steps: int) -> tuple[Frames, Commands]:
    """Frames and commands of an episode, driven through the wrappers of an evaluation."""
    config = read_driver(folder / files.MODEL)[1]
    options = config.world
    assert isinstance(options, DonkeyOptions)
    limits = {
        name: getattr(options, name) for name in ("steer_limit", "throttle_min", "throttle_max")
    }
    witness = Witness(DonkeyEnv("warren", limits))
    env: gymnasium.Env = RescaleAction(witness, np.float32(-1.0), np.float32(1.0))
    if config.learner.discrete:
        env = DiscretizedActionWrapper(witness, options.n_steer, options.n_throttle)
    env = HeldAction(env, options.action_repeat)
    if options.observation == "fast":
        env = FastObservation(env, options.frame_stack, options.frame_gap * options.action_repeat)
    model = load_model(folder / files.MODEL, config, "cpu")
    observation, _ = env.reset(seed=0)
    memory = None
    for step in range(steps):
        begins = np.array([step == 0])
        action, memory = model.predict(observation, memory, begins, deterministic=True)
        observation, *_ = env.step(action)
    return witness.frames, witness.commands


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "ppo"},
        {"agent": "ppo", "frame_stack": 3, "frame_gap": 2, "augment": ["flip"], "n_envs": 4},
        {"agent": "ppo", "frame_stack": 2, "frame_gap": 2, "action_repeat": 3},
        {"agent": "ppo", "observation": "raw", "throttle_min": 0.2, "steer_limit": 0.5},
        {"agent": "dqn", "n_steer": 5, "n_throttle": 4, "throttle_max": 0.6},
        {"agent": "dqn", "observation": "raw", "action_repeat": 2},
        {"agent": "sac"},
        {"agent": "tqc", "frame_stack": 4},
        {"agent": "td3"},
        {"agent": "ddpg"},
        {"agent": "recurrent_ppo"},
    ],
    ids=str,
)
def test_it_drives_as_the_model_is_evaluated(
    changes: dict[str, Any], tmp_path: Path, tiny: Callable[..., TrialConfig]
) -> None:
    folder = saved_model(tiny(**changes), tmp_path)
    frames, commands = evaluated(folder, STEPS)
    pilot = Pilot(folder, trust=True)
    for _ in range(2):  # the second time after a restart
        told = [pilot.run(frame) for frame in frames[:STEPS]]
        np.testing.assert_allclose(told, commands, atol=1e-6)
        pilot.restart()
    assert len({tuple(command) for command in told}) > 1 or "dqn" in changes["agent"]


def test_the_bundled_champion_drives_as_it_is_evaluated() -> None:
    frames, commands = evaluated(files.BUNDLED_DIR, 30)
    pilot = Pilot()
    np.testing.assert_allclose([pilot.run(frame) for frame in frames[:30]], commands, atol=1e-6)
    pilot.shutdown()
    assert pilot.run(frames[0]) == pytest.approx(commands[0], abs=1e-6)


def test_a_new_user_drives_our_simulator_with_it() -> None:
    env = DonkeyEnv("generated_track")
    pilot = Pilot()
    frame, _ = env.reset(seed=0)
    for _ in range(100):
        frame, _, terminated, _, info = env.step(np.array(pilot.run(frame), dtype=np.float32))
        assert not terminated
    assert info["progress"] > 0.1


def test_before_the_first_picture_the_car_stands() -> None:
    pilot = Pilot()
    picture = np.full((120, 160, 3), 90, dtype=np.uint8)
    assert pilot.run(None) == (0.0, 0.0)
    first = pilot.run(picture)
    assert first == Pilot().run(picture)
    assert first[1] > 0.0


def test_larger_pictures_are_cut_around_the_middle_and_resized() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(256, size=(120, 160, 3), dtype=np.uint8)
    assert camera_frame(frame) is frame
    large = np.repeat(np.repeat(frame, 4, axis=0), 4, axis=1)
    assert np.array_equal(camera_frame(large), frame)
    wide = np.pad(large, ((0, 0), (50, 50), (0, 0)))
    assert np.array_equal(camera_frame(wide), frame)
    tall = np.pad(large, ((70, 70), (0, 0), (0, 0)))
    assert np.array_equal(camera_frame(tall), frame)
    assert camera_frame(frame[:1, :1]).shape == (120, 160, 3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((120, 160), dtype=np.uint8),
        np.zeros((120, 160, 4), dtype=np.uint8),
        np.zeros((120, 160, 3)),
        np.zeros((0, 160, 3), dtype=np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(image: Any) -> None:
    with pytest.raises(ValueError, match=r"is no picture; give \(rows, columns, 3\) uint8, RGB"):
        camera_frame(image)


def test_a_model_that_cannot_drive_a_car_is_refused(
    tmp_path: Path, tiny: Callable[..., TrialConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="nowhere does not exist; give "):
        Pilot("nowhere")
    folder = saved_model(tiny(frame_stack=2), tmp_path)
    with pytest.raises(UserError, match="give --trust"):
        Pilot(folder)
    params = json.loads((folder / files.CONFIG).read_text())
    (folder / files.CONFIG).write_text(json.dumps(params | {"frame_stack": 3}))
    with pytest.raises(UserError, match="senses or acts otherwise"):
        Pilot(folder, trust=True)
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    (folder / files.CONFIG).write_text(json.dumps({"world": "line", "env": ["line"]}))
    with pytest.raises(UserError, match="drives in world 'line'; a pilot needs one of a DonkeyCar"):
        Pilot(folder, trust=True)
