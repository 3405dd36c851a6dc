"""The network through which every algorithm sees the camera."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

PATCH = 8  # pixels, both ways
SHAPES = 16
# Grey levels are moved and scaled to about -1..1. Where a road's picture lies wholly on one side of zero all weights
# of a shape first move together: of twelve trainings of 10,000 steps three learned nothing, centred none.
MIDDLE, CONTRAST = 110.0, 128.0


def as_patches(pictures: torch.Tensor) -> torch.Tensor:
    """Patches (n, rows / 8 * columns / 8, frames * 64) of pictures (n, frames, rows, columns)."""
    n, frames, rows, columns = pictures.shape
    kind, of_bytes = pictures.dtype, pictures.dtype == torch.uint8
    # Eight bytes beside each other travel as one number, in an eighth of the time.
    parts = pictures.contiguous().view(torch.int64).unsqueeze(-1) if of_bytes else pictures.unflatten(-1, (-1, PATCH))
    split = parts.view(n, frames, rows // PATCH, PATCH, columns // PATCH, -1).permute(0, 2, 4, 1, 3, 5)
    return split.reshape(n, rows * columns // PATCH**2, -1).view(kind)


class RoadNet(BaseFeaturesExtractor):
    """Features of pictures in grey levels or colours 0 to 255: shapes in each patch of 8x8, then all patches at once.

    A convolution whose stride is its kernel is one product of matrices, forwards and backwards, and a picture has few
    of its windows: this takes a third of what overlapping convolutions of the same sharpness do, and learns as well.

    :param features_dim: length of the feature vector
    :param bounded: features are normalised and squashed instead of rectified: they cannot all die of one bad update
    :raises ValueError: rows or columns that patches do not fill
    """

    def __init__(self, observation_space: spaces.Box, features_dim: int = 64, bounded: bool = False) -> None:
        super().__init__(observation_space, features_dim)
        frames, rows, columns = observation_space.shape
        if rows % PATCH or columns % PATCH:
            raise ValueError(f"pictures of {rows}x{columns} are no whole patches of {PATCH}x{PATCH}")
        self.shapes = torch.nn.Linear(frames * PATCH * PATCH, SHAPES)
        self.whole = torch.nn.Linear(SHAPES * (rows // PATCH) * (columns // PATCH), features_dim)
        self.norm = torch.nn.LayerNorm(features_dim) if bounded else None

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (batch, features_dim) of pictures (batch, frames, rows, columns), or of their ``as_patches``."""
        patches = observations if observations.dim() == 3 else as_patches(observations)
        # The weights are fewer than the pixels: they are scaled instead.
        weight = self.shapes.weight / CONTRAST
        bias = self.shapes.bias - MIDDLE * weight.sum(1)
        shapes = torch.relu_(torch.nn.functional.linear(patches.float(), weight, bias))
        features: torch.Tensor = self.whole(shapes.flatten(1))
        return torch.relu_(features) if self.norm is None else torch.tanh_(self.norm(features))
