"""Barriers along the path: kerb walls, rails, and fences with posts and wires.

A barrier follows the path at a distance. It is cut into flat panels, short enough for the bends.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from agent.simulator.tracks import Track
from agent.simulator.typing import Array

# Columns of ``Barriers.panels``; the last is a row of ``Barriers.rgba``.
X1, Z1, X2, Z2, BASE1, BASE2, BOTTOM, TOP, COLOUR = range(9)
PANEL_COLUMNS = 9
COUNT, THICK = range(9, 11)  # of wires only
WIRE_COLUMNS = 11
COLOURS = 3  # rows of ``Barriers.rgba`` for each barrier
PANEL_U = 6.0  # chosen: longest panel, as the fence's of mini_monaco
PANEL_TURN = math.radians(12.0)  # chosen: most that a panel cuts off a bend
# Chosen: a barrier has a gap where it would stand nearer to another leg of the path than to its
# own, as a share of its distance.
OWN_SHARE = 0.9
HALF_THICK_U = 0.1  # chosen: of a solid barrier, for the body and the lidar
WIRE_U = 0.06  # chosen: thickness of a wire where the scene gives none
RAIL_BOTTOM = 0.4  # chosen: where a rail begins, as a share of its top, where the scene is silent


class Barriers(NamedTuple):
    """The barriers of a scene.

    ``panels`` is (n, 9): the ends x1, z1, x2, z2, the ground's height at both, bottom and top over
    it, row of the colour. ``wires`` is (w, 11), panels from below the lowest wire to the uppermost,
    then how many wires and their thickness. ``rgba`` (c, 4) are colours and opacities. ``posts`` is
    (p, 6): x, z, base, half width, height, row of the colour. ``solid`` is (s, 8), boxes as in
    ``Obstacles``, ``solid_names`` are theirs.
    """

    panels: Array
    wires: Array
    rgba: Array
    posts: Array
    solid: Array
    solid_names: list[str]


def build_barriers(barriers: list[dict[str, Any]], track: Track) -> Barriers:
    """Returns the barriers of a scene.

    :param barriers: as in the scene file
    :param track: the path that they follow
    """
    rgba = [row for barrier in barriers for row in _colours(barrier)]
    shapes = json.dumps([_without_colours(barrier) for barrier in barriers])
    return _laid(track, shapes)._replace(rgba=np.array(rgba, dtype=np.float64).reshape(-1, 4))


def _without_colours(part: dict[str, Any]) -> dict[str, Any]:
    """Returns a barrier, or a part of one, without what light changes."""
    inner = {name: _without_colours(each) for name, each in part.items() if isinstance(each, dict)}
    return {**part, **inner, "rgb": None}


@lru_cache(maxsize=64)  # other light falls on the same barriers in every episode
def _laid(track: Track, shapes: str) -> Barriers:
    """Returns barriers that have no colours yet.

    :param track: the path that they follow
    :param shapes: barriers as in a scene file, as text
    """
    barriers = json.loads(shapes)
    panels: list[Array] = [np.empty((0, PANEL_COLUMNS))]
    wires: list[Array] = [np.empty((0, WIRE_COLUMNS))]
    posts: list[Array] = [np.empty((0, 6))]
    solid: list[Array] = [np.empty((0, 8))]
    names: list[str] = []
    for k, barrier in enumerate(barriers):
        for run in _runs_beside(barrier, track):
            cut = _cut(run)
            panels.append(_panels(cut, barrier, COLOURS * k))
            wires.append(_wires(cut, barrier, COLOURS * k + 1))
            posts.append(_posts(run, barrier, COLOURS * k + 2))
            if barrier.get("solid", False):
                solid.append(_boxes(cut, float(barrier["top_u"])))
                names += [str(barrier.get("name", barrier["kind"]))] * len(solid[-1])
    return Barriers(
        np.concatenate(panels),
        np.concatenate(wires),
        np.empty((0, 4)),
        np.concatenate(posts),
        np.concatenate(solid),
        names,
    )


def _colours(barrier: dict[str, Any]) -> list[list[float]]:
    """Returns colours and opacities of a barrier's panels, wires and posts."""
    rgb = barrier["rgb"]
    wires = barrier.get("wires", {})
    posts = barrier.get("posts", {})
    return [
        [*rgb, barrier.get("opacity", 1.0)],
        [*wires.get("rgb", rgb), wires.get("opacity", 1.0)],
        [*posts.get("rgb", rgb), 1.0],
    ]


def _runs_beside(barrier: dict[str, Any], track: Track) -> list[Array]:
    """Returns the lines (n, 3) along which a barrier stands; x, z and the path's height."""
    right_u = float(barrier["right_u"])
    line = _beside(track, right_u)
    kept = track.arc_u >= barrier.get("from_arc_u", 0.0)
    kept &= track.arc_u <= barrier.get("to_arc_u", math.inf)
    kept[kept] = _apart(line[kept], track.nodes, OWN_SHARE * abs(right_u))
    places = np.flatnonzero(kept)
    if len(places) == 0:
        return []
    longest_u = 2.0 * float(track.span_u.max()) + 0.5 * abs(right_u)
    if track.closed:
        places = np.append(places, places[0])
    points = line[places]
    steps = np.hypot(*(points[1:] - points[:-1])[:, :2].T)
    # Where a part of the path is skipped the barrier goes on only if its ends are near.
    apart = (np.diff(places) % len(line) != 1) & (steps > longest_u)
    runs = np.split(points, np.flatnonzero(apart) + 1)
    return [run for run in runs if len(run) > 1]


def _beside(track: Track, right_u: float) -> Array:
    """Returns points (n, 3) beside the nodes, square to the mean of the spans that meet there."""
    before = np.roll(track.direction, 1, axis=0)
    if not track.closed:
        before[0] = track.direction[0]
    mean = track.direction + before
    mean /= np.maximum(np.hypot(mean[:, 0], mean[:, 1]), 1e-9)[:, None]
    places = track.nodes[:, :2] + right_u * np.column_stack([mean[:, 1], -mean[:, 0]])
    return np.column_stack([places, track.raised_u(right_u)])


@njit(cache=True)
def _apart(line: Array, nodes: Array, least_u: float) -> Any:  # pragma: no cover - compiled
    """Returns which points (n,) of a line are at least so far from every node."""
    widest_u = 1e-9  # between two nodes
    for k in range(1, len(nodes)):
        step_u = math.hypot(nodes[k, 0] - nodes[k - 1, 0], nodes[k, 1] - nodes[k - 1, 1])
        widest_u = max(widest_u, step_u)
    kept = np.ones(len(line), dtype=np.bool_)
    for i in range(len(line)):
        k = 0
        while k < len(nodes):
            room_u = math.hypot(line[i, 0] - nodes[k, 0], line[i, 1] - nodes[k, 1]) - least_u
            if room_u < 0.0:
                kept[i] = False
                break
            k += max(1, int(room_u / widest_u))  # those between are not near enough
    return kept


def _cut(line: Array) -> Array:
    """Returns those points of a line (k, 3) between which a barrier is straight."""
    steps = np.diff(line[:, :2], axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    heading = np.unwrap(np.arctan2(steps[:, 0], steps[:, 1]))
    return _split_long(line[_is_cut(length, heading)])


@njit(cache=True)
def _is_cut(length: Array, heading: Array) -> Any:  # pragma: no cover - compiled
    """Returns at which points (n + 1,) a line of n steps is cut: both ends, bends, long straights.

    :param length: of the steps, u
    :param heading: theirs, radians
    """
    cut = np.zeros(len(length) + 1, dtype=np.bool_)
    cut[0] = cut[-1] = True
    last = 0
    run_u = 0.0
    for i in range(len(length)):
        turned = abs(heading[i] - heading[last]) > PANEL_TURN
        if last < i and (turned or run_u + length[i] > PANEL_U):
            cut[i] = True
            last = i
            run_u = 0.0
        run_u += length[i]
    return cut


def _split_long(line: Array) -> Array:
    """Returns a line with points added where two are farther apart than a panel is long."""
    length = np.hypot(*np.diff(line[:, :2], axis=0).T)
    arc = np.concatenate([[0.0], np.cumsum(length)])
    parts = np.maximum(1, np.ceil(length / PANEL_U - 0.1)).astype(int)
    which = np.repeat(np.arange(len(parts)), parts)
    part_of = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
    wanted = np.append(arc[which] + length[which] * part_of / parts[which], arc[-1])
    return np.column_stack([np.interp(wanted, arc, line[:, k]) for k in range(3)])


def _panels(cut: Array, barrier: dict[str, Any], colour: int) -> Array:
    """Returns the panels (n, 9) of a barrier's wall."""
    top_u = float(barrier["top_u"])
    rail_bottom = RAIL_BOTTOM * top_u if barrier["kind"] == "rail" else 0.0
    bottom_u = float(barrier.get("bottom_u", rail_bottom))
    if top_u <= bottom_u:
        return np.empty((0, PANEL_COLUMNS))
    return _strip(cut, bottom_u, top_u, colour)


def _wires(cut: Array, barrier: dict[str, Any], colour: int) -> Array:
    """Returns the wires (n, 11) over a barrier's wall, evenly spaced."""
    wires = barrier.get("wires")
    if wires is None:
        return np.empty((0, WIRE_COLUMNS))
    strip = _strip(cut, float(barrier["top_u"]), float(wires["top_u"]), colour)
    more = [float(wires["count"]), float(wires.get("width_u", WIRE_U))]
    return np.hstack([strip, np.tile(more, (len(strip), 1))])


def _strip(cut: Array, bottom_u: float, top_u: float, colour: int) -> Array:
    """Returns panels (n, 9) from one point of a line to the next."""
    n = len(cut) - 1
    ends = [cut[:-1, :2], cut[1:, :2], cut[:-1, 2:], cut[1:, 2:]]
    return np.hstack([*ends, np.tile([bottom_u, top_u, colour], (n, 1))])


def _posts(line: Array, barrier: dict[str, Any], colour: int) -> Array:
    """Returns a barrier's posts (p, 6), evenly spaced."""
    posts = barrier.get("posts")
    if posts is None:
        return np.empty((0, 6))
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    wanted = np.arange(0.0, arc[-1], posts["every_u"])
    places = np.column_stack([np.interp(wanted, arc, line[:, k]) for k in range(3)])
    size = [0.5 * posts["width_u"], posts.get("top_u", barrier["top_u"]), colour]
    return np.hstack([places, np.tile(size, (len(wanted), 1))])


def _boxes(cut: Array, top_u: float) -> Array:
    """Returns what the body and the lidar meet: a thin box (n, 8) for each panel."""
    middle = 0.5 * (cut[1:] + cut[:-1])
    steps = np.diff(cut, axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    base = np.minimum(cut[1:, 2], cut[:-1, 2])
    height = top_u + np.abs(steps[:, 2])
    thick = np.full(len(middle), HALF_THICK_U)
    turn = steps[:, :2] / np.maximum(length, 1e-9)[:, None]
    return np.column_stack([middle[:, :2], base, turn, thick, 0.5 * length, height])
