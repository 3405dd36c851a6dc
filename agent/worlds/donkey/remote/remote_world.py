"""The world of a simulator on a port, in the shape of the embedded one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.protocol import Message
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.simulator.tracks import Track, build_track, load_scene
from agent.simulator.world import CONTROL_HZ
from agent.worlds.donkey.remote.link import LARGEST_NUMBER, Limits, Link, SimulatorLost, Vector
from agent.worlds.donkey.remote.odometer import Odometer
from agent.worlds.donkey.remote.remote_telemetry import (
    RemoteTelemetry,
    read_pose,
    read_telemetry,
)

STEP_SEC = 1.0 / CONTROL_HZ
# All of these are chosen.
LONGEST_STEP_SEC = 60.0  # a clock that jumps farther was set anew
STILL_M_S = 0.05
AT_POSE_U = 0.5  # distance, see ``apart_u``, within which a car is where it was put
ALREADY_THERE_U = 0.1  # a car that has this far to go need not be seen to move
RADIAN_U = 2.0
DROP_U = 0.3  # a car that is put somewhere drops onto its wheels, rather than stand in the slope
SAME_ROAD_U = 4.0  # the path's nodes may be sampled otherwise than ours, but not lie elsewhere
NODES_COMPARED = 4
OPEN_ROAD_GAP_U = 20.0
SAME_CTE_U = 1.0
REDRAWN = (
    "random"  # the kind of path that regen_road draws anew; other random ones stay as they are
)
SECOND_IMAGE = "imageb"  # upstream's own client looks for image_b, which never comes


class RemoteWorld:
    """One car in a simulator on a port.

    Progress, laps and stalls come from the car's positions on our own copy of the scene's track. Of
    a random road the simulator is asked for the nodes.

    :param scene: the simulator's name of the scene
    :param connect: opens the link; called again after a loss if ``reconnect``
    :param limits: of all waits
    :param reconnect: open the link anew in the next reset after a loss
    :raises SimulatorLost: here and from every method, within the limits
    """

    _link: Link
    _message: Message  # the newest telemetry
    _telemetry: RemoteTelemetry  # the same, read
    _spawn: Vector

    def __init__(
        self, scene: str, connect: Callable[[], Link], limits: Limits, *, reconnect: bool = False
    ) -> None:
        self.scene = load_scene(scene)
        self.limits = limits
        self.reconnect = reconnect
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
        """Put the car at rest on its start pose, or ``arc_u`` along the centre line.

        Returns when a telemetry shows it there, at rest. Some simulators follow their path node by
        node and lose it when the car is put elsewhere. Then the cross-track error is our own until
        the next reset.

        :param seed: draws a random road anew; None keeps it
        :param arc_u: place along the centre line, u; None for the start pose
        :param lateral_u: shifted this far to the right of that pose, u
        :param yaw_offset_rad: and turned clockwise by so much, radians
        """
        if not self._link.is_open:
            if not self.reconnect:
                raise SimulatorLost(
                    "the simulator is lost; make the environment anew, or give conf reconnect=True"
                )
            self._open()
        deadline = time.monotonic() + self.limits.reset_sec
        self._own_cte = False
        self._control(0.0, 0.0, 1.0)
        if seed is not None and seed != self._seed and self.scene.path["kind"] == REDRAWN:
            self._redraw(seed, deadline)
        self._wait_until_at_rest("reset_car", self._spawn, deadline)
        if arc_u is not None or lateral_u or yaw_offset_rad:
            x, z, yaw = self._spawn if arc_u is None else self.track.pose_at(arc_u)
            x += lateral_u * math.cos(yaw)
            z -= lateral_u * math.sin(yaw)
            self._set_pose((x, z, yaw + yaw_offset_rad), deadline)
        self._elapsed(self._message)
        self._odometer.start(*read_pose(self._link, self._message))
        self._read("none")
        moved = arc_u is not None
        self._own_cte = moved and abs(self._telemetry.cte - self._odometer.cte) > SAME_CTE_U
        self._read("none")

    def step(self, steering: float, throttle: float, brake: float = 0.0) -> RemoteTelemetry:
        """Send the commands and report the first telemetry to arrive after them.

        :param steering: from -1, left, to 1
        :param throttle: from -1 to 1
        :param brake: from 0
        """
        hit = "none"
        for message in self._control(steering, throttle, brake):
            pose = read_pose(self._link, message)
            self._odometer.advance(*pose, self._elapsed(message))
            if hit == "none":
                hit = str(message.get("hit", "none"))
        self._read(hit)
        return self._telemetry

    def telemetry(self) -> RemoteTelemetry:
        """The newest."""
        return self._telemetry

    def render(
        self, out: NDArray[np.uint8], view: View | None = None, *, second: bool = False
    ) -> None:
        """Copy the newest picture.

        :param out: (rows, columns, 3) uint8
        :param view: as ``World.render`` has it; the simulator draws the one it was sent
        :param second: of the second camera
        """
        if second:
            picture = self._link.decoded(self._message.get(SECOND_IMAGE))
        else:
            picture = self._link.frame()
        if picture.shape != out.shape:
            raise self._link.lost(
                f"its pictures are {picture.shape}, not {out.shape}; set cam_resolution to theirs"
            )
        out[:] = picture

    def lidar(self, config: LidarConfig) -> list[Vector]:
        """Rays that hit something: distance in u, ``rx`` and ``ry`` in degrees."""
        rays = self._message.get("lidar") or ()
        try:
            return [(float(ray["d"]), float(ray["rx"]), float(ray["ry"])) for ray in rays]
        except (TypeError, ValueError, KeyError):
            raise self._link.lost("its telemetry has a lidar that cannot be read") from None

    @property
    def line_ahead_u(self) -> float:
        """Net advance since the start at which the start line is first crossed, u."""
        return self._odometer.line_ahead_u

    def close(self) -> None:
        """Close the connection; harmless a second time."""
        self._link.close()

    def _open(self) -> None:
        self._seed: int | None = None
        self._clock_sec: float | None = None
        self._own_cte = False
        self._use(build_track(self.scene))
        self._odometer.start(0.0, 0.0, 0.0)  # loads its kernel before anybody waits for us
        self._link = self._connect()
        self._note_spawn()
        if not self._is_the_road(self._link.deadline):
            if not self._link.change_scene():
                raise self._link.lost(
                    f"wrong scene, {self.scene.name!r} was asked for and another is loaded"
                )
            self._note_spawn()
            self._demand_the_road(self._link.deadline)

    def _note_spawn(self) -> None:
        """Take note of where the car is before it was ever driven: a reset puts it there."""
        self._message = self._link.telemetry(self._link.deadline - time.monotonic())
        self._spawn = read_pose(self._link, self._message)
        self._spawn_y_u = self._link.number(self._message, "pos_y", 0.0) * UNITS_PER_METRE
        self._odometer.start(*self._spawn)
        self._read("none")

    def _use(self, track: Track) -> None:
        self.track = track
        self._odometer = Odometer(self.scene, track)

    def _is_the_road(self, deadline: float) -> bool:
        """Compare some of the path's nodes with ours; of a random road, take them all over.

        A simulator that does not tell its nodes is believed, unless the road is random.
        """
        link = self._link
        total = int(link.number(self._message, "totalNodes", 1.0))
        if not self.scene.is_random:
            if self.scene.backwards and not self._is_facing_along():
                return False
            indices = [total * part // NODES_COMPARED for part in range(NODES_COMPARED)]
            return all(self._is_near_the_road(node) for node in link.nodes(indices, deadline))
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

    def _is_facing_along(self) -> bool:
        """True if the car was put down as ours is: a road's nodes are the same both ways round."""
        start = math.radians(self.scene.start["yaw_deg"])
        return math.cos(self._spawn[2] - start) > 0.0

    def _is_near_the_road(self, node: Vector) -> bool:
        ours = self.track.nodes
        return bool(np.hypot(ours[:, 0] - node[0], ours[:, 1] - node[1]).min() < SAME_ROAD_U)

    def _demand_the_road(self, deadline: float) -> None:
        if not self._is_the_road(deadline):
            raise self._link.lost(f"wrong scene, it does not change to {self.scene.name!r}")

    def _redraw(self, seed: int, deadline: float) -> None:
        fields = {"road_style": 0, "rand_seed": seed, "turn_increment": self.scene.path["turn_deg"]}
        self._wait_until_at_rest("regen_road", self._spawn, deadline, **fields)
        self._demand_the_road(deadline)
        self._seed = seed

    def _set_pose(self, pose: Vector, deadline: float) -> None:
        x, z, yaw = pose
        here = self.track.nearest_node(x, z)
        start = self.track.nearest_node(self._spawn[0], self._spawn[1])
        rise_u = float(self.track.nodes[here, 2] - self.track.nodes[start, 2])
        place = {"pos_x": x, "pos_y": self._spawn_y_u + rise_u + DROP_U, "pos_z": z}
        turn = {"Qx": 0.0, "Qy": math.sin(yaw / 2), "Qz": 0.0, "Qw": math.cos(yaw / 2)}
        self._wait_until_at_rest("set_position", pose, deadline, **place, **turn)

    def _wait_until_at_rest(
        self, msg_type: str, pose: Vector, deadline: float, **fields: float
    ) -> None:
        """Send the message and wait until the car rests at ``pose``.

        A simulator in lockstep answers with a telemetry for which no time has gone by. Of another,
        the first to come may have been on its way before the message, and is not believed. Nor is
        one that shows the car nearer to where it was than to where it shall be.
        """
        link = self._link
        before = self._message.get("time")
        origin = read_pose(link, self._message)
        if apart_u(origin, pose) < ALREADY_THERE_U:
            origin = pose
        link.forget()
        link.send(msg_type, **fields)
        self._message = link.telemetry(self.limits.frame_sec)
        if before is None or self._message.get("time") != before:
            self._message = link.telemetry(self.limits.frame_sec)
        while True:
            is_still = link.number(self._message, "speed") < STILL_M_S
            here = read_pose(link, self._message)
            missing_u = apart_u(here, pose)
            if is_still and missing_u < AT_POSE_U and missing_u <= apart_u(here, origin):
                return
            if time.monotonic() > deadline:
                at = f"({pose[0]:.1f}, {pose[1]:.1f}) u, {math.degrees(pose[2]) % 360:.0f} degrees"
                raise link.lost(
                    f"after {msg_type} the car does not rest at {at} in {self.limits.reset_sec:g} s"
                )
            self._message = link.telemetry(self.limits.frame_sec)

    def _control(self, steering: float, throttle: float, brake: float) -> list[Message]:
        messages = self._link.control(steering, throttle, brake)
        self._message = messages[-1]
        return messages

    def _elapsed(self, message: Message) -> float:
        """Seconds since the telemetry before; a control step where the simulator has no clock."""
        before_sec = self._clock_sec
        now = message.get("time")
        is_clock = isinstance(now, (int, float)) and abs(now) < LARGEST_NUMBER
        self._clock_sec = now if is_clock else None
        if before_sec is None or self._clock_sec is None:
            return STEP_SEC
        elapsed_sec = self._clock_sec - before_sec
        return elapsed_sec if 0.0 < elapsed_sec < LONGEST_STEP_SEC else STEP_SEC

    def _read(self, hit: str) -> None:
        self._telemetry = read_telemetry(
            self._link, self._message, self._odometer, self._own_cte, hit
        )


def apart_u(one: Vector, other: Vector) -> float:
    """Distance between two poses (x, z, yaw): u, and ``RADIAN_U`` for a radian between headings."""
    turned = math.remainder(one[2] - other[2], 2 * math.pi)
    return math.hypot(one[0] - other[0], one[1] - other[1]) + RADIAN_U * abs(turned)
