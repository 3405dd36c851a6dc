"""The network through which every algorithm sees the camera."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

CELL = 8  # pixels, both ways, that one answer of the last layer of patches stands for
SHAPES, GROUPS = (
    4,
    2,
)  # for so many features an answer of a patch, and of patches beside each other in later layers
# Layers: side of a patch, and how many, both ways, of a cell lie one after the other among the patches.
PATCH, INNER = {1: CELL, 2: CELL // 2, 3: CELL // 2}, {1: 1, 2: 2, 3: 1}
CONTRAST = 128.0  # grey levels; with weights of ordinary size an answer is then about 1
FAINT = 1e-3  # mean square of a picture's answers below which they are noise and not made larger


def as_patches(pictures: torch.Tensor, layers: int = 1) -> torch.Tensor:
    """Patches of pictures (n, frames, rows, columns): (n, patches, frames * patch**2).

    A patch is a whole cell of 8x8 in one layer and 4x4 in more; in two layers the four of a cell are one after the
    other, otherwise patches go row by row.
    """
    n, frames, rows, columns = pictures.shape
    patch, inner = PATCH[layers], INNER[layers]
    # Bytes beside each other travel as one number, in an eighth or a quarter of the time.
    together = (
        {8: torch.int64, 4: torch.int32}[patch] if pictures.dtype == torch.uint8 else pictures.dtype
    )
    cell = patch * inner
    split = (
        pictures.contiguous()
        .view(together)
        .view(n, frames, rows // cell, inner, patch, columns // cell, inner, -1)
    )
    return (
        split.permute(0, 2, 5, 3, 6, 1, 4, 7)
        .reshape(n, rows * columns // patch**2, -1)
        .view(pictures.dtype)
    )


class PatchEncoder(BaseFeaturesExtractor):
    """Features of pictures in grey levels or colours, 0 to 255: shapes in patches, then all patches at once.

    A convolution whose stride is its kernel is one product of matrices, forwards and backwards, and has few windows.
    Cutting a line at a patch's edge costs sharpness, though: in three layers all windows overlap.

    A shape's weights sum to zero in every frame, and a picture's answers are divided by their root mean square. So it
    sees differences of light and not light, faint lines like bright ones: what is learned on one surface holds on
    another, and the weights of a shape do not all move together at first, of which three of eight trainings died.

    :param features_dim: length of the feature vector; a quarter as many shapes are looked for
    :param layers: 1, patches of 8x8; 2, patches of 4x4 and then two by two of them: sharper, and half as fast; 3,
        windows of 8x8 every 4 pixels and two convolutions of 3x3 over them: a line counts alike wherever it lies, at
        less than half of the speed again
    :param bounded: features are normalised and squashed instead of rectified: they cannot all die of one bad update
    :raises ValueError: rows or columns that cells of 8x8 do not fill
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        features_dim: int = 64,
        layers: int = 1,
        bounded: bool = False,
    ) -> None:
        super().__init__(observation_space, features_dim)
        frames, rows, columns = observation_space.shape
        if rows % CELL or columns % CELL:
            raise ValueError(f"pictures of {rows}x{columns} are no whole cells of {CELL}x{CELL}")
        self.layers, self.frames, self.rows = layers, frames, rows // PATCH[layers]
        shapes, groups = max(features_dim // SHAPES, 1), max(features_dim // GROUPS, 1)
        pixels = frames * PATCH[layers] ** 2
        # In three layers a window is two by two patches.
        self.shapes = (
            torch.nn.Conv2d(pixels, shapes, 2) if layers == 3 else torch.nn.Linear(pixels, shapes)
        )
        self.groups = torch.nn.Linear(4 * shapes, groups) if layers == 2 else None
        self.windows: torch.nn.Sequential | None = None
        if layers == 3:
            first, second = (
                torch.nn.Conv2d(shapes, groups, 3, 2, 1),
                torch.nn.Conv2d(groups, groups, 3, 1, 1),
            )
            self.windows = torch.nn.Sequential(first, torch.nn.ReLU(), second, torch.nn.ReLU())
        answers = (shapes if layers == 1 else groups) * (rows // CELL) * (columns // CELL)
        self.whole = torch.nn.Linear(answers, features_dim)
        self.norm = torch.nn.LayerNorm(features_dim) if bounded else None

    def as_patches(self, pictures: torch.Tensor) -> torch.Tensor:
        """What ``forward`` takes instead of pictures: cut once, they serve many gradient steps."""
        return as_patches(pictures, self.layers)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (batch, features_dim) of pictures (batch, frames, rows, columns), or of their ``as_patches``."""
        patches = observations if observations.dim() == 3 else self.as_patches(observations)
        weight = self.shapes.weight.unflatten(1, (self.frames, -1))  # fewer than the pixels
        level = weight.mean(tuple(range(2, weight.dim())), keepdim=True)
        weight = ((weight - level) / CONTRAST).flatten(1, 2)
        if self.windows is None:
            answers = torch.nn.functional.linear(patches.float(), weight)
        else:
            grid = patches.float().unflatten(1, (self.rows, -1)).permute(0, 3, 1, 2)
            answers = torch.nn.functional.conv2d(grid, weight).permute(0, 2, 3, 1).flatten(1, 2)
        strength = torch.rsqrt(answers.square().mean((1, 2), keepdim=True) + FAINT)
        assert self.shapes.bias is not None
        answers = torch.relu_(torch.addcmul(self.shapes.bias, answers, strength))
        if self.groups is not None:
            answers = torch.relu_(
                self.groups(answers.view(len(answers), -1, self.groups.in_features))
            )
        weight = self.whole.weight
        if self.windows is not None:
            answers = self.windows(answers.unflatten(1, (self.rows - 1, -1)).permute(0, 3, 1, 2))
            # Convolutions leave the shapes of a place beside each other; in another order gradients take longer.
            weight = weight.unflatten(1, answers.shape[1:]).permute(0, 2, 3, 1).flatten(1)
            answers = answers.permute(0, 2, 3, 1)
        features = torch.nn.functional.linear(answers.flatten(1), weight, self.whole.bias)
        return torch.relu_(features) if self.norm is None else torch.tanh_(self.norm(features))
