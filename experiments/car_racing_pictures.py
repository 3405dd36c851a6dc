"""Pictures of the exact CarRacing beside those of the installed one: differences, and speed.

    python experiments/car_racing_pictures.py [--seeds 20] [--steps 1000] [--every 5] [--speed]

Gymnasium drives and draws; ours are drawn from the state of its car. 40,000 compared pictures take
some minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import cv2
import gymnasium
import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.exact.canvas import make_canvas
from agent.worlds.car_racing.exact.car import CAR, WHEELS
from agent.worlds.car_racing.exact.picture import draw, draw_window
from agent.worlds.car_racing.exact.score import score_strips
from agent.worlds.car_racing.exact.tracks import MOST_POLYGONS
from experiments.car_racing_drivers import DRIVERS, Driver

Picture = NDArray[np.uint8]

EPISODE_STEPS = 1000
ZOOM_STEPS = 50  # the camera comes nearer during these
# Rows and columns of grey windows, and the picture's row and column that they begin with.
WINDOWS = ((84, 84, 0, 6), (84, 96, 0, 0), (96, 96, 0, 0), (30, 20, 60, 40))
SPEED_SEEDS = 3
SPEED_EVERY = 5
ROUNDS = 5  # of which the fastest counts, frame by frame


class Scene(NamedTuple):
    """All that a picture shows."""

    car: Any
    polygons: NDArray[np.float64]
    colours: Picture
    polygon_count: int
    ground: Picture


def read_scene(env: Any) -> Scene:
    """Returns what Gymnasium's world is about to draw."""
    record = np.zeros(1, CAR)
    car = record[0]
    for k, body in enumerate([env.car.hull, *env.car.wheels]):
        car["position"][k] = tuple(body.position)
        car["angle"][k] = body.angle
        car["velocity"][k] = tuple(body.linearVelocity)
        car["yaw_rate"][k] = body.angularVelocity
    for k in range(WHEELS):
        car["spin"][k] = env.car.wheels[k].omega
        car["phase"][k] = env.car.wheels[k].phase
    car["time"] = env.t
    car["score"] = env.reward
    polygons = np.array([polygon for polygon, _ in env.road_poly], np.float64)
    colours = np.array([[int(level) for level in colour] for _, colour in env.road_poly], np.uint8)
    ground = np.array([env.bg_color, env.grass_color]).astype(np.uint8)
    return Scene(car, polygons, colours, len(polygons), ground)


class Artist:
    """Our pictures of scenes."""

    def __init__(self) -> None:
        self._strips = score_strips()
        self._canvas = make_canvas(MOST_POLYGONS)
        self._picture = np.zeros((96, 96, 3), np.uint8)

    def picture(self, scene: Scene) -> Picture:
        """Returns the whole picture, which the next one overwrites."""
        draw(self._picture, *scene, self._strips, self._canvas)
        return self._picture

    def window(self, out: Picture, top: int, left: int, scene: Scene) -> None:
        """Draws a part of the picture.

        :param out: (1 or 3, rows, columns)
        :param top: first row
        :param left: first column
        """
        draw_window(out, top, left, *scene, self._strips, self._canvas)


class RealPictures:
    """Gymnasium's world, which draws only when it is told to.

    ``options`` are those of the world.
    """

    def __init__(self, **options: Any) -> None:
        env: Any = gymnasium.make("CarRacing-v3", **options).unwrapped
        self.env = env
        self.draw = self.env._render
        self.env._render = self._keep
        self.wanted = False
        self.scene: Scene | None = None
        self.picture: Picture = np.zeros((96, 96, 3), np.uint8)

    def _keep(self, mode: str) -> Picture:
        """Takes the place of the world's drawing: the score is shown before the step's cost."""
        if self.wanted:
            self.scene = read_scene(self.env)
            self.picture = self.draw(mode)
        return self.picture

    def drive(
        self, driver: Driver, seed: int, steps: int, every: int
    ) -> Iterator[tuple[Scene, Picture]]:
        """Yields scenes and their pictures, every so many steps, and more often in the zoom.

        :param driver: of the car
        :param seed: of track and driver
        :param steps: at most
        :param every: steps from picture to picture
        """
        self.wanted = True
        self.env.reset(seed=seed)
        rng = np.random.default_rng(seed)
        for step in range(steps):
            if self.wanted:
                assert self.scene is not None
                yield self.scene, self.picture
            self.wanted = step % every == 0 or (step % 3 == 0 and step < ZOOM_STEPS)
            if self.env.step(driver(self.env, rng, step))[2]:
                return


@dataclass
class Difference:
    """Pictures, and pixels that differ: in colour, and in any of the grey windows."""

    pictures: int = 0
    colour: int = 0
    grey: int = 0

    def add(self, other: Difference) -> None:
        """Adds the counts of another drive."""
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def compare(
    real: RealPictures, artist: Artist, driver: Driver, seed: int, steps: int, every: int
) -> Difference:
    """Counts the pixels that differ in a drive.

    :param driver: of the car
    :param seed: of track and driver
    :param steps: at most
    :param every: steps from picture to picture
    """
    found = Difference()
    windows = [np.zeros((1, rows, columns), np.uint8) for rows, columns, _, _ in WINDOWS]
    for scene, picture in real.drive(driver, seed, steps, every):
        found.pictures += 1
        found.colour += int((artist.picture(scene) != picture).any(2).sum())
        grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
        for out, (rows, columns, top, left) in zip(windows, WINDOWS, strict=True):
            artist.window(out, top, left, scene)
            found.grey += int((out[0] != grey[top : top + rows, left : left + columns]).sum())
    return found


def print_differences(seeds: int, steps: int, every: int) -> int:
    """Prints the table of all drivers; returns the number of pixels that differ.

    :param seeds: drives of each driver
    :param steps: of a drive, at most
    :param every: steps from picture to picture
    """
    print("| driver | colours | pictures | pixels that differ | in grey windows |")
    print("|---|---|---|---|---|")
    artist = Artist()
    pixels = 0
    for randomize in (False, True):
        real = RealPictures(domain_randomize=randomize)
        colours = "random" if randomize else "Gymnasium's"
        for name, driver in DRIVERS.items():
            total = Difference()
            for seed in range(seeds):
                total.add(compare(real, artist, driver, seed, steps, every))
            pixels += total.colour + total.grey
            counts = " | ".join(str(count) for count in vars(total).values())
            print(f"| {name} | {colours} | {counts} |", flush=True)
    return pixels


def print_speeds(steps: int) -> None:
    """Prints the time of a picture, ours and Gymnasium's, of the same scenes of drives."""
    real = RealPictures()
    artist = Artist()
    windows = {
        f"grey, {rows} x {columns}": (np.zeros((1, rows, columns), np.uint8), top, left)
        for rows, columns, top, left in WINDOWS[:3]
    }
    scenes = []
    gymnasium_s = []
    for seed in range(SPEED_SEEDS):
        for scene, _ in real.drive(DRIVERS["centre line"], seed, steps, SPEED_EVERY):
            began = time.perf_counter()
            real.draw("state_pixels")
            gymnasium_s.append(time.perf_counter() - began)
            scenes.append(scene)
    print("| picture | microseconds | pictures/s |\n|---|---|---|")
    _print_speed("Gymnasium", float(np.mean(gymnasium_s)))
    _print_speed("ours, colour, 96 x 96", _mean_sec(scenes, artist.picture))
    for name, window in windows.items():
        _print_speed(f"ours, {name}", _mean_sec(scenes, partial(artist.window, *window)))


def _mean_sec(scenes: list[Scene], draws: Any) -> float:
    """Returns the mean over scenes of the fastest of some rounds: other processes disturb."""
    fastest = np.full(len(scenes), np.inf)
    for _ in range(ROUNDS):
        for k, scene in enumerate(scenes):
            began = time.perf_counter()
            draws(scene)
            fastest[k] = min(fastest[k], time.perf_counter() - began)
    return float(fastest.mean())


def _print_speed(name: str, seconds: float) -> None:
    print(f"| {name} | {1e6 * seconds:.0f} | {1 / seconds:,.0f} |", flush=True)


def main() -> int:
    """Prints the tables; returns 1 if a pixel differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=EPISODE_STEPS)
    parser.add_argument("--every", type=int, default=5, help="steps from picture to picture")
    parser.add_argument("--speed", action="store_true", help="times the pictures instead")
    args = parser.parse_args()
    if args.speed:
        print_speeds(args.steps)
        return 0
    return int(print_differences(args.seeds, args.steps, args.every) > 0)


if __name__ == "__main__":
    sys.exit(main())
