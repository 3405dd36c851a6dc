"""The exact CarRacing beside the installed one: how many values differ, and how fast it is.

    python experiments/car_racing_exactness.py [--seeds 20] [--steps 1000] [--speed]

Gymnasium's drawing is left out, so its physics alone run; it takes a minute. For the pictures, see
experiments/car_racing_pictures.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray

from agent.worlds.car_racing.exact.car import CAR, WHEELS
from agent.worlds.car_racing.exact.episode import advance_all, start
from agent.worlds.car_racing.exact.track import Track, make_track
from agent.worlds.car_racing.exact.tracks import make_tracks
from experiments.car_racing_drivers import DRIVERS, Driver

EPISODE_STEPS = 1000
SPEED_CARS = 16


def real_car_racing(**options: Any) -> Any:
    """Returns Gymnasium's own world without wrappers and without its drawing."""
    env: Any = gymnasium.make("CarRacing-v3", **options).unwrapped
    picture = np.zeros((96, 96, 3), np.uint8)
    env._render = lambda _mode: picture
    return env


class ExactCar:
    """One car of ours, and its last step."""

    def __init__(self) -> None:
        self._cars = np.zeros(1, CAR)
        self.tracks = make_tracks(1)
        self._rewards = np.zeros(1)
        self._done = np.zeros(1, np.int64)
        self._ended = np.zeros(1, np.bool_)
        self._once = np.ones(1, np.int64)

    def reset(self, track: Track) -> None:
        """Starts an episode."""
        start(self._cars, self.tracks, 0, track)

    def step(self, action: NDArray[np.float32]) -> tuple[float, bool]:
        """Returns reward and end."""
        actions = action.astype(np.float64)[None]
        results = (self._rewards, self._done, self._ended)
        advance_all(self._cars, self.tracks, actions, self._once, *results)
        return float(self._rewards[0]), bool(self._ended[0])

    @property
    def record(self) -> Any:
        """The car."""
        return self._cars[0]


@dataclass
class Difference:
    """Counts of one drive: values that differ, of how many steps."""

    steps: int = 0
    bodies: int = 0  # positions, angles, velocities of the five, by their bits
    wheels: int = 0  # spins, phases and touches
    tiles: int = 0  # visited, repainted
    rewards: int = 0
    ends: int = 0

    def add(self, other: Difference) -> None:
        """Adds the counts of another drive."""
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def values(self) -> int:
        """Number of all values that differ."""
        return self.bodies + self.wheels + self.tiles + self.rewards + self.ends


def _bodies(env: Any) -> NDArray[np.float32]:
    """Returns (x, y, angle, speeds, yaw rate) of the five bodies of the real car."""
    bodies = [env.car.hull, *env.car.wheels]
    rows = [(*b.position, b.angle, *b.linearVelocity, b.angularVelocity) for b in bodies]
    return np.array(rows, np.float32)


def _our_bodies(car: Any) -> NDArray[np.float32]:
    """Returns the same of ours."""
    columns = (car["position"], car["angle"][:, None], car["velocity"], car["yaw_rate"][:, None])
    return np.concatenate(columns, axis=1)


def _count_state(env: Any, exact: ExactCar, found: Difference) -> None:
    """Counts what differs in the state of the cars.

    :param env: the real world
    :param exact: ours
    :param found: to add to
    """
    car = exact.record
    real, ours = _bodies(env).view(np.int32), _our_bodies(car).view(np.int32)
    found.bodies += int((real != ours).sum())
    wheels = [(w.omega, w.phase, bool(w.tiles)) for w in env.car.wheels]
    for k in range(WHEELS):
        found.wheels += wheels[k] != (car["spin"][k], car["phase"][k], bool(car["on_road"][k]))
    found.tiles += int(env.tile_visited_count != car["visited"])
    found.rewards += int(env.reward != car["reward"])


def _count_tiles(env: Any, track: Track, exact: ExactCar, found: Difference) -> None:
    """Counts the tiles that one has touched and the other has not.

    :param env: the real world
    :param track: of both
    :param exact: ours
    :param found: to add to
    """
    visited = np.array([tile.road_visited for tile in env.road])
    found.tiles += int((visited != exact.tracks.visited[0, : track.tiles]).sum())
    real = np.array([[int(level) for level in colour] for _, colour in env.road_poly])
    ours = exact.tracks.colours[0, : len(real)]
    found.tiles += int((real != ours).any(1).sum())


def compare(env: Any, exact: ExactCar, driver: Driver, seed: int, steps: int) -> Difference:
    """Drives the real car, and ours with the same actions; returns what differs.

    :param env: Gymnasium's world, undrawn
    :param exact: ours
    :param driver: of the real car
    :param seed: of track and driver
    :param steps: at most
    """
    env.reset(seed=seed)
    track = make_track(np_random(seed)[0])
    exact.reset(track)
    rng = np.random.default_rng(seed)
    found = Difference(tiles=int(not np.array_equal(env.track, track.points)))
    _count_state(env, exact, found)
    end = False
    while found.steps < steps and not end:
        action = driver(env, rng, found.steps)
        _, real_reward, end, _, info = env.step(action)
        reward, our_end = exact.step(action)
        found.steps += 1
        found.rewards += int(reward != real_reward)
        found.ends += int(end != our_end)
        _count_state(env, exact, found)
    finished = info.get("lap_finished", False)
    found.ends += finished != bool(exact.record["lap_finished"])
    _count_tiles(env, track, exact, found)
    return found


def print_differences(seeds: int, steps: int) -> int:
    """Prints the table of all drivers; returns the number of values that differ."""
    print("| driver | drives | steps | bodies | wheels | tiles | rewards | ends |")
    print("|---|---|---|---|---|---|---|---|")
    env, exact = real_car_racing(), ExactCar()
    values = 0
    for name, driver in DRIVERS.items():
        total = Difference()
        for seed in range(seeds):
            total.add(compare(env, exact, driver, seed, steps))
        values += total.values
        counts = " | ".join(str(count) for count in vars(total).values())
        print(f"| {name} | {seeds} | {counts} |", flush=True)
    return values


def record_drive(driver: Driver, seed: int, steps: int) -> NDArray[np.float64]:
    """Returns the actions of a drive in the real world: (steps, 3).

    :param driver: of the car
    :param seed: of track and driver
    :param steps: at most
    """
    env = real_car_racing()
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    actions = []
    for step in range(steps):
        actions.append(driver(env, rng, step))
        if env.step(actions[-1])[2]:
            break
    return np.array(actions, np.float64)


def step_microseconds(driver: Driver, repeat: int = 4) -> float:
    """Returns the processor time of a step in a batch of cars that all do the same drive."""
    actions = record_drive(driver, seed=0, steps=EPISODE_STEPS)
    cars, tracks = np.zeros(SPEED_CARS, CAR), make_tracks(SPEED_CARS)
    results = np.zeros(SPEED_CARS), np.zeros(SPEED_CARS, np.int64), np.zeros(SPEED_CARS, np.bool_)
    most = np.full(SPEED_CARS, repeat)
    track = make_track(np_random(0)[0])
    best = np.inf
    for _ in range(3):  # the first may compile
        for k in range(SPEED_CARS):
            start(cars, tracks, k, track)
        began = time.process_time()
        for i in range(0, len(actions) - repeat, repeat):
            held = np.broadcast_to(actions[i], (SPEED_CARS, 3)).copy()
            advance_all(cars, tracks, held, most, *results)
        best = min(best, (time.process_time() - began) / int(cars["steps"].sum()))
    return best * 1e6


def main() -> int:
    """Prints the tables; returns 1 if a value differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=EPISODE_STEPS)
    parser.add_argument("--speed", action="store_true", help="times a step instead")
    args = parser.parse_args()
    if args.speed:
        print("| driver | microseconds a step |\n|---|---|")
        for name, driver in DRIVERS.items():
            print(f"| {name} | {step_microseconds(driver):.1f} |", flush=True)
        return 0
    return int(print_differences(args.seeds, args.steps) > 0)


if __name__ == "__main__":
    sys.exit(main())
