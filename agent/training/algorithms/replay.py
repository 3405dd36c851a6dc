"""The replay buffer of the off-policy algorithms: how much of it a memory limit holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import get_flattened_obs_dim

from agent.trials.config import UserError, parse_memory

# Half of the plan is for torch, the worlds and the batches in flight.
REPLAY_SHARE = 0.5
# Action, reward, done, timeout flag of one stored transition, rounded up.
TRANSITION_OVERHEAD_BYTES = 32


def replay_capacity(
    observation_space: spaces.Space[Any], timesteps: int, memory_limit: str, batch: int
) -> tuple[int, int]:
    """Transitions and bytes of a replay buffer.

    A transition keeps two observations. The buffer holds the whole training if that fits into
    ``REPLAY_SHARE`` of the memory limit, and what fits otherwise.

    :raises UserError: not even one batch fits
    """
    pixel = np.dtype(observation_space.dtype or np.uint8).itemsize
    each = 2 * get_flattened_obs_dim(observation_space) * pixel + TRANSITION_OVERHEAD_BYTES
    fitting = int(parse_memory(memory_limit) * REPLAY_SHARE) // each
    if fitting < batch:
        needed = math.ceil(batch * each / REPLAY_SHARE / 1024**2)
        raise UserError(f"memory_limit {memory_limit!r} holds {fitting} transitions; give at least {needed}M")
    capacity = min(timesteps, fitting)
    return capacity, capacity * each
