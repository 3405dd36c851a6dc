"""A film of a lap as GIF and MP4: the camera's pictures beside a map of the line so far."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.simulator.world import CONTROL_HZ, World
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.film_files import FRAMES_PER_SEC, Palette, Picture, save_film
from agent.worlds.film_frame import COLOURS, Place, TrackMap, frame_of

# All of these are chosen.
ENLARGED = 2
MAP_SIDE = ENLARGED * HEIGHT  # pixels
MOST_FRAMES = 100  # as soon as there are so many, every other one goes
CAMERA_COLOURS = 96  # of the GIF's palette, beside those of the map
PALETTE = Palette(ENLARGED * WIDTH, CAMERA_COLOURS, COLOURS)


class Moment(NamedTuple):
    """One frame: the step after which it was seen, the camera's picture, the speed in m/s."""

    step: int
    picture: Picture
    speed: float


class Film:
    """Watches the first lap of a race, from the standing start; give it to ``race`` as ``watch``.

    :param title: shown above the pictures
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.moments: list[Moment] = []
        self.places: list[Place] = []  # x and z in u, after every step
        self.crashes: list[int] = []  # steps
        self._every = CONTROL_HZ // FRAMES_PER_SEC  # steps from frame to frame
        self._done = False

    def __call__(self, env: DonkeyEnv, crashes: int) -> None:
        if self._done:
            return
        assert isinstance(env.world, World)
        telemetry = env.world.telemetry()
        if not self.places:
            self._map = _track_map(env.world)
        x_m, _, z_m = telemetry.pos
        self.places.append((x_m * UNITS_PER_METRE, z_m * UNITS_PER_METRE))
        step = len(self.places)
        crashed = crashes > len(self.crashes)
        if crashed:
            self.crashes.append(step)
        if crashed or step % self._every == 0:
            self._keep(step, env.world)
        self._done = telemetry.progress >= 1.0 or telemetry.finished

    def _keep(self, step: int, world: World) -> None:
        picture: Picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
        world.render(picture)
        self.moments.append(Moment(step, picture, world.telemetry().speed))
        if len(self.moments) == MOST_FRAMES:
            self.moments = self.moments[1::2]
            self._every *= 2

    def frames(self) -> list[Picture]:
        """The pictures, (rows, columns, 3) uint8 each."""
        return [self._frame(moment) for moment in self.moments]

    def _frame(self, moment: Moment) -> Picture:
        wide = cv2.resize(
            moment.picture, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_NEAREST
        )
        crashes = [self.places[step - 1] for step in self.crashes if step <= moment.step]
        plan = self._map.drawn(self.places[: moment.step], crashes)
        text = f"{self.title}   {moment.step / CONTROL_HZ:6.2f} s   {moment.speed:4.1f} m/s"
        if crashes:
            text += f"   crashes {len(crashes)}"
        return frame_of(text, [np.asarray(wide, dtype=np.uint8), plan])

    def save(self, stem: Path) -> list[Path]:
        """Write ``stem``.gif and, where OpenCV can, ``stem``.mp4; returns what was written."""
        return save_film(stem, self.frames(), PALETTE)


def _track_map(world: World) -> TrackMap:
    track = world.track
    road = world.scene.cross_section[0]
    line = track.nodes[:, :2]
    right = np.stack([track.direction[:, 1], -track.direction[:, 0]], axis=1)
    aside = 0.5 * (road["from_u"] + road["to_u"]) * right
    width_u = road["to_u"] - road["from_u"]
    return TrackMap(MAP_SIDE, line, width_u, line + aside, track.closed)
