"""TorchScript, for programs with PyTorch, in Python or C++: ``torch.jit.load`` needs no code."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from agent.deployment.network import FRAME_SHAPE, Floats, Network
from agent.deployment.torch_network import TorchNetwork

INPUT = "frames"
OUTPUT = "commands"


def write(network: Network) -> bytes:
    """The file of a driver."""
    shape = (network.sensing.sequence_length, *FRAME_SHAPE)
    frames = torch.zeros(shape, dtype=torch.uint8)
    file = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):  # deprecated, and still what C++ reads
        traced = torch.jit.trace(TorchNetwork(network), frames)
        torch.jit.save(traced, file)
    return file.getvalue()


def open_file(content: bytes) -> Callable[[NDArray[np.uint8]], Floats]:
    """The driver in a file: commands (2,) for camera frames (sequence_length, 120, 160, 3)."""
    with warnings.catch_warnings(action="ignore"):
        network = torch.jit.load(io.BytesIO(content))

    @torch.no_grad()
    def drive(frames: NDArray[np.uint8]) -> Floats:
        commands: Floats = network(torch.from_numpy(frames)).numpy()
        return commands

    return drive
