"""A film of a lap as GIF and MP4: the camera's pictures beside a map of the line so far."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.simulator.world import CONTROL_HZ, World
from agent.worlds.donkey.env import DonkeyEnv

Picture = NDArray[np.uint8]

# All of these are chosen.
ENLARGED = 2
MAP_SIDE = ENLARGED * HEIGHT  # pixels, as the next four
MARGIN = 10
STRIP_ROWS = 18
LINE_WIDTH = 2
SPOT_RADIUS = 4
TEXT_SCALE = 0.42
MOST_FRAMES = 100  # as soon as there are so many, every other one goes
FRAMES_PER_SEC = 10
CAMERA_COLOURS = 96  # of the GIF's palette, beside those of the map
GROUND = (24, 26, 30)
ROAD = (74, 78, 86)
INK = (90, 230, 255)
TEXT = (235, 235, 235)
CAR = (255, 255, 255)
CRASH = (235, 60, 50)


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
        self.places: list[tuple[float, float]] = []  # x and z in u, after every step
        self.crashes: list[int] = []  # steps
        self._every = CONTROL_HZ // FRAMES_PER_SEC  # steps from frame to frame
        self._done = False

    def __call__(self, env: DonkeyEnv, crashes: int) -> None:
        if self._done:
            return
        assert isinstance(env.world, World)
        telemetry = env.world.telemetry()
        if not self.places:
            self._map = TrackMap(env.world)
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
        strip = np.full((STRIP_ROWS, wide.shape[1] + plan.shape[1], 3), GROUND, dtype=np.uint8)
        text = f"{self.title}   {moment.step / CONTROL_HZ:6.2f} s   {moment.speed:4.1f} m/s"
        if crashes:
            text += f"   crashes {len(crashes)}"
        font = cv2.FONT_HERSHEY_SIMPLEX
        at = (6, STRIP_ROWS - 5)
        cv2.putText(strip, text, at, font, TEXT_SCALE, TEXT, 1, cv2.LINE_AA)
        return np.asarray(np.vstack([strip, np.hstack([wide, plan])]), dtype=np.uint8)

    def save(self, stem: Path) -> list[Path]:
        """Write ``stem``.gif and, where OpenCV can, ``stem``.mp4; returns what was written."""
        frames = self.frames()
        gif = stem.with_suffix(".gif")
        mp4 = stem.with_suffix(".mp4")
        stem.parent.mkdir(parents=True, exist_ok=True)
        _write_gif(gif, frames)
        return [gif, mp4] if _write_mp4(mp4, frames) else [gif]


class TrackMap:
    """A world's track from above, north up, scaled into a square."""

    def __init__(self, world: World) -> None:
        track = world.track
        road = world.scene.cross_section[0]
        low, high = track.nodes[:, :2].min(axis=0), track.nodes[:, :2].max(axis=0)
        width_u = road["to_u"] - road["from_u"]
        self._scale = (MAP_SIDE - 2 * MARGIN) / float((high - low).max() + width_u)
        self._middle = 0.5 * (low + high)
        self._road: Picture = np.full((MAP_SIDE, MAP_SIDE, 3), GROUND, dtype=np.uint8)
        right = np.stack([track.direction[:, 1], -track.direction[:, 0]], axis=1)
        aside = 0.5 * (road["from_u"] + road["to_u"]) * right
        width = max(2, round(width_u * self._scale))
        line = self._pixels(track.nodes[:, :2] + aside)
        cv2.polylines(self._road, [line], track.closed, ROAD, width, cv2.LINE_AA)

    def _pixels(self, places: NDArray[np.float64]) -> NDArray[np.int32]:
        x, z = (self._scale * (places - self._middle)).T
        return np.round(np.stack([MAP_SIDE / 2 + x, MAP_SIDE / 2 - z], axis=1)).astype(np.int32)

    def drawn(
        self, places: list[tuple[float, float]], crashes: list[tuple[float, float]]
    ) -> Picture:
        """The map with the line driven and the car at its end.

        :param places: x and z in u of every step
        :param crashes: x and z in u of every crash
        """
        plan = self._road.copy()
        line = self._pixels(np.array(places))
        cv2.polylines(plan, [line], False, INK, LINE_WIDTH)
        if crashes:
            for spot in self._pixels(np.array(crashes)):
                cv2.circle(plan, spot.tolist(), SPOT_RADIUS, CRASH, -1, cv2.LINE_AA)
        cv2.circle(plan, line[-1].tolist(), SPOT_RADIUS, CAR, -1, cv2.LINE_AA)
        return plan


def _write_gif(path: Path, frames: list[Picture]) -> None:
    """Write frames with one palette and no dithering, so that what stands still costs nothing.

    An octree keeps a red cone red; a median cut has no room for colours so rare.
    """
    sample = Image.fromarray(np.vstack([frame[::4, : ENLARGED * WIDTH : 4] for frame in frames]))
    palette = sample.quantize(CAMERA_COLOURS, method=Image.Quantize.FASTOCTREE)
    colours = (palette.getpalette() or [])[: 3 * CAMERA_COLOURS]
    palette.putpalette([*colours, *GROUND, *ROAD, *INK, *TEXT, *CAR, *CRASH])
    images = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    ]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=1000 // FRAMES_PER_SEC, loop=0
    )


def _write_mp4(path: Path, frames: list[Picture]) -> bool:
    """Write frames where OpenCV can; returns True if it could."""
    rows, columns = frames[0].shape[:2]
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), codec, FRAMES_PER_SEC, (columns, rows))
    can_write = bool(writer.isOpened())
    if can_write:
        for frame in frames:
            writer.write(frame[:, :, ::-1])
    writer.release()
    return can_write
