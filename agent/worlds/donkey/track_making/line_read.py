"""A line as it was read, before it is a track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.config.errors import UserError

Points = NDArray[np.float64]

FEWEST_POINTS = 4  # of a line through which a road can be laid
MOST_POINTS = 200_000  # chosen: more are no track
MOST_BYTES = 1 << 26  # chosen: a larger file is no track


@dataclass(frozen=True)
class LineRead:
    """Points in driving order, x to the right and y up as seen from above.

    :param points: (n, 2) in the units of the file
    :param labels: n names of the points' places in the file, such as ``line 12``
    :param is_loop: the last point is followed by the first
    :param widths: road to the right and to the left of each point (n, 2), None if none are given
    :param note: something that the user should know about the reading, empty for nothing
    """

    points: Points
    labels: Sequence[str]
    is_loop: bool
    widths: Points | None = None
    note: str = ""


def read_text(path: Path) -> str:
    """Returns a file's text.

    :raises UserError: it cannot be read, is too large or is no text
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path} has more than {MOST_BYTES >> 20} MiB; give a track's file")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); give a file that can") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text in UTF-8; save it as such") from None


def check_count(path: Path, count: int) -> None:
    """Refuses too few points for a track, or too many.

    :raises UserError: either
    """
    if count < FEWEST_POINTS:
        raise UserError(f"{path} has {count} points; give at least {FEWEST_POINTS} all round")
    if count > MOST_POINTS:
        raise UserError(f"{path} has {count} points; give at most {MOST_POINTS}")
