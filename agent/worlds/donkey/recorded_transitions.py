"""A recorded drive as the transitions that a trial's learner would have met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.config.trial import TrialConfig
from agent.worlds.capabilities import Transition
from agent.worlds.donkey.demonstrations import Demonstration, rescaled
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.recorded_envs import Replayed
from agent.worlds.donkey.reward_wrappers import with_reward


@dataclass(frozen=True)
class RecordedTransitions:
    """A drive under the trial's reward and in its actions; see ``capabilities.Demonstrations``."""

    drive: Demonstration
    options: DonkeyOptions
    discrete: bool

    @property
    def steps(self) -> int:
        """Steps of the drive; a term of the reward may end its episodes earlier."""
        return self.drive.steps

    def transitions(self) -> Iterator[Transition]:
        """The transitions in order, observations channels first."""
        options = self.options
        env = with_reward(
            Replayed(self.drive), options.training_reward, options.max_cte, options.reward_term
        )
        actions = actions_of(self.drive.commands, options, self.discrete)
        first = 0
        for length in self.drive.lengths:
            observation, _ = env.reset()
            for row in range(first, first + length):
                after, reward, terminated, truncated, _ = env.step(self.drive.commands[row])
                yield Transition(
                    channels_first(observation),
                    channels_first(after),
                    actions[row],
                    float(reward),
                    terminated,
                    truncated,
                )
                observation = after
                if terminated or truncated:  # perhaps by a term of the reward, earlier than driven
                    break
            first += length


def recorded_transitions(path: Path, config: TrialConfig) -> RecordedTransitions:
    """The recorded drive at ``path`` for the configuration's learner.

    :raises ValueError: no recorded drive
    """
    assert isinstance(config.world, DonkeyOptions)
    return RecordedTransitions(Demonstration.load(path), config.world, config.learner.discrete)


def actions_of(
    commands: NDArray[np.float32], options: DonkeyOptions, discrete: bool
) -> NDArray[np.generic]:
    """Actions nearest to commands: (n, 2) in [-1, 1], or the numbers (n, 1) of discrete ones.

    :param commands: steering and throttle (n, 2)
    :param options: the limits, and the bins of discrete actions
    :param discrete: the learner chooses among numbered actions
    """
    low = (-options.steer_limit, options.throttle_min)
    high = (options.steer_limit, options.throttle_max)
    actions = rescaled(commands, low, high)
    if not discrete:
        return actions
    bins = np.array([options.n_steer, options.n_throttle])
    steering, throttle = np.rint(0.5 * (actions + 1.0) * (bins - 1)).astype(np.int64).T
    return np.asarray(steering * options.n_throttle + throttle)[:, None]


def channels_first(observation: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An observation as SB3 has it: a raw picture (rows, columns, 3) with its channels first."""
    raw = observation.ndim == 3 and observation.shape[-1] == 3
    return np.moveaxis(observation, -1, 0) if raw else observation
