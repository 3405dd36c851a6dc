"""The convolutional network through which every algorithm sees the camera."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class RoadCNN(BaseFeaturesExtractor):
    """A small convolutional network for channels-first uint8 images, SB3-scaled to [0, 1].

    A 5x5 convolution of stride 4, then 3x3 convolutions of stride 2 until at most six rows are left,
    then one linear layer: two convolutions for 4x40x80, three for 3x120x160.

    :param features_dim: length of the feature vector
    """

    def __init__(self, observation_space: spaces.Box, features_dim: int = 128) -> None:
        super().__init__(observation_space, features_dim)
        channels, height, width = observation_space.shape
        layers: list[torch.nn.Module] = [torch.nn.Conv2d(channels, 16, 5, stride=4), torch.nn.ReLU()]
        channels, height, width = 16, (height - 5) // 4 + 1, (width - 5) // 4 + 1
        while height > 6:
            layers += [torch.nn.Conv2d(channels, 32, 3, stride=2), torch.nn.ReLU()]
            channels, height, width = 32, (height - 3) // 2 + 1, (width - 3) // 2 + 1
        layers += [torch.nn.Flatten(), torch.nn.Linear(channels * height * width, features_dim), torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*layers)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (batch, features_dim) of images (batch, channels, height, width) in [0, 1]."""
        # Gradients take a third less with the channels innermost; without them turning the pictures costs more.
        if torch.is_grad_enabled():
            observations = observations.contiguous(memory_format=torch.channels_last)
        features: torch.Tensor = self.network(observations)
        return features


def scaled(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 pictures as floats in [0, 1], channels innermost: what SB3 and ``RoadCNN`` do, in one pass over memory."""
    return pictures.to(torch.float32, memory_format=torch.channels_last).div_(255.0)
