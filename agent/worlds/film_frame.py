"""A film's frame: pictures beside a map of the track, below a line of text."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.worlds.film_files import Picture

Place = tuple[float, float]  # to the right and up on a map, in the track's unit

# All of these are chosen.
MARGIN = 10  # pixels, as the next three
STRIP_ROWS = 18
LINE_WIDTH = 2
SPOT_RADIUS = 4
TEXT_SCALE = 0.42
GROUND = (24, 26, 30)
ROAD = (74, 78, 86)
INK = (90, 230, 255)
TEXT = (235, 235, 235)
CAR = (255, 255, 255)
CRASH = (235, 60, 50)
COLOURS = (GROUND, ROAD, INK, TEXT, CAR, CRASH)


def frame_of(text: str, panels: Sequence[Picture]) -> Picture:
    """A line of text above panels of one height, side by side."""
    below = np.hstack(panels)
    strip = np.full((STRIP_ROWS, below.shape[1], 3), GROUND, dtype=np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    at = (6, STRIP_ROWS - 5)
    cv2.putText(strip, text, at, font, TEXT_SCALE, TEXT, 1, cv2.LINE_AA)
    return np.asarray(np.vstack([strip, below]), dtype=np.uint8)


class TrackMap:
    """A track from above, north up, scaled into a square.

    :param side: of the square, pixels
    :param line: that is to be on it (points, 2), in the track's unit
    :param width: of the road, in that unit
    :param road: middle of the road (points, 2), None for the line
    :param closed: the line's end is its beginning
    """

    def __init__(
        self,
        side: int,
        line: NDArray[np.float64],
        width: float,
        road: NDArray[np.float64] | None = None,
        closed: bool = True,
    ) -> None:
        low = line.min(axis=0)
        high = line.max(axis=0)
        self._side = side
        self._scale = (side - 2 * MARGIN) / float((high - low).max() + width)
        self._middle = 0.5 * (low + high)
        self._road: Picture = np.full((side, side, 3), GROUND, dtype=np.uint8)
        pixels = self._pixels(line if road is None else road)
        thickness = max(2, round(width * self._scale))
        cv2.polylines(self._road, [pixels], closed, ROAD, thickness, cv2.LINE_AA)

    def _pixels(self, places: NDArray[np.float64]) -> NDArray[np.int32]:
        x, y = (self._scale * (places - self._middle)).T
        half = self._side / 2
        return np.round(np.stack([half + x, half - y], axis=1)).astype(np.int32)

    def drawn(self, places: Sequence[Place], crashes: Sequence[Place] = ()) -> Picture:
        """The map with the line driven and the car at its end.

        :param places: of every step
        :param crashes: places of every crash
        """
        plan = self._road.copy()
        line = self._pixels(np.array(places))
        cv2.polylines(plan, [line], False, INK, LINE_WIDTH)
        if crashes:
            for spot in self._pixels(np.array(crashes)):
                cv2.circle(plan, spot.tolist(), SPOT_RADIUS, CRASH, -1, cv2.LINE_AA)
        cv2.circle(plan, line[-1].tolist(), SPOT_RADIUS, CAR, -1, cv2.LINE_AA)
        return plan
