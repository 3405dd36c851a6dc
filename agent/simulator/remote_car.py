"""One client's car: its own world, the command it holds, and what its cameras and lidar send."""

from __future__ import annotations

import math
from binascii import b2a_base64
from collections import deque

import cv2
import numpy as np

from agent.simulator.fields import Fields
from agent.simulator.lidar import LidarConfig
from agent.simulator.protocol import BadMessage, Message, integer, number, reply, telemetry
from agent.simulator.sensor_config import (
    CAMERA_FIELDS,
    FIRST_CAMERA,
    LIDAR_FIELDS,
    SECOND_CAMERA,
    Camera,
    updated_camera,
    updated_lidar,
)
from agent.simulator.telemetry import UNITS_PER_METRE, Telemetry
from agent.simulator.typing import Image
from agent.simulator.vehicle import WHEEL_RADIUS_U
from agent.simulator.world import CONTROL_HZ, World

# Start positions of later cars in the start pose's frame (upstream's spawn grid).
CARS_PER_ROW = 2
LEFT_U = 4.5
BEHIND_U = 5.0
BRAKE_AFTER_RESET = 10.0  # upstream's foot brake until the next control
# Chosen: a car that presses on bounces; touching again within this is still the same collision.
CONTACT_STEPS = 10
HALF_AXLE_U = 0.695  # half the distance between the prefab's left and right wheels
GREY = np.tile([0.2126, 0.7152, 0.0722], (3, 1))  # shares of red, green and blue: ITU-R BT.709
JPEG_QUALITY = 75  # Unity's default
TGA_HEADER = bytes((0, 0, 2, *[0] * 9))  # not compressed, true colour, no origin
TGA_DEPTH = b"\x18\x20"  # 24 bits, rows from the top
FAR_AWAY_U = 1e5  # chosen: no car is put farther away than this
MOST_CROSSINGS_KEPT = 16  # chosen: of the start line, for a client that reads no frame

# Messages that move the car without driving it: a client in lockstep is shown where it stands then.
SHOWN_AT_ONCE = frozenset({"reset_car", "set_position", "regen_road"})


class RemoteCar:
    """A car on a place of the start grid. It neither sees nor touches others: its world is its own.

    :param scene: a name of ``tracks.scene_names``
    :param seed: draws a random road
    :param slot: the place, 0 being the scene's start pose
    :param random_look: the seed also draws the scene's random look
    """

    def __init__(self, scene: str, seed: int, slot: int = 0, *, random_look: bool = True) -> None:
        self.slot = slot
        self.world = World(scene, random_look=random_look)
        self.world.reset(seed)
        self.camera = FIRST_CAMERA
        self.camera_b: Camera | None = None
        self.lidar: LidarConfig | None = None
        self.time_sec = 0.0
        self._turn_deg = 1.0
        self._rotations = (0.0, 0.0)  # of the left and of the right wheels
        self._hit = "none"
        self._crossed: deque[bytes] = deque(maxlen=MOST_CROSSINGS_KEPT)
        self._start()

    def _start(self) -> None:
        """Put the car at rest on its start, commands cleared, brakes on.

        The clock goes on, and a hit that was not yet sent is kept.
        """
        row, column = divmod(self.slot, CARS_PER_ROW)
        self.world.reset(lateral_u=-LEFT_U * column)
        if row:
            yaw = math.radians(self.world.scene.start["yaw_deg"])
            x, _, z = (UNITS_PER_METRE * metres for metres in self.world.telemetry().pos)
            behind_u = row * BEHIND_U
            self.world.set_pose(x - behind_u * math.sin(yaw), z - behind_u * math.cos(yaw), yaw)
        self.steering = 0.0
        self.throttle = 0.0
        self.brake = BRAKE_AFTER_RESET
        self._touched = "none"
        self._apart_steps = 0
        self._crossings = 0
        self._crossed_sec = 0.0

    def drive(self) -> None:
        """Let 0.05 s pass under the command held."""
        seen = self.world.step(self.steering, self.throttle, self.brake)
        self.time_sec += 1 / CONTROL_HZ
        self._note_contact(seen.hit)
        if seen.line_crossings > self._crossings:
            self._note_crossing(seen)
        self._turn_wheels(seen)

    def _note_contact(self, hit: str) -> None:
        self._apart_steps += 1
        if hit == "none":
            return
        if hit != self._touched or self._apart_steps > CONTACT_STEPS:
            self._hit = hit
        self._touched = hit
        self._apart_steps = 0

    def _note_crossing(self, seen: Telemetry) -> None:
        """Keep a message; the line is crossed between two control steps, lap times know when."""
        if self._crossings:
            self._crossed_sec += seen.last_lap_time
        else:
            self._crossed_sec = self.time_sec
        self._crossings = seen.line_crossings
        stamp = round(self._crossed_sec, 3)
        self._crossed.append(
            reply("collision_with_starting_line", starting_line_index=0, timeStamp=stamp)
        )

    def _turn_wheels(self, seen: Telemetry) -> None:
        forward_u = seen.forward_vel * UNITS_PER_METRE
        turn_u = seen.gyro[1] * HALF_AXLE_U
        share = 1 / CONTROL_HZ / (2 * math.pi * WHEEL_RADIUS_U)
        left, right = self._rotations
        self._rotations = (
            left + (forward_u + turn_u) * share,
            right + (forward_u - turn_u) * share,
        )

    def frame(self) -> bytes:
        """Returns telemetry of this moment, after the line crossings since the last frame."""
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
        lines = b"".join(self._crossed) + line
        self._crossed.clear()
        return lines

    def handle(self, message: Message) -> bytes:
        """Does what a client asks; returns the answer, mostly none.

        :raises BadField: a field is no number or out of range; the others have been followed
        :raises BadMessage: unknown or incomplete, or no part of it can be followed; nothing has
            changed then
        """
        match message["msg_type"]:
            case "control":
                self._hold(message)
            case "reset_car":
                self._start()
            case "set_position":
                self._set_position(message)
            case "node_position":
                return self._node_position(message)
            case "regen_road":
                self._regen_road(message)
            case "cam_config":
                fields = Fields(message, CAMERA_FIELDS)
                self.camera = updated_camera(self.camera, fields)
                fields.check()
            case "cam_config_b":
                fields = Fields(message, CAMERA_FIELDS)
                self.camera_b = updated_camera(self.camera_b or SECOND_CAMERA, fields)
                fields.check()
            case "lidar_config":
                fields = Fields(message, LIDAR_FIELDS)
                self.lidar = updated_lidar(self.lidar or LidarConfig(), fields)
                fields.check()
            case "car_config" | "racer_info" | "step_mode":
                pass  # looks and names that no camera shows; a mode that does not work upstream
            case unknown:
                raise BadMessage("unknown msg_type", unknown)
        return b""

    def _hold(self, message: Message) -> None:
        fields = Fields(message, ("steering", "throttle", "brake"))
        steering = fields.number("steering", self.steering)
        throttle = fields.number("throttle", self.throttle)
        brake = fields.number("brake", self.brake)
        self.steering = min(max(steering, -1.0), 1.0)
        self.throttle = min(max(throttle, -1.0), 1.0)
        self.brake = min(max(brake, 0.0), 1.0)
        fields.check()

    def _set_position(self, message: Message) -> None:
        fields = Fields(message, ("pos_x", "pos_y", "pos_z"))
        x = number(message, "pos_x", -FAR_AWAY_U, FAR_AWAY_U)
        z = number(message, "pos_z", -FAR_AWAY_U, FAR_AWAY_U)
        fields.number("pos_y", 0.0)  # the ground says how high the car stands
        self.world.set_pose(x, z, self._heading(fields))
        fields.check()

    def _heading(self, fields: Fields) -> float:
        """Returns the yaw of a message's rotation, 0 without one. How it tilts the ground says."""
        if not all(f"Q{axis}" in fields for axis in "xyzw"):
            return 0.0
        qx, qy, qz, qw = (fields.number(f"Q{axis}", math.nan, -1e3, 1e3) for axis in "xyzw")
        forward = qw * qw - qx * qx - qy * qy + qz * qz
        yaw = math.atan2(2 * (qx * qz + qw * qy), forward)
        return 0.0 if math.isnan(yaw) else yaw

    def _node_position(self, message: Message) -> bytes:
        index = integer(message, "index")
        nodes = self.world.nodes
        if not 0 <= index < len(nodes):
            return b""
        x, z, height = nodes[index].tolist()
        along_x, along_z = self.world.track.direction[index].tolist()
        half = 0.5 * math.atan2(along_x, along_z)
        return reply(
            "node_position",
            index=index,
            pos_x=x,
            pos_y=height,
            pos_z=z,
            Qx=0.0,
            Qy=math.sin(half),
            Qz=0.0,
            Qw=math.cos(half),
        )

    def _regen_road(self, message: Message) -> None:
        fields = Fields(message, ("road_style", "rand_seed", "turn_increment"))
        seed = integer(message, "rand_seed", -(2**63), 2**63)
        style = fields.integer("road_style", 0, -1e9, 1e9)
        turn_deg = fields.number("turn_increment", 0.0, -90.0, 90.0) or self._turn_deg
        try:
            self.world.regenerate_road(seed % 2**64, style, turn_deg)
        except ValueError:
            raise BadMessage("regen_road outside generated_road", self.world.scene.name) from None
        self._turn_deg = turn_deg
        self._start()
        fields.check()

    def _picture(self, camera: Camera) -> bytes:
        """Returns the camera's picture as a file in base64."""
        view = camera.view
        rgb = np.empty((view.height, view.width, 3), dtype=np.uint8)
        self.world.render(rgb, view)
        bgr = greyed(rgb) if camera.grey else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if camera.encoding == "TGA":
            return b2a_base64(_tga(np.asarray(bgr)), newline=False)
        options = (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY) if camera.encoding == "JPG" else ()
        file = cv2.imencode(f".{camera.encoding.lower()}", bgr, options)[1]
        return b2a_base64(file.data, newline=False)


def greyed(rgb: Image) -> Image:
    """Returns a picture in grey levels, still of three channels."""
    return np.asarray(cv2.transform(rgb, GREY), dtype=np.uint8)


def _tga(bgr: Image) -> bytes:
    height, width = bgr.shape[:2]
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return TGA_HEADER + size + TGA_DEPTH + bgr.tobytes()
