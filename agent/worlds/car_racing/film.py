"""A film of an episode as GIF and MP4: the picture, what the learner sees of it, and a map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.worlds.base import Learner, Purpose
from agent.worlds.car_racing.exact.car import HULL
from agent.worlds.car_racing.make_vec_env import make_vec_env
from agent.worlds.car_racing.observation import SIDE
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.vec_env import CarRacingVecEnv
from agent.worlds.film_files import Palette, Picture, save_film
from agent.worlds.film_frame import COLOURS, Place, TrackMap, frame_of

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor

ROAD_UNITS = 13.3  # width of the road

# All of these are chosen.
ENLARGED = 3
PANEL = ENLARGED * SIDE  # pixels
MOST_FRAMES = 100
PICTURE_COLOURS = 96  # of the GIF's palette, beside those of the map
PALETTE = Palette(2 * PANEL, PICTURE_COLOURS, COLOURS)


class Moment(NamedTuple):
    """The car and its pictures before a decision.

    :param picture: (96, 96, 3)
    :param seen: the newest picture that the learner has (channels, rows, columns)
    :param place: of the car on the field, units
    :param text: time, speed, score and tiles
    """

    picture: Picture
    seen: Picture
    place: Place
    text: str


def film_episode(
    policy: PolicyPredictor,
    options: CarRacingOptions,
    learner: Learner,
    seed: int,
    stem: Path,
) -> list[Path]:
    """Film an episode of a policy; returns the files.

    :param policy: who drives
    :param options: of its world
    :param learner: facts about it
    :param seed: of the episode
    :param stem: path of the files without their endings
    """
    vec_env = make_vec_env(options, 1, Purpose.JUDGE, 0, learner)
    assert isinstance(vec_env, CarRacingVecEnv)
    try:
        vec_env.seed(seed)
        moments, line = _drive(policy, vec_env)
    finally:
        vec_env.close()
    return save_film(stem, _frames(stem.name, moments, line), PALETTE)


def _drive(
    policy: PolicyPredictor, vec_env: CarRacingVecEnv
) -> tuple[list[Moment], NDArray[np.float64]]:
    """Moments of a whole episode, and the middle of its road (tiles, 2)."""
    observations = vec_env.reset()
    line = vec_env.backend.centre_line(0).copy()
    channels = vec_env.stacks.newest.shape[2]
    moments: list[Moment] = []
    score = 0.0
    done = False
    while not done:
        assert isinstance(observations, np.ndarray)
        moments.append(_moment(vec_env, observations[0, -channels:], score))
        actions, _ = policy.predict(observations, deterministic=True)
        observations, rewards, dones, _ = vec_env.step(actions)
        score += float(rewards[0])
        done = bool(dones[0])
    return moments, line


def _moment(vec_env: CarRacingVecEnv, seen: Picture, score: float) -> Moment:
    car = vec_env.backend.cars[0]
    x, y = car["position"][HULL]
    speed = float(np.hypot(*car["velocity"][HULL]))
    text = (
        f"{car['time']:6.2f} s   {speed:5.1f} units/s   score {score:6.1f}"
        f"   tiles {car['visited']} of {car['tiles']}"
    )
    return Moment(vec_env.backend.picture(0).copy(), seen.copy(), (float(x), float(y)), text)


def _frames(title: str, moments: Sequence[Moment], line: NDArray[np.float64]) -> list[Picture]:
    """Pictures (rows, columns, 3) of moments equally far apart, to the last one.

    :param title: before the moments' text
    :param moments: of every decision
    :param line: middle of the road (tiles, 2)
    """
    every = -(-len(moments) // MOST_FRAMES)
    first = (len(moments) - 1) % every
    plan = TrackMap(PANEL, line, ROAD_UNITS)
    frames = []
    for i in range(first, len(moments), every):
        moment = moments[i]
        driven = [each.place for each in moments[: i + 1]]
        panels = [_panel(moment.picture), _panel(_rgb(moment.seen)), plan.drawn(driven)]
        frames.append(frame_of(f"{title}   {moment.text}", panels))
    return frames


def _rgb(seen: Picture) -> Picture:
    """A learner's picture (1 or 3, rows, columns) as (rows, columns, 3)."""
    return np.ascontiguousarray(np.broadcast_to(seen, (3, *seen.shape[1:])).transpose(1, 2, 0))


def _panel(picture: Picture) -> Picture:
    """A picture enlarged, in the middle of a square panel."""
    large = cv2.resize(picture, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_NEAREST)
    rows, columns = large.shape[:2]
    panel: Picture = np.zeros((PANEL, PANEL, 3), dtype=np.uint8)
    top = (PANEL - rows) // 2
    left = (PANEL - columns) // 2
    panel[top : top + rows, left : left + columns] = large
    return panel
