"""A picture of a track for a look: from above, and what the car sees on the way."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.config.atomic import replacing
from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.world import World

Picture = NDArray[np.uint8]

# All chosen; sizes in pixels, colours red, green, blue.
ENLARGED = 2
VIEWS = 4  # on the way
MARGIN = 36
THINNEST = 0.3  # of a line that is drawn, as one of a whole pixel
STRIP_ROWS = 20  # above each view, with its place
SIDE = VIEWS * (HEIGHT * ENLARGED + STRIP_ROWS)  # of the plan: as high as the views are together
TEXT_SCALE = 0.5
TEXT = (20, 20, 24)
START = (220, 40, 40)
PAPER = (236, 236, 232)
SHARPENED = 16  # of OpenCV's coordinates, for lines between pixels
SHIFT = 4


def save_picture(path: Path, scene: str, title: str) -> None:
    """Draws a scene from above beside what the car sees at four places, and writes a PNG.

    :param path: of the picture
    :param scene: path of a scene file
    :param title: name of the track
    :raises OSError: it cannot be written
    """
    world = World(scene)
    views = [_seen(world, share) for share in np.arange(VIEWS) / VIEWS]
    picture = np.hstack([_plan(world, title), np.vstack(views)])
    with replacing(path) as scratch:
        if not cv2.imwrite(str(scratch), picture[:, :, ::-1]):
            raise OSError(0, "OpenCV cannot write it")


def _seen(world: World, share: float) -> Picture:
    """Returns the camera's picture from the start, or from a share of the way round."""
    world.reset(seed=0, arc_u=share * world.track.length_u if share else None)
    seen: Picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    world.render(seen)
    wide = cv2.resize(seen, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_NEAREST)
    label = "at the start"
    if share:
        label = f"{share * world.track.length_u:.0f} u on"
    strip = np.full((STRIP_ROWS, wide.shape[1], 3), PAPER, dtype=np.uint8)
    cv2.putText(strip, label, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, TEXT, 1, cv2.LINE_AA)
    return np.vstack([strip, wide])


def _plan(world: World, name: str) -> Picture:
    """Returns the track from above, x to the right and z up, with start, direction and a scale."""
    track = world.track
    strips = world.scene.cross_section
    low, high = track.nodes[:, :2].min(axis=0), track.nodes[:, :2].max(axis=0)
    road_u = strips[0]["to_u"] - strips[0]["from_u"]
    scale = (SIDE - 2 * MARGIN) / float((high - low).max() + road_u)
    middle = 0.5 * (low + high)
    plan: Picture = np.full((SIDE, SIDE, 3), PAPER, dtype=np.uint8)

    def pixels(places: NDArray[np.float64]) -> NDArray[np.int32]:
        x, z = (scale * (places[:, :2] - middle)).T
        across = np.stack([SIDE / 2 + x, SIDE / 2 - z], axis=1)
        return np.round(SHARPENED * across).astype(np.int32)

    for k, strip in enumerate(strips):
        width = scale * (strip["to_u"] - strip["from_u"])
        if k and width < THINNEST:
            continue
        line = pixels(track.parallel_line(0.5 * (strip["from_u"] + strip["to_u"])))
        rgb = [int(level) for level in strip["rgb"]]
        thick = max(1, round(width))
        cv2.polylines(plan, [line], track.closed, rgb, thick, cv2.LINE_AA, SHIFT)
    start = world.scene.start
    yaw = math.radians(start["yaw_deg"])
    arrow_u = 34.0 / scale
    tail = np.array([start["x"], start["z"]])
    tip = tail + arrow_u * np.array([math.sin(yaw), math.cos(yaw)])
    ends = pixels(np.stack([tail, tip]))
    cv2.arrowedLine(
        plan, ends[0].tolist(), ends[1].tolist(), START, 3, cv2.LINE_AA, SHIFT, tipLength=0.4
    )
    _draw_scale(plan, scale)
    title = f"{name}: {track.length_u:.0f} u round, road {road_u:.1f} u wide"
    cv2.putText(plan, title, (10, 22), cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, TEXT, 1, cv2.LINE_AA)
    return plan


def _draw_scale(plan: Picture, scale: float) -> None:
    """Draws a bar of a round length in the lower left corner."""
    room_u = 0.25 * SIDE / scale
    power = 10.0 ** math.floor(math.log10(room_u))
    length_u = max(factor * power for factor in (1, 2, 5) if factor * power <= room_u)
    end = (10 + round(length_u * scale), SIDE - 12)
    cv2.line(plan, (10, SIDE - 12), end, TEXT, 2)
    at = (10, SIDE - 20)
    text = f"{length_u:g} u"
    cv2.putText(plan, text, at, cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, TEXT, 1, cv2.LINE_AA)
