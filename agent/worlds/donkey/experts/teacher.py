"""A driver who knows the road, asked at every step what it would do: what those who only see the road can learn from.

Ross et al. 2011 (DAgger): the learner drives, and the expert's commands label what the learner meets, so it learns to
come back from its own mistakes. Chen et al. 2019 (Learning by Cheating): an expert that is told where it is, as only a
simulator can tell, teaches one that sees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.fleet import Fleet, set_item, typed_list
from agent.simulator.track_progress import NODE, UPHILL
from agent.simulator.tracks import Array
from agent.simulator.vehicle import FORWARD, YAW, X, Z
from agent.worlds.donkey.experts.line_follower import (
    PREVIEW_SEC,
    SPEEDING_UP_SEC,
    steering_for,
    throttle_for,
)
from agent.worlds.donkey.experts.race_line import rounded_line

# Commands that change slowly from picture to picture can be learned from pictures: an error goes within so much way and
# is taken as no larger than so many of it, and the speed ahead is aimed at in this time.
CORRECTION_U, CORRECTION_SEC, LARGEST_ERROR = 5.0, 0.25, 1.5
UNHURRIED_SEC = 1.0
# A learner in doubt errs to the middle: it turns too little and drives too slowly on straights. So it is asked for more
# steering, for what the car cannot turn, and for so much throttle beyond its limits.
INSISTENCE, MOST_STEERING = 1.3, 2.0
EAGERNESS = 0.2
NEAR = 10  # nodes from the one that a car is at to the nearest point of the line at most
# The middle of the road is pointed at so far ahead: whoever can tell where it lies has seen what the steering is for.
AHEAD_U = (4.0, 7.0, 10.0, 14.0, 19.0, 25.0)


class Teacher:
    """Drives along the middle of the roads of a fleet's worlds, bends rounded, whoever holds the wheel.

    On generated roads the path, from which the cross-track error is measured, is the right lane, and no picture tells
    them from roads whose path is the middle. The middle is what can be seen, and near enough to either; and how a bend
    is rounded shows in the bend itself, where the line of a whole lap would depend on what is out of sight.

    :param grip: share of the tyres' grip that its speed asks for in bends
    :param throttle: least and largest throttle command
    """

    def __init__(self, fleet: Fleet, grip: float, throttle: tuple[float, float]) -> None:
        self.fleet, self.grip, self.throttle = fleet, grip, throttle
        self._roads = typed_list(self._road(0))
        for k in range(len(fleet.worlds)):
            self.refresh(k)

    def _road(self, k: int) -> tuple[Array, Array, Array, Array, Array, float, bool]:
        """The middle's points, the line's, its heading, curvature and speed; nodes per u, if closed."""
        track, scene = self.fleet.worlds[k].track, self.fleet.worlds[k].scene
        line = rounded_line(track, scene.middle_u, grip=self.grip, throttle=self.throttle[1])
        middle, per_u = track.parallel_line(scene.middle_u)[:, :2], len(track.nodes) / track.length_u
        return (
            np.ascontiguousarray(middle), line.points, line.heading, line.curvature, line.speed_u, per_u, track.closed,
        )  # fmt: skip

    def refresh(self, k: int) -> None:
        """Take note of the ``k``-th world's road."""
        set_item(self._roads, k, self._road(k))

    def commands(self, throttle_cap: float = math.inf) -> Array:
        """Steering and throttle (n, 2) for the fleet as it stands.

        Steering is within ``MOST_STEERING``, throttle within ``EAGERNESS`` of its limits.
        """
        commands = np.empty((len(self.fleet.worlds), 2))
        least, most = self.throttle
        _advise(
            commands, self.fleet.car_states, self.fleet.progress_states, self._roads, least, min(most, throttle_cap)
        )
        return commands

    def bearings(self) -> Array:
        """Where the middle of the road lies ``AHEAD_U`` (n, 6): angles in radians, to the right positive.

        The angle is as from a unit behind the car, so that a point beside it does not leap from side to side.
        """
        bearings = np.empty((len(self.fleet.worlds), len(AHEAD_U)))
        _point(bearings, self.fleet.car_states, self.fleet.progress_states, self._roads, np.array(AHEAD_U))
        return bearings


@njit(cache=True, nogil=True)
def _advise(
    commands: NDArray[np.float64], cars: Array, ways: Array, roads: Any, least: float, most: float
) -> None:  # pragma: no cover - compiled
    for k in range(len(cars)):
        _, line, heading, curvature, speed_u, per_u, closed = roads[k]
        n, node, forward = len(line), int(ways[k, NODE]), max(cars[k, FORWARD], 0.0)
        i, least_u2 = node, np.inf
        for offset in range(-NEAR, NEAR + 1):
            j = (node + offset) % n if closed else min(max(node + offset, 0), n - 1)
            u2 = (cars[k, X] - line[j, 0]) ** 2 + (cars[k, Z] - line[j, 1]) ** 2
            if u2 < least_u2:
                i, least_u2 = j, u2
        turned = (cars[k, YAW] - heading[i] + math.pi) % (2.0 * math.pi) - math.pi
        right_u = (cars[k, X] - line[i, 0]) * math.cos(heading[i]) - (
            cars[k, Z] - line[i, 1]
        ) * math.sin(heading[i])
        settle_u = max(CORRECTION_U, forward * CORRECTION_SEC)
        aside_u = min(max(right_u, -LARGEST_ERROR * settle_u), LARGEST_ERROR * settle_u)
        ahead = i + round(PREVIEW_SEC * forward * per_u)
        bend = curvature[ahead % n if closed else min(ahead, n - 1)]
        steering = steering_for(bend, aside_u, turned, settle_u)
        ahead = i + round(SPEEDING_UP_SEC * max(forward, 4.0) * per_u)
        wanted_u = speed_u[ahead % n if closed else min(ahead, n - 1)]
        commands[k, 0] = min(max(INSISTENCE * steering, -MOST_STEERING), MOST_STEERING)
        throttle = throttle_for(wanted_u, forward, ways[k, UPHILL], UNHURRIED_SEC)
        commands[k, 1] = min(max(throttle, least - EAGERNESS), most + EAGERNESS)


@njit(cache=True, nogil=True)
def _point(
    bearings: NDArray[np.float64], cars: Array, ways: Array, roads: Any, ahead_u: Array
) -> None:  # pragma: no cover - compiled
    for k in range(len(cars)):
        points, _, _, _, _, per_u, closed = roads[k]
        n, sine, cosine = len(points), math.sin(cars[k, YAW]), math.cos(cars[k, YAW])
        for j in range(len(ahead_u)):
            i = int(ways[k, NODE]) + round(ahead_u[j] * per_u)
            i = i % n if closed else min(i, n - 1)
            x, z = points[i, 0] - cars[k, X], points[i, 1] - cars[k, Z]
            bearings[k, j] = math.atan2(
                x * cosine - z * sine, max(x * sine + z * cosine, 0.0) + 1.0
            )
