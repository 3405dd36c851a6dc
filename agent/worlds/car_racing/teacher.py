"""An expert that knows the track and its car, for a learner that only sees pictures.

It steers to a point of a rounded line ahead (pure pursuit, Coulter 1992) and never gives more gas
than the rear tyres can take, which is the trick of this car: a wheel that spins has no side grip.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.worlds.car_racing.racing_line import SPEED, Limits, X, Y, plan_line

WHEELBASE = 3.24  # units, of CarRacing's car
TILE = 3.5  # units from one point of a line to the next, about
SEARCH_AHEAD = 12  # points from the last place in which the next is looked for, as the next
SEARCH_BEHIND = 3
LOST = 30.0  # units from the line beyond which the nearest point is looked for everywhere


class Manner(NamedTuple):
    """Manner of the expert; docs/car-racing.md tells how the numbers were found.

    :param limits: of the line and its speeds
    :param smoothing: see ``plan_line``, as the next
    :param bumps: of the line
    :param ahead: units ahead at standstill that are steered to
    :param ahead_sec: and so many more for each unit/s
    :param steer_gain: factor on pure pursuit's angle
    :param gas_gain: share of the rear tyres' grip that gas asks for
    :param gas_steer: share of the gas that goes at full lock
    :param brake_gain: brake for each unit/s too fast
    """

    limits: Limits = Limits(4.9, 141.0, 102.0, 43.0, 99.0)
    smoothing: int = 23
    bumps: int = 2000
    ahead: float = 9.1
    ahead_sec: float = 0.132
    steer_gain: float = 1.19
    gas_gain: float = 1.95
    gas_steer: float = 0.55
    brake_gain: float = 0.022


MANNER = Manner()
# To be copied by a learner, who errs and sees no further than the picture: along the middle of the
# road with its bends rounded, for the quickest line depends on bends that are not in sight yet.
PATIENT = Manner(
    limits=Limits(3.6, 150.0, 96.0, 43.0, 99.0),
    bumps=0,
    ahead=9.0,
    ahead_sec=0.2,
    steer_gain=1.5,
    gas_gain=1.5,
    gas_steer=0.6,
    brake_gain=0.025,
)
# Distances of the points of the line whose bearings are part of a label; chosen, as the next ones.
AHEAD = (6.0, 12.0, 18.0, 24.0, 30.0, 36.0)
BEARING_WEIGHT = 0.2
SPEED_UNIT = 100.0  # units/s that count as 1 in a label
BLOCK = 12  # decisions that the expert or the learner drives at a stretch
NOISE = 0.25  # spread of the noise on the expert's steering while it drives for the learner


class Teacher:
    """Drives and labels n cars.

    A label's auxiliary numbers are the bearings of the line ahead (rad), the speed and the speed
    that is aimed at.

    :param n: cars
    :param manner: how it drives
    :param steer_limit: steering command of a learner's action 1
    :param takeover_steps: decisions of all cars until it leaves driving to the learner, 0 for never
        driving
    :param seed: of its noise and of who drives
    """

    def __init__(
        self, n: int, manner: Manner, steer_limit: float, takeover_steps: int = 0, seed: int = 0
    ) -> None:
        self.manner = manner
        self.steer_limit = steer_limit
        self.takeover_steps = takeover_steps
        self.rng = np.random.default_rng(seed)
        self.lines = np.zeros((n, 1, 3))
        self.lengths = np.ones(n, dtype=np.int64)
        self.places = np.zeros(n, dtype=np.int64)
        self._decisions = 0
        self._drives = np.ones(n, dtype=np.bool_)

    bearing_weights = (*[BEARING_WEIGHT for _ in AHEAD], BEARING_WEIGHT, BEARING_WEIGHT)
    bearing_signs = (*[-1.0 for _ in AHEAD], 1.0, 1.0)

    def restart(self, k: int, centre: NDArray[np.float64]) -> None:
        """Plans the line of the ``k``-th car's track.

        :param k: number of the car
        :param centre: middle of the road (tiles, 2)
        """
        manner = self.manner
        line = plan_line(centre, manner.limits, manner.smoothing, manner.bumps)
        if len(line) > self.lines.shape[1]:
            wider = np.zeros((len(self.lines), len(line), 3))
            wider[:, : self.lines.shape[1]] = self.lines
            self.lines = wider
        self.lines[k, : len(line)] = line
        self.lengths[k] = len(line)
        self.places[k] = 0

    def commands(self, cars: NDArray[np.void]) -> NDArray[np.float64]:
        """Commands (n, 3) for the cars as they are: steering, gas, brake."""
        commands = np.empty((len(cars), 3))
        _drive(cars, self.lines, self.lengths, self.places, self.manner, commands)
        return commands

    def bearings(self, cars: NDArray[np.void]) -> NDArray[np.float32]:
        """Auxiliary numbers (n, m) of labels; after ``commands``."""
        found = np.empty((len(cars), len(self.bearing_weights)))
        _look_ahead(cars, self.lines, self.lengths, self.places, np.array(AHEAD), found)
        return found.astype(np.float32)

    def take_over(
        self, learned: NDArray[np.float64], taught: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Commands (n, 3) that are driven: the learner's, at first mostly the expert's.

        :param learned: the learner's commands (n, 3)
        :param taught: the expert's
        """
        if self._decisions >= self.takeover_steps:
            return learned
        n = len(learned)
        if self._decisions // n % BLOCK == 0:
            left = 1.0 - self._decisions / self.takeover_steps
            self._drives = self.rng.random(n) < left
        self._decisions += n
        driven = np.where(self._drives[:, None], taught, learned)
        noise = NOISE * self.steer_limit * self.rng.standard_normal(n)
        driven[:, 0] = np.clip(driven[:, 0] + self._drives * noise, -1.0, 1.0)
        return driven


@njit(cache=True)
def _state(car):  # type: ignore[no-untyped-def]
    """Place (units), heading (rad) and speed (units/s) of a car."""
    position = car["position"][0]
    velocity = car["velocity"][0]
    speed = np.hypot(np.float64(velocity[0]), np.float64(velocity[1]))
    return np.float64(position[0]), np.float64(position[1]), np.float64(car["angle"][0]), speed


@njit(cache=True)
def _drive(cars, lines, lengths, places, manner, commands):  # type: ignore[no-untyped-def]
    """Fills in ``commands``, and moves ``places`` on to where the cars are."""
    for k in range(len(cars)):
        car = cars[k]
        n = lengths[k]
        x, y, angle, speed = _state(car)
        place = _nearest(lines[k], n, places[k], x, y)
        places[k] = place
        ahead = manner.ahead + manner.ahead_sec * speed
        target = (place + int(round(ahead / TILE))) % n
        bearing = _bearing(lines[k, target, X] - x, lines[k, target, Y] - y, angle)
        distance = max(np.hypot(lines[k, target, X] - x, lines[k, target, Y] - y), 1.0)
        turn = manner.steer_gain * np.arctan2(2.0 * WHEELBASE * np.sin(bearing), distance)
        commands[k, 0] = min(max(-turn, -1.0), 1.0)
        wanted = lines[k, (place + 1 + int(speed * 0.02 / TILE)) % n, SPEED]
        gas, brake = _pedals(car, wanted - speed, turn, manner)
        commands[k, 1] = gas
        commands[k, 2] = brake


@njit(cache=True)
def _pedals(car, too_slow, turn, manner):  # type: ignore[no-untyped-def]
    """Gas and brake for a speed that is so many units/s too low."""
    if too_slow > 0.0:
        spin = 0.5 * (abs(car["spin"][2]) + abs(car["spin"][3]))
        # Gas of 1 speeds a wheel up by 500 / (spin + 5) rad/s in a frame; the road takes 2.7.
        grip = 2.7 * (spin + 5.0) / 500.0
        gas = min(1.0, manner.gas_gain * grip) * min(1.0, too_slow / 3.0)
        return gas * max(0.0, 1.0 - manner.gas_steer * abs(turn) / 0.4), 0.0
    if too_slow < -1.0:
        return 0.0, min(0.85, -too_slow * manner.brake_gain)
    return 0.0, 0.0


@njit(cache=True)
def _nearest(line, n, place, x, y):  # type: ignore[no-untyped-def]
    """Number of the point of the line that is nearest to a place."""
    best = place
    least = np.inf
    for step in range(-SEARCH_BEHIND, SEARCH_AHEAD):
        i = (place + step) % n
        distance = np.hypot(line[i, X] - x, line[i, Y] - y)
        if distance < least:
            least = distance
            best = i
    if least > LOST:
        for i in range(n):
            distance = np.hypot(line[i, X] - x, line[i, Y] - y)
            if distance < least:
                least = distance
                best = i
    return best


@njit(cache=True)
def _bearing(dx, dy, angle):  # type: ignore[no-untyped-def]
    """Angle (rad) to the left of a car's heading at which a place lies."""
    ahead = -np.sin(angle) * dx + np.cos(angle) * dy
    left = -np.cos(angle) * dx - np.sin(angle) * dy
    return np.arctan2(left, ahead)


@njit(cache=True)
def _look_ahead(cars, lines, lengths, places, ahead, found):  # type: ignore[no-untyped-def]
    """Fills in bearings of the line ahead, the speed and the speed that is aimed at."""
    for k in range(len(cars)):
        car = cars[k]
        n = lengths[k]
        x, y, angle, speed = _state(car)
        for i in range(len(ahead)):
            point = (places[k] + int(round(ahead[i] / TILE))) % n
            found[k, i] = _bearing(lines[k, point, X] - x, lines[k, point, Y] - y, angle)
        found[k, len(ahead)] = speed / SPEED_UNIT
        found[k, len(ahead) + 1] = lines[k, (places[k] + 1) % n, SPEED] / SPEED_UNIT
