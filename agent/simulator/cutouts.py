"""Cut-outs: silhouettes that stand upright and face the camera, as arrays. Posts are plain ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.barriers import Barriers
from agent.simulator.silhouettes import (
    CROWN_LIGHT,
    LIGHTINGS,
    TEXELS,
    TONES,
    TRUNK_LIGHT,
    VARIANTS,
    silhouette,
)
from agent.simulator.typing import Array

# Columns of ``Uprights.places``, after x, z and base as in ``Obstacles``.
HALF_WIDTH, HEIGHT, MASK, TONE_ROW = range(3, 7)
PLAIN = -1.0  # mask of what has no silhouette
BARK_RGB = (84, 72, 58)  # chosen: where a scene gives no colour of the trunk


class Uprights(NamedTuple):
    """All that stands and faces the camera: cut-outs, then posts.

    ``places`` is (n, 7): x, z, base, half width, height, first row of its silhouette in ``masks``
    (``PLAIN`` for none), row of its tones. ``masks`` is (m, ``TEXELS``), see ``silhouette``.
    ``tones`` is (k, ``TONES``, 3).
    """

    places: Array
    masks: NDArray[np.uint16]
    tones: Array


def build_uprights(
    cutouts: list[dict[str, Any]], bases_u: list[float], barriers: Barriers
) -> Uprights:
    """Returns what stands and faces the camera.

    :param cutouts: obstacles of the scene file
    :param bases_u: height of the ground under each
    :param barriers: whose posts stand there too
    """
    masks: list[NDArray[np.uint16]] = [np.empty((0, TEXELS), dtype=np.uint16)]
    kept: dict[tuple[str, int], int] = {}
    tones: dict[tuple[Any, Any], int] = {}
    rows = []
    for k, (cutout, base_u) in enumerate(zip(cutouts, bases_u, strict=True)):
        which = (str(cutout["shape"]), int(cutout.get("seed", k)) % VARIANTS)
        if which not in kept:
            kept[which] = LIGHTINGS * len(kept)
            masks.append(silhouette(*which))
        colours = (tuple(cutout["rgb"]), tuple(cutout.get("trunk_rgb", BARK_RGB)))
        tone = tones.setdefault(colours, len(tones))
        size = [0.5 * cutout["width_u"], cutout["height_u"]]
        rows.append([cutout["x"], cutout["z"], base_u, *size, kept[which], tone])
    posts = barriers.posts.copy()
    plain = np.full((len(posts), 1), PLAIN)
    places = np.array(rows, dtype=np.float64).reshape(-1, 7)
    colours_of_posts = barriers.rgba[:, None, :3].repeat(TONES, axis=1)
    return Uprights(
        places=np.vstack([places, np.hstack([posts[:, :5], plain, posts[:, 5:] + len(tones)])]),
        masks=np.concatenate(masks),
        tones=np.concatenate([_tones(list(tones)), colours_of_posts]),
    )


def _tones(colours: list[tuple[Any, Any]]) -> Array:
    """Returns the tones (k, ``TONES``, 3) of crowns and trunks."""
    crowns = np.array([crown for crown, _ in colours], dtype=np.float64).reshape(-1, 1, 3)
    trunks = np.array([trunk for _, trunk in colours], dtype=np.float64).reshape(-1, 1, 3)
    shades = [crowns * CROWN_LIGHT[:, None], trunks * TRUNK_LIGHT[:, None]]
    return np.clip(np.concatenate(shades, axis=1), 0.0, 255.0)
