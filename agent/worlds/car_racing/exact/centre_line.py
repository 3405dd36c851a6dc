"""The centre line: a walk from checkpoint to checkpoint, of which one round is kept.

Lengths in units, angles in rad. A point is (angle about the middle, heading, x, y). All numbers
are those of Gymnasium's CarRacing-v3, and so is the order of the arithmetic: bits depend on it.
"""

from __future__ import annotations

import math

import numpy as np

from agent.worlds.car_racing.exact.arrays import Doubles
from agent.worlds.car_racing.exact.kinds import kernel, routine

SCALE = 6.0
RADIUS = 900 / SCALE  # of the circle that the track is a bent form of
STEP = 21 / SCALE  # between two points
MOST_TURN = 0.31  # per step
CHECKPOINTS = 12
DRAWS = 2 * CHECKPOINTS  # of the generator: an angle and a radius each
OUTER_RADIUS = 1.5 * RADIUS  # of the first and the last checkpoint
START_ANGLE = 2 * math.pi * (-0.5) / CHECKPOINTS  # a round begins where it is passed
MOST_STEPS = 2500
MOST_ROUNDS = 4
TURN = 2 * math.pi

ANGLE, HEADING, X, Y = range(4)


@kernel
def place_checkpoints(draws: Doubles, checkpoints: Doubles) -> None:  # pragma: no cover - compiled
    """Writes (angle, x, y) of each checkpoint.

    :param draws: (24,) uniform in [0, 1)
    :param checkpoints: (12, 3) to write
    """
    for c in range(CHECKPOINTS):
        angle = 2 * math.pi * c / CHECKPOINTS + (2 * math.pi * 1 / CHECKPOINTS) * draws[2 * c]
        radius = RADIUS / 3 + (RADIUS - RADIUS / 3) * draws[2 * c + 1]
        if c == 0:
            angle = 0.0
            radius = OUTER_RADIUS
        if c == CHECKPOINTS - 1:
            angle = 2 * math.pi * c / CHECKPOINTS
            radius = OUTER_RADIUS
        checkpoints[c, 0] = angle
        checkpoints[c, 1] = radius * math.cos(angle)
        checkpoints[c, 2] = radius * math.sin(angle)


@routine
def _aim(
    checkpoints: Doubles, target: int, angle: float
) -> tuple[int, float]:  # pragma: no cover - compiled
    """Returns the number of the checkpoint to go to, and the angle, a turn less for each round.

    :param checkpoints: (12, 3)
    :param target: number of the last one gone to; counts on over the rounds
    :param angle: of the position about the middle
    """
    while True:
        while angle > checkpoints[target % CHECKPOINTS, 0]:
            target += 1
            if target % CHECKPOINTS == 0:
                break
        else:
            return target, angle
        angle -= TURN


@routine
def _turn(heading: float, across: float) -> float:  # pragma: no cover - compiled
    """Returns the new heading.

    :param heading: so far
    :param across: distance of the checkpoint to the right of the heading
    """
    across *= SCALE
    if across > 0.3:
        heading -= min(MOST_TURN, abs(0.001 * across))
    if across < -0.3:
        heading += min(MOST_TURN, abs(0.001 * across))
    return heading


@kernel
def walk(checkpoints: Doubles, points: Doubles) -> int:  # pragma: no cover - compiled
    """Writes the points of more than four rounds; returns their number.

    :param checkpoints: (12, 3)
    :param points: (2500, 4) to write
    """
    x, y, heading = OUTER_RADIUS, 0.0, 0.0
    target = 0
    rounds = 0
    below = False  # the x axis, since the last round began
    for count in range(MOST_STEPS):
        angle = math.atan2(y, x)
        if below and angle > 0:
            rounds += 1
            below = False
        if angle < 0:
            below = True
            angle += TURN
        target, angle = _aim(checkpoints, target, angle)
        cos, sin = math.cos(heading), math.sin(heading)
        to_x = checkpoints[target % CHECKPOINTS, 1] - x
        to_y = checkpoints[target % CHECKPOINTS, 2] - y
        across = cos * to_x + sin * to_y
        while heading - angle > 1.5 * math.pi:
            heading -= TURN
        while heading - angle < -1.5 * math.pi:
            heading += TURN
        before = heading
        heading = _turn(heading, across)
        x += -sin * STEP
        y += cos * STEP
        points[count, ANGLE] = angle
        points[count, HEADING] = before * 0.5 + heading * 0.5
        points[count, X] = x
        points[count, Y] = y
        if rounds > MOST_ROUNDS:
            return count + 1
    return MOST_STEPS


@kernel
def find_round(points: Doubles, count: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """Returns first and end of the last whole round; (0, 0) if there is none or it is not closed.

    :param points: of the walk
    :param count: of them
    """
    end = -1
    for i in range(count - 1, 0, -1):
        if points[i, ANGLE] > START_ANGLE and points[i - 1, ANGLE] <= START_ANGLE:
            if end >= 0:
                first = i
                break
            end = i
    else:
        return 0, 0
    end -= 1
    heading = points[first, HEADING]
    gap_x = math.cos(heading) * (points[first, X] - points[end - 1, X])
    gap_y = math.sin(heading) * (points[first, Y] - points[end - 1, Y])
    if np.sqrt(gap_x * gap_x + gap_y * gap_y) > STEP:
        return 0, 0
    return first, end
