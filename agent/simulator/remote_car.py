"""One client's car: its own world, the command it holds, and what its cameras and its lidar send."""

from __future__ import annotations

import math
from binascii import b2a_base64
from collections import deque
from dataclasses import dataclass, replace

import cv2
import numpy as np

from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.protocol import BadMessage, Message, integer, number, reply, telemetry, text
from agent.simulator.vehicle import WHEEL_RADIUS_U
from agent.simulator.world import CONTROL_HZ, UNITS_PER_METRE, World

# Where later cars stand in the start pose's frame (upstream's spawn grid).
CARS_PER_ROW, LEFT_U, BEHIND_U = 2, 4.5, 5.0
BRAKE_AFTER_RESET = 10.0  # upstream's foot brake until the next control
CONTACT_STEPS = (
    10  # a car that presses on bounces; touching again within this is still the same collision
)
HALF_AXLE_U = 0.695  # half the distance between left and right wheels
GREY = np.tile([0.2126, 0.7152, 0.0722], (3, 1))  # shares of red, green and blue
JPEG_QUALITY = 75  # Unity's default

# Beyond these a request is a mistake, or would cost the other cars their turn.
SMALLEST_SIDE_PX, LARGEST_SIDE_PX, PICTURE_PX = 16, 2048, 1280 * 960
WIDEST_FOV_DEG, MOUNT_REACH_U, FISH_EYE = 150.0, 10.0, 2.0
LIDAR_RAYS = 20_000
FAR_AWAY_U = 1e5

# What moves the car without driving it: a client in lockstep is shown where it stands then.
SHOWN_AT_ONCE = frozenset({"reset_car", "set_position", "regen_road"})


@dataclass(frozen=True)
class Camera:
    """What ``cam_config`` sets: the view, and how its pictures are sent (JPG, PNG or TGA)."""

    view: View = View()
    grey: bool = False
    encoding: str = "JPG"


FIRST_CAMERA, SECOND_CAMERA = Camera(), Camera(View(offset_u=(0.452, 1.12, 0.553)))


class RemoteCar:
    """A car on the ``slot``-th place of the start grid, 0 being the scene's start pose.

    Cars neither see nor touch each other: each drives in a world of its own.

    :param scene: a name of ``tracks.scene_names``
    :param seed: draws a random road
    """

    def __init__(self, scene: str, seed: int, slot: int = 0) -> None:
        self.slot = slot
        self.world = World(scene)
        self.world.reset(seed)
        self.camera = FIRST_CAMERA
        self.camera_b: Camera | None = None
        self.lidar: LidarConfig | None = None
        self.time_sec = 0.0
        self._turn_deg = 1.0
        self._rotations = 0.0, 0.0
        self._hit = "none"
        self._crossed: deque[bytes] = deque(maxlen=16)
        self._start()

    def _start(self) -> None:
        """On the start pose, at rest, commands cleared, brakes on. Neither the clock nor a pending hit is."""
        row, column = divmod(self.slot, CARS_PER_ROW)
        self.world.reset(lateral_u=-LEFT_U * column)
        if row:
            start = self.world.scene.start
            yaw = math.radians(start["yaw_deg"])
            x, _, z = (UNITS_PER_METRE * metres for metres in self.world.telemetry().pos)
            self.world.set_pose(
                x - row * BEHIND_U * math.sin(yaw), z - row * BEHIND_U * math.cos(yaw), yaw
            )
        self.steering, self.throttle, self.brake = 0.0, 0.0, BRAKE_AFTER_RESET
        self._touched, self._apart_steps = "none", 0
        self._crossings, self._crossed_sec = 0, 0.0

    def drive(self) -> None:
        """Let 0.05 s pass under the command held."""
        seen = self.world.step(self.steering, self.throttle, self.brake)
        self.time_sec += 1 / CONTROL_HZ
        self._apart_steps += 1
        if seen.hit != "none":
            if seen.hit != self._touched or self._apart_steps > CONTACT_STEPS:
                self._hit = seen.hit
            self._touched, self._apart_steps = seen.hit, 0
        if seen.line_crossings > self._crossings:
            # The line is crossed between two control steps; lap times know when.
            self._crossed_sec = (
                self._crossed_sec + seen.last_lap_time if self._crossings else self.time_sec
            )
            self._crossings = seen.line_crossings
            stamp = round(self._crossed_sec, 3)
            self._crossed.append(
                reply("collision_with_starting_line", starting_line_index=0, timeStamp=stamp)
            )
        forward_u, turn_u = seen.forward_vel * UNITS_PER_METRE, seen.gyro[1] * HALF_AXLE_U
        share = 1 / CONTROL_HZ / (2 * math.pi * WHEEL_RADIUS_U)
        left, right = self._rotations
        self._rotations = left + (forward_u + turn_u) * share, right + (forward_u - turn_u) * share

    def frame(self) -> bytes:
        """Telemetry of this moment, after the crossings of the start line since the last frame."""
        line = telemetry(
            self.world.telemetry(),
            steering=self.steering,
            throttle=self.throttle,
            image=self._picture(self.camera),
            image_b=None if self.camera_b is None else self._picture(self.camera_b),
            lidar=None if self.lidar is None else self.world.lidar(self.lidar),
            rotations=self._rotations,
            hit=self._hit,
            time_sec=self.time_sec,
        )
        self._hit = "none"
        if not self._crossed:
            return line
        lines = b"".join(self._crossed) + line
        self._crossed.clear()
        return lines

    def handle(self, message: Message) -> bytes:
        """Do what a client asks; returns the answer, mostly none.

        :raises BadMessage: unknown, incomplete or out of range; nothing has changed then
        """
        match message["msg_type"]:
            case "control":
                steering, throttle, brake = (
                    number(message, name) for name in ("steering", "throttle", "brake")
                )
                self.steering, self.throttle = _clip(steering, -1.0), _clip(throttle, -1.0)
                self.brake = _clip(brake, 0.0)
            case "reset_car":
                self._start()
            case "set_position":
                self._set_position(message)
            case "node_position":
                return self._node_position(message)
            case "regen_road":
                self._regen_road(message)
            case "cam_config":
                self.camera = updated_camera(self.camera, message)
            case "cam_config_b":
                self.camera_b = updated_camera(self.camera_b or SECOND_CAMERA, message)
            case "lidar_config":
                self.lidar = lidar_config(message)
            case "car_config" | "racer_info" | "step_mode":
                pass  # looks and names that no camera shows; a mode that does not work upstream
            case unknown:
                raise BadMessage("unknown msg_type", unknown)
        return b""

    def _set_position(self, message: Message) -> None:
        x, _, z = (number(message, f"pos_{axis}", -FAR_AWAY_U, FAR_AWAY_U) for axis in "xyz")
        qx, qy, qz, qw = 0.0, 0.0, 0.0, 1.0
        if all(f"Q{axis}" in message for axis in "xyzw"):
            qx, qy, qz, qw = (number(message, f"Q{axis}", -1e3, 1e3) for axis in "xyzw")
        # Only the heading of the rotated forward axis: the ground says how the car tilts.
        self.world.set_pose(
            x, z, math.atan2(2 * (qx * qz + qw * qy), qw * qw - qx * qx - qy * qy + qz * qz)
        )

    def _node_position(self, message: Message) -> bytes:
        index, nodes = integer(message, "index"), self.world.nodes
        if not 0 <= index < len(nodes):
            return b""
        x, z, height = nodes[index].tolist()
        along_x, along_z = self.world.track.direction[index].tolist()
        half = 0.5 * math.atan2(along_x, along_z)
        return reply(
            "node_position", index=index, pos_x=x, pos_y=height, pos_z=z,
            Qx=0.0, Qy=math.sin(half), Qz=0.0, Qw=math.cos(half),
        )  # fmt: skip

    def _regen_road(self, message: Message) -> None:
        style, seed = (
            integer(message, "road_style", -1e9, 1e9),
            integer(message, "rand_seed", -(2**63), 2**63),
        )
        turn_deg = number(message, "turn_increment", -90.0, 90.0) or self._turn_deg
        try:
            self.world.regenerate_road(seed % 2**64, style, turn_deg)
        except ValueError:
            raise BadMessage("regen_road outside generated_road", self.world.scene.name) from None
        self._turn_deg = turn_deg
        self._start()

    def _picture(self, camera: Camera) -> bytes:
        """The camera's picture as a file in base64."""
        view = camera.view
        rgb = np.empty((view.height, view.width, 3), dtype=np.uint8)
        self.world.render(rgb, view)
        picture = cv2.transform(rgb, GREY) if camera.grey else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if camera.encoding == "TGA":  # no compression, 24 bits, rows from the top
            shape = b"".join(side.to_bytes(2, "little") for side in (view.width, view.height))
            return b2a_base64(
                bytes((0, 0, 2, *[0] * 9)) + shape + b"\x18\x20" + picture.tobytes(), newline=False
            )
        options = (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY) if camera.encoding == "JPG" else ()
        file = cv2.imencode(f".{camera.encoding.lower()}", picture, options)[1]
        return b2a_base64(file.data, newline=False)


def updated_camera(camera: Camera, message: Message) -> Camera:
    """The camera after a ``cam_config``: zeros keep what there is, offset, rotation and fish-eye each as a whole.

    :raises BadMessage: a field is missing or out of range
    """
    fov = number(message, "fov", 0.0, WIDEST_FOV_DEG)
    fish_eye = (
        number(message, "fish_eye_x", -FISH_EYE, FISH_EYE),
        number(message, "fish_eye_y", -FISH_EYE, FISH_EYE),
    )
    offset = _offset(message)
    pitch = number(message, "rot_x", -90.0, 90.0)
    rotation = (
        pitch,
        _angle({"rot_y": "0", **message}, "rot_y"),
        _angle({"rot_z": "0", **message}, "rot_z"),
    )
    width, height = (integer(message, name, 0, LARGEST_SIDE_PX) for name in ("img_w", "img_h"))
    depth, encoding = integer(message, "img_d", 0, 255), text(message, "img_enc").upper()
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
    if min(view.width, view.height) < SMALLEST_SIDE_PX or view.width * view.height > PICTURE_PX:
        raise BadMessage("cam_config: picture too small or too large", (view.width, view.height))
    return Camera(
        view,
        grey=depth == 1 if depth else camera.grey,
        encoding=encoding if encoding in ("JPG", "PNG", "TGA") else camera.encoding,
    )


def lidar_config(message: Message) -> LidarConfig:
    """The lidar that a ``lidar_config`` asks for.

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


def _angle(message: Message, name: str) -> float:
    return number(message, name, -360.0, 360.0)


def _clip(value: float, low: float) -> float:
    return min(max(value, low), 1.0)
