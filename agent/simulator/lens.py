"""Cameras: upstream's ``cam_config`` as a view, and the lens that the kernels read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from agent.simulator.typing import Floats
from agent.simulator.vehicle import CAR_ORIGIN_ABOVE_GROUND_U

WIDTH, HEIGHT = 160, 120
LOWEST_U = 0.05  # chosen: a camera below this is lifted to it, so that the ground has a horizon
# Chosen: beyond these a field of view is clipped.
NARROWEST_FOV_DEG = 1.0
WIDEST_FOV_DEG = 170.0
FISH_EYE_UNIT = 80 / 512  # upstream's scale of its fish-eye strengths (Unity's image effect)


@dataclass(frozen=True)
class View:
    """A camera's place on the car and its optics; upstream's ``cam_config`` in its units.

    The defaults are upstream's camera.

    :param width: columns of the picture
    :param height: rows of the picture
    :param fov_deg: vertical field of view
    :param offset_u: right, up and forward of the car's origin
    :param rotation_deg: pitch (down, at most 90), yaw (right) and roll (right side up)
    :param fish_eye: strengths of Unity's lens effect, across and down
    :param cropped: first rows that are not drawn, where only the road matters; not with roll or
        fish-eye
    :param body_roll_deg: most that the car's body leans out of bends
    """

    width: int = WIDTH
    height: int = HEIGHT
    fov_deg: float = 90.0
    offset_u: tuple[float, float, float] = (0.0, 1.12, 0.553)
    rotation_deg: tuple[float, float, float] = (15.0, 0.0, 0.0)
    fish_eye: tuple[float, float] = (0.0, 0.0)
    cropped: int = 0
    body_roll_deg: float = 0.0


class Optics(NamedTuple):
    """A lens as the kernels read it."""

    focal_px: float
    middle_row: float
    middle_column: float
    cos_pitch: float
    sin_pitch: float
    height_u: float  # above the ground
    ahead_u: float  # of the car's origin
    right_u: float
    yaw: float  # radians
    body_roll: float  # radians


class Lens:
    """A ``View`` made ready for drawing.

    ``width`` and ``height`` are those of the picture to draw. A rolled or fish-eyed picture is
    drawn straight first, large enough, and then looked up through ``remap``. That is columns and
    rows in the straight picture, (height, width).
    """

    def __init__(self, view: View) -> None:
        pitch_deg, yaw_deg, _ = view.rotation_deg
        self.width = view.width
        self.height = view.height - view.cropped
        self.remap: tuple[Floats, Floats] | None = None
        if view.rotation_deg[2] != 0.0 or view.fish_eye != (0.0, 0.0):
            columns, rows = _straight_places(view)
            self.width = 2 * math.ceil(np.abs(columns).max()) + 1
            self.height = 2 * math.ceil(np.abs(rows).max()) + 1
            self.remap = (columns + 0.5 * (self.width - 1), rows + 0.5 * (self.height - 1))
        fov_deg = min(max(view.fov_deg, NARROWEST_FOV_DEG), WIDEST_FOV_DEG)
        pitch = math.radians(min(max(pitch_deg, -90.0), 90.0))
        right_u, up_u, ahead_u = view.offset_u
        self.optics = Optics(
            focal_px=0.5 * view.height / math.tan(math.radians(fov_deg) / 2),
            middle_row=0.5 * (self.height - 1 - view.cropped),
            middle_column=0.5 * (self.width - 1),
            cos_pitch=math.cos(pitch),
            sin_pitch=math.sin(pitch),
            height_u=float(max(CAR_ORIGIN_ABOVE_GROUND_U + up_u, LOWEST_U)),
            ahead_u=float(ahead_u),
            right_u=float(right_u),
            yaw=math.radians(yaw_deg),
            body_roll=math.radians(view.body_roll_deg),
        )


def _straight_places(view: View) -> tuple[Floats, Floats]:
    """Returns the place in a straight picture at which each pixel looks.

    These are columns and rows from the middle, (height, width).

    The fish-eye is Unity's image effect. With u, v in [-1, 1] a pixel looks up
    u - (1 - v^2) y u and v - (1 - u^2) x v. Here x and y are the strengths times
    ``FISH_EYE_UNIT``, x also times the picture's aspect ratio.
    """
    u, v = np.meshgrid(np.linspace(-1, 1, view.width), np.linspace(-1, 1, view.height))
    strength_x = view.fish_eye[0] * FISH_EYE_UNIT * view.width / view.height
    strength_y = view.fish_eye[1] * FISH_EYE_UNIT
    columns = (u - (1 - v**2) * strength_y * u) * 0.5 * (view.width - 1)
    rows = (v - (1 - u**2) * strength_x * v) * 0.5 * (view.height - 1)
    roll = -math.radians(view.rotation_deg[2])
    turned_columns = columns * math.cos(roll) - rows * math.sin(roll)
    turned_rows = columns * math.sin(roll) + rows * math.cos(roll)
    return turned_columns.astype(np.float32), turned_rows.astype(np.float32)


@lru_cache(maxsize=64)
def lens_for(view: View) -> Lens:
    """Returns the lens of a view, made once."""
    return Lens(view)
