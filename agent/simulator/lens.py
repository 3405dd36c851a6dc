"""Where the camera sits and how it looks: upstream's ``cam_config`` and what the kernels make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

WIDTH, HEIGHT = 160, 120
CAR_ORIGIN_ABOVE_GROUND_U = 0.53
SKY_FOCAL_PX, SKY_PITCH = 60.0, math.radians(15.0)  # the view whose rows a scene's sky is given in


@dataclass(frozen=True)
class View:
    """Where the camera sits on the car and how it looks; upstream's ``cam_config`` in its units.

    ``offset_u`` is right, up, forward of the car's origin, ``rotation_deg`` pitch (down, at most 90), yaw (right), roll
    (right side up), ``fov_deg`` the vertical field of view, ``fish_eye`` the strengths of Unity's lens effect. Of the
    ``height`` rows the ``cropped`` first ones are not drawn, for those who only look at the road; not with roll or
    fish-eye.
    """

    width: int = WIDTH
    height: int = HEIGHT
    fov_deg: float = 90.0
    offset_u: tuple[float, float, float] = (0.0, 1.12, 0.553)
    rotation_deg: tuple[float, float, float] = (15.0, 0.0, 0.0)
    fish_eye: tuple[float, float] = (0.0, 0.0)
    cropped: int = 0


class Lens:
    """A ``View`` made ready for drawing.

    ``values`` is what the kernels read: focal length and middle row and column in pixels, cosine and sine of the
    pitch, height above the ground, place ahead and to the right of the car in u, yaw in radians. A rolled or
    fish-eyed picture is drawn straight first, large enough, and then looked up through ``remap``.
    """

    def __init__(self, view: View) -> None:
        pitch_deg, yaw_deg, roll_deg = view.rotation_deg
        focal_px = (
            0.5 * view.height / math.tan(math.radians(min(max(view.fov_deg, 1.0), 170.0)) / 2)
        )
        self.width, self.height = view.width, view.height - view.cropped
        self.remap: tuple[Floats, Floats] | None = None
        if roll_deg != 0.0 or view.fish_eye != (0.0, 0.0):
            columns, rows = _straight_places(view)
            self.width, self.height = (
                2 * math.ceil(np.abs(columns).max()) + 1,
                2 * math.ceil(np.abs(rows).max()) + 1,
            )
            self.remap = (columns + 0.5 * (self.width - 1), rows + 0.5 * (self.height - 1))
        pitch = math.radians(min(max(pitch_deg, -90.0), 90.0))
        right_u, up_u, ahead_u = view.offset_u
        self.values: Array = np.array(
            [
                focal_px, 0.5 * (self.height - 1 - view.cropped), 0.5 * (self.width - 1), math.cos(pitch),
                math.sin(pitch), max(CAR_ORIGIN_ABOVE_GROUND_U + up_u, 0.05), ahead_u, right_u, math.radians(yaw_deg),
            ]
        )  # fmt: skip


def _straight_places(view: View) -> tuple[Floats, Floats]:
    """Where in a straight picture each pixel of the view looks, columns and rows from the middle, (height, width).

    The fish-eye is Unity's image effect: with u, v in [-1, 1] a pixel looks up u - (1 - v^2) y u and v - (1 - u^2) x v,
    the strengths x and y of ``fish_eye`` times 80/512, x also times the picture's aspect ratio.
    """
    u, v = np.meshgrid(np.linspace(-1, 1, view.width), np.linspace(-1, 1, view.height))
    strength_x, strength_y = (
        view.fish_eye[0] * (80 / 512) * view.width / view.height,
        view.fish_eye[1] * (80 / 512),
    )
    columns = (u - (1 - v**2) * strength_y * u) * 0.5 * (view.width - 1)
    rows = (v - (1 - u**2) * strength_x * v) * 0.5 * (view.height - 1)
    roll = -math.radians(view.rotation_deg[2])
    turned = (
        columns * math.cos(roll) - rows * math.sin(roll),
        columns * math.sin(roll) + rows * math.cos(roll),
    )
    return turned[0].astype(np.float32), turned[1].astype(np.float32)


@lru_cache(maxsize=64)
def lens_for(view: View) -> Lens:
    """The lens of a view."""
    return Lens(view)
