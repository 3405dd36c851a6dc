"""An expert that knows the road and labels every step, for a learner that only sees.

Ross et al. 2011 (DAgger): the learner drives, and the expert's commands label what the learner
meets, so the learner finds out how to come back from its own mistakes. Chen et al. 2019 (Learning
by Cheating): an expert with privileged information, as only a simulator has it, teaches one that
sees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.compiled_lists import set_item, typed_list
from agent.simulator.fleet import Fleet
from agent.simulator.track_progress import NODE, UPHILL
from agent.simulator.typing import Array
from agent.simulator.vehicle import FORWARD, YAW, YAW_RATE, X, Z, scrub
from agent.worlds.donkey.experts.line import rounded_line
from agent.worlds.donkey.experts.line_follower import (
    SLOWEST_PREVIEW_U,
    SPEEDING_UP_SEC,
    steering_for,
    throttle_for,
)

# All of these are chosen (docs/donkeycar.md). Commands that change slowly from picture to picture
# can be learned from pictures. So an error dies away over this way, or this time where that is
# more, and counts as no larger than this many ways; the road's bend is looked up where the car is
# after a time; and the speed ahead is aimed at in a time.
CORRECTION_U = 9.0
CORRECTION_SEC = 0.25
LARGEST_ERROR = 1.5
BEND_PREVIEW_SEC = 0.2
SPEED_TIME_SEC = 1.0
# A learner in doubt errs towards the middle: it turns too little and drives too slowly on
# straights. So commands ask for more steering than the line needs, and may ask for more than the
# car can do. Labels are clipped to the action space (``DonkeyVectorEnv.labels``).
STEERING_GAIN = 1.3
MOST_STEERING = 2.0
THROTTLE_OVERSHOOT = 0.2
NEAR = 10  # nodes from the one that a car is at to the nearest point of the line at most
# Distances of the points of the road's middle whose bearings are part of a label. A network that
# can tell where the road lies has seen what the steering is for.
AHEAD_U = (4.0, 7.0, 10.0, 14.0, 19.0, 25.0)
BEARING_BASE_U = 1.0  # bearings are as from so far behind the car

# A label is steering, throttle and the bearings. A steering command says more of the road than a
# throttle, which depends on a speed that pictures hardly show. The bearings count as much together:
# they make the features tell the road, which serves the steering.
LABEL_WEIGHTS = (1.0, 0.2, *[0.2 for _ in AHEAD_U])
MIRROR_SIGNS = (-1.0, 1.0, *[-1.0 for _ in AHEAD_U])


class Teacher:
    """Says how to drive along the middle of the roads of a fleet's worlds, bends rounded.

    On generated roads the path, from which the cross-track error is measured, is the right lane,
    and no picture tells them from roads whose path is the middle. The middle can be seen, and is
    near enough to either. How a bend is rounded shows in the bend itself, where the line of a whole
    lap would depend on what is out of sight.

    :param fleet: the worlds
    :param grip: share of the tyres' grip that its speed asks for in bends
    :param throttle: least and largest throttle command
    """

    def __init__(self, fleet: Fleet, grip: float, throttle: tuple[float, float]) -> None:
        self.fleet = fleet
        self.grip = grip
        self.throttle = throttle
        self._roads = typed_list(self._road(0))
        for k in range(len(fleet.worlds)):
            self.refresh(k)

    def _road(self, k: int) -> tuple[Array, Array, Array, Array, Array, float, bool]:
        """Middle points; line points, heading, curvature, speed; nodes per u; closed."""
        world = self.fleet.worlds[k]
        track = world.track
        middle_u = world.scene.middle_u
        line = rounded_line(track, middle_u, grip=self.grip, throttle=self.throttle[1])
        return (
            np.ascontiguousarray(track.parallel_line(middle_u)[:, :2]),
            line.points,
            line.heading,
            line.curvature,
            line.speed_u,
            len(track.nodes) / track.length_u,
            track.closed,
        )

    def refresh(self, k: int) -> None:
        """Take note of the ``k``-th world's road."""
        set_item(self._roads, k, self._road(k))

    def commands(self, throttle_cap: float = math.inf) -> Array:
        """Steering and throttle (n, 2) for the fleet as it stands.

        Steering is within ``MOST_STEERING``, throttle within ``THROTTLE_OVERSHOOT`` of its limits.
        """
        fleet = self.fleet
        commands = np.empty((len(fleet.worlds), 2))
        least, most = self.throttle
        most = min(most, throttle_cap)
        _advise(commands, fleet.car_states, fleet.progress_states, self._roads, least, most)
        return commands

    def bearings(self) -> Array:
        """Bearings (n, 6) of the middle of the road ``AHEAD_U``, in radians, to the right positive.

        The angle is as from ``BEARING_BASE_U`` behind the car, so that a point beside it does not
        leap from side to side.
        """
        fleet = self.fleet
        bearings = np.empty((len(fleet.worlds), len(AHEAD_U)))
        ahead_u = np.array(AHEAD_U)
        _point(bearings, fleet.car_states, fleet.progress_states, self._roads, ahead_u)
        return bearings


@njit(cache=True, nogil=True)
def _advise(
    commands: NDArray[np.float64],
    car_states: Array,
    progress_states: Array,
    roads: Any,
    least: float,
    most: float,
) -> None:  # pragma: no cover - compiled
    for k in range(len(car_states)):
        _, line, heading, curvature, speed_u, per_u, closed = roads[k]
        n = len(line)
        x, z, yaw = car_states[k, X], car_states[k, Z], car_states[k, YAW]
        forward = max(car_states[k, FORWARD], 0.0)
        i = _nearest(line, x, z, int(progress_states[k, NODE]), closed)
        turned = (yaw - heading[i] + math.pi) % (2.0 * math.pi) - math.pi
        right_u = (x - line[i, 0]) * math.cos(heading[i]) - (z - line[i, 1]) * math.sin(heading[i])
        settle_u = max(CORRECTION_U, forward * CORRECTION_SEC)
        aside_u = min(max(right_u, -LARGEST_ERROR * settle_u), LARGEST_ERROR * settle_u)
        bend_at = _at(i + round(BEND_PREVIEW_SEC * forward * per_u), n, closed)
        steering = STEERING_GAIN * steering_for(curvature[bend_at], aside_u, turned, settle_u)
        commands[k, 0] = min(max(steering, -MOST_STEERING), MOST_STEERING)
        preview_u = SPEEDING_UP_SEC * max(forward, SLOWEST_PREVIEW_U)
        wanted_u = speed_u[_at(i + round(preview_u * per_u), n, closed)]
        scrubbed = scrub(forward * car_states[k, YAW_RATE], commands[k, 0])
        uphill = progress_states[k, UPHILL]
        throttle = throttle_for(wanted_u, forward, uphill, scrubbed, SPEED_TIME_SEC)
        commands[k, 1] = min(max(throttle, least - THROTTLE_OVERSHOOT), most + THROTTLE_OVERSHOOT)


@njit(cache=True, nogil=True)
def _nearest(
    line: Array, x: float, z: float, node: int, closed: bool
) -> int:  # pragma: no cover - compiled
    """Index of the line's point nearest to ``x, z``, within ``NEAR`` of ``node``."""
    best = node
    least_u2 = np.inf
    for offset in range(-NEAR, NEAR + 1):
        j = _at(node + offset, len(line), closed)
        u2 = (x - line[j, 0]) ** 2 + (z - line[j, 1]) ** 2
        if u2 < least_u2:
            best = j
            least_u2 = u2
    return best


@njit(cache=True, nogil=True)
def _at(i: int, n: int, closed: bool) -> int:  # pragma: no cover - compiled
    """Index of the ``i``-th of a line's n points: round and round if closed, else clipped."""
    if closed:
        return i % n
    return min(max(i, 0), n - 1)


@njit(cache=True, nogil=True)
def _point(
    bearings: NDArray[np.float64],
    car_states: Array,
    progress_states: Array,
    roads: Any,
    ahead_u: Array,
) -> None:  # pragma: no cover - compiled
    for k in range(len(car_states)):
        points, _, _, _, _, per_u, closed = roads[k]
        sine = math.sin(car_states[k, YAW])
        cosine = math.cos(car_states[k, YAW])
        for j in range(len(ahead_u)):
            node = int(progress_states[k, NODE]) + round(ahead_u[j] * per_u)
            i = _at(node, len(points), closed)
            x = points[i, 0] - car_states[k, X]
            z = points[i, 1] - car_states[k, Z]
            right_u = x * cosine - z * sine
            forward_u = x * sine + z * cosine
            bearings[k, j] = math.atan2(right_u, max(forward_u, 0.0) + BEARING_BASE_U)
