"""The indicator bar read off its pixels, and its numbers as a strip that a network sees well.

The bar has a column or two of pixels for a number. In the strip a number is a step of grey: one
half of a field is as much lighter than the middle as the other is darker. Mirrored, the strip is
that of the mirrored scene: left wheels and right ones, lesser and greater angles change places.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

import agent.kernels  # noqa: F401 - before the first kernel

NUMBERS = 7  # speed, spins of the wheels (front left and right, rear left and right), steer, yaw
STRIP_ROWS = 12
STRIP_COLUMNS = 84
FIELD = 12  # columns of the middle fields

# Gymnasium's bar in its picture of 96 columns, as CarRacing-v3 draws it on 1000 x 800 pixels.
ROW_PX = 800 / 96  # pixels of the large picture in a row, as the next
COLUMN_PX = 1000 / 96
SPEED_COLUMN = 13  # whole columns within the indicators, as the next
SPIN_COLUMNS = np.array([18, 20, 22, 25])
STEER_ROW = 4  # of the bar's 12
BLUE = 2
SPEED_PX = 0.4  # height for one unit/s
SPIN_PX = 0.2  # for one rad/s
STEER_PX = 250.0  # width for one rad, as the next for one rad/s
YAW_PX = 20.0
STEER_MIDDLE = 48  # column at x = 500
YAW_MIDDLE = 72  # column at x = 750
ANGLES_FROM = 30  # column; what is white lies before it

# Values at which a step is as high as it can be; chosen, a little above what is met.
FULL = np.array([110.0, 220.0, 220.0, 220.0, 220.0, 0.45, 6.0], dtype=np.float32)


@njit(cache=True)
def read_bar(bar: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns speed (units/s), spins (rad/s), steering angle (rad) and yaw rate (rad/s), (7,).

    Angles are positive to the right. What the bar cannot show is lost: signs of spins, and all that
    is finer than a pixel of the large picture.

    :param bar: rows 84 to 95 of the picture, channels first (3, 12, 96)
    """
    numbers = np.zeros(NUMBERS, dtype=np.float32)
    for row in range(bar.shape[1]):
        numbers[0] += bar[0, row, SPEED_COLUMN]
        for wheel in range(4):
            numbers[1 + wheel] += bar[BLUE, row, SPIN_COLUMNS[wheel]]
    numbers[0] *= ROW_PX / (255.0 * SPEED_PX)
    for wheel in range(4):
        numbers[1 + wheel] *= ROW_PX / (255.0 * SPIN_PX)
    # To the right of its middle an indicator is positive.
    for column in range(ANGLES_FROM, bar.shape[2]):
        steer = COLUMN_PX * bar[1, STEER_ROW, column] / (255.0 * STEER_PX)
        yaw = COLUMN_PX * bar[0, STEER_ROW, column] / (255.0 * YAW_PX)
        numbers[5] += steer if column >= STEER_MIDDLE else -steer
        numbers[6] += yaw if column >= YAW_MIDDLE else -yaw
    return numbers


@njit(cache=True)
def draw_strip(numbers: NDArray[np.float32], strip: NDArray[np.uint8]) -> None:
    """Draws the numbers as steps of grey.

    From the left: spins of the left wheels (front above rear), speed, steering above yaw, speed,
    spins of the right wheels.

    :param numbers: of ``read_bar``
    :param strip: (channels, ``STRIP_ROWS``, at least ``STRIP_COLUMNS``)
    """
    strip[:] = 0
    margin = (strip.shape[2] - STRIP_COLUMNS) // 2
    half = STRIP_ROWS // 2
    for upper in range(2):
        top = half * (1 - upper)
        left = 1 if upper == 1 else 3
        middle = 5 if upper == 1 else 6
        _step(strip, top, margin, 2 * FIELD, numbers[left] / FULL[left])
        _step(strip, top, margin + 2 * FIELD, FIELD, numbers[0] / FULL[0])
        _step(strip, top, margin + 3 * FIELD, FIELD, numbers[middle] / FULL[middle])
        _step(strip, top, margin + 4 * FIELD, FIELD, -numbers[0] / FULL[0])
        _step(strip, top, margin + 5 * FIELD, 2 * FIELD, -numbers[left + 1] / FULL[left + 1])


@njit(cache=True)
def _step(strip: NDArray[np.uint8], top: int, first: int, columns: int, height: float) -> None:
    """Draws one number: the left half lighter than the right if it is positive."""
    change = int(np.round(127.0 * min(max(height, -1.0), 1.0)))
    for channel in range(strip.shape[0]):
        for row in range(top, top + STRIP_ROWS // 2):
            for column in range(columns // 2):
                strip[channel, row, first + column] = 128 + change
                strip[channel, row, first + columns // 2 + column] = 128 - change
