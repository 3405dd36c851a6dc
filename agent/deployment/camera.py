"""Pictures of a camera that is connected, or of a film, as often as a pilot decides."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.config.errors import UserError
from agent.simulator.world import CONTROL_HZ
from agent.worlds.base import SimulatorLost

BETWEEN_SEC = 1.0 / CONTROL_HZ
EARLY_SEC = 0.002  # a picture may be this early: clocks and sums round


class Camera:
    """A camera or a film, open until ``close``.

    :param source: number of the camera as OpenCV counts, or path of a film
    :raises UserError: it cannot be opened
    """

    def __init__(self, source: int | Path) -> None:
        cv2.utils.logging.setLogLevel(0)  # a camera that is not there is told in our words
        self.source = source
        if isinstance(source, Path):
            self._capture = cv2.VideoCapture(str(source))
        else:
            self._capture = cv2.VideoCapture(source)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old pictures are of no use
        if not self._capture.isOpened():
            self.close()
            raise UserError(
                f"camera {source} cannot be opened; give the number of one that is connected,"
                " 0 for the first, or the path of a film"
            )

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """Pictures (rows, columns, 3) uint8 RGB, 20 a second where the camera has as many.

        A film's are those of its own time, and end with it.

        :raises SimulatorLost: the camera gives none any more
        """
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        due_sec = 0.0
        taken = 0
        while True:
            is_there, picture = self._capture.read()
            if not is_there:
                break
            now_sec = time.monotonic()
            if isinstance(self.source, Path):
                now_sec = taken / rate if rate > 0.0 else taken * BETWEEN_SEC
            taken += 1
            if now_sec >= due_sec - EARLY_SEC:
                due_sec = max(due_sec + BETWEEN_SEC, now_sec)
                yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        if not isinstance(self.source, Path):
            raise SimulatorLost(f"camera {self.source} lost: it gives no picture any more")

    def close(self) -> None:
        """Close it; harmless a second time."""
        self._capture.release()
