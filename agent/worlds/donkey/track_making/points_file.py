"""Points of a circuit from a text file: x and y, and perhaps how wide the road is there.

Columns are separated by commas, semicolons, tabs or spaces. Lines before the first numbers are the
header; its names tell columns apart. Public sets of circuits have
``x_m, y_m, w_tr_right_m, w_tr_left_m``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.config.errors import UserError
from agent.worlds.donkey.track_making.line_read import LineRead, check_count, read_text

SEPARATOR = re.compile(r"\s*[,;\t]\s*|\s+")
# Names of columns, in any case and with any unit behind an underscore.
X_NAMES = ("x",)
Y_NAMES = ("y", "z")  # the plane of a scene is x and z; of these the first that is not a height
RIGHT_NAMES = ("w_tr_right", "width_right", "right")
LEFT_NAMES = ("w_tr_left", "width_left", "left")
UNIT = re.compile(r"_(m|u|mm|cm|px)$")


class Columns(NamedTuple):
    """Places of the numbers in a row; the widths' are None where there are none."""

    x: int
    y: int
    right: int | None = None
    left: int | None = None


def read_points(path: Path) -> LineRead:
    """Returns the points of a text file; they go round.

    :raises UserError: it cannot be read, has text among the numbers, a number that is none, rows of
        unlike lengths, or too few points
    """
    header: list[str] = []
    rows: list[list[float]] = []
    labels: list[str] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.strip().rstrip(",;")
        if not text or (text.startswith("#") and rows):
            continue
        fields = SEPARATOR.split(text.lstrip("#").strip())
        if text.startswith("#") or (not rows and not _is_number(fields[0])):
            header = [field.strip("\"'").lower() for field in fields]
            continue
        rows.append(_numbers(path, number, fields))
        labels.append(f"line {number}")
        if len(rows[-1]) != len(rows[0]):
            raise UserError(
                f"{path} line {number} has {len(rows[-1])} columns, the lines before have"
                f" {len(rows[0])}; give all the same"
            )
    check_count(path, len(rows))
    columns = _columns(path, header, len(rows[0]))
    table = np.array(rows)
    widths = None
    if columns.right is not None and columns.left is not None:
        widths = table[:, [columns.right, columns.left]]
        if widths.min() < 0.0:
            row = int(np.argmin(widths.min(axis=1)))
            raise UserError(
                f"{path} {labels[row]} has a width of {widths[row].min():g}; give widths from 0"
            )
    return LineRead(table[:, [columns.x, columns.y]], labels, True, widths)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, number: int, fields: Sequence[str]) -> list[float]:
    for field in fields:
        if not _is_number(field):
            raise UserError(
                f"{path} line {number} has {field!r:.40} among its numbers; give x,y or"
                " x,y,right,left, with names above the first line alone"
            )
        if not math.isfinite(float(field)):
            raise UserError(
                f"{path} line {number} has {field!r}, which is not finite; drop the line"
            )
    return [float(field) for field in fields]


def _columns(path: Path, header: Sequence[str], count: int) -> Columns:
    """Returns which column is what, by the header's names, or by their number."""
    names = [UNIT.sub("", name) for name in header]
    if len(names) == count:
        x, y, right, left = (
            next((names.index(name) for name in known if name in names), None)
            for known in (X_NAMES, _plane(names), RIGHT_NAMES, LEFT_NAMES)
        )
        if x is not None and y is not None:
            return Columns(x, y, right, left)
    if count == 2:
        return Columns(0, 1)
    if count == 4:
        return Columns(0, 1, 2, 3)
    raise UserError(
        f"{path} has {count} columns and no names x and y above them; give x,y or x,y,right,left"
    )


def _plane(names: Sequence[str]) -> Sequence[str]:
    """Returns names of the second column of the plane; beside a z, Unity's y is a height."""
    return Y_NAMES[::-1] if all(name in names for name in Y_NAMES) else Y_NAMES
