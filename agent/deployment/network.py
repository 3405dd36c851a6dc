"""A deterministic driver as plain numbers: what it sees, its layers, and what comes of its answers.

``extraction`` takes one out of a saved model, and every file format is written from it. Pictures
are (rows, columns, channels) of grey levels or colours 0 to 255, weights float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.simulator.lens import HEIGHT, WIDTH
from agent.worlds.donkey.observation import COLUMNS, ROWS, SKY_ROWS

Floats = NDArray[np.float32]

FRAME_SHAPE = (HEIGHT, WIDTH, 3)  # of a camera frame, RGB
# OpenCV's shares of red, green and blue in a grey level; sums of their products are exact in
# float32, so that a file's picture is the model's to the digit.
GREY_SHARES: Floats = np.array([9798, 19235, 3735], dtype=np.float32) / np.float32(2**15)
SHRINK = (HEIGHT - SKY_ROWS) // ROWS  # side of the square of pixels that become one


@dataclass(frozen=True)
class Sensing:
    """Camera frames that a picture is made of.

    :param grey: cropped, grey, shrunk and stacked, see ``worlds.donkey.observation``; else one
        frame as it is
    :param frames: of a picture, the newest last
    :param gap: camera frames from one of them to the next
    """

    grey: bool
    frames: int = 1
    gap: int = 1

    @property
    def sequence_length(self) -> int:
        """Camera frames from the oldest that counts to the newest."""
        return (self.frames - 1) * self.gap + 1

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of a picture."""
        return (ROWS, COLUMNS, self.frames) if self.grey else FRAME_SHAPE


@dataclass(frozen=True)
class Convolution:
    """Windows ``stride`` pixels apart.

    :param weight: (answers, rows, columns, channels)
    :param bias: (answers,)
    :param stride: in pixels
    :param padded: zeros around the picture, a pixel wide, for windows of 3x3
    """

    weight: Floats
    bias: Floats
    stride: int
    padded: bool = False


@dataclass(frozen=True)
class Evening:
    """x / sqrt(mean(x²) + faint) + bias, where the mean is over all of a picture.

    :param faint: see ``patch_encoder.FAINT``
    :param bias: (channels,)
    """

    faint: float
    bias: Floats


@dataclass(frozen=True)
class Flattening:
    """A picture as one row of numbers, channels side by side."""


@dataclass(frozen=True)
class Dense:
    """weight @ x + bias.

    :param weight: (answers, numbers)
    :param bias: (answers,)
    """

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class Normalisation:
    """(x - mean(x)) / sqrt(variance(x) + faint) * weight + bias.

    :param faint: added to the variance
    :param weight: (numbers,)
    :param bias: (numbers,)
    """

    faint: float
    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class Rectification:
    """max(x, 0)."""


@dataclass(frozen=True)
class Squashing:
    """tanh(x)."""


@dataclass(frozen=True)
class Clipping:
    """x within ``low`` and ``high``."""

    low: float
    high: float


Layer = (
    Convolution
    | Evening
    | Flattening
    | Dense
    | Normalisation
    | Rectification
    | Squashing
    | Clipping
)


@dataclass(frozen=True)
class CommandRange:
    """Answers from -1 to 1 as commands from ``low`` to ``high`` (2,): steering, throttle.

    :param low: for answers of -1 and below
    :param high: for answers of 1 and above
    """

    low: Floats
    high: Floats


@dataclass(frozen=True)
class CommandTable:
    """The command of the action whose answer is largest.

    :param commands: (actions, 2)
    """

    commands: Floats

    @property
    def low(self) -> Floats:
        """Smallest steering and throttle."""
        return self.commands.min(axis=0)

    @property
    def high(self) -> Floats:
        """Largest steering and throttle."""
        return self.commands.max(axis=0)


@dataclass(frozen=True)
class Network:
    """A driver.

    :param sensing: what it sees
    :param layers: from a picture to answers
    :param mirror_signs: signs of the answers in the mirrored picture; the answers of both are
        averaged. Empty for the picture alone
    :param commands: from answers to steering and throttle
    """

    sensing: Sensing
    layers: tuple[Layer, ...]
    mirror_signs: tuple[float, ...]
    commands: CommandRange | CommandTable
