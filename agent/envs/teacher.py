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


class Teacher:
    """Drives along the centre lines of a fleet's worlds, whoever holds the wheel.

    :param grip: share of the tyres' grip that its speed asks for in bends
    :param throttle: least and largest throttle command
    """

    def __init__(self, fleet: Fleet, grip: float, throttle: tuple[float, float]) -> None:
        self.fleet, self.grip, self.throttle = fleet, grip, throttle
        self._roads = listed(self._road(0))
        for k in range(len(fleet.worlds)):
            self.refresh(k)

    def _road(self, k: int) -> tuple[Array, Array, Array, bool]:
        track = self.fleet.worlds[k].track
        line = centre_line(track, grip=self.grip, throttle=self.throttle[1], fastest_u=math.inf)
        heading = np.arctan2(track.direction[:, 0], track.direction[:, 1])
        return heading, line.curvature, line.speed_u, track.closed

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
        heading, curvature, speed_u, closed = roads[k]
        n, i, forward = len(heading), int(ways[k, NODE]), max(cars[k, FORWARD], 0.0)
        turned = (cars[k, YAW] - heading[i] + math.pi) % (2.0 * math.pi) - math.pi
        settle_u = max(CORRECTION_U, forward * CORRECTION_SEC)
        aside_u = min(max(ways[k, CTE], -LARGEST_ERROR * settle_u), LARGEST_ERROR * settle_u)
        ahead = i + round(PREVIEW_SEC * forward)  # nodes are a unit apart, or nearly so
        bend = curvature[ahead % n if closed else min(ahead, n - 1)]
        steering = steering_for(bend, aside_u, turned, settle_u)
        ahead = i + round(SPEEDING_UP_SEC * max(forward, 4.0))
        wanted_u = speed_u[ahead % n if closed else min(ahead, n - 1)]
        commands[k, 0] = min(max(steering, -MOST_STEERING), MOST_STEERING)
        commands[k, 1] = min(max(throttle_for(wanted_u, forward, ways[k, UPHILL], UNHURRIED_SEC), least), most)
