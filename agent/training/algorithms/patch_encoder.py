"""The network through which every algorithm sees pictures."""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

CELL = 8  # side, in pixels, of what one answer of the last layer of patches stands for
SHAPES = 4  # features for one shape that is looked for in a patch; chosen
GROUPS = 2  # features for one group of shapes in the later layers; chosen
# By number of layers: side of a patch in pixels, and patches along a cell's side that lie one after
# the other.
PATCH = {1: CELL, 2: CELL // 2, 3: CELL // 2}
INNER = {1: 1, 2: 2, 3: 1}
CONTRAST = 128.0  # grey levels; with weights of ordinary size an answer is then about 1
FAINT = 1e-3  # mean square of a picture's answers below which they are noise and stay small; chosen
# Pixels beside each other travel as one number, in an eighth or a quarter of the time.
TOGETHER = {8: torch.int64, 4: torch.int32}


def as_patches(pictures: torch.Tensor, layers: int = 1) -> torch.Tensor:
    """Patches of pictures (n, channels, rows, columns): (n, patches, channels * patch**2).

    A patch is a whole cell of 8x8 in one layer and 4x4 in more. In two layers the four patches of a
    cell are one after the other, otherwise patches go row by row.
    """
    n, channels, rows, columns = pictures.shape
    patch = PATCH[layers]
    inner = INNER[layers]
    together = TOGETHER[patch] if pictures.dtype == torch.uint8 else pictures.dtype
    cell = patch * inner
    split = (
        pictures.contiguous()
        .view(together)
        .view(n, channels, rows // cell, inner, patch, columns // cell, inner, -1)
    )
    ordered = split.permute(0, 2, 5, 3, 6, 1, 4, 7)
    return ordered.reshape(n, rows * columns // patch**2, -1).view(pictures.dtype)


class PatchEncoder(BaseFeaturesExtractor):
    """Features of pictures with levels 0 to 255: shapes in patches, then all patches at once.

    A convolution whose stride is its kernel is one product of matrices, forwards and backwards, and
    has few windows. It cuts a line at a patch's edge, which costs sharpness; in three layers all
    windows overlap.

    A shape's weights sum to zero in every channel, and a picture's answers are divided by their
    root mean square. So the network sees differences of light, not light, and faint lines like
    bright ones: what it learns on one surface holds on another. Without it three of eight trainings
    learned nothing, because at first all weights of a shape moved together.

    :param observation_space: Box (channels, rows, columns)
    :param features_dim: length of the feature vector; a quarter as many shapes are looked for
    :param layers: 1, patches of 8x8. 2, patches of 4x4 and then two by two of them: sharper, half
        as fast. 3, windows of 8x8 every 4 pixels under two convolutions of 3x3: a line counts alike
        wherever it lies, at less than half of the speed again.
    :param bounded: features are normalised and squashed instead of rectified; they cannot all die
        of one bad update
    :raises ValueError: rows or columns that cells of 8x8 do not fill, with three layers of 4x4
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        features_dim: int = 64,
        layers: int = 1,
        bounded: bool = False,
    ) -> None:
        super().__init__(observation_space, features_dim)
        channels, rows, columns = observation_space.shape
        side = PATCH[layers] * INNER[layers]
        if rows % side or columns % side:
            raise ValueError(
                f"pictures of {rows}x{columns} are no whole cells of {side}x{side}; crop them"
            )
        self.layers = layers
        self.channels = channels
        self.rows = rows // PATCH[layers]
        shapes = max(features_dim // SHAPES, 1)
        groups = max(features_dim // GROUPS, 1)
        pixels = channels * PATCH[layers] ** 2
        self.shapes: torch.nn.Linear | torch.nn.Conv2d
        self.groups: torch.nn.Linear | None = None
        self.windows: torch.nn.Sequential | None = None
        if layers == 3:
            self.shapes = torch.nn.Conv2d(pixels, shapes, 2)  # a window is two by two patches
            self.windows = _windows(shapes, groups)
        else:
            self.shapes = torch.nn.Linear(pixels, shapes)
        if layers == 2:
            self.groups = torch.nn.Linear(4 * shapes, groups)
        answers = shapes if layers == 1 else groups
        cells = (rows // CELL) * (columns // CELL)
        self.whole = torch.nn.Linear(answers * cells, features_dim)
        self.norm = torch.nn.LayerNorm(features_dim) if bounded else None

    def as_patches(self, pictures: torch.Tensor) -> torch.Tensor:
        """Patches that ``forward`` takes for pictures; cut once, they serve many gradient steps."""
        return as_patches(pictures, self.layers)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (n, features_dim) of pictures (n, channels, rows, columns) or their patches."""
        patches = observations if observations.dim() == 3 else self.as_patches(observations)
        answers = self._shape_answers(patches)
        weight = self.whole.weight
        if self.groups is not None:
            cells = answers.view(len(answers), -1, self.groups.in_features)
            answers = torch.relu_(self.groups(cells))
        if self.windows is not None:
            answers = self.windows(answers.unflatten(1, (self.rows - 1, -1)).permute(0, 3, 1, 2))
            # Convolutions leave the shapes of a place beside each other; in another order gradients
            # take longer.
            weight = weight.unflatten(1, answers.shape[1:]).permute(0, 2, 3, 1).flatten(1)
            answers = answers.permute(0, 2, 3, 1)
        features = torch.nn.functional.linear(answers.flatten(1), weight, self.whole.bias)
        return torch.relu_(features) if self.norm is None else torch.tanh_(self.norm(features))

    def _shape_answers(self, patches: torch.Tensor) -> torch.Tensor:
        """Rectified answers (batch, patches or windows, shapes), under any light alike."""
        weight = self.contrast_weight()
        if self.windows is None:
            answers = torch.nn.functional.linear(patches.float(), weight)
        else:
            grid = patches.float().unflatten(1, (self.rows, -1)).permute(0, 3, 1, 2)
            answers = torch.nn.functional.conv2d(grid, weight).permute(0, 2, 3, 1).flatten(1, 2)
        strength = torch.rsqrt(answers.square().mean((1, 2), keepdim=True) + FAINT)
        assert self.shapes.bias is not None
        return torch.relu_(torch.addcmul(self.shapes.bias, answers, strength))

    def contrast_weight(self) -> torch.Tensor:
        """Weights of the shapes, without their mean in every channel."""
        weight = self.shapes.weight.unflatten(1, (self.channels, -1))
        level = weight.mean(tuple(range(2, weight.dim())), keepdim=True)
        return ((weight - level) / CONTRAST).flatten(1, 2)


def _windows(shapes: int, groups: int) -> torch.nn.Sequential:
    """Two convolutions of 3x3, the first halving the sides."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(shapes, groups, 3, 2, 1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(groups, groups, 3, 1, 1),
        torch.nn.ReLU(),
    )
