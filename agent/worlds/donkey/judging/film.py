"""A film of a lap: what the camera sees beside the map with the line driven so far, as GIF and MP4."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.world import CONTROL_HZ, UNITS_PER_METRE, World
from agent.worlds.donkey.env import DonkeyEnv

Picture = NDArray[np.uint8]

ENLARGED = 2
MAP_SIDE, MARGIN = ENLARGED * HEIGHT, 10  # pixels
STRIP_ROWS = 18
MOST_FRAMES = 100  # as soon as there are so many, every other one goes
FRAMES_PER_SEC = 10
CAMERA_COLOURS = 96  # of the GIF's palette, beside those of the map
GROUND, ROAD, INK, TEXT = (24, 26, 30), (74, 78, 86), (90, 230, 255), (235, 235, 235)
CAR, CRASH = (255, 255, 255), (235, 60, 50)


class Moment(NamedTuple):
    """One frame: the ``step`` after which it was seen, the camera's picture, m/s."""

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
        self._every, self._done = CONTROL_HZ // FRAMES_PER_SEC, False

    def __call__(self, car: DonkeyEnv, crashes: int) -> None:
        if self._done:
            return
        assert isinstance(car.world, World)
        seen = car.world.telemetry()
        if not self.places:
            self._map = TrackMap(car.world)
        self.places.append((seen.pos[0] * UNITS_PER_METRE, seen.pos[2] * UNITS_PER_METRE))
        step = len(self.places)
        crashed = crashes > len(self.crashes)
        if crashed:
            self.crashes.append(step)
        if crashed or step % self._every == 0:
            picture: Picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
            car.world.render(picture)
            self.moments.append(Moment(step, picture, seen.speed))
            if len(self.moments) == MOST_FRAMES:
                self.moments, self._every = self.moments[1::2], 2 * self._every
        self._done = seen.progress >= 1.0 or seen.finished

    def frames(self) -> list[Picture]:
        """The pictures, (rows, columns, 3) uint8 each."""
        return [self._frame(moment) for moment in self.moments]

    def _frame(self, moment: Moment) -> Picture:
        wide = cv2.resize(
            moment.picture, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_NEAREST
        )
        crashes = [step for step in self.crashes if step <= moment.step]
        plan = self._map.drawn(
            self.places[: moment.step], [self.places[step - 1] for step in crashes]
        )
        strip = np.full((STRIP_ROWS, wide.shape[1] + plan.shape[1], 3), GROUND, dtype=np.uint8)
        text = f"{self.title}   {moment.step / CONTROL_HZ:6.2f} s   {moment.speed:4.1f} m/s"
        if crashes:
            text += f"   crashes {len(crashes)}"
        cv2.putText(
            strip, text, (6, STRIP_ROWS - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, TEXT, 1, cv2.LINE_AA
        )
        return np.asarray(np.vstack([strip, np.hstack([wide, plan])]), dtype=np.uint8)

    def save(self, stem: Path) -> list[Path]:
        """Write ``stem``.gif and, where OpenCV can, ``stem``.mp4; returns what was written."""
        frames = self.frames()
        gif, mp4 = stem.with_suffix(".gif"), stem.with_suffix(".mp4")
        _write_gif(gif, frames)
        return [gif, mp4] if _write_mp4(mp4, frames) else [gif]


class TrackMap:
    """A world's track from above, north up, scaled into a square."""

    def __init__(self, world: World) -> None:
        track, strips = world.track, world.scene.cross_section
        road = strips[0]
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
        """The map with the line through ``places`` (x, z in u), the car at its end, and where it crashed."""
        plan = self._road.copy()
        line = self._pixels(np.array(places))
        cv2.polylines(plan, [line], False, INK, 2)
        for spot in self._pixels(np.array(crashes)) if crashes else ():
            cv2.circle(plan, spot.tolist(), 4, CRASH, -1, cv2.LINE_AA)
        cv2.circle(plan, line[-1].tolist(), 4, CAR, -1, cv2.LINE_AA)
        return plan


def _write_gif(path: Path, frames: list[Picture]) -> None:
    """One palette for all frames and no dithering, so that what stands still costs nothing.

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
    rows, columns = frames[0].shape[:2]
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SEC, (columns, rows)
    )
    for frame in frames if writer.isOpened() else ():
        writer.write(frame[:, :, ::-1])
    written = bool(writer.isOpened())
    writer.release()
    return written
