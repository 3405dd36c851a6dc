"""Episodes of the exact CarRacing: the start, one step, and many steps of many cars."""

from __future__ import annotations

import numpy as np
from numba import njit

from agent.worlds.car_racing.exact.arrays import Bools, Doubles, Longs
from agent.worlds.car_racing.exact.bodies import HULL_CENTRE_X, HULL_CENTRE_Y, WHEEL_PLACES
from agent.worlds.car_racing.exact.car import BODIES, HULL, WHEELS, Cars, Record
from agent.worlds.car_racing.exact.centre_line import HEADING, X, Y
from agent.worlds.car_racing.exact.island import solve_island
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.positions import rotate
from agent.worlds.car_racing.exact.room import Room, make_room
from agent.worlds.car_racing.exact.touch import touch_tiles
from agent.worlds.car_racing.exact.track import Track
from agent.worlds.car_racing.exact.tracks import Tracks
from agent.worlds.car_racing.exact.wheels import STEP_SEC, command, drive_wheels

PLAYFIELD = 2000 / 6.0  # units: an episode ends beyond it
OFF_FIELD_REWARD = -100.0
STEP_REWARD = -0.1
LAP_SHARE = 0.95  # Gymnasium's lap_complete_percent


@routine
def _move(car: Record, tracks: Tracks, k: int, room: Room) -> None:  # pragma: no cover - compiled
    """Advances wheels, touches and bodies by one step, in this order: touches are of before.

    :param car: the record
    :param tracks: of all cars
    :param k: number of the car
    :param room: for a step
    """
    drive_wheels(car, room.forces)
    touch_tiles(car, tracks, k, room)
    solve_island(car, room)
    car.time += STEP_SEC


@routine
def step(
    car: Record, tracks: Tracks, k: int, action: Doubles, room: Room
) -> tuple[float, bool]:  # pragma: no cover - compiled
    """Returns the step's reward, and if the episode has ended (its time apart).

    :param car: the record
    :param tracks: of all cars
    :param k: number of the car
    :param action: (3,) steering -1 to 1, gas, brake 0 to 1
    :param room: for a step
    """
    command(car, action[0], action[1], action[2])
    _move(car, tracks, k, room)
    car.steps += 1
    car.score = car.reward
    car.reward += STEP_REWARD
    reward = car.reward - car.paid
    car.paid = car.reward
    finished = car.visited == car.tiles or car.new_lap == 1
    x, y = np.float64(car.position[HULL, 0]), np.float64(car.position[HULL, 1])
    if abs(x) > PLAYFIELD or abs(y) > PLAYFIELD:
        return OFF_FIELD_REWARD, True
    car.lap_finished = finished
    return reward, finished


@njit(cache=True, error_model="numpy")
def _place_at(
    cars: Cars, tracks: Tracks, k: int, x: float, y: float, heading: float
) -> None:  # pragma: no cover - compiled
    """Places a car whose record is empty, and lets a step without a command pass.

    :param cars: the records
    :param tracks: of all cars
    :param k: number of the car
    :param x: place, units
    :param y: the same
    :param heading: rad
    """
    car = cars[k]
    for body in range(BODIES):
        car.angle[body] = heading
        car.centre[body, 0] = x
        car.centre[body, 1] = y
    for wheel in range(WHEELS):
        car.centre[1 + wheel, 0] = x + WHEEL_PLACES[wheel, 0]
        car.centre[1 + wheel, 1] = y + WHEEL_PLACES[wheel, 1]
    rotate(car)
    sin, cos = car.rotation[HULL, 0], car.rotation[HULL, 1]
    car.position[HULL, 0] = x
    car.position[HULL, 1] = y
    car.centre[HULL, 0] = (cos * HULL_CENTRE_X - sin * HULL_CENTRE_Y) + car.position[HULL, 0]
    car.centre[HULL, 1] = (sin * HULL_CENTRE_X + cos * HULL_CENTRE_Y) + car.position[HULL, 1]
    _move(car, tracks, k, make_room())
    car.score = car.reward


def start(cars: Cars, tracks: Tracks, k: int, track: Track, lap_share: float = LAP_SHARE) -> None:
    """Starts an episode of car ``k``, as Gymnasium's reset does.

    :param cars: the records
    :param tracks: of all cars
    :param k: number of the car
    :param track: to drive on
    :param lap_share: Gymnasium's ``lap_complete_percent``
    """
    tracks.load(k, track)
    cars[k] = np.zeros((), cars.dtype)
    cars[k]["tiles"] = track.tiles
    cars[k]["lap_share"] = lap_share
    first = track.points[0]
    _place_at(cars, tracks, k, first[X], first[Y], first[HEADING])


@njit(cache=True, error_model="numpy")
def advance_all(
    cars: Cars,
    tracks: Tracks,
    actions: Doubles,
    most: Longs,
    rewards: Doubles,
    done: Longs,
    ended: Bools,
) -> None:  # pragma: no cover - compiled
    """Drives each car for a number of steps, or to the end of its episode.

    :param cars: (n,) records
    :param tracks: of the n cars
    :param actions: (n, 3) steering, gas and brake, each held for all its steps
    :param most: (n,) steps to do
    :param rewards: (n,) to write, sums over the steps
    :param done: (n,) to write, steps that were done
    :param ended: (n,) to write, true if the last of them ended the episode
    """
    room = make_room()
    for k in range(cars.shape[0]):
        rewards[k] = 0.0
        done[k] = 0
        ended[k] = False
        while done[k] < most[k] and not ended[k]:
            reward, ended[k] = step(cars[k], tracks, k, actions[k], room)
            rewards[k] += reward
            done[k] += 1
