"""The world of a simulator elsewhere, in the shape of the embedded one: reset, step, telemetry, render."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.protocol import Message
from agent.simulator.tracks import Track, build_track, load_scene
from agent.simulator.world import CONTROL_HZ, UNITS_PER_METRE
from agent.worlds.donkey.remote.client import Limits, Link, SimulatorLost, Vector
from agent.worlds.donkey.remote.odometer import Odometer

STEP_SEC = 1.0 / CONTROL_HZ
STILL_M_S = 0.05
AT_PLACE_U = 0.5
ALREADY_THERE_U = 0.1  # a car that has this far to go need not be seen to move
RADIAN_U = 2.0
# A car that is put somewhere drops onto its wheels, rather than stand in the slope.
DROP_U = 0.3
# The path's nodes may be sampled otherwise than ours, but not lie elsewhere.
SAME_ROAD_U = 4.0
NODES_COMPARED = 4
OPEN_ROAD_GAP_U = 20.0
REDRAWN = (
    "random"  # the kind of path that regen_road draws anew; other random ones stay as they are
)
TWICE_THE_SAME_CTE_U = 1.0
SECOND_IMAGE = "imageb"  # upstream's own client looks for image_b, which never comes


@dataclass(frozen=True, slots=True)
class RemoteTelemetry:
    """One telemetry in the units and names of ``agent.simulator.world.Telemetry``."""

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
        """Whole laps of ``progress``."""
        return max(0, int(self.progress))

    @property
    def lap_count(self) -> int:
        """Laps from start line to start line."""
        return len(self.lap_times)

    @property
    def last_lap_time(self) -> float:
        """Seconds, 0 before the first."""
        return self.lap_times[-1] if self.lap_times else 0.0


class RemoteWorld:
    """One car in a simulator elsewhere.

    Progress, laps and stalls come from the car's positions on our own copy of the scene's track; of a random road the
    simulator is asked for the nodes.

    :param connect: opens the link; called again after a loss if ``reconnect``
    :raises SimulatorLost: here and from every method, within the limits
    """

    _link: Link
    _message: Message  # the newest telemetry
    _seen: RemoteTelemetry  # the same, read
    _spawn: Vector

    def __init__(
        self, scene: str, connect: Callable[[], Link], limits: Limits, *, reconnect: bool = False
    ) -> None:
        self.scene = load_scene(scene)
        self.limits, self.reconnect = limits, reconnect
        self._connect = connect
        self._open()

    def reset(
        self,
        seed: int | None = None,
        *,
        arc_u: float | None = None,
        lateral_u: float = 0.0,
        yaw_offset_rad: float = 0.0,
    ) -> None:
        """Put the car at rest on its start pose, or ``arc_u`` along the centre line; see ``World.reset``.

        Returns when a telemetry shows it there, at rest. Where the simulator follows its path node by node and loses
        it when the car is put elsewhere, the cross-track error is our own until the next reset.
        """
        if not self._link.is_open:
            if not self.reconnect:
                raise SimulatorLost(
                    "the simulator is lost; make the environment anew, or give conf reconnect=True"
                )
            self._open()
        deadline = time.monotonic() + self.limits.reset_sec
        self._own_cte = False
        self._control(0.0, 0.0, 1.0, self.limits.frame_sec)
        if seed is not None and seed != self._seed and self.scene.path["kind"] == REDRAWN:
            self._redraw(seed, deadline)
        self._settle("reset_car", self._spawn, deadline)
        if arc_u is not None or lateral_u or yaw_offset_rad:
            x, z, yaw = self._spawn if arc_u is None else self.track.pose_at(arc_u)
            self._place(
                (x + lateral_u * math.cos(yaw), z - lateral_u * math.sin(yaw), yaw + yaw_offset_rad), deadline
            )
        self._elapsed(self._message)
        self._odometer.start(*self._pose(self._message))
        self._see(self._message, "none")
        self._own_cte = (
            arc_u is not None and abs(self._seen.cte - self._odometer.cte) > TWICE_THE_SAME_CTE_U
        )
        self._see(self._message, "none")

    def step(self, steering: float, throttle: float, brake: float = 0.0) -> RemoteTelemetry:
        """Send the commands and report the first telemetry to arrive after them."""
        hit = "none"
        for message in self._control(steering, throttle, brake, self.limits.frame_sec):
            self._odometer.advance(*self._pose(message), self._elapsed(message))
            hit = hit if hit != "none" else str(message.get("hit", "none"))
        self._see(self._message, hit)
        return self._seen

    def telemetry(self) -> RemoteTelemetry:
        """The newest."""
        return self._seen

    def render(
        self, out: NDArray[np.uint8], view: View | None = None, *, second: bool = False
    ) -> None:
        """Copy the newest picture into ``out`` (rows, columns, 3) uint8, of the ``second`` camera if asked.

        :param view: as ``World.render`` has it; the simulator draws the one it was sent
        """
        picture = (
            self._link.decoded(self._message.get(SECOND_IMAGE)) if second else self._link.frame()
        )
        if picture.shape != out.shape:
            raise self._link.lost(
                f"its pictures are {picture.shape}, not {out.shape}; set cam_resolution to theirs"
            )
        out[:] = picture

    def lidar(self, config: LidarConfig) -> list[Vector]:
        """The newest telemetry's rays that hit something: distance in u, ``rx`` and ``ry`` in degrees."""
        try:
            return [
                (float(ray["d"]), float(ray["rx"]), float(ray["ry"]))
                for ray in self._message.get("lidar") or ()
            ]
        except (TypeError, ValueError, KeyError):
            raise self._link.lost("its telemetry has a lidar that cannot be read") from None

    @property
    def line_ahead_u(self) -> float:
        """Net advance since the start at which the start line is first crossed, u."""
        return self._odometer.line_ahead_u

    def close(self) -> None:
        """Hang up; harmless a second time."""
        self._link.close()

    def _open(self) -> None:
        self._seed: int | None = None
        self._clock_sec: float | None = None
        self._own_cte = False
        self._use(build_track(self.scene))
        self._odometer.start(0.0, 0.0, 0.0)  # loads its kernel before anybody waits for us
        self._link = self._connect()
        self._first_look()
        if not self._is_the_road(self._link.deadline):
            if not self._link.change_scene():
                raise self._link.lost(
                    f"wrong scene, {self.scene.name!r} was asked for and another is loaded"
                )
            self._first_look()
            self._demand_the_road(self._link.deadline)

    def _first_look(self) -> None:
        """Where the car is before it was ever driven is where a reset puts it."""
        self._message = self._link.telemetry(self._link.deadline - time.monotonic())
        self._spawn = self._pose(self._message)
        self._spawn_y_u = self._link.number(self._message, "pos_y", 0.0) * UNITS_PER_METRE
        self._odometer.start(*self._spawn)
        self._see(self._message, "none")

    def _use(self, track: Track) -> None:
        self.track = track
        self._odometer = Odometer(self.scene, track)

    def _is_the_road(self, deadline: float) -> bool:
        """Compare some of the path's nodes with ours; of a random road, take them all over.

        A simulator that does not tell its nodes is believed, unless the road is random.
        """
        link, ours = self._link, self.track.nodes
        total = int(link.number(self._message, "totalNodes", 1.0))
        if not self.scene.is_random:
            told = link.nodes(
                [total * part // NODES_COMPARED for part in range(NODES_COMPARED)], deadline
            )
            return all(
                np.hypot(ours[:, 0] - x, ours[:, 1] - z).min() < SAME_ROAD_U for x, z, _ in told
            )
        nodes = link.nodes(range(total), deadline)
        if len(nodes) < 2:
            raise link.lost(
                f"it does not tell the nodes of {self.scene.name!r}, whose road is random"
            )
        closed = math.dist(nodes[0], nodes[-1]) < OPEN_ROAD_GAP_U
        if closed != self.track.closed:
            return False
        self._use(Track(np.array(nodes), closed=closed))
        self._odometer.start(*self._spawn)
        return True

    def _demand_the_road(self, deadline: float) -> None:
        if not self._is_the_road(deadline):
            raise self._link.lost(f"wrong scene, it does not change to {self.scene.name!r}")

    def _redraw(self, seed: int, deadline: float) -> None:
        fields = {"road_style": 0, "rand_seed": seed, "turn_increment": self.scene.path["turn_deg"]}
        self._settle("regen_road", self._spawn, deadline, **fields)
        self._demand_the_road(deadline)
        self._seed = seed

    def _place(self, pose: Vector, deadline: float) -> None:
        x, z, yaw = pose
        nodes, here, start = self.track.nodes, self.track.nearest_node, self._spawn
        rise_u = float(nodes[here(x, z), 2] - nodes[here(start[0], start[1]), 2])
        fields = {"pos_x": x, "pos_y": self._spawn_y_u + rise_u + DROP_U, "pos_z": z}
        turn = {"Qx": 0.0, "Qy": math.sin(yaw / 2), "Qz": 0.0, "Qw": math.cos(yaw / 2)}
        self._settle("set_position", pose, deadline, **fields, **turn)

    def _settle(self, msg_type: str, pose: Vector, deadline: float, **fields: float) -> None:
        """Send the message and wait until the car rests at ``pose``.

        A simulator in lockstep answers with a telemetry for which no time has gone by. Of another, the first to come
        may have been on its way before the message, and is not believed; nor is one that shows the car nearer to
        where it was than to where it shall be.
        """
        before, origin = self._message.get("time"), self._pose(self._message)
        if apart_u(origin, pose) < ALREADY_THERE_U:
            origin = pose
        self._link.forget()
        self._link.send(msg_type, **fields)
        self._message = self._link.telemetry(self.limits.frame_sec)
        if before is None or self._message.get("time") != before:
            self._message = self._link.telemetry(self.limits.frame_sec)
        while True:
            is_still = self._link.number(self._message, "speed") < STILL_M_S
            here = self._pose(self._message)
            missing_u = apart_u(here, pose)
            if is_still and missing_u < AT_PLACE_U and missing_u <= apart_u(here, origin):
                return
            if time.monotonic() > deadline:
                at = f"({pose[0]:.1f}, {pose[1]:.1f}) u, {math.degrees(pose[2]) % 360:.0f} degrees"
                raise self._link.lost(
                    f"after {msg_type} the car does not rest at {at} in {self.limits.reset_sec:g} s"
                )
            self._message = self._link.telemetry(self.limits.frame_sec)

    def _control(
        self, steering: float, throttle: float, brake: float, limit_sec: float
    ) -> list[Message]:
        messages = self._link.control(steering, throttle, brake, limit_sec)
        self._message = messages[-1]
        return messages

    def _pose(self, message: Message) -> Vector:
        """Place in u and heading in radians."""
        x, z = (self._link.number(message, name) * UNITS_PER_METRE for name in ("pos_x", "pos_z"))
        return x, z, math.radians(self._link.number(message, "yaw", 0.0))

    def _elapsed(self, message: Message) -> float:
        """Seconds since the telemetry before; a control step where the simulator does not tell its time."""
        before, now = self._clock_sec, message.get("time")
        self._clock_sec = now if isinstance(now, (int, float)) else None
        if before is None or self._clock_sec is None or not 0.0 < self._clock_sec - before < 60.0:
            return STEP_SEC
        return self._clock_sec - before

    def _see(self, message: Message, hit: str) -> None:
        def number(name: str, default: float | None = 0.0) -> float:
            return self._link.number(message, name, default)

        def vector(kind: str, *axes: str) -> Vector:
            x, y, z = (number(kind + axis) for axis in axes or "xyz")
            return x, y, z

        way, speed = self._odometer, number("speed", None)
        vel = vector("vel_") if "vel_z" in message else (0.0, 0.0, speed)
        self._seen = RemoteTelemetry(
            pos=vector("pos_"),
            cte=way.cte if self._own_cte else number("cte", way.cte),
            speed=speed,
            forward_vel=vel[2],
            vel=vel,
            accel=vector("accel_"),
            gyro=vector("gyro_"),
            car=vector("", "roll", "pitch", "yaw"),
            hit=hit,
            progress=way.progress,
            lap_times=way.lap_times,
            stalled_sec=way.stalled_sec,
            finished=way.finished,
        )


def apart_u(one: Vector, other: Vector) -> float:
    """How far two poses are from each other: u between their places and ``RADIAN_U`` for a radian between headings."""
    turned = math.remainder(one[2] - other[2], 2 * math.pi)
    return math.hypot(one[0] - other[0], one[1] - other[1]) + RADIAN_U * abs(turned)
