"""The line of an SVG drawing: its longest path, as points (SVG 1.1 and 2, chapters Paths, Shapes).

Only what an outline needs is read: ``path``, ``polygon``, ``polyline``, ``circle``, ``ellipse`` and
``rect`` with their transforms. Symbols, markers, clips and what they define are no drawing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from agent.config.errors import UserError
from agent.worlds.donkey.track_making.line_read import LineRead, Points, check_count, read_text

CURVE_POINTS = 24  # chosen: of every curved piece
PIECES = 400  # chosen: of a whole line, at least
TOUCHING_SHARE = 0.02  # chosen: of the length, between ends that were meant to meet
NOT_DRAWN = {"defs", "symbol", "marker", "clipPath", "mask", "pattern"}
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
COMMAND = re.compile(r"([MmZzLlHhVvCcSsQqTtAa])([^MmZzLlHhVvCcSsQqTtAa]*)")
TRANSFORM = re.compile(r"(\w+)\s*\(([^)]*)\)")
# Numbers of a command's one step.
COUNTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}

Place = complex  # x + iy, y downwards as SVG has it
Matrix = np.ndarray


def read_svg(path: Path) -> LineRead:
    """Returns the longest line of a drawing, turned so that y is up.

    :raises UserError: it cannot be read, has no path, or one that cannot be followed
    """
    try:
        root = ElementTree.fromstring(read_text(path))
    except ElementTree.ParseError as error:
        raise UserError(f"{path} is no SVG ({error}); save the drawing anew") from None
    try:
        lines = [line for line in _lines(root, np.eye(3)) if len(line) > 1]
    except ValueError as error:
        raise UserError(f"{path}: {error}; save the drawing anew") from None
    if not lines:
        raise UserError(f"{path} has no path; draw the middle of the road as one line")
    longest = _followed(max(lines, key=_length))
    check_count(path, len(longest))
    points = np.column_stack([longest.real, -longest.imag])
    if not np.isfinite(points).all():
        raise UserError(f"{path} has a path with impossible numbers; save the drawing anew")
    gap = abs(longest[-1] - longest[0])
    note = f"the longest of {len(lines)} lines" if len(lines) > 1 else ""
    labels = [f"point {k}" for k in range(len(points))]
    return LineRead(points, labels, bool(gap <= TOUCHING_SHARE * _length(longest)), note=note)


def _length(line: np.ndarray) -> float:
    return float(np.abs(np.diff(line)).sum())


def _followed(line: np.ndarray) -> np.ndarray:
    """Returns a line with points along its straight pieces, which a spline then follows."""
    longest = max(_length(line) / PIECES, 1e-12)
    pieces = [line[:1]]
    for begin, end in pairwise(line):
        count = max(1, math.ceil(abs(end - begin) / longest))
        pieces.append(begin + (end - begin) * np.arange(1, count + 1) / count)
    return np.concatenate(pieces)


def _lines(element: ElementTree.Element, above: Matrix) -> Iterator[np.ndarray]:
    """Gives every line drawn in an element, as complex points of the whole drawing."""
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if name in NOT_DRAWN:
        return
    matrix = above @ _matrix(element.get("transform", ""))
    for line in _own_lines(name, element):
        points = np.array(line, dtype=complex)
        yield (
            matrix[0, 0] * points.real
            + matrix[0, 1] * points.imag
            + matrix[0, 2]
            + 1j * (matrix[1, 0] * points.real + matrix[1, 1] * points.imag + matrix[1, 2])
        )
    for child in element:
        yield from _lines(child, matrix)


def _own_lines(name: str, element: ElementTree.Element) -> list[list[Place]]:
    def value(key: str, default: float = 0.0) -> float:
        found = NUMBER.match(element.get(key, "").strip())
        return float(found[0]) if found else default

    match name:
        case "path":
            return path_lines(element.get("d", ""))
        case "polygon" | "polyline":
            numbers = _numbers(element.get("points", ""))
            line = [complex(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]
            return [line + line[:1] if name == "polygon" else line]
        case "circle" | "ellipse":
            radius = value("r")
            middle = complex(value("cx"), value("cy"))
            return [_ellipse(middle, value("rx", radius), value("ry", radius))]
        case "rect":
            corner = complex(value("x"), value("y"))
            width, height = value("width"), value("height")
            sides = [0, width, complex(width, height), 1j * height, 0]
            return [[corner + side for side in sides]]
    return []


def _ellipse(middle: Place, rx: float, ry: float) -> list[Place]:
    turns = np.linspace(0.0, 2.0 * math.pi, 4 * CURVE_POINTS + 1)
    return [complex(middle + complex(rx * math.cos(t), ry * math.sin(t))) for t in turns]


def _numbers(text: str) -> list[float]:
    return [float(each) for each in NUMBER.findall(text)]


def path_lines(text: str) -> list[list[Place]]:
    """Returns the subpaths of a path's data as points, curves as ``CURVE_POINTS`` each.

    :raises ValueError: a command with too few numbers, or no command at the beginning
    """
    lines: list[list[Place]] = []
    here: Place = 0j
    control: Place | None = None  # of the curve before, for the smooth ones
    kind = ""
    for letter, rest in COMMAND.findall(text):
        name = letter.upper()
        steps = _steps(letter, rest)
        for k, numbers in enumerate(steps):
            origin = here if letter.islower() else 0j
            if name == "M" and k == 0:
                here = origin + complex(*numbers)
                lines.append([here])
                control = None
                continue
            if not lines:
                raise ValueError(f"a path begins with {letter}, not with M")
            if name == "Z":
                if lines[-1]:
                    here = lines[-1][0]
                    lines[-1].append(here)
                    lines.append([here])
                control = None
                continue
            previous = control if kind in _SMOOTH_AFTER.get(name, "") else None
            piece, control = _piece(name, here, origin, numbers, previous)
            lines[-1] += piece
            here = piece[-1]
            kind = name
        kind = name
    if text.strip() and not lines:
        raise ValueError(f"a path has {text.strip()!r:.30}, which is no path data")
    return lines


_SMOOTH_AFTER = {"S": "CS", "T": "QT"}


def _steps(letter: str, rest: str) -> list[list[float]]:
    """Returns the numbers of each step of a command."""
    name = letter.upper()
    count = COUNTS[name]
    if count == 0:
        return [[]]
    numbers = _arc_numbers(rest) if name == "A" else _numbers(rest)
    if not numbers or len(numbers) % count:
        raise ValueError(f"a path's {letter} has {len(numbers)} numbers, not {count} a step")
    return [numbers[k : k + count] for k in range(0, len(numbers), count)]


def _arc_numbers(rest: str) -> list[float]:
    """Returns the numbers of arcs; their flags may stand together, as in ``a1 1 0 0110 10``."""
    found: list[float] = []
    at = 0
    while True:
        while at < len(rest) and rest[at] in " ,\t\r\n":
            at += 1
        if at >= len(rest):
            return found
        is_flag = len(found) % 7 in (3, 4)
        number = re.compile("[01]").match(rest, at) if is_flag else NUMBER.match(rest, at)
        if number is None:
            raise ValueError(f"a path's arc has {rest[at : at + 10]!r} for a number")
        found.append(float(number[0]))
        at = number.end()


def _piece(
    name: str, here: Place, origin: Place, numbers: Sequence[float], control: Place | None
) -> tuple[list[Place], Place | None]:
    """Returns the points of one step after ``here``, and its last control point.

    :param name: of the command, a capital
    :param here: where the step begins
    :param origin: what its places are counted from
    :param numbers: of the step
    :param control: of the curve before, None if there was none of this kind
    """
    if name == "H":
        return [complex(origin.real + numbers[0], here.imag)], None
    if name == "V":
        return [complex(here.real, origin.imag + numbers[0])], None
    if name == "A":
        end = origin + complex(numbers[5], numbers[6])
        return _arc(here, end, numbers), None
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    places = [origin + complex(x, y) for x, y in pairs]
    if name in "ST":
        places.insert(0, here if control is None else 2 * here - control)
    if len(places) == 1:
        return places, None
    t = np.linspace(0.0, 1.0, CURVE_POINTS + 1)[1:]
    return list(_bezier(np.array([here, *places]), t)), places[-2]


def _bezier(controls: np.ndarray, t: Points) -> np.ndarray:
    """Returns points of a Bezier curve by de Casteljau's construction."""
    rows = np.repeat(controls[:, None], len(t), axis=1)
    while len(rows) > 1:
        rows = rows[:-1] * (1.0 - t) + rows[1:] * t
    return np.asarray(rows[0])


def _arc(here: Place, end: Place, numbers: Sequence[float]) -> list[Place]:
    """Returns points of an elliptical arc (SVG 1.1, appendix F.6.5: from endpoints to centre)."""
    rx, ry = abs(numbers[0]), abs(numbers[1])
    if rx == 0.0 or ry == 0.0 or here == end:
        return [end]
    turn = complex(math.cos(math.radians(numbers[2])), math.sin(math.radians(numbers[2])))
    half = (here - end) / 2 / turn
    unit = complex(half.real / rx, half.imag / ry)
    longest = max(abs(unit), 1.0)  # radii that are too small grow until they reach
    rx, ry = rx * longest, ry * longest
    unit /= longest
    away = math.sqrt(max(1.0 / max(abs(unit) ** 2, 1e-18) - 1.0, 0.0))
    sign = -1.0 if numbers[3] == numbers[4] else 1.0
    middle = sign * away * complex(unit.imag, -unit.real)
    first = _angle(unit - middle)
    last = _angle(-unit - middle)
    sweep = (last - first) % (2.0 * math.pi)
    if not numbers[4]:
        sweep -= 2.0 * math.pi
    turns = first + sweep * np.linspace(0.0, 1.0, CURVE_POINTS + 1)[1:]
    centre = (here + end) / 2 + turn * complex(middle.real * rx, middle.imag * ry)
    points = [centre + turn * complex(rx * math.cos(t), ry * math.sin(t)) for t in turns]
    return [*points[:-1], end]


def _angle(place: Place) -> float:
    return math.atan2(place.imag, place.real)


def _matrix(text: str) -> Matrix:
    """Returns the matrix (3, 3) of a ``transform``.

    :raises ValueError: one that cannot be followed
    """
    matrix: Matrix = np.eye(3)
    for name, inside in TRANSFORM.findall(text):
        numbers = _numbers(inside)
        try:
            matrix = matrix @ _one_matrix(name, numbers)
        except (IndexError, ValueError):
            raise ValueError(f"transform {name}({inside}) cannot be followed") from None
    return matrix


def _one_matrix(name: str, numbers: Sequence[float]) -> Matrix:
    one = np.eye(3)
    match name:
        case "matrix":
            one[:2] = np.array(numbers).reshape(3, 2).T
        case "translate":
            one[:2, 2] = numbers[0], numbers[1] if len(numbers) > 1 else 0.0
        case "scale":
            one[0, 0] = numbers[0]
            one[1, 1] = numbers[-1]
        case "rotate":
            angle = math.radians(numbers[0])
            x, y = numbers[1:3] if len(numbers) > 2 else (0.0, 0.0)
            cos, sin = math.cos(angle), math.sin(angle)
            one[:2] = [[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y]]
        case "skewX":
            one[0, 1] = math.tan(math.radians(numbers[0]))
        case "skewY":
            one[1, 0] = math.tan(math.radians(numbers[0]))
        case _:
            raise ValueError
    return one
