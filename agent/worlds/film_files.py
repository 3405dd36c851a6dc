"""Films as GIF and MP4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]  # red, green, blue

FRAMES_PER_SEC = 10  # chosen, as the next
SAMPLED_EVERY = 4  # pixel, both ways, of the pictures that a palette is made from


class Palette(NamedTuple):
    """Colours of a GIF.

    :param columns: of a frame, from the left, that hold pictures
    :param colours: how many the pictures get
    :param fixed: colours of all else, kept as they are
    """

    columns: int
    colours: int
    fixed: Sequence[Colour]


def save_film(stem: Path, frames: Sequence[Picture], palette: Palette) -> list[Path]:
    """Write ``stem``.gif and, where OpenCV can, ``stem``.mp4; returns what was written.

    :param stem: path without an ending
    :param frames: (rows, columns, 3) each
    :param palette: of the GIF
    """
    gif = stem.with_suffix(".gif")
    mp4 = stem.with_suffix(".mp4")
    stem.parent.mkdir(parents=True, exist_ok=True)
    _write_gif(gif, frames, palette)
    return [gif, mp4] if _write_mp4(mp4, frames) else [gif]


def show_files(paths: Sequence[Path]) -> None:
    """Print the names and sizes of films."""
    sizes = (f"{path} ({path.stat().st_size / 1e6:.2f} MB)" for path in paths)
    print("film " + ", ".join(sizes))


def _write_gif(path: Path, frames: Sequence[Picture], palette: Palette) -> None:
    """Write frames with one palette and no dithering, so that what stands still costs nothing.

    An octree keeps a red cone red; a median cut has no room for colours so rare.
    """
    every = SAMPLED_EVERY
    seen = np.vstack([frame[::every, : palette.columns : every] for frame in frames])
    shared = Image.fromarray(seen).quantize(palette.colours, method=Image.Quantize.FASTOCTREE)
    colours = (shared.getpalette() or [])[: 3 * palette.colours]
    shared.putpalette([*colours, *(value for colour in palette.fixed for value in colour)])
    images = [
        Image.fromarray(frame).quantize(palette=shared, dither=Image.Dither.NONE)
        for frame in frames
    ]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=1000 // FRAMES_PER_SEC, loop=0
    )


def _write_mp4(path: Path, frames: Sequence[Picture]) -> bool:
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
