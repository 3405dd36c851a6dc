"""Telemetry of a simulator on a port, in the units and names of the embedded ``Telemetry``."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.simulator.protocol import Message
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.worlds.donkey.remote.link import Link, Vector
from agent.worlds.donkey.remote.odometer import Odometer


@dataclass(frozen=True, slots=True)
class RemoteTelemetry:
    """One telemetry; see ``Telemetry`` for units and signs."""

    pos: Vector
    cte: float
    speed: float
    forward_vel: float
    vel: Vector
    accel: Vector
    gyro: Vector
    car: Vector
    hit: str
    progress: float
    lap_times: list[float]
    stalled_sec: float
    finished: bool

    @property
    def laps(self) -> int:
        """Number of whole laps in ``progress``."""
        return max(0, int(self.progress))

    @property
    def lap_count(self) -> int:
        """Laps from start line to start line."""
        return len(self.lap_times)

    @property
    def last_lap_time(self) -> float:
        """Seconds, 0 before the first."""
        return self.lap_times[-1] if self.lap_times else 0.0


def read_telemetry(
    link: Link, message: Message, odometer: Odometer, own_cte: bool, hit: str
) -> RemoteTelemetry:
    """The telemetry of a message; progress, laps and stalls are the odometer's.

    :param link: to the simulator
    :param message: telemetry of the simulator
    :param odometer: has followed the car up to this message
    :param own_cte: the cross-track error is the odometer's too
    :param hit: name of what was hit since the last, ``none`` for nothing
    :raises SimulatorLost: a field without a finite number
    """
    speed = link.number(message, "speed")
    vel = (0.0, 0.0, speed)
    if "vel_z" in message:
        vel = _vector(link, message, "vel_x", "vel_y", "vel_z")
    cte = odometer.cte
    if not own_cte:
        cte = link.number(message, "cte", cte)
    return RemoteTelemetry(
        pos=_vector(link, message, "pos_x", "pos_y", "pos_z"),
        cte=cte,
        speed=speed,
        forward_vel=vel[2],
        vel=vel,
        accel=_vector(link, message, "accel_x", "accel_y", "accel_z"),
        gyro=_vector(link, message, "gyro_x", "gyro_y", "gyro_z"),
        car=_vector(link, message, "roll", "pitch", "yaw"),
        hit=hit,
        progress=odometer.progress,
        lap_times=odometer.lap_times,
        stalled_sec=odometer.stalled_sec,
        finished=odometer.finished,
    )


def read_pose(link: Link, message: Message) -> Vector:
    """Place (x, z) in u and heading in radians, clockwise from +z.

    :raises SimulatorLost: a field without a finite number
    """
    x_m = link.number(message, "pos_x")
    z_m = link.number(message, "pos_z")
    yaw_deg = link.number(message, "yaw", 0.0)
    return x_m * UNITS_PER_METRE, z_m * UNITS_PER_METRE, math.radians(yaw_deg)


def _vector(link: Link, message: Message, *names: str) -> Vector:
    one, two, three = (link.number(message, name, 0.0) for name in names)
    return one, two, three
