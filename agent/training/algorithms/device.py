"""torch as a trial wants it: seeded, on one thread, and on a device that is there."""

from __future__ import annotations

import os

import torch
from stable_baselines3.common.utils import set_random_seed

from agent.config.cuda import NO_CUDA, NO_MIXED_PRECISION
from agent.config.errors import UserError


def prepare_torch(seed: int, deterministic: bool = False) -> None:
    """Seeds python, numpy and torch, makes CUDA deterministic, and keeps torch to one thread.

    A second thread gains a tenth of a trial on idle cores. On busy ones, with two trials side by
    side, every hand-over between threads waits for the scheduler, and a trial takes twice as long.
    Imitation has a thread of its own and hands over once a rollout (``imitation/background.py``).

    :param seed: of everything random
    :param deterministic: refuse kernels that do not repeat to the last digit, instead of warning of
        them
    """
    torch.set_num_threads(1)
    # Checking a distribution's parameters takes longer than using them; ``FiniteGuard`` checks each
    # rollout.
    torch.distributions.Distribution.set_default_validate_args(False)
    cuda = torch.cuda.is_available()
    # Kernels for processors are deterministic anyway, and importing the switch takes two seconds.
    if cuda or deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=not deterministic)
    set_random_seed(seed, using_cuda=cuda)


def check_device(device: str, mixed_precision: bool = False) -> None:
    """Refuses ``cuda`` on a machine without it, and mixed precision on a processor.

    :raises UserError: no usable CUDA device
    """
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise UserError(NO_CUDA)
    if mixed_precision and (device == "cpu" or not cuda):
        raise UserError(NO_MIXED_PRECISION)
