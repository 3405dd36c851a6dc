"""Demonstrations among the transitions that an off-policy algorithm learns from.

Recorded transitions are kept beside the replay buffer, where nothing pushes them out. Each counts
``demo_repeat`` times, and is drawn w times as likely as one of the learner's own. w goes from
``demo_weight`` to 1 as both together grow to ``demo_decay`` transitions, a rule of the report that
docs/training.md cites: w = 1 + (w0 - 1) (1 - min(1, transitions / demo_decay)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from agent.config.algorithms import OffPolicy
from agent.config.errors import UserError
from agent.config.memory import parse_memory
from agent.config.trial import TrialConfig
from agent.training.replay import REPLAY_SHARE, Replay, transition_bytes
from agent.worlds.capabilities import Demonstrations, Transition

MEGABYTE = 1024**2


class DemonstrationReplay(Replay):
    """A replay buffer whose batches hold transitions of ``demonstrations`` as well.

    :param weight: w0, how much likelier a demonstrated transition is drawn than an own one at first
    :param repeat: how many times each of them counts
    :param decay: transitions, own and demonstrated, at which the weight is 1; 0 keeps it
    """

    def __init__(
        self, *args: Any, weight: float = 1.0, repeat: int = 1, decay: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.weight = weight
        self.repeat = repeat
        self.decay = decay
        self.demonstrations: Replay | None = None
        self._fraction = 0.0  # of the latest batch

    @property
    def present_weight(self) -> float:
        """w of the formula above."""
        grown = 0.0
        if self.decay:
            grown = min(1.0, (self._own + self._demonstrated) / self.decay)
        return 1.0 + (self.weight - 1.0) * (1.0 - grown)

    @property
    def share(self) -> float:
        """Probability that a transition of a batch is a demonstrated one."""
        demonstrated = self.present_weight * self._demonstrated
        return demonstrated / max(demonstrated + self._own, 1.0)

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
    def _demonstrated(self) -> int:
        return self.repeat * self.demonstrations.size() if self.demonstrations else 0

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        """A random batch of own and demonstrated transitions; the demonstrated ones come last."""
        demonstrations = self.demonstrations
        count = 0
        if demonstrations is not None:
            count = int(np.random.binomial(batch_size, self.share))
        self._fraction = count / batch_size
        if demonstrations is None or count == 0:
            return super().sample(batch_size, env)
        if count == batch_size:
            return demonstrations.sample(count, env)
        own: Any = super().sample(batch_size - count, env)
        demonstrated: Any = demonstrations.sample(count, env)
        parts = zip(own, demonstrated, strict=True)
        return ReplayBufferSamples(*(torch.cat(pair) for pair in parts))


def add_demonstrations(
    replay: DemonstrationReplay, demonstrations: Demonstrations, config: TrialConfig
) -> None:
    """Gives ``replay`` recorded transitions.

    :param replay: of an untrained model
    :param demonstrations: recorded transitions
    :param config: the trial's
    :raises UserError: they take more than their share of the memory limit
    """
    settings = config.algorithm
    assert isinstance(settings, OffPolicy)
    limit = config.trial.memory_limit
    size = demonstrations.steps * transition_bytes(replay.observation_space)
    if size > REPLAY_SHARE * parse_memory(limit):
        raise UserError(
            f"demos {settings.demos} take {size / MEGABYTE:.0f} MB, more than half of memory_limit"
            f" {limit}; raise it or record less",
            "memory_limit",
        )
    kept = Replay(
        demonstrations.steps,
        replay.observation_space,
        replay.action_space,
        replay.device,
        n_steps=settings.return_steps,
        gamma=settings.gamma,
    )
    for transition in demonstrations.transitions():
        _add(kept, transition)
    replay.demonstrations = kept
    megabytes = f"{size / MEGABYTE:.1f} MB"
    print(f"demonstrations: {kept.size()} transitions of {settings.demos}, {megabytes}", flush=True)


def _add(replay: Replay, transition: Transition) -> None:
    done = transition.terminated or transition.truncated
    replay.add(
        transition.observation,
        transition.next_observation,
        transition.action,
        np.array([transition.reward]),
        np.array([done]),
        [{"TimeLimit.truncated": transition.truncated and not transition.terminated}],
    )
