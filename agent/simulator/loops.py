"""Closed roads drawn at random: ``random_track``, to learn to drive on tracks never seen before.

A road is a random polygon whose corners are rounded by arcs. The polygon is a ring, an outline of a
tree or a tangle, see ``loop``. All shares and limits here are chosen;
docs/simulator.md compares what they give with the named tracks.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from agent.simulator.loop_polygons import outline, ring, tangle
from agent.simulator.typing import Array

SPACING_U = 1.0  # between nodes
# Radius of the tightest bend. The car's smallest circle is 5.59 u, and a road has some width.
TIGHTEST_RADIUS_U = 5.0
TIGHTEST_RADIUS_HALF_WIDTHS = 0.7
# Parts of a loop that are farther apart along it than this must be so far apart on the ground: the
# most of these half widths, or in a share of the loops any number between.
NEIGHBOURS_U = 30.0
APART_HALF_WIDTHS = (1.0, 2.0)
CROWDED_SHARE = 0.4
ATTEMPTS = 60
CALMER = 0.9  # factor of a draw's strength from one attempt to the next
TREE_SHARE = 0.5  # of the loops for which an outline is tried before a ring
# Share of the loops with hills, their slopes (rise over run), lengths and number.
HILLY_SHARE = 0.3
STEEPEST_SLOPE = 0.13
SHORTEST_HILL_U = 120.0
MOST_HILLS = 8
# Share of the loops that are banked, their steepest cross-slope (as on mountain_track) and how long
# a bank is at least.
BANKED_SHARE = 0.3
STEEPEST_BANK = math.tan(math.radians(20.0))
SHORTEST_BANK_U = 60.0
# Share of the seeds for which a tangle is tried; about three quarters of these find one.
TANGLED_SHARE = 0.4
LEAST_CROSSING_SINE = 0.5  # of the angle at which a tangle may cross itself
# Factor of a tangle's luck: it has a line more often, which is often all that tells legs apart.
TANGLE_LUCK = 0.6
# Knots: the share of the tangles that are all bends, and short and near to themselves.
KNOTTED_SHARE = 0.6
KNOT_LENGTH_HALF_WIDTHS = (40.0, 200.0)
KNOT_APART_HALF_WIDTHS = (0.5, 1.5)
BENDS_ONLY = 1e3  # factor of the wanted radius that leaves no straight


class LoopRoad(NamedTuple):
    """Figures of a loop's road as a whole."""

    length_u: float
    half_width_u: float
    apart_u: float  # the least between parts of it that are not neighbours
    luck: float  # in [0, 1): strips whose chance is above it are painted
    tangled: bool
    knotted: bool


def loop_road(path: dict[str, Any], seed: int) -> LoopRoad:
    """Returns what the seed says of a loop's road.

    It is narrower on short loops, which have little room inside.
    """
    rng = np.random.default_rng([seed, 0])
    length_u = math.exp(rng.uniform(*np.log(path["length_u"])))
    half_width_u = min(rng.uniform(*path["half_width_u"]), length_u / 25.0)
    luck = rng.random()
    chance = np.random.default_rng([seed, 3])
    tangled = chance.random() < TANGLED_SHARE
    apart = chance.uniform(*APART_HALF_WIDTHS)
    crowded = chance.random() < CROWDED_SHARE
    knotted = tangled and chance.random() < KNOTTED_SHARE
    if tangled:
        luck *= TANGLE_LUCK
    if knotted:
        apart = chance.uniform(*KNOT_APART_HALF_WIDTHS)
        length_u = half_width_u * math.exp(chance.uniform(*np.log(KNOT_LENGTH_HALF_WIDTHS)))
    elif not crowded:
        apart = max(APART_HALF_WIDTHS)
    return LoopRoad(length_u, half_width_u, half_width_u * apart, luck, tangled, knotted)


def loop(path: dict[str, Any], seed: int) -> Array:
    """Returns the nodes of a closed road, (n, 3).

    It is a random polygon whose corners are rounded by arcs. It goes either once round its middle,
    or round a random tree, which has hairpins both ways, or it is a tangle. Only a tangle crosses
    itself, and as often as it likes. Some tangles are knots, which cross themselves in bends, where
    both legs of the crossing look alike. Crowded loops come so near to themselves that legs side by
    side share a part of their width. The first node is the middle of the longest straight, heading
    along +z.

    A draw that bends too tightly or comes too near to itself is drawn again, calmer every time. The
    last would be a plain regular polygon.

    :raises ValueError: no draw has room for the road
    """
    road = loop_road(path, seed)
    rng = np.random.default_rng([seed, 1])
    tightest_u = max(TIGHTEST_RADIUS_U, TIGHTEST_RADIUS_HALF_WIDTHS * road.half_width_u)
    draws = [(ring(rng, road.length_u), False)]
    if rng.random() < TREE_SHARE:
        draws.insert(0, (outline(rng, road.length_u, tightest_u, road.apart_u), False))
    narrow = 4.0 ** (rng.random() ** 3)
    spread = 8.0 ** rng.random()
    side = float(rng.choice([-1.0, 1.0]))
    if road.tangled:
        draws.insert(0, (tangle(rng, road.length_u), True))
    for (draw, is_tangle), attempt in product(draws, range(ATTEMPTS)):
        calm = CALMER**attempt
        corners = draw(calm)
        stretch = BENDS_ONLY if is_tangle and road.knotted else 1.0
        least_u = stretch * 1.01 * tightest_u
        wanted_u = least_u * (narrow * spread ** rng.random(len(corners))) ** calm
        straights, radii, turns = _rounded(corners, wanted_u)
        if radii.min() < tightest_u:
            continue
        nodes = _along_pieces(path["start"], straights, radii, side * turns)
        if _keeps_apart(nodes, road.apart_u, is_tangle):
            nodes[:, 2] += _hills(np.random.default_rng([seed, 2]), len(nodes))
            return nodes
    raise ValueError(
        f"no loop of {road.length_u:.0f} u for seed {seed}; widen length_u or narrow half_width_u"
    )


def loop_banks(seed: int, n: int) -> Array:
    """Returns cross-slopes (n,) of a loop of n nodes: waves, or level across in most."""
    rng = np.random.default_rng([seed, 4])
    steepest = rng.uniform(0.0, STEEPEST_BANK)
    if rng.random() > BANKED_SHARE:
        return np.zeros(n)
    waves = _waves(rng, n, max(int(n * SPACING_U / SHORTEST_BANK_U), 1), 0.5)
    return waves * steepest / np.abs(waves).max()


def _hills(rng: np.random.Generator, n: int) -> Array:
    """Returns heights (n,) in u of a loop of n nodes, from its start: waves, or level in most."""
    most = min(int(n * SPACING_U / SHORTEST_HILL_U), MOST_HILLS)
    steepest = rng.uniform(0.0, STEEPEST_SLOPE)
    if not most or rng.random() > HILLY_SHARE:
        return np.zeros(n)
    waves = _waves(rng, n, most, 1.0)
    slope = np.abs(np.diff(waves, append=waves[0])).max() / SPACING_U
    return np.asarray((waves - waves[0]) * steepest / slope)


def _waves(rng: np.random.Generator, n: int, most: int, falling: float) -> Array:
    """Returns waves (n,) round a loop of n nodes.

    :param rng: draws their heights and where they begin
    :param n: nodes
    :param most: periods of the shortest wave in a lap
    :param falling: power of the wavelength that the heights go with
    """
    along = 2.0 * math.pi * np.arange(n) / n
    return np.asarray(
        sum(
            rng.normal() / k**falling * np.sin(k * along + rng.uniform(0.0, 2.0 * math.pi))
            for k in range(1, most + 1)
        )
    )


def _rounded(corners: Array, wanted_u: Array) -> tuple[Array, Array, Array]:
    """Returns straights from each corner to the next, and radii and turns of the corners' arcs.

    Turns are in radians, right positive. An arc of radius r cuts r tan(turn / 2) off both sides;
    where two arcs do not fit on a side, both shrink.

    :param wanted_u: radii before that, (n,)
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
    """Returns nodes ``SPACING_U`` apart on straights and arcs in turn, (n, 3).

    They begin in the middle of the longest straight.
    """
    first = int(np.argmax(straights))
    straights = np.roll(straights, -first)
    radii = np.roll(radii, -first - 1)
    turns = np.roll(turns, -first - 1)
    n = len(straights)
    length = np.zeros(2 * n + 1)
    curvature = np.zeros(2 * n + 1)
    length[0::2] = np.append(straights, 0.5 * straights[0])
    length[0] *= 0.5
    length[1::2] = radii * np.abs(turns)
    curvature[1::2] = np.sign(turns) / radii
    heading = np.concatenate([[0.0], np.cumsum(length * curvature)[:-1]])
    ends = np.cumsum(_moved(heading, curvature, length), axis=0)
    begins = np.vstack([np.zeros(2), ends[:-1]])
    arc = np.concatenate([[0.0], np.cumsum(length)])
    along = np.linspace(0.0, arc[-1], round(arc[-1] / SPACING_U), endpoint=False)
    piece = np.clip(np.searchsorted(arc, along, side="right") - 1, 0, 2 * n)
    moved = _moved(heading[piece], curvature[piece], along - arc[piece])
    places = begins[piece] + moved
    return np.column_stack([places + start[:2], np.full(len(along), start[2])])


def _moved(heading: Array, curvature: Array, length: Array) -> Array:
    """Returns the displacement (n, 2) along arcs.

    The chord of an arc of length s and radius r is s sinc(s / 2r) and heads as the arc does halfway
    round.
    """
    chord = length * np.sinc(0.5 * curvature * length / math.pi)
    halfway = heading + 0.5 * curvature * length
    return np.stack([chord * np.sin(halfway), chord * np.cos(halfway)], axis=1)


@njit(cache=True)
def _keeps_apart(
    nodes: Array, width_u: float, may_cross: bool
) -> bool:  # pragma: no cover - compiled
    """Returns whether nodes that are no neighbours are at least ``width_u`` apart.

    :param may_cross: they may be nearer where the road crosses itself nearly at right angles
    """
    n = len(nodes)
    apart = int(NEIGHBOURS_U / SPACING_U)
    for i in range(n):
        k = i + apart
        while k < min(n, i + n - apart + 1):
            room_u = math.hypot(nodes[i, 0] - nodes[k, 0], nodes[i, 1] - nodes[k, 1]) - width_u
            crosses = (
                may_cross and room_u < 0.0 and _sine_between(nodes, i, k) > LEAST_CROSSING_SINE
            )
            if room_u < 0.0 and not crosses:
                return False
            # The nodes between are too near to k to matter.
            k += max(1, int(room_u / (1.01 * SPACING_U)))
    return True


@njit(cache=True)
def _sine_between(nodes: Array, i: int, k: int) -> float:  # pragma: no cover - compiled
    """Returns the sine of the angle, 0 to 90 degrees, between the road at two of its nodes."""
    n = len(nodes)
    ax, az = nodes[(i + 1) % n, 0] - nodes[i, 0], nodes[(i + 1) % n, 1] - nodes[i, 1]
    bx, bz = nodes[(k + 1) % n, 0] - nodes[k, 0], nodes[(k + 1) % n, 1] - nodes[k, 1]
    return abs(ax * bz - az * bx) / max(math.hypot(ax, az) * math.hypot(bx, bz), 1e-9)
