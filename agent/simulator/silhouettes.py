"""Silhouettes of trees, people and furniture: small pictures made by rule, each of a few tones.

A silhouette is a function of its shape and a small seed. It is kept at several sizes, each the mean
of the one before, so that far ones do not flicker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.simulator.typing import Array

SIDE = 64  # texels of the largest size
SIDES = (64, 32, 16, 8)  # sizes kept
FIRSTS = (0, 4096, 5120, 5376)  # first texel of each
STRIP_FIRST = 5440  # then one column of means, for the smallest
STRIP = 8
# Last, for each row of each size, the first texel that is not clear and the one after the last.
ENDS_FIRST = STRIP_FIRST + STRIP
ROW_FIRSTS = (0, 64, 96, 112)
TEXELS = ENDS_FIRST + 2 * sum(SIDES)
CROWN_TONES = 8  # levels of brightness of the crown, then those of the trunk
TONES = 12
# Chosen: brightness of the tones, as shares of the colour given.
CROWN_LIGHT = np.linspace(0.35, 1.65, CROWN_TONES)
TRUNK_LIGHT = np.linspace(0.6, 1.4, TONES - CROWN_TONES)
VARIANTS = 3  # of each shape
# The sun stands behind the viewer, to the right, ahead or to the left of the view.
LIGHTINGS = 4
SUN_ACROSS = (0.0, 1.0, 0.0, -1.0)
MEAN_LIGHT = (1.05, 1.0, 0.75, 1.0)  # chosen: what is seen against the sun is dark

Mask = NDArray[np.bool_]
Part = tuple[Mask, Array, Mask]  # of a crown: where it is, its relief and where the trunk is


def _grid() -> tuple[Array, Array]:
    """Returns x from -1 to 1 and height from 0 to 1 of each texel, the top row first."""
    at = (np.arange(SIDE) + 0.5) / SIDE
    x, down = np.meshgrid(2.0 * at - 1.0, at)
    return x, 1.0 - down


def _noise(rng: np.random.Generator, cells: int) -> Array:
    """Returns smooth noise in [-1, 1] with so many bumps across."""
    coarse = rng.uniform(-1.0, 1.0, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


def _crown(
    rng: np.random.Generator, blobs: Array, rough: float, holes: float
) -> tuple[Mask, Array]:
    """Returns where leaves are and their relief, bumps of leaves that look up and outwards.

    :param rng: draws the leaves
    :param blobs: clumps (n, 3): x, height and radius
    :param rough: how ragged the rim is
    :param holes: how open the crown is
    """
    x, y = _grid()
    depth = np.full(x.shape, -9.0)
    relief = np.zeros(x.shape)
    for blob_x, blob_y, radius in blobs:
        across = (x - blob_x) / radius
        up = (y - blob_y) * 1.6 / radius
        inside = 1.0 - across**2 - up**2
        nearer = inside > depth
        depth = np.where(nearer, inside, depth)
        relief = np.where(nearer, 0.7 * up, relief)
    leaves = 0.6 * _noise(rng, 16) + 0.6 * _noise(rng, 32)
    there = depth + rough * leaves - holes * np.maximum(_noise(rng, 10), 0.0) > 0.15
    return there, relief + 0.8 * leaves


def _trunk(half: float, top: float, lean: float = 0.0) -> Mask:
    """Returns where a trunk is that narrows upwards.

    :param half: its half width at the foot
    :param top: its height
    :param lean: how far its top is to the right of its foot
    """
    x, y = _grid()
    return np.asarray(
        (np.abs(x - lean * (y / top) ** 2) < half * (1.3 - 0.6 * y / top)) & (y < top)
    )


def _tree(rng: np.random.Generator) -> Part:
    n = 16
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    out = np.sqrt(rng.uniform(0.0, 1.0, n))
    x = 0.6 * out * np.cos(angle)
    y = 0.62 + 0.24 * out * np.sin(angle)
    blobs = np.stack([x, y, rng.uniform(0.22, 0.4, n)], axis=1)
    there, relief = _crown(rng, blobs, 0.8, 0.9)
    trunk = _trunk(0.07, 0.6, rng.uniform(-0.1, 0.1))
    for _ in range(3):
        trunk |= _limb(0.0, rng.uniform(0.25, 0.4), rng.uniform(-0.6, 0.6), 0.7, 0.025)
    return there, relief, trunk


def _broadleaf(rng: np.random.Generator) -> Part:
    n = 14
    y = rng.uniform(0.3, 0.9, n)
    wide = 0.62 * np.sqrt(np.clip(1.0 - ((y - 0.55) / 0.48) ** 2, 0.0, 1.0))
    blobs = np.stack([wide * rng.uniform(-1, 1, n), y, rng.uniform(0.2, 0.38, n)], axis=1)
    there, relief = _crown(rng, blobs, 0.9, 1.0)
    return there, relief, _trunk(0.05, 0.7)


def _bush(rng: np.random.Generator) -> Part:
    n = 9
    x = rng.uniform(-0.65, 0.65, n)
    blobs = np.stack([x, rng.uniform(0.15, 0.6, n), rng.uniform(0.3, 0.45, n)], axis=1)
    blobs = np.concatenate([blobs, [[-0.4, 0.1, 0.5], [0.4, 0.1, 0.5]]])
    there, relief = _crown(rng, blobs, 0.6, 0.5)
    return there, relief, np.zeros_like(there)


def _conifer(rng: np.random.Generator) -> Part:
    x, y = _grid()
    tiers = 9.0
    saw = 1.0 - (y * tiers + rng.uniform()) % 1.0
    half = (1.0 - y) * (0.6 + 0.3 * saw) + 0.03
    leaves = 0.5 * _noise(rng, 16) + 0.5 * _noise(rng, 40)
    there = (np.abs(x) < half + 0.16 * leaves) & (y > 0.1)
    return there, 1.5 * (0.5 - saw) + 0.8 * leaves, _trunk(0.06, 0.2)


def _palm(rng: np.random.Generator) -> Part:
    x, y = _grid()
    lean = rng.uniform(-0.25, 0.25)
    there = np.zeros(x.shape, dtype=np.bool_)
    relief = 0.8 * _noise(rng, 24)
    for reach in np.concatenate([np.linspace(-1.0, 1.0, 8), rng.uniform(-0.6, 0.6, 4)]):
        along = (x - lean) / reach
        rise = rng.uniform(0.1, 0.2)
        middle = 0.78 + rise * np.sin(np.pi * np.clip(along, 0, 1)) - 0.28 * along**2 * abs(reach)
        thick = 0.05 * np.sin(np.pi * np.clip(along, 0.05, 1.0)) + 0.01
        fringe = 0.5 + 0.5 * np.sin(60.0 * along)
        frond = (y < middle + 0.3 * thick) & (y > middle - thick * (0.5 + 1.5 * fringe))
        there |= frond & (along > 0.0) & (along < 1.0)
    return there, relief, _trunk(0.06, 0.8, lean)


def _limb(from_x: float, from_y: float, to_x: float, to_y: float, half: float) -> Mask:
    """Returns where a straight limb is.

    :param from_x: its foot's place across, ``from_y`` its height
    :param to_x: its end's, as is ``to_y``
    :param half: its half width across
    """
    x, y = _grid()
    share = (y - from_y) / (to_y - from_y)
    middle = from_x + share * (to_x - from_x)
    return np.asarray((np.abs(x - middle) < half) & (share >= 0.0) & (share <= 1.0))


def _slab(left: float, right: float, low: float, high: float) -> Mask:
    """Returns where an upright rectangle is."""
    x, y = _grid()
    return np.asarray((x > left) & (x < right) & (y > low) & (y < high))


def _person(rng: np.random.Generator) -> Part:
    x, y = _grid()
    head = (x / 0.26) ** 2 + ((y - 0.92) / 0.075) ** 2 < 1.0
    chest = ((np.abs(x) / 0.62) ** 4 + ((y - 0.66) / 0.2) ** 4) < 1.0
    stride = rng.uniform(0.1, 0.35)
    legs = _limb(-stride, 0.0, -0.15, 0.5, 0.2) | _limb(stride, 0.0, 0.15, 0.5, 0.2)
    arms = _limb(-0.8, 0.42, -0.55, 0.8, 0.14) | _limb(0.8, 0.42, 0.55, 0.8, 0.14)
    relief = 0.8 * _noise(rng, 12) + 1.2 * head
    return head | chest | arms, relief, legs


def _chair(rng: np.random.Generator) -> Part:
    turn = rng.uniform(-0.15, 0.15)
    back = _slab(-0.6, 0.6, 0.62, 0.97) & ~_slab(-0.45, 0.45, 0.63, 0.7)
    seat = _slab(-0.75, 0.7, 0.42, 0.5)
    frame = _limb(-0.6, 0.3, -0.62, 1.0, 0.06) | _limb(0.6, 0.3, 0.62, 1.0, 0.06)
    for foot, top in ((-0.85, -0.4), (-0.5, -0.75), (0.85, 0.4), (0.5, 0.75)):
        frame |= _limb(foot + turn, 0.0, top, 0.45, 0.06)
    frame |= _slab(-0.6, 0.6, 0.14, 0.18)
    return back | seat, _noise(rng, 6), frame


def _table(rng: np.random.Generator) -> Part:
    top = _slab(-1.0, 1.0, 0.86, 0.98)
    legs = np.zeros_like(top)
    for foot, high in ((-0.92, -0.82), (-0.72, -0.82), (0.92, 0.82), (0.72, 0.82)):
        legs |= _limb(foot, 0.0, high, 0.88, 0.025)
    legs |= _slab(-0.85, -0.78, 0.2, 0.26) | _slab(0.78, 0.85, 0.2, 0.26)
    return top, 0.5 * _noise(rng, 6), legs


SHAPES: dict[str, Callable[[np.random.Generator], Part]] = {
    "tree": _tree,
    "broadleaf": _broadleaf,
    "palm": _palm,
    "conifer": _conifer,
    "bush": _bush,
    "person": _person,
    "chair": _chair,
    "table": _table,
}


@cache
def silhouette(shape: str, variant: int) -> NDArray[np.uint16]:
    """Returns a silhouette under each lighting, (``LIGHTINGS``, ``TEXELS``).

    A texel is its opacity, 0 to 255, in the high byte, and its tone in the low one. Sizes follow
    each other, the largest first, rows from the top; then the column of means and the rows' ends.

    :param shape: one of ``SHAPES``
    :param variant: which of them, any number
    """
    rng = np.random.default_rng([sorted(SHAPES).index(shape), variant])
    crown, relief, trunk = SHAPES[shape](rng)
    return np.stack([_texels(crown, relief, trunk, k) for k in range(LIGHTINGS)])


def _texels(crown: Mask, relief: Array, trunk: Mask, lighting: int) -> NDArray[np.uint16]:
    x, y = _grid()
    light = 0.28 * relief + 0.25 * SUN_ACROSS[lighting] * x + 0.3 * (y - 0.6)
    light += MEAN_LIGHT[lighting] - (light[crown].mean() if crown.any() else 0.0)
    bark = 1.0 + 0.3 * SUN_ACROSS[lighting] * np.sign(x) + 0.2 * relief
    alpha = (crown | trunk).astype(np.float64)
    is_crown = crown.astype(np.float64)
    found = []
    for side in SIDES:
        sizes = [_shrunk(field, side, side) for field in (alpha, is_crown, light, bark)]
        found.append(_packed(*sizes))
    found.append(_packed(*[_shrunk(field, STRIP, 1) for field in (alpha, is_crown, light, bark)]))
    ends = [_ends(texels.reshape(side, side)) for texels, side in zip(found, SIDES, strict=False)]
    return np.concatenate([*found, *ends])


def _ends(texels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Returns, row by row, the first texel that is not clear and the one after the last."""
    seen = (texels >> 8) > 0
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), len(texels))
    stop = np.where(seen.any(axis=1), len(texels) - seen[:, ::-1].argmax(axis=1), 0)
    return np.stack([first, stop], axis=1).astype(np.uint16).ravel()


def _shrunk(field: Array, rows: int, columns: int) -> Array:
    """Returns the means of blocks."""
    blocks = field.reshape(rows, SIDE // rows, columns, SIDE // columns)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _packed(alpha: Array, is_crown: Array, light: Array, bark: Array) -> NDArray[np.uint16]:
    crown_tone = np.abs(light[..., None] - CROWN_LIGHT).argmin(axis=-1)
    trunk_tone = CROWN_TONES + np.abs(bark[..., None] - TRUNK_LIGHT).argmin(axis=-1)
    tone = np.where(2.0 * is_crown >= alpha, crown_tone, trunk_tone)
    return np.asarray(
        (np.rint(255.0 * alpha).astype(np.uint16) << 8) | tone.astype(np.uint16)
    ).ravel()


def opaque_share(shape: str, variant: int) -> float:
    """Returns the share of a silhouette's rectangle that it covers."""
    texels: Any = silhouette(shape, variant)[0, : SIDE * SIDE]
    return float((texels >> 8).mean() / 255.0)
