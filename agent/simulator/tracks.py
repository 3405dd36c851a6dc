"""Tracks: from a scene file to the centre line that cross-track error, progress and camera share.

A scene is data: one JSON file in ``scenes/``. It holds the path of the centre line, the road's
cross-section as painted strips, colours, start pose, start lines and obstacles. The path is
``spline`` control points, a ``turtle`` program, the ``random`` road rule or the ``loop`` rule.
Lengths are Unity units (8 u = 1 m). The ground plane is x (right) and z (forward) seen from above;
headings are degrees clockwise from +z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.loops import loop, loop_banks, loop_road
from agent.simulator.paths import SPLINE_SPACING_U, periodic_spline, random_road, turtle
from agent.simulator.scene_file import read_scene_file
from agent.simulator.scene_ways import MIRRORED, REVERSED, backwards, mirrored, split_ways
from agent.simulator.typing import Array

SCENES_DIR = Path(__file__).parent / "scenes"
# The same tracks as older builds of the simulator drew them; no menu lists them.
LOOKS_DIR = SCENES_DIR / "looks"
# Chosen: along the line, from where it is to where it crosses itself, at least.
CROSSING_APART_U = 30.0


@dataclass(frozen=True)
class Scene:
    """One scene file, as read; docs/scenes.md says what each key means.

    ``mirrored`` and ``backwards`` are no keys: they say that the path is to be turned when it is
    built, as ``scene_ways`` has turned all else.
    """

    name: str
    path: dict[str, Any]
    start: dict[str, float]
    start_line: dict[str, float] | None
    cross_section: list[dict[str, Any]]
    ground_rgb: list[int]
    sky: list[list[Any]]
    obstacles: list[dict[str, Any]]
    more_start_lines: list[dict[str, float]] = field(default_factory=list)
    textures: dict[str, dict[str, Any]] = field(default_factory=dict)
    ground_texture: str | None = None
    barriers: list[dict[str, Any]] = field(default_factory=list)
    light: dict[str, Any] | None = None
    skyline: list[dict[str, Any]] = field(default_factory=list)
    ceiling: dict[str, Any] | None = None
    fog: dict[str, Any] | None = None
    random_look: dict[str, Any] | None = None
    mirrored: bool = False
    backwards: bool = False

    @property
    def is_random(self) -> bool:
        """True where the reset seed draws the path."""
        return self.path["kind"] in ("random", "loop")

    @property
    def middle_u(self) -> float:
        """Distance of the road's middle to the right of the path.

        The road is the first strip of the cross-section.
        """
        return 0.5 * float(self.cross_section[0]["from_u"] + self.cross_section[0]["to_u"])


def scene_names() -> list[str]:
    """Returns the names of the scenes at hand, sorted."""
    return sorted(file.stem for file in SCENES_DIR.glob("*.json"))


def look_names() -> list[str]:
    """Returns the names of other looks of those scenes, sorted."""
    return sorted(file.stem for file in LOOKS_DIR.glob("*.json"))


def is_scene_file(name: str) -> bool:
    """Returns whether a scene's name is the path of a person's own scene file."""
    return split_ways(name)[0].endswith(".json")


@cache
def load_scene(name: str) -> Scene:
    """Reads the scene or look called ``name``, or the file at that path; it is then called so.

    :raises ValueError: there is no such scene, its file is wrong, or it cannot be driven that way
    """
    source, ways = split_ways(name)
    scene = _read_scene(source)
    if not ways:
        return scene
    scene = replace(scene, name=name)
    if MIRRORED in ways:
        scene = mirrored(scene)
    if REVERSED in ways:
        if scene.path["kind"] == "random":
            raise ValueError(f"scene {name!r}: the road has an end; drop +{REVERSED}")
        scene = backwards(scene, build_track(scene))
    return scene


def _read_scene(name: str) -> Scene:
    if is_scene_file(name):
        return Scene(**read_scene_file(Path(name)) | {"name": name})
    if name in look_names():
        return Scene(**read_scene_file(LOOKS_DIR / f"{name}.json"))
    if name not in scene_names():
        names = [*scene_names(), *look_names()]
        raise ValueError(f"scene {name!r} is not at hand; choose from {', '.join(names)}")
    return Scene(**read_scene_file(SCENES_DIR / f"{name}.json"))


def scene_for(scene: Scene, seed: int) -> Scene:
    """Returns the scene as ``seed`` makes it: a loop's road has its own width, others stay.

    A loop's cross-section is written for a road of half width 1 u and stretched. A strip with a
    ``chance`` is painted in that share of the seeds.
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


class CentreLine(NamedTuple):
    """A centre line as the kernels read it, see ``Track``."""

    nodes: Array
    direction: Array
    span_u: Array
    arc_u: Array
    length_u: float
    closed: bool
    bank: Array
    bank_reach_u: float


class Track:
    """A centre line as nodes in driving order.

    ``nodes`` is (n, 3) of x, z, height. ``direction`` (n, 2) is the unit vector of the span from
    node i to node i + 1, ``span_u`` (n,) its length. ``arc_u`` (n,) is the distance from node 0,
    ``length_u`` the whole. A closed track's last span leads back to node 0; an open one's repeats
    the last direction. ``bank`` (n,) is the road's cross-slope, rise over run to the right; beyond
    ``bank_reach_u`` beside the path the land is level across.

    :param nodes: the nodes
    :param closed: the last is followed by the first
    :param bank: None for a road that is level across
    :param bank_reach_u: half the width of a banked road, from the path
    """

    def __init__(
        self,
        nodes: Array,
        *,
        closed: bool,
        bank: Array | None = None,
        bank_reach_u: float = 0.0,
    ) -> None:
        self.bank: Array = np.zeros(len(nodes)) if bank is None else np.ascontiguousarray(bank)
        self.bank_reach_u = bank_reach_u
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
    def line(self) -> CentreLine:
        """The line as the kernels read it."""
        return CentreLine(
            self.nodes,
            self.direction,
            self.span_u,
            self.arc_u,
            self.length_u,
            self.closed,
            self.bank,
            self.bank_reach_u,
        )

    @property
    def is_banked(self) -> bool:
        """True where the road slopes to a side anywhere."""
        return bool(self.bank.any())

    def raised_u(self, right_u: float) -> Array:
        """Returns the ground's height (n,) ``right_u`` to the right of the nodes."""
        return self.height_u + self.bank * min(max(right_u, -self.bank_reach_u), self.bank_reach_u)

    def ground_u(self, x: float, z: float) -> float:
        """Returns the ground's height at a point, as it is beside the nearest node."""
        i = self.nearest_node(x, z)
        dx, dz = x - self.nodes[i, 0], z - self.nodes[i, 1]
        right_u = float(dx * self.direction[i, 1] - dz * self.direction[i, 0])
        return float(self.raised_u(right_u)[i])

    @cached_property
    def crossings(self) -> NDArray[np.int64]:
        """Indices of the spans (k,) that another one cuts, each crossing's two side by side."""
        found = _crossings(self.nodes, self.closed, float(self.span_u.mean()))
        return np.array(found, dtype=np.int64)

    @cached_property
    def narrowness(self) -> Array:
        """Cosine (k,) of the angle, 0 to 90 degrees, at which the line cuts itself there."""
        both = self.direction[self.crossings].reshape(-1, 2, 2)
        return np.repeat(np.abs((both[:, 0] * both[:, 1]).sum(axis=1)), 2)

    def parallel_line(self, right_u: float) -> Array:
        """Returns points (n, 3) ``right_u`` to the right of the nodes."""
        level = np.zeros(len(self.nodes))
        right = np.column_stack([self.direction[:, 1], -self.direction[:, 0], level])
        return self.nodes + right_u * right

    def pose_at(self, arc_u: float) -> tuple[float, float, float]:
        """Returns x, z and heading on the line, ``arc_u`` from node 0.

        The heading is in radians clockwise from +z.
        """
        i = self.node_at(arc_u)
        x, z = self.nodes[i, :2] + self.direction[i] * (arc_u % self.length_u - self.arc_u[i])
        return float(x), float(z), math.atan2(self.direction[i, 0], self.direction[i, 1])

    def arc_of(self, x: float, z: float) -> float:
        """Returns the arc length of the foot of a point near the centre line, u."""
        i = self.nearest_node(x, z)
        along = float(np.dot(self.direction[i], (x - self.nodes[i, 0], z - self.nodes[i, 1])))
        return (float(self.arc_u[i]) + along) % self.length_u

    def arc_before(self, node: int, by_u: float) -> float:
        """Returns the arc length ``by_u`` before a node, or as far before as the line goes."""
        arc_u = float(self.arc_u[node]) - by_u
        return arc_u % self.length_u if self.closed else max(arc_u, 0.0)

    def node_at(self, arc_u: float) -> int:
        """Returns the index of the last node before ``arc_u`` from node 0."""
        return int(np.searchsorted(self.arc_u, arc_u % self.length_u, side="right")) - 1

    def nearest_node(self, x: float, z: float) -> int:
        """Returns the index of the node nearest to a point, on whichever leg of a crossing."""
        return int(np.argmin((self.nodes[:, 0] - x) ** 2 + (self.nodes[:, 1] - z) ** 2))


def build_track(scene: Scene, seed: int = 0) -> Track:
    """Returns the track of a scene; only a random road or loop depends on ``seed``."""
    track = _built_path(scene, seed)
    if scene.mirrored:
        track = _turned(track, track.nodes * (-1.0, 1.0, 1.0), track.bank)
    if scene.backwards:
        n = len(track.nodes)
        order = -np.arange(n) % n  # the first node stays the first
        track = _turned(track, track.nodes[order], track.bank[order])
    return track


def _turned(track: Track, nodes: Array, bank: Array) -> Track:
    """Returns the track with left and right exchanged, at these nodes."""
    return Track(nodes, closed=track.closed, bank=-bank, bank_reach_u=track.bank_reach_u)


def _built_path(scene: Scene, seed: int) -> Track:
    path = scene.path
    match path["kind"]:
        case "spline":
            spacing_u = path.get("spacing_u", SPLINE_SPACING_U)
            return _spline_track(np.array(path["points"]), spacing_u, scene)
        case "turtle":
            return Track(turtle(path["start"], path["span_u"], path["script"]), closed=True)
        case "loop":
            nodes = loop(path, seed)
            reach_u = loop_road(path, seed).half_width_u
            banks = loop_banks(seed, len(nodes))
            return Track(nodes, closed=True, bank=banks, bank_reach_u=reach_u)
    rng = np.random.default_rng(seed)
    turns = np.radians(rng.uniform(-path["turn_deg"], path["turn_deg"], size=path["spans"]))
    return Track(random_road(np.array(path["start"]), path["span_u"], turns), closed=False)


def _spline_track(points: Array, spacing_u: float, scene: Scene) -> Track:
    """Returns the track through control points (n, 3), or (n, 4) where it is banked."""
    nodes = periodic_spline(points, spacing_u)
    if points.shape[1] == 3:
        return Track(nodes, closed=True)
    ends = [abs(strip[end]) for strip in scene.cross_section for end in ("from_u", "to_u")]
    return Track(nodes[:, :3], closed=True, bank=nodes[:, 3], bank_reach_u=float(max(ends)))


@njit(cache=True)
def _crossings(nodes: Array, closed: bool, span_u: float) -> Any:  # pragma: no cover - compiled
    """Returns pairs of spans that cut each other, far apart along the line, one after the other."""
    n = len(nodes)
    apart = int(CROSSING_APART_U / span_u)
    spans = n if closed else n - 1
    found = [0][:0]
    for i in range(spans):
        k = i + apart
        last = min(spans, i + n - apart + 1) if closed else spans
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
    """Returns whether the lines from a to b and from c to d cross."""
    return _left(a, b, c) != _left(a, b, d) and _left(c, d, a) != _left(c, d, b)


@njit(cache=True)
def _left(a: Array, b: Array, point: Array) -> Any:  # pragma: no cover - compiled
    """Returns whether a point is left of the line from a to b."""
    return (b[0] - a[0]) * (point[1] - a[1]) > (b[1] - a[1]) * (point[0] - a[0])
