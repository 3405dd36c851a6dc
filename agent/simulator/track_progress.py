"""A car's progress along its track: where it is, what it hits, how far it has come.

The kernels of a physics tick.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator import vehicle
from agent.simulator.kernels import kernel, part
from agent.simulator.obstacles import find_collision
from agent.simulator.tracks import CentreLine
from agent.simulator.typing import Array

# Indices of the progress state vector.
(
    NODE,  # the centre line's node nearest to the car
    CTE,  # cross-track error, u
    ARC,  # place along the centre line, u
    NET,  # net advance since the start, u
    BEST_NET,  # the most that it was
    CLOCK_SEC,  # since the start
    BEST_AT_SEC,  # when it was that
    CROSSINGS,  # of the start line
    LAST_CROSSING_SEC,
    LAP_SEC,  # time between the last two crossings
    HIT,  # index of the obstacle that the car touches, -1 for none
    HEIGHT_U,  # of the ground under the car
    UPHILL,  # its slope along the heading, rise over run
    ACROSS,  # of a banked road, its slope to the car's right, rise over run
) = range(14)
PROGRESS_SIZE = 14
WIDEST_SEARCH = 400  # nodes by which the nearest one may move in one tick
END_U = 4.0  # this far before its last node an open road is driven to its end
PROGRESS_QUANTUM_U = 1.0  # net advance that counts as progress


class Course(NamedTuple):
    """All that ``advance`` reads of a scene: see ``Track`` and ``Obstacles``.

    ``line_ahead_u`` is the net advance at which the start line is first crossed.
    """

    line: CentreLine
    line_ahead_u: float
    pillars: Array
    boxes: Array
    blocking: NDArray[np.bool_]


@kernel
def advance(
    car_state: Array,
    progress_state: Array,
    steering: float,
    throttle: float,
    brake: float,
    ticks: int,
    course: Course,
) -> None:  # pragma: no cover - compiled
    """Drive some physics ticks.

    :param car_state: see ``vehicle``, changed in place
    :param progress_state: (``PROGRESS_SIZE``,), changed in place
    :param steering: command in [-1, 1], positive right
    :param throttle: command in [-1, 1]
    :param brake: share of the brakes' torque, from 0
    :param ticks: how many
    :param course: track and obstacles
    """
    progress_state[HIT] = -1.0
    for _ in range(ticks):
        x, z, yaw = car_state[vehicle.X], car_state[vehicle.Z], car_state[vehicle.YAW]
        uphill = progress_state[UPHILL]
        vehicle.tick(car_state, steering, throttle, brake, uphill, progress_state[ACROSS])
        if len(course.blocking):
            hit = _obstacle_hit(car_state, course)
            if hit >= 0:  # it stands fast: the car is back where it was, at rest
                progress_state[HIT] = float(hit)
                _stop_at(car_state, x, z, yaw)
        update_progress(car_state, progress_state, course.line, course.line_ahead_u, vehicle.DT_SEC)


@part
def _obstacle_hit(car_state: Array, course: Course) -> int:  # pragma: no cover - compiled
    return find_collision(
        car_state[vehicle.X],
        car_state[vehicle.Z],
        car_state[vehicle.YAW],
        course.pillars,
        course.boxes,
        course.blocking,
    )


@part
def _stop_at(car_state: Array, x: float, z: float, yaw: float) -> None:  # pragma: no cover
    car_state[vehicle.X] = x
    car_state[vehicle.Z] = z
    car_state[vehicle.YAW] = yaw
    car_state[vehicle.FORWARD] = 0.0
    car_state[vehicle.SIDE] = 0.0
    car_state[vehicle.YAW_RATE] = 0.0


@kernel
def update_progress(
    car_state: Array,
    progress_state: Array,
    line: CentreLine,
    line_ahead_u: float,
    elapsed_sec: float,
) -> None:  # pragma: no cover - compiled
    """Count what a car has gained that has moved: net advance, stalls, laps.

    :param car_state: see ``vehicle``
    :param progress_state: that of the car before, changed in place
    :param line: the track's
    :param line_ahead_u: net advance at which the start line is first crossed
    :param elapsed_sec: since the state before
    """
    before = progress_state[ARC]
    locate(car_state, progress_state, line)
    moved = progress_state[ARC] - before
    if line.closed:
        moved -= line.length_u * round(moved / line.length_u)
    progress_state[NET] += moved
    progress_state[CLOCK_SEC] += elapsed_sec
    net_u = progress_state[NET]
    if net_u >= progress_state[BEST_NET] + PROGRESS_QUANTUM_U:
        progress_state[BEST_NET] = net_u
        progress_state[BEST_AT_SEC] = progress_state[CLOCK_SEC]
    # A crossing counts only once, at the net advance that makes it: shuttling over the line gains
    # nothing.
    lap_u = progress_state[CROSSINGS] * line.length_u
    if line.closed and net_u >= line_ahead_u + lap_u:
        overshoot = (net_u - line_ahead_u - lap_u) / max(moved, 1e-9)
        now = progress_state[CLOCK_SEC] - min(max(overshoot, 0.0), 1.0) * elapsed_sec
        progress_state[LAP_SEC] = now - progress_state[LAST_CROSSING_SEC]
        progress_state[LAST_CROSSING_SEC] = now
        progress_state[CROSSINGS] += 1.0


@kernel
def locate(
    car_state: Array, progress_state: Array, line: CentreLine
) -> None:  # pragma: no cover - compiled
    """Find the car's cross-track error, place along the line, ground height and slope.

    The error is the perpendicular distance to the infinite line from the nearest node to the next,
    positive to the right.

    :param car_state: see ``vehicle``
    :param progress_state: its ``NODE`` is near the car's; changed in place
    :param line: the track's
    """
    nodes = line.nodes
    direction = line.direction
    n = len(line.nodes)
    x, z, yaw = car_state[vehicle.X], car_state[vehicle.Z], car_state[vehicle.YAW]
    i = _nearest_node(nodes, line.closed, int(progress_state[NODE]), x, z)
    dx, dz = x - nodes[i, 0], z - nodes[i, 1]
    along = dx * direction[i, 0] + dz * direction[i, 1]
    arc_u = line.arc_u[i] + along
    progress_state[NODE] = i
    progress_state[CTE] = dx * direction[i, 1] - dz * direction[i, 0]
    progress_state[ARC] = arc_u % line.length_u if line.closed else arc_u
    ahead = (i + 1) % n if line.closed or i + 1 < n else i
    behind = (i - 1) % n if line.closed or i > 0 else i
    run = math.hypot(nodes[ahead, 0] - nodes[behind, 0], nodes[ahead, 1] - nodes[behind, 1])
    grade = (nodes[ahead, 2] - nodes[behind, 2]) / max(run, 1e-9)
    forwards = math.sin(yaw) * direction[i, 0] + math.cos(yaw) * direction[i, 1]
    progress_state[HEIGHT_U] = nodes[i, 2] + grade * along
    progress_state[UPHILL] = grade * forwards
    progress_state[ACROSS] = 0.0
    if line.bank_reach_u > 0.0:
        _tilt(progress_state, line, i, ahead, along, grade, yaw)


@part
def _tilt(
    progress_state: Array,
    line: CentreLine,
    i: int,
    ahead: int,
    along: float,
    grade: float,
    yaw: float,
) -> None:  # pragma: no cover - compiled
    """Raise and slope the ground under a car on a banked road.

    :param progress_state: with the height of the path there; changed in place
    :param line: the track's
    :param i: the node nearest to the car
    :param ahead: the node after it
    :param along: place of the car past node ``i``, u
    :param grade: slope of the path along it
    :param yaw: of the car, radians
    """
    direction = line.direction
    reach = line.bank_reach_u
    beside_u = min(max(progress_state[CTE], -reach), reach)
    twist = (line.bank[ahead] - line.bank[i]) / max(line.span_u[i], 1e-9)
    bank = line.bank[i] + twist * along
    progress_state[HEIGHT_U] += bank * beside_u
    grade += twist * beside_u
    if beside_u != progress_state[CTE]:
        bank = 0.0
    forwards = math.sin(yaw) * direction[i, 0] + math.cos(yaw) * direction[i, 1]
    rightwards = math.sin(yaw) * direction[i, 1] - math.cos(yaw) * direction[i, 0]
    progress_state[UPHILL] = grade * forwards + bank * rightwards
    progress_state[ACROSS] = bank * forwards - grade * rightwards


@part
def _nearest_node(
    nodes: Array, closed: bool, i: int, x: float, z: float
) -> int:  # pragma: no cover - compiled
    """Returns the node nearest to a point, looked for from node ``i`` outwards.

    So another leg of the track close by is never mistaken for this one.
    """
    n = len(nodes)
    best = (nodes[i, 0] - x) ** 2 + (nodes[i, 1] - z) ** 2
    for sign in (1, -1):
        for _ in range(WIDEST_SEARCH):
            j = i + sign
            if closed:
                j %= n
            elif j < 0 or j >= n:
                break
            d2 = (nodes[j, 0] - x) ** 2 + (nodes[j, 1] - z) ** 2
            if d2 >= best:
                break
            i = j
            best = d2
    return i
