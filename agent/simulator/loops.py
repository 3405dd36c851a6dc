"""Closed roads drawn at random: ``random_track``, on which drivers learn what they need on tracks they never saw."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPACING_U = 1.0  # between nodes
LOOP_RADIUS_U = (
    5.0  # of the tightest bend; the car's smallest circle is 5.59, and a road has some width
)
LOOP_RADIUS_HALF_WIDTHS = 0.7
LOOP_APART_U = (
    30.0  # parts of a loop farther apart along it than this must be so far apart on the ground:
)
APART_HALF_WIDTHS, CROWDED = (
    (1.0, 2.0),
    0.4,
)  # the most, or in this share of the loops any number between
LOOP_ATTEMPTS = 60
MOST_CELLS = 40
HILLY, STEEPEST = (
    0.3,
    0.13,
)  # share of the loops with hills, and the slopes that these may have, rise over run
SHORTEST_HILL_U, MOST_HILLS = 120.0, 8
CROSSED = (
    0.4  # of the seeds a road that crosses itself is tried; about three quarters of these find one
)
CROSSED_CORNERS = (4, 8)  # fewest and most corners of such a road
SQUARE = 0.5  # sine of the least angle at a crossing
LINED = 0.6  # of others' luck has a road that crosses itself: a line is often all that tells its ways apart
KNOTS = 0.6  # share of those that are all bends, and short and near to themselves for their width:
KNOT_LENGTH_HALF_WIDTHS, KNOT_APART_HALF_WIDTHS, ALL_BENDS = (40.0, 200.0), (0.5, 1.5), 1e3


class LoopRoad(NamedTuple):
    length_u: float
    half_width_u: float
    apart_u: float  # the least between parts of it that are not neighbours
    luck: float  # in [0, 1): strips whose chance is above it are painted
    tangled: bool
    knotted: bool


def loop_road(path: dict[str, Any], seed: int) -> LoopRoad:
    """What the seed says of a loop's road as a whole; narrower on short loops, which have little room inside."""
    rng = np.random.default_rng([seed, 0])
    length_u = math.exp(rng.uniform(*np.log(path["length_u"])))
    half_width_u = min(rng.uniform(*path["half_width_u"]), length_u / 25.0)
    luck = rng.random()
    chance = np.random.default_rng([seed, 3])
    tangled, apart = chance.random() < CROSSED, chance.uniform(*APART_HALF_WIDTHS)
    crowded = chance.random() < CROWDED
    knotted = tangled and chance.random() < KNOTS
    if tangled:
        luck *= LINED
    if knotted:
        apart = chance.uniform(*KNOT_APART_HALF_WIDTHS)
        length_u = half_width_u * math.exp(chance.uniform(*np.log(KNOT_LENGTH_HALF_WIDTHS)))
    elif not crowded:
        apart = max(APART_HALF_WIDTHS)
    return LoopRoad(length_u, half_width_u, half_width_u * apart, luck, tangled, knotted)


def loop(path: dict[str, Any], seed: int) -> Array:
    """Nodes of a closed road: a random polygon whose corners are rounded by arcs.

    The polygon goes either once round its middle or round a random tree, which has hairpins both ways, or it is a
    tangle: only such a road crosses itself, and as often as it likes. Some tangles are knots, which cross themselves in
    bends, where ways through the crossing look alike. Crowded loops come so near to themselves that legs side by side
    share a part of their width. The first node is the middle of the longest straight, heading along +z. A draw that
    bends too tightly or comes too near to itself is drawn again, calmer every time: the last would be a plain regular
    polygon.
    """
    road = loop_road(path, seed)
    rng = np.random.default_rng([seed, 1])
    tightest_u = max(LOOP_RADIUS_U, LOOP_RADIUS_HALF_WIDTHS * road.half_width_u)
    draws = [(_ring(rng, road.length_u), False)]
    if rng.random() < 0.5:
        draws.insert(0, (_outline(rng, road.length_u, tightest_u, road.apart_u), False))
    narrow, spread = 4.0 ** (rng.random() ** 3), 8.0 ** rng.random()
    side = float(rng.choice([-1.0, 1.0]))
    if road.tangled:
        draws.insert(0, (_tangle(rng, road.length_u), True))
    for (draw, crossed), attempt in product(draws, range(LOOP_ATTEMPTS)):
        calm = 0.9**attempt
        corners = draw(calm)
        least_u = (ALL_BENDS if crossed and road.knotted else 1.0) * 1.01 * tightest_u
        wanted_u = least_u * (narrow * spread ** rng.random(len(corners))) ** calm
        straights, radii, turns = _rounded(corners, wanted_u)
        if radii.min() < tightest_u:
            continue
        nodes = _along_pieces(path["start"], straights, radii, side * turns)
        if _keeps_apart(nodes, road.apart_u, crossed):
            nodes[:, 2] += _hills(np.random.default_rng([seed, 2]), len(nodes))
            return nodes
    raise ValueError(
        f"no loop of {road.length_u:.0f} u for seed {seed}; widen length_u or narrow half_width_u"
    )


def _hills(rng: np.random.Generator, n: int) -> Array:
    """Heights (n,) in u of a loop of n nodes, from its start: waves along it, or nothing in most loops."""
    most = min(int(n * SPACING_U / SHORTEST_HILL_U), MOST_HILLS)
    steepest = rng.uniform(0.0, STEEPEST)
    if not most or rng.random() > HILLY:
        return np.zeros(n)
    along = 2.0 * math.pi * np.arange(n) / n
    waves = sum(
        rng.normal() / k * np.sin(k * along + rng.uniform(0.0, 2.0 * math.pi))
        for k in range(1, most + 1)
    )
    waves = np.asarray(waves)
    slope = np.abs(np.diff(waves, append=waves[0])).max() / SPACING_U
    return np.asarray((waves - waves[0]) * steepest / slope)


def _ring(rng: np.random.Generator, length_u: float) -> Callable[[float], Array]:
    """Draws corners (n, 2) once round the origin, sides ``length_u`` together before the corners are cut."""
    n = max(5, round(length_u / math.exp(rng.uniform(*np.log((18.0, 100.0))))))
    ruggedness, sway = rng.uniform(0.2, 2.0), rng.uniform(0.0, 1.2)

    def draw(calm: float) -> Array:
        rugged = calm * ruggedness  # how far a corner may be moved, in sides
        angle = (
            2.0 * math.pi * (np.arange(n) + rng.uniform(-0.4, 0.4, size=n) * min(rugged, 1.0)) / n
        )
        waves = sum(
            rng.normal() / k * np.cos(k * angle + rng.uniform(0.0, 2.0 * math.pi))
            for k in (2, 3, 4, 5, 6)
        )
        radius = (
            1.0 + calm * sway * waves + rugged * rng.uniform(-1.0, 1.0, size=n) * 2.0 * math.pi / n
        )
        corners = np.maximum(radius, 0.2)[:, None] * np.stack(
            [np.sin(angle), np.cos(angle)], axis=1
        )
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        return np.asarray(corners * (1.08 * length_u / sides.sum()))

    return draw


def _tangle(rng: np.random.Generator, length_u: float) -> Callable[[float], Array]:
    """Draws the corners (n, 2) of a small ring in any order, so that its sides cross."""
    n = int(rng.integers(CROSSED_CORNERS[0], CROSSED_CORNERS[1] + 1))

    def draw(_: float) -> Array:
        angle = 2.0 * math.pi * (np.arange(n) + rng.uniform(-0.35, 0.35, n)) / n
        ring = rng.uniform(0.4, 1.0, n)[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        corners = ring[rng.permutation(n)]
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        return np.asarray(corners * (1.15 * length_u / sides.sum()))

    return draw


def _outline(
    rng: np.random.Generator, length_u: float, tightest_u: float, apart_u: float
) -> Callable[[float], Array]:
    """Draws corners (n, 2) round a random tree of square cells, about ``length_u`` long.

    Every cell is two points wide, so legs side by side lie as far apart as points do, and a cell at the end of a branch
    is a hairpin.
    """
    pitch_u = max(2.0 * tightest_u, apart_u) * 1.05 * 3.0 ** (rng.random() ** 3)
    ways = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
    cells, links = [(0, 0)], set()
    while len(cells) < max(2, min(round(length_u / (4.0 * pitch_u)), MOST_CELLS)):
        cell = cells[rng.integers(len(cells))]
        beside = (cell[0] + ways[way := rng.integers(4)][0], cell[1] + ways[way][1])
        if beside not in cells:
            cells.append(beside)
            links |= {(cell, beside), (beside, cell)}

    def after(point: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
        """The next point: along the cell's own side, or into the neighbour where the tree goes through that side."""
        cell, inner = (point[0] // 2, point[1] // 2), (point[0] % 2, point[1] % 2)
        for axis in (0, 1):
            out = 2 * inner[axis] - 1
            leaves = (cell, (cell[0] + (1 - axis) * out, cell[1] + axis * out)) in links
            step = (1 - axis, axis) if leaves else (axis, 1 - axis)
            sign = out if leaves else 1 - 2 * inner[1 - axis]
            found = (point[0] + sign * step[0], point[1] + sign * step[1])
            if found != before:
                return found
        raise AssertionError("every point has two neighbours")

    first = (0, 0)
    points = [first, after(first, first)]
    while (beyond := after(points[-1], points[-2])) != first:
        points.append(beyond)
    grid = np.array(points, dtype=float)
    turns = np.any(np.roll(grid, -1, axis=0) - grid != grid - np.roll(grid, 1, axis=0), axis=1)
    grid = grid[turns] * pitch_u * np.array([1.0, rng.uniform(1.0, 1.6)])

    def draw(calm: float) -> Array:
        return np.asarray(grid + calm * rng.uniform(-0.2, 0.2, size=grid.shape) * pitch_u)

    return draw


def _rounded(corners: Array, wanted_u: Array) -> tuple[Array, Array, Array]:
    """Straights from each corner to the next, and radii and turns (radians, right positive) of the corners' arcs.

    An arc of radius r cuts r tan(turn / 2) off both sides; where two arcs do not fit on a side, both shrink.
    """
    sides = np.roll(corners, -1, axis=0) - corners
    length = np.linalg.norm(sides, axis=1)
    heading = np.arctan2(sides[:, 0], sides[:, 1])
    turns = (heading - np.roll(heading, 1) + math.pi) % (2.0 * math.pi) - math.pi
    bend = np.maximum(np.tan(np.abs(turns) / 2.0), 1e-9)
    cut = wanted_u * bend
    room = np.minimum(length / (cut + np.roll(cut, -1)), 1.0)
    cut *= np.minimum(room, np.roll(room, 1))
    return length - cut - np.roll(cut, -1), cut / bend, turns


def _along_pieces(start: list[float], straights: Array, radii: Array, turns: Array) -> Array:
    """Nodes ``SPACING_U`` apart on straights and arcs in turn, from the middle of the longest straight."""
    first = int(np.argmax(straights))
    straights = np.roll(straights, -first)
    radii, turns = np.roll(radii, -first - 1), np.roll(turns, -first - 1)
    n = len(straights)
    length, curvature = np.zeros(2 * n + 1), np.zeros(2 * n + 1)
    length[0::2] = np.append(straights, 0.5 * straights[0])
    length[0] *= 0.5
    length[1::2], curvature[1::2] = radii * np.abs(turns), np.sign(turns) / radii

    def moved(heading: Array, bend: Array, way: Array) -> Array:
        """Displacement (x, z) along arcs: the chord of an arc of length s is s sinc(s / 2r), halfway round."""
        chord, halfway = way * np.sinc(0.5 * bend * way / math.pi), heading + 0.5 * bend * way
        return np.stack([chord * np.sin(halfway), chord * np.cos(halfway)], axis=1)

    heading = np.concatenate([[0.0], np.cumsum(length * curvature)[:-1]])
    ends = np.cumsum(moved(heading, curvature, length), axis=0)
    begins = np.vstack([np.zeros(2), ends[:-1]])
    arc = np.concatenate([[0.0], np.cumsum(length)])
    way = np.linspace(0.0, arc[-1], round(arc[-1] / SPACING_U), endpoint=False)
    piece = np.clip(np.searchsorted(arc, way, side="right") - 1, 0, 2 * n)
    places = begins[piece] + moved(heading[piece], curvature[piece], way - arc[piece])
    return np.column_stack([places + start[:2], np.full(len(way), start[2])])


@njit(cache=True)
def _keeps_apart(
    nodes: Array, width_u: float, crossed: bool
) -> bool:  # pragma: no cover - compiled
    """Whether no two nodes farther than ``LOOP_APART_U`` from each other along the loop are within ``width_u``.

    :param crossed: they may be where the road crosses itself nearly at right angles
    """
    n = len(nodes)
    apart = int(LOOP_APART_U / SPACING_U)
    for i in range(n):
        k = i + apart
        while k < min(n, i + n - apart + 1):
            room_u = math.hypot(nodes[i, 0] - nodes[k, 0], nodes[i, 1] - nodes[k, 1]) - width_u
            if room_u < 0.0 and not (crossed and _sine_between(nodes, i, k) > SQUARE):
                return False
            k += max(
                1, int(room_u / (1.01 * SPACING_U))
            )  # the nodes between are too near to k to matter
    return True


@njit(cache=True)
def _sine_between(nodes: Array, i: int, k: int) -> float:  # pragma: no cover - compiled
    """Sine of the angle, 0 to 90 degrees, between the road at two of its nodes."""
    n = len(nodes)
    ax, az = nodes[(i + 1) % n, 0] - nodes[i, 0], nodes[(i + 1) % n, 1] - nodes[i, 1]
    bx, bz = nodes[(k + 1) % n, 0] - nodes[k, 0], nodes[(k + 1) % n, 1] - nodes[k, 1]
    return abs(ax * bz - az * bx) / max(math.hypot(ax, az) * math.hypot(bx, bz), 1e-9)
