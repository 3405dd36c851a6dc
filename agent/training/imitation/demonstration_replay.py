"""Demonstrations among the transitions that an off-policy algorithm learns from.

A recorded drive is replayed under the trial's own reward and kept beside the replay buffer, where nothing pushes it
out. Each of its transitions counts ``demo_repeat`` times, and is drawn w times as likely as one of the driver's own,
where w goes from ``demo_weight`` to 1 as both together grow to ``demo_decay`` transitions (the TrackMania report's):
w = 1 + (w0 - 1) (1 - min(1, transitions / demo_decay)).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from agent.config.trial import TrialConfig, UserError, parse_memory
from agent.training.algorithms.replay import REPLAY_SHARE, Replay, transition_bytes
from agent.worlds.donkey.demonstrations import Demonstration, Replayed, rescaled
from agent.worlds.donkey.rewards import with_reward


class DemoReplay(Replay):
    """A replay buffer whose batches hold transitions of ``shown`` as well.

    :param weight: w0, how much likelier a shown transition is drawn than an own one at first
    :param repeat: how many times each shown transition counts
    :param decay: transitions, own and shown, at which the weight is 1; 0 keeps it
    """

    def __init__(
        self, *args: Any, weight: float = 1.0, repeat: int = 1, decay: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.weight, self.repeat, self.decay = weight, repeat, decay
        self.shown: Replay | None = None
        self._fraction = 0.0

    @property
    def present_weight(self) -> float:
        """w of the formula above."""
        full = self._own + self._counted
        left = 1.0 - min(1.0, full / self.decay) if self.decay else 1.0
        return 1.0 + (self.weight - 1.0) * left

    @property
    def share(self) -> float:
        """How likely a transition of a batch is a shown one."""
        shown = self.present_weight * self._counted
        return shown / max(shown + self._own, 1.0)

    @property
    def metrics(self) -> dict[str, float]:
        return {
            "debug/demo_fraction_in_batch": self._fraction,
            "debug/demo_sampling_weight": self.present_weight,
        }

    @property
    def _own(self) -> int:
        return self.size() * self.n_envs

    @property
    def _counted(self) -> int:
        return self.repeat * self.shown.size() if self.shown else 0

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        """A batch of own and shown transitions, so many of each as chance has it; the shown ones come last."""
        count = int(np.random.binomial(batch_size, self.share)) if self.shown else 0
        self._fraction = count / batch_size
        if self.shown is None or count == 0:
            return super().sample(batch_size, env)
        if count == batch_size:
            return self.shown.sample(count, env)
        drawn: list[Any] = [super().sample(batch_size - count, env), self.shown.sample(count, env)]
        return ReplayBufferSamples(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))


def show(replay: DemoReplay, config: TrialConfig) -> None:
    """Give ``replay`` the recorded drive of ``config.demos``, paid by the trial's reward.

    :raises UserError: it takes more than its share of the memory limit
    """
    drive = Demonstration.load(Path(str(config.demos)))
    size = drive.steps * transition_bytes(replay.observation_space)
    if size > REPLAY_SHARE * parse_memory(config.memory_limit):
        raise UserError(
            f"demos {config.demos} take {size / 1024**2:.0f} MB, more than half of memory_limit"
            f" {config.memory_limit}; raise it or record less"
        )
    told = config.settings
    shown = Replay(
        drive.steps, replay.observation_space, replay.action_space, replay.device,
        n_steps=told.return_steps, gamma=told.gamma,
    )  # fmt: skip
    env = with_reward(Replayed(drive), config.training_reward, config.max_cte, config.reward_term)
    actions, first = actions_of(drive.commands, config), 0
    for length in drive.lengths:
        observation, _ = env.reset()
        for row in range(first, first + length):
            after, reward, terminated, truncated, _ = env.step(drive.commands[row])
            pair = (
                as_space(observation, replay.observation_space),
                as_space(after, replay.observation_space),
            )
            done, timeout = (
                terminated or truncated,
                {"TimeLimit.truncated": truncated and not terminated},
            )
            shown.add(*pair, actions[row], np.array([reward]), np.array([done]), [timeout])
            observation = after
            if done:  # perhaps by a term of the reward, earlier than it was driven
                break
        first += length
    replay.shown = shown
    print(
        f"demonstrations: {shown.size()} transitions of {config.demos}, {size / 1024**2:.1f} MB",
        flush=True,
    )


def actions_of(commands: np.ndarray, config: TrialConfig) -> np.ndarray:
    """The trial's actions (n, 2) in [-1, 1], or (n, 1) bins, nearest to commands (n, 2)."""
    low, high = (
        (-config.steer_limit, config.throttle_min),
        (config.steer_limit, config.throttle_max),
    )
    actions = rescaled(commands, low, high)
    if config.agent != "dqn":
        return actions
    bins = np.array([config.n_steer, config.n_throttle])
    steering, throttle = np.rint(0.5 * (actions + 1.0) * (bins - 1)).astype(np.int64).T
    return np.asarray(steering * config.n_throttle + throttle)[:, None]


def as_space(observation: np.ndarray, space: spaces.Space[Any]) -> np.ndarray:
    """The picture as the learner has it: SB3 puts the channels of the raw one first."""
    return observation if observation.shape == space.shape else np.moveaxis(observation, -1, 0)
