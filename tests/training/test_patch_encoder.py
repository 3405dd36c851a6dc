"""The network for pictures: its patches, its layers, and what light does not change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from agent.training.algorithms.patch_encoder import CELL, CONTRAST, FAINT, PatchEncoder, as_patches


def pictures_of(*shape: int) -> spaces.Box:
    return spaces.Box(0, 255, shape, np.uint8)


@pytest.mark.parametrize("shape", [(4, 40, 80), (3, 120, 160), (1, 96, 96)])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_network_turns_pictures_of_whole_cells_into_features(
    shape: tuple[int, ...], layers: int
) -> None:
    features = PatchEncoder(pictures_of(*shape), features_dim=32, layers=layers)(
        torch.rand(2, *shape)
    )
    assert features.shape == (2, 32)
    assert torch.isfinite(features).all()


def test_three_layers_take_pictures_of_half_cells() -> None:
    features = PatchEncoder(pictures_of(1, 84, 92), features_dim=32, layers=3)
    assert torch.isfinite(features(torch.rand(2, 1, 84, 92))).all()
    with pytest.raises(ValueError, match="84x90 are no whole cells of 4x4"):
        PatchEncoder(pictures_of(1, 84, 90), layers=3)


def test_pictures_that_cells_do_not_fill_are_refused() -> None:
    with pytest.raises(ValueError, match="42x80 are no whole cells of 8x8"):
        PatchEncoder(pictures_of(1, 42, 80))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_patches_are_cut_from_all_channels_of_a_picture(dtype: torch.dtype) -> None:
    pictures = torch.randint(0, 255, (3, 2, 40, 80)).to(dtype)
    patches = as_patches(pictures)
    assert patches.shape == (3, 50, 128)
    assert patches.dtype == dtype
    fine = as_patches(pictures, layers=2)
    assert fine.shape == (3, 200, 32)
    assert fine.dtype == dtype
    for row, column in ((0, 0), (1, 3), (4, 9)):
        cut = pictures[2, :, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        assert torch.equal(patches[2, 10 * row + column], cut.flatten())
        for k, (down, right) in enumerate(((0, 0), (0, 4), (4, 0), (4, 4))):
            quarter = cut[:, down : down + 4, right : right + 4]
            assert torch.equal(fine[2, 4 * (10 * row + column) + k], quarter.flatten())
    by_rows = as_patches(pictures, layers=3)
    assert by_rows.shape == (3, 200, 32)
    assert torch.equal(by_rows[1, 20 * 9 + 13], pictures[1, :, 36:40, 52:56].flatten())


def test_three_layers_are_convolutions() -> None:
    torch.manual_seed(0)
    net = PatchEncoder(pictures_of(2, 40, 80), layers=3)
    assert net.windows is not None
    assert net.shapes.bias is not None
    pictures = torch.randint(0, 255, (3, 2, 40, 80), dtype=torch.uint8)
    patches = net.shapes.weight.unflatten(1, (2, 4, 4))  # and two by two of them: windows of 8x8
    weight = patches.permute(0, 1, 4, 2, 5, 3).reshape(-1, 2, 8, 8)
    weight = (weight - weight.mean((2, 3), keepdim=True)) / CONTRAST
    answers = torch.nn.functional.conv2d(pictures.float(), weight, stride=4)
    answers = answers * torch.rsqrt(answers.square().mean((1, 2, 3), keepdim=True) + FAINT)
    seen = net.windows(torch.relu(answers + net.shapes.bias.view(1, -1, 1, 1)))
    assert seen.shape == (3, 32, 5, 10)
    expected = torch.relu(net.whole(seen.flatten(1)))
    torch.testing.assert_close(net(pictures), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_light_and_contrast_do_not_change_what_is_seen(layers: int) -> None:
    torch.manual_seed(0)
    net = PatchEncoder(pictures_of(2, 40, 80), layers=layers)
    pictures = torch.randint(60, 120, (4, 2, 40, 80)).float()
    seen = net(pictures)
    assert float(seen.detach().std()) > 0.01
    torch.testing.assert_close(net(pictures + 90.0), seen, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(net(pictures * 1.9), seen, rtol=0.05, atol=0.02)
