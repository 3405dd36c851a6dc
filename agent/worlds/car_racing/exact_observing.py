"""Observations of our own cars, drawn in one call for all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.worlds.car_racing.exact.canvas import Canvas, make_canvas
from agent.worlds.car_racing.exact.picture import draw_window
from agent.worlds.car_racing.exact.score import score_strips
from agent.worlds.car_racing.exact.tracks import MOST_POLYGONS, Tracks
from agent.worlds.car_racing.indicators import STRIP_ROWS, draw_strip, read_bar
from agent.worlds.car_racing.observation import ROAD_ROWS, SIDE, Window


class Painter(NamedTuple):
    """All that drawing needs beside cars and tracks.

    :param canvas: scratch
    :param scores: pictures of all scores
    :param bar: scratch for the indicators (3, 12, 96)
    """

    canvas: Canvas
    scores: NDArray[np.uint8]
    bar: NDArray[np.uint8]


def make_painter() -> Painter:
    """A painter for tracks of any length."""
    bar = np.zeros((3, STRIP_ROWS, SIDE), dtype=np.uint8)
    return Painter(make_canvas(MOST_POLYGONS), score_strips(), bar)


@njit(cache=True)
def observe_all(
    out: NDArray[np.uint8],
    which: NDArray[np.int64],
    window: Window,
    cars: Any,
    tracks: Tracks,
    painter: Painter,
) -> None:
    """Draws what learners see of their cars.

    :param out: a picture for each of ``which`` (channels, rows, columns)
    :param which: numbers of cars
    :param window: the part of the picture that is looked at
    :param cars: records (n,)
    :param tracks: of all cars
    :param painter: draws
    """
    for i in range(len(which)):
        k = which[i]
        count = tracks.polygon_counts[k]
        _draw(out[i, :, : window.rows], 0, window.first, cars[k], tracks, k, count, painter)
        if window.strip:
            _draw(painter.bar, ROAD_ROWS, 0, cars[k], tracks, k, 0, painter)
            draw_strip(read_bar(painter.bar), out[i, :, window.rows :])


@njit(cache=True)
def _draw(
    out: Any, top: int, left: int, car: Any, tracks: Any, k: int, count: int, painter: Any
) -> None:
    """Draws a part of the ``k``-th car's picture, with its first ``count`` polygons."""
    draw_window(
        out,
        top,
        left,
        car,
        tracks.polygons[k],
        tracks.colours[k],
        count,
        tracks.ground[k],
        painter.scores,
        painter.canvas,
    )
