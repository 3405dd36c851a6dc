"""The replay buffer of the off-policy algorithms: what a memory limit holds of it, and the batches drawn from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import NStepReplayBuffer
from stable_baselines3.common.preprocessing import get_flattened_obs_dim

from agent.config.trial import UserError, parse_memory

# Half of the plan is for torch, the worlds and the batches in flight.
REPLAY_SHARE = 0.5
# Action, reward, done, timeout flag of one stored transition, rounded up.
TRANSITION_OVERHEAD_BYTES = 32


class Replay(NStepReplayBuffer):
    """SB3's buffer of n-step returns; the one place where transitions from elsewhere can join a batch.

    Whoever wants that gives ``OffPolicy`` a subclass whose ``sample`` mixes its own in (``demos``).
    """

    @property
    def metrics(self) -> dict[str, float]:
        """What to log of the last batch, by its names in TensorBoard."""
        return {}


def replay_capacity(
    observation_space: spaces.Space[Any], wanted: int, memory_limit: str, batch: int
) -> tuple[int, int]:
    """Transitions and bytes of a replay buffer.

    A transition keeps two observations. The buffer holds ``wanted`` of them if that fits into
    ``REPLAY_SHARE`` of the memory limit, and what fits otherwise.

    :raises UserError: not even one batch fits
    """
    each = transition_bytes(observation_space)
    fitting = int(parse_memory(memory_limit) * REPLAY_SHARE) // each
    if fitting < batch:
        needed = math.ceil(batch * each / REPLAY_SHARE / 1024**2)
        raise UserError(
            f"memory_limit {memory_limit!r} holds {fitting} transitions; give at least {needed}M"
        )
    capacity = min(wanted, fitting)
    return capacity, capacity * each


def transition_bytes(observation_space: spaces.Space[Any]) -> int:
    """What a stored transition takes."""
    pixel = np.dtype(observation_space.dtype or np.uint8).itemsize
    return 2 * get_flattened_obs_dim(observation_space) * pixel + TRANSITION_OVERHEAD_BYTES


def shifted(pictures: torch.Tensor, pixels: int) -> torch.Tensor:
    """Every picture of (batch, channels, height, width) moved by its own random -pixels..pixels in both directions.

    All channels of a picture move together, and what is uncovered at the border keeps its old pixels (after DrQ,
    Kostrikov et al. 2020). On uint8 in memory this takes a tenth of what gathering windows of floats does.
    """
    old = pictures.cpu().numpy()
    new = old.copy()
    for picture, moved, (down, aside) in zip(
        old, new, np.random.randint(-pixels, pixels + 1, (len(old), 2)), strict=True
    ):
        moved[:, _from(down), _from(aside)] = picture[:, _from(-down), _from(-aside)]
    return torch.from_numpy(new).to(pictures.device)


def _from(offset: int) -> slice:
    """What of an axis there is after moving by ``offset``."""
    return slice(offset, None) if offset >= 0 else slice(None, offset)
