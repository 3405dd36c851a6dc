"""torch as a trial wants it: seeded, on one thread, and on a device that is there."""

from __future__ import annotations

import os

import torch
from stable_baselines3.common.utils import set_random_seed

from agent.config.trial import UserError


def prepare_torch(seed: int, deterministic: bool = False) -> None:
    """Seed python, numpy and torch, ask CUDA for deterministic kernels, and keep torch to one thread.

    A second thread gains a tenth of a trial on idle cores. On busy ones, with two trials side by side,
    every hand-over between threads waits for the scheduler and a trial takes twice as long.
    Lessons have a thread of their own, and hand over once a rollout (``study``).

    :param deterministic: refuse kernels that do not repeat to the last digit, instead of warning of them
    """
    torch.set_num_threads(1)
    # Checks of every distribution's parameters take longer than using them; ``FiniteGuard`` looks after each rollout.
    torch.distributions.Distribution.set_default_validate_args(False)
    cuda = torch.cuda.is_available()
    # The kernels for processors are deterministic anyway, and the switch takes two seconds to import.
    if cuda or deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=not deterministic)
    set_random_seed(seed, using_cuda=cuda)


def check_device(device: str) -> None:
    """Refuse ``cuda`` on a machine without it.

    :raises UserError: no usable CUDA device
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not available here; give --device cpu or auto")
