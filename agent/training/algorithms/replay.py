"""The replay buffer of the off-policy algorithms: what a memory limit holds of it, and the batches drawn from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import NStepReplayBuffer
from stable_baselines3.common.preprocessing import get_flattened_obs_dim

from agent.trials.config import UserError, parse_memory

# Half of the plan is for torch, the worlds and the batches in flight.
REPLAY_SHARE = 0.5
# Action, reward, done, timeout flag of one stored transition, rounded up.
TRANSITION_OVERHEAD_BYTES = 32


class Replay(NStepReplayBuffer):
    """SB3's buffer of n-step returns; the one place where transitions from elsewhere can join a batch.

    Whoever wants that gives ``OffPolicy`` a subclass whose ``sample`` mixes its own in.
    """


def replay_capacity(
    observation_space: spaces.Space[Any], wanted: int, memory_limit: str, batch: int
) -> tuple[int, int]:
    """Transitions and bytes of a replay buffer.

    A transition keeps two observations. The buffer holds ``wanted`` of them if that fits into
    ``REPLAY_SHARE`` of the memory limit, and what fits otherwise.

    :raises UserError: not even one batch fits
    """
    pixel = np.dtype(observation_space.dtype or np.uint8).itemsize
    each = 2 * get_flattened_obs_dim(observation_space) * pixel + TRANSITION_OVERHEAD_BYTES
    fitting = int(parse_memory(memory_limit) * REPLAY_SHARE) // each
    if fitting < batch:
        needed = math.ceil(batch * each / REPLAY_SHARE / 1024**2)
        raise UserError(f"memory_limit {memory_limit!r} holds {fitting} transitions; give at least {needed}M")
    capacity = min(wanted, fitting)
    return capacity, capacity * each


def shifted(pictures: torch.Tensor, pixels: int) -> torch.Tensor:
    """Every picture of (batch, channels, height, width) moved by its own random -pixels..pixels in both directions.

    The border is filled with its nearest pixel, and all channels of a picture move together (Kostrikov et al. 2020, DrQ).
    """
    if pixels == 0:
        return pictures
    batch, _, height, width = pictures.shape
    padded = torch.nn.functional.pad(pictures.float(), (pixels,) * 4, mode="replicate")
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    down, aside = torch.randint(2 * pixels + 1, (2, batch), device=pictures.device)
    moved: torch.Tensor = windows[torch.arange(batch, device=pictures.device), :, down, aside]
    return moved
