"""Walls that look like photos: the faces of a box as patches of a few colours, laid by rule."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.pixels import LUMA
from agent.simulator.typing import Array, Floats

COLUMNS = 64  # patches along a wall before they repeat
BANDS = 16  # of height before they repeat
MOST_COLOURS = 63  # of one wall, besides its own
NONE = -1


class Patches(NamedTuple):
    """Patches of walls as the kernels read them.

    ``of_box`` (b,) is each box's wall, ``NONE`` for plain ones. ``sizes`` is (walls, 2): width and
    height of a patch, u. ``which`` (walls, ``BANDS``, ``COLUMNS``) is the colour of each patch, a
    row of ``colours`` (walls, ``MOST_COLOURS`` + 1, channels); ``means`` is (walls, channels).
    """

    of_box: NDArray[np.int64]
    sizes: Array
    which: NDArray[np.uint8]
    colours: Floats
    means: Floats


def build_patches(boxes: list[dict[str, Any]], grey: bool) -> Patches:
    """Returns the patches of a scene's boxes."""
    of_box = np.full(len(boxes), NONE, dtype=np.int64)
    walls = [k for k, box in enumerate(boxes) if "patches" in box]
    of_box[walls] = np.arange(len(walls))
    which = np.zeros((len(walls), BANDS, COLUMNS), dtype=np.uint8)
    colours = np.zeros((len(walls), MOST_COLOURS + 1, 3))
    for row, k in enumerate(walls):
        patches = boxes[k]["patches"]
        rgb = [boxes[k]["rgb"], *patches["rgb"][:MOST_COLOURS]]
        rng = np.random.default_rng([k, 23])
        drawn = rng.integers(1, len(rgb), (BANDS, COLUMNS))
        which[row] = np.where(rng.random((BANDS, COLUMNS)) < patches["share"], drawn, 0)
        colours[row, : len(rgb)] = rgb
    if grey:
        colours = colours @ LUMA[:, None]
    means = [colours[row][which[row]].mean(axis=(0, 1)) for row in range(len(walls))]
    sizes = [boxes[k]["patches"]["size_u"] for k in walls]
    return Patches(
        of_box,
        np.array(sizes, dtype=np.float64).reshape(-1, 2),
        which,
        colours.astype(np.float32),
        np.array(means, dtype=np.float32).reshape(-1, colours.shape[2]),
    )
