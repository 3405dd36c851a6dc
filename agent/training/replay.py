"""The replay buffer of the off-policy algorithms: its capacity, random shifts of its pictures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import NStepReplayBuffer
from stable_baselines3.common.preprocessing import get_flattened_obs_dim

from agent.config.errors import UserError
from agent.config.memory import parse_memory

# Share of the memory limit; the rest is for torch, the environments and the batches in flight.
# Chosen.
REPLAY_SHARE = 0.5
# Action, reward, done and timeout flag of one stored transition, rounded up.
TRANSITION_OVERHEAD_BYTES = 32


class Replay(NStepReplayBuffer):
    """SB3's buffer of n-step returns; a subclass may add transitions from elsewhere to a batch."""

    @property
    def metrics(self) -> dict[str, float]:
        """Numbers to log of the latest batch, by their names in TensorBoard."""
        return {}


def replay_capacity(
    observation_space: spaces.Space[Any], wanted: int, memory_limit: str, batch: int
) -> tuple[int, int]:
    """Transitions and bytes of a replay buffer.

    A transition keeps two observations. The buffer holds ``wanted`` of them if that fits into
    ``REPLAY_SHARE`` of the memory limit, and what fits otherwise.

    :param observation_space: of the environments
    :param wanted: transitions
    :param memory_limit: such as 8G
    :param batch: transitions of a gradient step
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
    """Bytes of a stored transition."""
    pixel = np.dtype(observation_space.dtype or np.uint8).itemsize
    return 2 * get_flattened_obs_dim(observation_space) * pixel + TRANSITION_OVERHEAD_BYTES


def shifted(pictures: torch.Tensor, pixels: int) -> torch.Tensor:
    """Pictures (batch, channels, height, width), each moved at random by -pixels..pixels both ways.

    All channels of a picture move together, and what is uncovered at the border keeps its old
    pixels (after DrQ, Kostrikov et al. 2020). On bytes in memory this takes a tenth of gathering
    windows of floats.
    """
    old = pictures.cpu().numpy()
    new = old.copy()
    offsets = np.random.randint(-pixels, pixels + 1, (len(old), 2))
    for source, target, (down, right) in zip(old, new, offsets, strict=True):
        target[:, _kept(down), _kept(right)] = source[:, _kept(-down), _kept(-right)]
    return torch.from_numpy(new).to(pictures.device)


def _kept(offset: int) -> slice:
    """Slice of an axis that stays inside after a shift by ``offset`` pixels."""
    if offset >= 0:
        return slice(offset, None)
    return slice(None, offset)
