"""Tracks in upstream's format: a closed chain of cubic Bezier curves, as a sampled centre line.

Places are upstream's: metres, y up, the road in the plane of x and z. A heading of 0 looks along z
and grows to the right, towards x. A node's ``direction`` is a control point: the curve from node i
to the next has the points p_i, d_i, 2 p_(i+1) - d_(i+1), p_(i+1). Width, roll and height of a road
are not followed: every road is flat and 0.9 m wide.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPACING_M = 0.01  # chosen: between the samples of a centre line
POINTS_A_CURVE = 400  # chosen
STEEPEST_DEG = 45.0  # chosen: upstream's bridges stay below 15, its loop goes to 90
LONGEST_M = 1000.0  # chosen: ten times the longest of upstream's
SHORTEST_M = 4.0  # chosen: a circle of half a metre and a bit
CLOSED_M = 0.01  # chosen: farther apart, the last node is not the first
TRACKS = Path(__file__).parent / "tracks"


@dataclass(frozen=True)
class Track:
    """A closed centre line.

    :param name: of the track, or of its file
    :param length_m: of a lap
    :param points_m: x and z of the samples, shape (n, 2), evenly spaced
    :param heights_m: y of the samples, shape (n,); for reports only
    :param headings_rad: of the samples, shape (n,)
    """

    name: str
    length_m: float
    points_m: Array
    heights_m: Array
    headings_rad: Array

    @property
    def spacing_m(self) -> float:
        """Distance between neighbouring samples."""
        return self.length_m / len(self.points_m)

    def index_at(self, distance_m: float) -> int:
        """Index of the sample at a distance from the finish line, of any lap."""
        return round(distance_m / self.spacing_m) % len(self.points_m)

    def nearest(self, x_m: float, z_m: float) -> int:
        """Index of the sample that is nearest to a place."""
        return int(np.argmin(((self.points_m - (x_m, z_m)) ** 2).sum(axis=1)))


def track_names() -> list[str]:
    """Names of the tracks that come with it."""
    return sorted(path.stem for path in TRACKS.glob("*.json"))


def load_track(source: str) -> Track:
    """Reads a track, as upstream does: a file of that path, else a name with or without .json.

    :raises ValueError: there is none, or something is wrong in it; one line
    """
    path = Path(source)
    if not path.is_file():
        path = TRACKS / f"{source.removesuffix('.json')}.json"
        if path.parent != TRACKS or path.stem not in track_names():
            raise ValueError(
                f"track {source!r} is neither a file nor a name;"
                f" give a file or choose from {', '.join(track_names())}"
            )
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"track {source}: cannot be read as JSON ({reason})") from None
    try:
        return _track(path.stem, *_nodes(document))
    except ValueError as error:
        raise ValueError(f"track {source}: {error}") from None


def _nodes(document: Any) -> tuple[Array, Array]:
    """Returns positions and directions of the nodes, shape (n, 3) each."""
    nodes = document.get("trackNodes") if isinstance(document, dict) else None
    if not isinstance(nodes, list) or len(nodes) < 4:
        raise ValueError("it has no list trackNodes of at least 4 nodes; add them")
    positions = [_point(node, "position", i) for i, node in enumerate(nodes)]
    directions = [_point(node, "direction", i) for i, node in enumerate(nodes)]
    return np.array(positions), np.array(directions)


def _point(node: Any, key: str, index: int) -> list[float]:
    place = node.get(key) if isinstance(node, dict) else None
    if not isinstance(place, dict):
        raise ValueError(f"node {index} has no {key}; give it x, y and z")
    values = []
    for axis in "xyz":
        value = place.get(axis)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"node {index} has {key}.{axis} {value!r}; give a number")
        if not abs(value) <= LONGEST_M:
            raise ValueError(
                f"node {index} has {key}.{axis} {value:g}; give -{LONGEST_M:g} to {LONGEST_M:g}"
            )
        values.append(float(value))
    return values


def _track(name: str, positions: Array, directions: Array) -> Track:
    if math.dist(positions[0], positions[-1]) > CLOSED_M:
        raise ValueError("it is open; let the last node repeat the first")
    curve = _curve(positions, directions)
    steps = np.diff(curve, axis=0)
    flat = np.hypot(steps[:, 0], steps[:, 2])
    steepest_deg = math.degrees(np.arctan2(np.abs(steps[:, 1]), flat).max())
    if steepest_deg > STEEPEST_DEG:
        raise ValueError(
            f"it climbs by {steepest_deg:.0f} degrees, as a vertical loop does, and cars here drive"
            f" in the plane; keep it below {STEEPEST_DEG:g}"
        )
    along = np.concatenate([[0.0], np.cumsum(flat)])
    length_m = float(along[-1])
    if not SHORTEST_M <= length_m <= LONGEST_M:
        raise ValueError(f"it is {length_m:.1f} m long; make it {SHORTEST_M:g} to {LONGEST_M:g} m")
    at = np.linspace(0.0, length_m, round(length_m / SPACING_M), endpoint=False)
    x, y, z = (np.interp(at, along, curve[:, axis]) for axis in range(3))
    points = np.stack([x, z], axis=1)
    ahead = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    return Track(name, length_m, points, y, np.arctan2(ahead[:, 0], ahead[:, 1]))


def _curve(positions: Array, directions: Array) -> Array:
    """Returns points of all curves one after the other, shape (n, 3), without standing still."""
    t = np.linspace(0.0, 1.0, POINTS_A_CURVE + 1)[1:, None]
    parts = [positions[:1]]
    for start, control, end, after in zip(
        positions[:-1], directions[:-1], positions[1:], directions[1:], strict=True
    ):
        other = 2 * end - after
        parts.append(
            (1 - t) ** 3 * start
            + 3 * t * (1 - t) ** 2 * control
            + 3 * t**2 * (1 - t) * other
            + t**3 * end
        )
    points = np.concatenate(parts)
    moved = np.abs(np.diff(points, axis=0)).sum(axis=1) > 1e-9
    return points[np.concatenate([[True], moved])]
