"""The convolutional network through which every algorithm sees the camera."""

from __future__ import annotations

from typing import cast

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

STRIDE = 4


class RoadCNN(BaseFeaturesExtractor):
    """A small convolutional network for channels-first images in [0, 1], or in grey levels with ``unit`` 1/255.

    A 5x5 convolution of stride 4, then 3x3 convolutions of stride 2 until at most six rows are left,
    then one linear layer: two convolutions for 4x40x80, three for 3x120x160.

    :param features_dim: length of the feature vector
    :param unit: what a pixel counts; multiplied into the first weights, which are fewer than the pixels
    :param bounded: features are normalised and squashed instead of rectified: they cannot all die of one bad update
    """

    def __init__(
        self, observation_space: spaces.Box, features_dim: int = 128, unit: float = 1.0, bounded: bool = False
    ) -> None:
        super().__init__(observation_space, features_dim)
        self.unit = unit
        channels, height, width = observation_space.shape
        layers: list[torch.nn.Module] = [torch.nn.Conv2d(channels, 16, 5, stride=STRIDE), torch.nn.ReLU()]
        channels, height, width = 16, (height - 5) // 4 + 1, (width - 5) // 4 + 1
        while height > 6:
            layers += [torch.nn.Conv2d(channels, 32, 3, stride=2), torch.nn.ReLU()]
            channels, height, width = 32, (height - 3) // 2 + 1, (width - 3) // 2 + 1
        layers += [torch.nn.Flatten(), torch.nn.Linear(channels * height * width, features_dim)]
        layers += [torch.nn.LayerNorm(features_dim), torch.nn.Tanh()] if bounded else [torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*layers)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (batch, features_dim) of images (batch, channels, height, width)."""
        # Gradients take a third less with the channels innermost; without them turning the pictures costs more.
        if torch.is_grad_enabled():
            observations = observations.contiguous(memory_format=torch.channels_last)
        first = cast(torch.nn.Conv2d, self.network[0])
        shapes = torch.nn.functional.conv2d(observations, first.weight * self.unit, first.bias, stride=STRIDE)
        features: torch.Tensor = self.network[1:](shapes)
        return features


def scaled(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 pictures as floats in [0, 1], channels innermost: what SB3 and ``RoadCNN`` do, in one pass over memory."""
    return pictures.to(torch.float32, memory_format=torch.channels_last).div_(255.0)
