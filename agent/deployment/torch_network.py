"""A driver as one PyTorch module, from camera frames to steering and throttle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agent.deployment.network import (
    GREY_SHARES,
    SHRINK,
    Clipping,
    CommandRange,
    CommandTable,
    Convolution,
    Dense,
    Evening,
    Flattening,
    Layer,
    Network,
    Normalisation,
    Rectification,
    Sensing,
    Squashing,
)
from agent.worlds.donkey.observation import SKY_ROWS


class TorchNetwork(torch.nn.Module):
    """Commands (2,) float32 for camera frames (sequence_length, 120, 160, 3) uint8."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        modules: list[torch.nn.Module] = [_eyes(network.sensing)]
        layers = [_module(layer) for layer in network.layers]
        if network.mirror_signs:
            modules.append(_Mirrored(layers, network.mirror_signs))
        else:
            modules += layers
        modules.append(_commands(network.commands))
        self.parts = torch.nn.Sequential(*modules).requires_grad_(False).eval()

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        commands: torch.Tensor = self.parts(frames)
        return commands


class _Colours(torch.nn.Module):
    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.permute(0, 3, 1, 2).float()


class _GreyFrames(torch.nn.Module):
    def __init__(self, gap: int) -> None:
        super().__init__()
        self.gap = gap
        self.shares: torch.Tensor
        self.register_buffer("shares", torch.from_numpy(GREY_SHARES))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        colours = frames[:: self.gap, SKY_ROWS:].float()
        grey = torch.floor((colours * self.shares).sum(3) + 0.5)
        shrunk = torch.nn.functional.avg_pool2d(grey.unsqueeze(0), SHRINK)
        return torch.floor(shrunk + 0.5)


class _Evened(torch.nn.Module):
    def __init__(self, layer: Evening) -> None:
        super().__init__()
        self.faint = layer.faint
        self.bias: torch.Tensor
        self.register_buffer("bias", _tensor(layer.bias).view(1, -1, 1, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        mean = pictures.square().mean((1, 2, 3), keepdim=True)
        return pictures * torch.rsqrt(mean + self.faint) + self.bias


class _Flat(torch.nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.permute(0, 2, 3, 1).flatten(1)


class _Mirrored(torch.nn.Module):
    def __init__(self, layers: Sequence[torch.nn.Module], signs: Sequence[float]) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(*layers)
        self.signs: torch.Tensor
        self.register_buffer("signs", torch.tensor([[1.0] * len(signs), list(signs)]))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.layers(torch.cat([picture, picture.flip(3)]))
        return (answers * self.signs).mean(0, keepdim=True)


class _Range(torch.nn.Module):
    def __init__(self, commands: CommandRange) -> None:
        super().__init__()
        self.low: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("low", _tensor(commands.low))
        self.register_buffer("scale", _tensor((commands.high - commands.low) / 2.0))

    def forward(self, answers: torch.Tensor) -> torch.Tensor:
        return self.low + self.scale * (answers[0].clamp(-1.0, 1.0) + 1.0)


class _Table(torch.nn.Module):
    def __init__(self, commands: CommandTable) -> None:
        super().__init__()
        self.commands: torch.Tensor
        self.register_buffer("commands", _tensor(commands.commands))

    def forward(self, answers: torch.Tensor) -> torch.Tensor:
        return self.commands[answers[0].argmax()]


def _eyes(sensing: Sensing) -> torch.nn.Module:
    return _GreyFrames(sensing.gap) if sensing.grey else _Colours()


def _commands(commands: CommandRange | CommandTable) -> torch.nn.Module:
    return _Range(commands) if isinstance(commands, CommandRange) else _Table(commands)


def _module(layer: Layer) -> torch.nn.Module:
    match layer:
        case Convolution():
            answers, rows, columns, channels = layer.weight.shape
            padding = int(layer.padded)
            convolution = torch.nn.Conv2d(channels, answers, (rows, columns), layer.stride, padding)
            return _given(convolution, layer.weight.transpose(0, 3, 1, 2), layer.bias)
        case Evening():
            return _Evened(layer)
        case Flattening():
            return _Flat()
        case Dense():
            dense = torch.nn.Linear(layer.weight.shape[1], len(layer.bias))
            return _given(dense, layer.weight, layer.bias)
        case Normalisation():
            norm = torch.nn.LayerNorm(len(layer.bias), layer.faint)
            return _given(norm, layer.weight, layer.bias)
        case Rectification():
            return torch.nn.ReLU()
        case Squashing():
            return torch.nn.Tanh()
        case Clipping():
            return torch.nn.Hardtanh(layer.low, layer.high)


def _given(
    module: torch.nn.Conv2d | torch.nn.Linear | torch.nn.LayerNorm,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> torch.nn.Module:
    """The module with these weights instead of random ones."""
    module.weight = torch.nn.Parameter(_tensor(weight))
    module.bias = torch.nn.Parameter(_tensor(bias))
    return module


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
