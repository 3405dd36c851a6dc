"""Cameras and lidar of a remote car, as ``cam_config`` and ``lidar_config`` set them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.protocol import BadMessage, Message, integer, number, text

ENCODINGS = ("JPG", "PNG", "TGA")
# Chosen: beyond these a request is a mistake, or would cost the other cars their turn.
SMALLEST_SIDE_PX = 16
LARGEST_SIDE_PX = 2048
LARGEST_PICTURE_PX = 1280 * 960
WIDEST_FOV_DEG = 150.0
MOUNT_REACH_U = 10.0
STRONGEST_FISH_EYE = 2.0
LIDAR_RAYS = 20_000


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


def updated_camera(camera: Camera, message: Message) -> Camera:
    """Returns the camera after a ``cam_config``.

    Zeros keep what there is; offset, rotation and fish-eye are kept or changed as a whole.

    :raises BadMessage: a field is missing or out of range
    """
    fov = number(message, "fov", 0.0, WIDEST_FOV_DEG)
    fish_eye = (_fish_eye(message, "fish_eye_x"), _fish_eye(message, "fish_eye_y"))
    offset = _offset(message)
    rotation = (
        number(message, "rot_x", -90.0, 90.0),
        _angle({"rot_y": "0", **message}, "rot_y"),
        _angle({"rot_z": "0", **message}, "rot_z"),
    )
    width = integer(message, "img_w", 0, LARGEST_SIDE_PX)
    height = integer(message, "img_h", 0, LARGEST_SIDE_PX)
    depth = integer(message, "img_d", 0, 255)
    encoding = text(message, "img_enc").upper()
    view = camera.view
    view = replace(
        view,
        width=width or view.width,
        height=height or view.height,
        fov_deg=fov or view.fov_deg,
        offset_u=offset if any(offset) else view.offset_u,
        rotation_deg=rotation if any(rotation) else view.rotation_deg,
        fish_eye=fish_eye if any(fish_eye) else view.fish_eye,
    )
    if min(view.width, view.height) < SMALLEST_SIDE_PX:
        raise BadMessage("cam_config: picture too small or too large", (view.width, view.height))
    if view.width * view.height > LARGEST_PICTURE_PX:
        raise BadMessage("cam_config: picture too small or too large", (view.width, view.height))
    return Camera(
        view,
        grey=depth == 1 if depth else camera.grey,
        encoding=encoding if encoding in ENCODINGS else camera.encoding,
    )


def lidar_config(message: Message) -> LidarConfig:
    """Returns the lidar that a ``lidar_config`` asks for.

    :raises BadMessage: a field is missing or out of range
    """
    config = LidarConfig(
        offset_u=_offset(message),
        rot_x_deg=_angle(message, "rot_x"),
        deg_per_sweep=number(message, "degPerSweepInc", 0.1, 360.0),
        deg_down=_angle(message, "degAngDown"),
        deg_delta=_angle(message, "degAngDelta"),
        max_range_u=number(message, "maxRange", 0.0, 1000.0),
        noise=number(message, "noise", -1e6, 1e6),
        levels=integer(message, "numSweepsLevels", 0, 360),
    )
    if config.levels * 360 / config.deg_per_sweep > LIDAR_RAYS:
        raise BadMessage(
            f"lidar_config: more than {LIDAR_RAYS} rays", (config.levels, config.deg_per_sweep)
        )
    return config


def _offset(message: Message) -> tuple[float, float, float]:
    x, y, z = (number(message, f"offset_{axis}", -MOUNT_REACH_U, MOUNT_REACH_U) for axis in "xyz")
    return x, y, z


def _fish_eye(message: Message, name: str) -> float:
    return number(message, name, -STRONGEST_FISH_EYE, STRONGEST_FISH_EYE)


def _angle(message: Message, name: str) -> float:
    return number(message, name, -360.0, 360.0)
