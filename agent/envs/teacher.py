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

from agent.envs.line_follower import PREVIEW_SEC, SPEEDING_UP_SEC, steering_for, throttle_for
from agent.simulator.fleet import Fleet, listed, put
from agent.simulator.raceline import centre_line
from agent.simulator.tracks import Array
from agent.simulator.vehicle import FORWARD, YAW
from agent.simulator.way import CTE, NODE, UPHILL

# Commands that change slowly from picture to picture can be learned from pictures: an error goes within so much way and
# is taken as no larger than so many of it, and the speed ahead is aimed at in this time.
CORRECTION_U, CORRECTION_SEC, LARGEST_ERROR = 5.0, 0.25, 1.5
UNHURRIED_SEC = 3.0
# What the car cannot turn it is still asked for, or a learner, who errs to the middle, would never turn fully.
MOST_STEERING = 1.5
SHARPEST_SHIFT = 0.3  # of a bend's radius is left at least on its inside, however far aside the middle is


class Teacher:
    """Drives along the middle of the roads of a fleet's worlds, whoever holds the wheel.

    On some roads the path, from which the cross-track error is measured, is the right lane, and no picture tells them
    from those whose path is the middle. The middle is what can be seen, and near enough to either.

    :param grip: share of the tyres' grip that its speed asks for in bends
    :param throttle: least and largest throttle command
    """

    def __init__(self, fleet: Fleet, grip: float, throttle: tuple[float, float]) -> None:
        self.fleet, self.grip, self.throttle = fleet, grip, throttle
        self._roads = listed(self._road(0))
        for k in range(len(fleet.worlds)):
            self.refresh(k)

    def _road(self, k: int) -> tuple[Array, Array, Array, float, bool]:
        """Heading, curvature and speed along the middle, how far right of the path it is, and whether it is closed."""
        track, road = self.fleet.worlds[k].track, self.fleet.worlds[k].scene.cross_section[0]
        middle_u = 0.5 * (road["from_u"] + road["to_u"])
        line = centre_line(track, grip=self.grip, throttle=self.throttle[1], fastest_u=math.inf)
        heading = np.arctan2(track.direction[:, 0], track.direction[:, 1])
        curvature = line.curvature / np.maximum(1.0 - middle_u * line.curvature, SHARPEST_SHIFT)
        return heading, curvature, line.speed_u, middle_u, track.closed

    def refresh(self, k: int) -> None:
        """Take note of the ``k``-th world's road."""
        put(self._roads, k, self._road(k))

    def commands(self) -> Array:
        """Steering and throttle (n, 2) for the fleet as it stands, steering within ``MOST_STEERING``."""
        commands = np.empty((len(self.fleet.worlds), 2))
        _advise(commands, self.fleet.cars, self.fleet.ways, self._roads, *self.throttle)
        return commands


@njit(cache=True)
def _advise(
    commands: NDArray[np.float64], cars: Array, ways: Array, roads: Any, least: float, most: float
) -> None:  # pragma: no cover - compiled
    for k in range(len(cars)):
        heading, curvature, speed_u, middle_u, closed = roads[k]
        n, i, forward = len(heading), int(ways[k, NODE]), max(cars[k, FORWARD], 0.0)
        turned = (cars[k, YAW] - heading[i] + math.pi) % (2.0 * math.pi) - math.pi
        settle_u = max(CORRECTION_U, forward * CORRECTION_SEC)
        aside_u = min(max(ways[k, CTE] - middle_u, -LARGEST_ERROR * settle_u), LARGEST_ERROR * settle_u)
        ahead = i + round(PREVIEW_SEC * forward)  # nodes are a unit apart, or nearly so
        bend = curvature[ahead % n if closed else min(ahead, n - 1)]
        steering = steering_for(bend, aside_u, turned, settle_u)
        ahead = i + round(SPEEDING_UP_SEC * max(forward, 4.0))
        wanted_u = speed_u[ahead % n if closed else min(ahead, n - 1)]
        commands[k, 0] = min(max(steering, -MOST_STEERING), MOST_STEERING)
        commands[k, 1] = min(max(throttle_for(wanted_u, forward, ways[k, UPHILL], UNHURRIED_SEC), least), most)
