"""Observations: the part of CarRacing's picture that is asked for, channels first."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.indicators import STRIP_ROWS, draw_strip, read_bar
from agent.worlds.car_racing.options import CarRacingOptions

Picture = NDArray[np.uint8]

SIDE = 96  # pixels of Gymnasium's picture, both ways
ROAD_ROWS = 84  # rows above the indicators


class Window(NamedTuple):
    """The part of the picture that is looked at.

    :param rows: from the top
    :param first: column
    :param columns: from that one
    :param colour: three channels instead of one
    :param strip: a strip of the indicators' numbers lies below
    """

    rows: int
    first: int
    columns: int
    colour: bool
    strip: bool

    @property
    def channels(self) -> int:
        """Channels of one picture."""
        return 3 if self.colour else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of one picture."""
        return self.channels, self.rows + STRIP_ROWS * self.strip, self.columns


WHOLE = Window(SIDE, 0, SIDE, True, False)


def window_of(options: CarRacingOptions) -> Window:
    """The window that the options ask for."""
    rows = SIDE if options.bar == "keep" else ROAD_ROWS
    first = (SIDE - options.frame_size) // 2
    return Window(rows, first, options.frame_size, options.colour, options.bar == "read")


def observe(frame: Picture, window: Window, out: Picture) -> None:
    """Writes what a learner sees of a picture.

    :param frame: (96, 96, 3) as Gymnasium gives it
    :param window: the part that is looked at
    :param out: (channels, rows, columns), as ``window.shape``
    """
    seen = frame[: window.rows, window.first : window.first + window.columns]
    above = out[:, : window.rows]
    if window.colour:
        above[:] = seen.transpose(2, 0, 1)
    else:
        above[0] = cv2.cvtColor(np.ascontiguousarray(seen), cv2.COLOR_RGB2GRAY)
    if window.strip:
        draw_strip(read_bar(frame[ROAD_ROWS:].transpose(2, 0, 1)), out[:, window.rows :])
