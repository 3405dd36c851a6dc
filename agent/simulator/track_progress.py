"""A car's way along its track: where it is, what it hits, how far it has come. The kernels of a physics tick."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator import vehicle
from agent.simulator.obstacles import find_collision
from agent.simulator.tracks import Array

# Places in the state vector of the car's way along the track.
(
    NODE,
    CTE,
    ARC,
    NET,
    BEST_NET,
    CLOCK_SEC,
    BEST_AT_SEC,
    CROSSINGS,
    LAST_CROSSING_SEC,
    LAP_SEC,
    HIT,
    HEIGHT_U,
    UPHILL,
) = range(13)
PROGRESS_SIZE = 13
WIDEST_SEARCH = 400  # nodes the foot of the car may move in one tick
END_U = 4.0  # this far before its last node an open road is driven to its end
PROGRESS_QUANTUM_U = 1.0  # net advance that counts as progress


class Course(NamedTuple):
    """All that ``advance`` reads of a place: see ``Track`` and ``Obstacles``.

    ``line_ahead_u`` is the net advance at which the start line is first crossed.
    """

    nodes: Array
    direction: Array
    arc_u: Array
    length_u: float
    closed: bool
    line_ahead_u: float
    pillars: Array
    boxes: Array
    blocking: NDArray[np.bool_]


@njit(cache=True)
def advance(
    car: Array,
    way: Array,
    steering: float,
    throttle: float,
    brake: float,
    ticks: int,
    course: Course,
) -> None:  # pragma: no cover - compiled
    """Drive ``ticks`` physics ticks; 0 only finds the car's place on the track."""
    if ticks == 0:
        locate(
            car, way, course.nodes, course.direction, course.arc_u, course.closed, course.length_u
        )
        way[NET] = way[BEST_NET] = 0.0
        way[HIT] = -1.0
        return
    way[HIT] = -1.0
    for _ in range(ticks):
        x, z, yaw = car[vehicle.X], car[vehicle.Z], car[vehicle.YAW]
        vehicle.tick(car, steering, throttle, brake, way[UPHILL])
        if len(course.blocking):
            hit = find_collision(
                car[vehicle.X],
                car[vehicle.Z],
                car[vehicle.YAW],
                course.pillars,
                course.boxes,
                course.blocking,
            )
            if hit >= 0:  # it stands fast: the car is back where it was, at rest
                way[HIT] = float(hit)
                car[vehicle.X], car[vehicle.Z], car[vehicle.YAW] = x, z, yaw
                car[vehicle.FORWARD] = car[vehicle.SIDE] = car[vehicle.YAW_RATE] = 0.0
        update_progress(
            car, way, vehicle.DT_SEC, course.nodes, course.direction, course.arc_u, course.length_u, course.closed,
            course.line_ahead_u,
        )  # fmt: skip


@njit(cache=True)
def update_progress(
    car: Array, way: Array, elapsed_sec: float, nodes: Array, direction: Array, arc_u: Array, length_u: float,
    closed: bool, line_ahead_u: float,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Count what a car has gained that is somewhere else ``elapsed_sec`` later: net advance, stalls, laps."""
    before, net_before = way[ARC], way[NET]
    locate(car, way, nodes, direction, arc_u, closed, length_u)
    moved = way[ARC] - before
    if closed:
        moved -= length_u * round(moved / length_u)
    way[NET] = net_before + moved
    way[CLOCK_SEC] += elapsed_sec
    if way[NET] >= way[BEST_NET] + PROGRESS_QUANTUM_U:
        way[BEST_NET], way[BEST_AT_SEC] = way[NET], way[CLOCK_SEC]
    # A crossing counts only once, at the net advance that makes it: shuttling over the line gains nothing.
    if closed and way[NET] >= line_ahead_u + way[CROSSINGS] * length_u:
        overshoot = (way[NET] - line_ahead_u - way[CROSSINGS] * length_u) / max(moved, 1e-9)
        now = way[CLOCK_SEC] - min(max(overshoot, 0.0), 1.0) * elapsed_sec
        way[LAP_SEC] = now - way[LAST_CROSSING_SEC]
        way[LAST_CROSSING_SEC] = now
        way[CROSSINGS] += 1.0


@njit(cache=True)
def locate(
    car: Array,
    way: Array,
    nodes: Array,
    direction: Array,
    arc_u: Array,
    closed: bool,
    length_u: float,
) -> None:  # pragma: no cover - compiled
    """Cross-track error, place along the line, height and slope of the car, from the node nearest to it.

    The error is the perpendicular distance to the infinite line from the nearest node to the next, positive to
    the right. The nearest node is looked for from the last one outwards, so another leg of the track close by
    is never mistaken for this one.
    """
    n = len(nodes)
    i = int(way[NODE])
    best = (nodes[i, 0] - car[0]) ** 2 + (nodes[i, 1] - car[1]) ** 2
    for sign in (1, -1):
        for _ in range(WIDEST_SEARCH):
            j = i + sign
            if closed:
                j %= n
            elif j < 0 or j >= n:
                break
            d2 = (nodes[j, 0] - car[0]) ** 2 + (nodes[j, 1] - car[1]) ** 2
            if d2 >= best:
                break
            i, best = j, d2
    dx, dz = car[0] - nodes[i, 0], car[1] - nodes[i, 1]
    along = dx * direction[i, 0] + dz * direction[i, 1]
    way[NODE] = i
    way[CTE] = dx * direction[i, 1] - dz * direction[i, 0]
    way[ARC] = (arc_u[i] + along) % length_u if closed else arc_u[i] + along
    ahead = (i + 1) % n if closed or i + 1 < n else i
    behind = (i - 1) % n if closed or i > 0 else i
    run = math.hypot(nodes[ahead, 0] - nodes[behind, 0], nodes[ahead, 1] - nodes[behind, 1])
    grade = (nodes[ahead, 2] - nodes[behind, 2]) / max(run, 1e-9)
    way[HEIGHT_U] = nodes[i, 2] + grade * along
    way[UPHILL] = grade * (math.sin(car[2]) * direction[i, 0] + math.cos(car[2]) * direction[i, 1])
