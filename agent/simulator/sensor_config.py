"""Cameras and lidar of a remote car, as ``cam_config`` and ``lidar_config`` set them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

from agent.simulator.fields import Fields
from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.protocol import BadMessage

ENCODINGS = ("JPG", "PNG", "TGA")
KEPT_ENCODING = "0"  # upstream's client asks so for the one that there is
SMALLEST_SIDE_PX = 16
LARGEST_SIDE_PX = 2048
LARGEST_PICTURE_PX = 1280 * 960
LIDAR_RAYS = 20_000
# Least and most of each field. Chosen, but for upstream's field of view: beyond these a request is
# a mistake, or would cost the other cars their turn. A zero of ``CAMERA_LIMITS`` keeps what is.
CAMERA_LIMITS: dict[str, tuple[float, float]] = {
    "fov": (0.0, 200.0),  # drawn up to ``lens.WIDEST_FOV_DEG``, where a plane has no more to show
    "fish_eye_x": (-2.0, 2.0),
    "fish_eye_y": (-2.0, 2.0),
    "offset_x": (-10.0, 10.0),
    "offset_y": (-10.0, 10.0),
    "offset_z": (-10.0, 10.0),
    "rot_x": (-90.0, 90.0),
    "rot_y": (-360.0, 360.0),
    "rot_z": (-360.0, 360.0),
    "img_w": (0, LARGEST_SIDE_PX),
    "img_h": (0, LARGEST_SIDE_PX),
    "img_d": (0, 255),
}
LIDAR_LIMITS: dict[str, tuple[float, float]] = {
    "degPerSweepInc": (0.1, 360.0),
    "degAngDown": (-360.0, 360.0),
    "degAngDelta": (-360.0, 360.0),
    "numSweepsLevels": (0, 360),
    "maxRange": (0.0, 1000.0),
    "noise": (-1e6, 1e6),
    "offset_x": (-10.0, 10.0),
    "offset_y": (-10.0, 10.0),
    "offset_z": (-10.0, 10.0),
    "rot_x": (-360.0, 360.0),
}
OPTIONAL = ("rot_y", "rot_z")
CAMERA_FIELDS = (*(name for name in CAMERA_LIMITS if name not in OPTIONAL), "img_enc")
LIDAR_FIELDS = tuple(LIDAR_LIMITS)
OFFSETS = ("offset_x", "offset_y", "offset_z")

Numbers = TypeVar("Numbers", tuple[float, float], tuple[float, float, float])


@dataclass(frozen=True)
class Camera:
    """A camera as ``cam_config`` sets it: its view and the form of its pictures.

    :param view: where the camera sits and how it looks
    :param grey: pictures in grey levels
    :param encoding: one of ``ENCODINGS``
    """

    view: View = View()
    grey: bool = False
    encoding: str = "JPG"


# Upstream's two cameras.
FIRST_CAMERA = Camera()
SECOND_CAMERA = Camera(View(offset_u=(0.452, 1.12, 0.553)))


def updated_camera(camera: Camera, fields: Fields) -> Camera:
    """Returns the camera after a ``cam_config``.

    Zeros and bad fields keep what there is; offset, rotation and fish-eye are kept or changed as a
    whole.

    :param camera: before
    :param fields: of the message, with all of ``CAMERA_FIELDS``
    """
    view = camera.view
    depth = fields.integer("img_d", 0, *CAMERA_LIMITS["img_d"])
    encoding = fields.message["img_enc"].upper()
    changed = Camera(
        replace(
            view,
            **_size(view, fields),
            fov_deg=fields.number("fov", 0.0, *CAMERA_LIMITS["fov"]) or view.fov_deg,
            offset_u=_changed(view.offset_u, fields, OFFSETS),
            rotation_deg=_changed(view.rotation_deg, fields, ("rot_x", "rot_y", "rot_z")),
            fish_eye=_changed(view.fish_eye, fields, ("fish_eye_x", "fish_eye_y")),
        ),
        grey=depth == 1 if depth else camera.grey,
        encoding=encoding if encoding in ENCODINGS else camera.encoding,
    )
    return camera if changed == camera else changed


def _size(view: View, fields: Fields) -> dict[str, int]:
    """Width and height that are asked for, those there are where the two do not go together."""
    width = fields.integer("img_w", 0, *CAMERA_LIMITS["img_w"]) or view.width
    height = fields.integer("img_h", 0, *CAMERA_LIMITS["img_h"]) or view.height
    if is_size(width, height):
        return {"width": width, "height": height}
    fields.refuse(BadMessage("cam_config: picture too small or too large", (width, height)))
    return {}


def is_size(width: int, height: int) -> bool:
    """True for a picture that is drawn, columns by rows."""
    return min(width, height) >= SMALLEST_SIDE_PX and width * height <= LARGEST_PICTURE_PX


def _changed(now: Numbers, fields: Fields, names: tuple[str, ...]) -> Numbers:
    """The numbers that are asked for, or those there are where all of these are zero or bad."""
    asked = [_asked(fields, name) for name in names]
    if not any(new for new in asked if not math.isnan(new)):
        return now
    pairs = zip(asked, now, strict=True)
    return tuple(old if math.isnan(new) else new for new, old in pairs)  # type: ignore[return-value]


def _asked(fields: Fields, name: str) -> float:
    if name in OPTIONAL and name not in fields:
        return 0.0
    return fields.number(name, math.nan, *CAMERA_LIMITS[name])


def updated_lidar(lidar: LidarConfig, fields: Fields) -> LidarConfig:
    """Returns the lidar after a ``lidar_config``; bad fields keep what there is.

    :param lidar: before
    :param fields: of the message, with all of ``LIDAR_FIELDS``
    """
    config = LidarConfig(
        offset_u=_mount(lidar.offset_u, fields),
        rot_x_deg=_lidar_number(fields, "rot_x", lidar.rot_x_deg),
        deg_per_sweep=_lidar_number(fields, "degPerSweepInc", lidar.deg_per_sweep),
        deg_down=_lidar_number(fields, "degAngDown", lidar.deg_down),
        deg_delta=_lidar_number(fields, "degAngDelta", lidar.deg_delta),
        max_range_u=_lidar_number(fields, "maxRange", lidar.max_range_u),
        noise=_lidar_number(fields, "noise", lidar.noise),
        levels=fields.integer("numSweepsLevels", lidar.levels, *LIDAR_LIMITS["numSweepsLevels"]),
    )
    if has_rays(config.levels, config.deg_per_sweep):
        return config
    counts = (config.levels, config.deg_per_sweep)
    fields.refuse(BadMessage(f"lidar_config: more than {LIDAR_RAYS} rays", counts))
    return replace(config, levels=lidar.levels, deg_per_sweep=lidar.deg_per_sweep)


def _mount(now: tuple[float, float, float], fields: Fields) -> tuple[float, float, float]:
    x, y, z = (_lidar_number(fields, *pair) for pair in zip(OFFSETS, now, strict=True))
    return x, y, z


def _lidar_number(fields: Fields, name: str, now: float) -> float:
    return fields.number(name, now, *LIDAR_LIMITS[name])


def has_rays(levels: int, deg_per_sweep: float) -> bool:
    """True for a number of rays that is traced."""
    return levels * 360 / deg_per_sweep <= LIDAR_RAYS
