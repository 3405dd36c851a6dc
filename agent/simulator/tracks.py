"""Tracks: from a scene file to the centre line that cross-track error, progress and camera share.

A scene is data: one JSON file in ``scenes/`` with the path of the centre line (``spline`` control
points, a ``turtle`` program, the ``random`` road rule or the ``loop`` rule), the road's cross-section as
painted strips, colours, start pose, start lines and obstacles. Lengths are Unity units (8 u = 1 m), the ground
plane is x (right) and z (forward) seen from above, headings are degrees clockwise from +z.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.loops import loop, loop_road

SCENES_DIR = Path(__file__).parent / "scenes"
Array = NDArray[np.float64]

SPLINE_SPACING_U = 1.0  # between nodes, where the path gives no spacing_u of its own
# The random road turns away when the point this far ahead comes this near to what is already laid
# (sdsandbox's road builder).
LOOK_AHEAD_U, KEEP_AWAY_U = 100.0, 90.0
CROSSING_APART_U = 30.0  # along the line, from where it is to where it crosses itself, at least


@dataclass(frozen=True)
class Scene:
    """One scene file, as read."""

    name: str
    path: dict[str, Any]
    start: dict[str, float]
    start_line: dict[str, float] | None
    cross_section: list[dict[str, Any]]
    ground_rgb: list[int]
    sky: list[list[Any]]
    obstacles: list[dict[str, Any]]
    more_start_lines: list[dict[str, float]] = field(default_factory=list)

    @property
    def is_random(self) -> bool:
        """Whether the path is drawn anew from the reset seed."""
        return self.path["kind"] in ("random", "loop")

    @property
    def middle_u(self) -> float:
        """How far right of the path the middle of the road lies, which is the first strip of the cross-section."""
        return 0.5 * float(self.cross_section[0]["from_u"] + self.cross_section[0]["to_u"])


def scene_names() -> list[str]:
    """Names of the scenes at hand, sorted."""
    return sorted(file.stem for file in SCENES_DIR.glob("*.json"))


@cache
def load_scene(name: str) -> Scene:
    """Read the scene called ``name``.

    :raises ValueError: there is no such scene
    """
    if name not in scene_names():
        raise ValueError(f"scene {name!r} is not at hand; choose from {', '.join(scene_names())}")
    return Scene(**json.loads((SCENES_DIR / f"{name}.json").read_text()))


def scene_for(scene: Scene, seed: int) -> Scene:
    """The scene as ``seed`` makes it: a loop's road is as wide as the seed says, any other scene is as it stands.

    A loop's cross-section is written for a road of half width 1 u and stretched. A strip with a ``chance`` is painted
    in that share of the seeds.
    """
    if scene.path["kind"] != "loop":
        return scene
    road = loop_road(scene.path, seed)
    strips = [
        {**strip, **{end: road.half_width_u * strip[end] for end in ("from_u", "to_u")}}
        for strip in scene.cross_section
        if road.luck < strip.get("chance", 1.0)
    ]
    line = scene.start_line
    if line is not None:
        line = {**line, "half_width_u": road.half_width_u}
    return replace(scene, cross_section=strips, start_line=line)


class Track:
    """A centre line as nodes in driving order.

    ``nodes`` is (n, 3) of x, z, height; ``direction`` (n, 2) the unit vector of the span from node i to
    node i+1; ``span_u`` (n,) its length; ``arc_u`` (n,) the distance from node 0; ``length_u`` the whole.
    A closed track's last span leads back to node 0; an open one's repeats the last direction.
    """

    def __init__(self, nodes: Array, *, closed: bool) -> None:
        self.nodes = np.ascontiguousarray(nodes)
        self.height_u: Array = np.ascontiguousarray(nodes[:, 2])
        self.closed = closed
        spans = np.roll(nodes, -1, axis=0)[:, :2] - nodes[:, :2]
        if not closed:
            spans[-1] = spans[-2]
        self.span_u: Array = np.hypot(spans[:, 0], spans[:, 1])
        self.direction: Array = np.ascontiguousarray(spans / self.span_u[:, None])
        self.arc_u: Array = np.concatenate([[0.0], np.cumsum(self.span_u[:-1])])
        self.length_u = float(self.arc_u[-1] + (self.span_u[-1] if closed else 0.0))

    @cached_property
    def crossings(self) -> NDArray[np.int64]:
        """Indices of the spans (k,) that another one cuts, each crossing's two beside each other."""
        return np.array(
            _crossings(self.nodes, self.closed, float(self.span_u.mean())), dtype=np.int64
        )

    @cached_property
    def narrowness(self) -> Array:
        """Cosine (k,) of the angle, 0 to 90 degrees, between the two ways of each of ``crossings``."""
        ways = self.direction[self.crossings].reshape(-1, 2, 2)
        return np.repeat(np.abs((ways[:, 0] * ways[:, 1]).sum(axis=1)), 2)

    def parallel_line(self, right_u: float) -> Array:
        """Points (n, 3) ``right_u`` to the right of the nodes."""
        right = np.column_stack(
            [self.direction[:, 1], -self.direction[:, 0], np.zeros(len(self.nodes))]
        )
        return self.nodes + right_u * right

    def pose_at(self, arc_u: float) -> tuple[float, float, float]:
        """Position x, z and heading (radians clockwise from +z) on the line, ``arc_u`` from node 0."""
        i = self.node_at(arc_u)
        x, z = self.nodes[i, :2] + self.direction[i] * (arc_u % self.length_u - self.arc_u[i])
        return float(x), float(z), math.atan2(self.direction[i, 0], self.direction[i, 1])

    def arc_of(self, x: float, z: float) -> float:
        """Arc length of the foot of a point near the centre line, u."""
        i = self.nearest_node(x, z)
        along = float(np.dot(self.direction[i], (x - self.nodes[i, 0], z - self.nodes[i, 1])))
        return (float(self.arc_u[i]) + along) % self.length_u

    def arc_before(self, node: int, by_u: float) -> float:
        """Arc length ``by_u`` before a node, or as far before it as the line goes."""
        arc_u = float(self.arc_u[node]) - by_u
        return arc_u % self.length_u if self.closed else max(arc_u, 0.0)

    def node_at(self, arc_u: float) -> int:
        """Index of the last node before ``arc_u`` from node 0."""
        return int(np.searchsorted(self.arc_u, arc_u % self.length_u, side="right")) - 1

    def nearest_node(self, x: float, z: float) -> int:
        """Index of the node nearest to a point, whichever way of a crossing it is on."""
        return int(np.argmin((self.nodes[:, 0] - x) ** 2 + (self.nodes[:, 1] - z) ** 2))


def build_track(scene: Scene, seed: int = 0) -> Track:
    """The track of a scene; only a random road or loop depends on ``seed``."""
    path = scene.path
    if path["kind"] == "spline":
        return Track(
            periodic_spline(np.array(path["points"]), path.get("spacing_u", SPLINE_SPACING_U)),
            closed=True,
        )
    if path["kind"] == "turtle":
        return Track(turtle(path["start"], path["span_u"], path["script"]), closed=True)
    if path["kind"] == "loop":
        return Track(loop(path, seed), closed=True)
    rng = np.random.default_rng(seed)
    turns = np.radians(rng.uniform(-path["turn_deg"], path["turn_deg"], size=path["spans"]))
    return Track(_random_road(np.array(path["start"]), path["span_u"], turns), closed=False)


def periodic_spline(points: Array, spacing_u: float) -> Array:
    """Nodes about ``spacing_u`` apart on the closed cubic spline through ``points`` (n, 3).

    The spline has continuous second derivatives in the chord length: its moments solve the cyclic
    tridiagonal system h[i-1] M[i-1] + 2(h[i-1]+h[i]) M[i] + h[i] M[i+1] = 6 (slope[i] - slope[i-1]).
    """
    n = len(points)
    ahead = np.roll(points, -1, axis=0)
    h = np.hypot(*(ahead - points)[:, :2].T)
    slope = (ahead - points) / h[:, None]
    system = np.zeros((n, n))
    row = np.arange(n)
    system[row, row] = 2 * (np.roll(h, 1) + h)
    system[row, row - 1] += np.roll(h, 1)
    system[row, (row + 1) % n] += h
    moment = np.linalg.solve(system, 6 * (slope - np.roll(slope, 1, axis=0)))
    moment_ahead = np.roll(moment, -1, axis=0)

    def at(t: Array) -> Array:
        i = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, n - 1)
        u, hi = (t - knots[i])[:, None], h[i][:, None]
        v = hi - u
        curve = (moment[i] * v**3 + moment_ahead[i] * u**3) / (6 * hi)
        line = (points[i] / hi - moment[i] * hi / 6) * v + (
            ahead[i] / hi - moment_ahead[i] * hi / 6
        ) * u
        return np.asarray(curve + line)

    knots = np.concatenate([[0.0], np.cumsum(h)])
    fine = at(np.linspace(0.0, knots[-1], 16 * n * max(1, int(knots[-1] / n)) + 1))
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(fine[:, :2], axis=0).T))])
    count = round(arc[-1] / spacing_u)
    wanted = np.linspace(0.0, arc[-1], count, endpoint=False)
    return np.stack([np.interp(wanted, arc, fine[:, k]) for k in range(3)], axis=1)


def turtle(start: list[float], span_u: float, script: str) -> Array:
    """Nodes that a turtle program draws (sdsandbox's track scripts).

    ``S n`` goes n spans straight, ``DY a`` sets the turn per span in degrees, ``R n`` and ``L n`` turn right
    and left for n spans. Every span stores its point, then turns, then moves.
    """
    x, z, height = start
    heading_deg = turn_deg = 0.0
    nodes: list[tuple[float, float, float]] = []
    for command in script.split(","):
        word, number = command.split()
        if word == "DY":
            turn_deg = float(number)
            continue
        sign = {"S": 0.0, "R": 1.0, "L": -1.0}[word]
        for _ in range(int(number)):
            nodes.append((x, z, height))
            heading_deg += sign * turn_deg
            x += span_u * math.sin(math.radians(heading_deg))
            z += span_u * math.cos(math.radians(heading_deg))
    return np.array(nodes)


@njit(cache=True)
def _random_road(start: Array, span_u: float, turns: Array) -> Array:  # pragma: no cover - compiled
    """Nodes of a random road: the turn accumulates ``turns`` (radians) and is reversed before it meets itself."""
    n = len(turns)
    nodes = np.empty((n, 3))
    x, z, heading, turn = start[0], start[1], 0.0, 0.0
    for i in range(n):
        nodes[i, 0], nodes[i, 1], nodes[i, 2] = x, z, start[2]
        turn += turns[i]
        heading += turn
        ahead_x, ahead_z = x + LOOK_AHEAD_U * np.sin(heading), z + LOOK_AHEAD_U * np.cos(heading)
        for k in range(i + 1):
            if (nodes[k, 0] - ahead_x) ** 2 + (nodes[k, 1] - ahead_z) ** 2 < KEEP_AWAY_U**2:
                turn *= -0.5
                heading += turn
                break
        x += span_u * np.sin(heading)
        z += span_u * np.cos(heading)
    return nodes


@njit(cache=True)
def _crossings(nodes: Array, closed: bool, span_u: float) -> Any:  # pragma: no cover - compiled
    """Spans that cut another one, which is far along the line."""
    n, apart = len(nodes), int(CROSSING_APART_U / span_u)
    spans = n if closed else n - 1
    found = [0][:0]
    for i in range(spans):
        k, last = i + apart, min(spans, i + n - apart + 1) if closed else spans
        while k < last:
            away_u = math.hypot(nodes[i, 0] - nodes[k, 0], nodes[i, 1] - nodes[k, 1])
            if away_u < 3.0 * span_u:
                if _cut(nodes[i], nodes[(i + 1) % n], nodes[k], nodes[(k + 1) % n]):
                    found.extend((i, k))
                k += 1
            else:
                k += max(1, int(0.5 * away_u / span_u))  # the line cannot come near sooner
    return found


@njit(cache=True)
def _cut(a: Array, b: Array, c: Array, d: Array) -> Any:  # pragma: no cover - compiled
    """Whether the lines from a to b and from c to d cross."""
    return _left(a, b, c) != _left(a, b, d) and _left(c, d, a) != _left(c, d, b)


@njit(cache=True)
def _left(a: Array, b: Array, point: Array) -> Any:  # pragma: no cover - compiled
    """Whether a point is left of the way from a to b."""
    return (b[0] - a[0]) * (point[1] - a[1]) > (b[1] - a[1]) * (point[0] - a[0])
