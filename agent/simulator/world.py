"""One car on one track: physics at 100 Hz under a 20 Hz control step, telemetry, laps and the camera.

Telemetry follows the Unity simulator: speeds, positions and accelerations in metres, ``cte`` in Unity units,
positive to the right of the path. Everything is a function of the seed and the commands, bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.simulator import camera, vehicle
from agent.simulator.appearance import Appearance
from agent.simulator.ground import Ground, Paint
from agent.simulator.lens import Lens, View, lens_for
from agent.simulator.lidar import LidarConfig, scan
from agent.simulator.obstacles import Obstacles
from agent.simulator.track_progress import (
    ARC,
    BEST_AT_SEC,
    BEST_NET,
    CLOCK_SEC,
    CROSSINGS,
    CTE,
    END_U,
    HEIGHT_U,
    HIT,
    LAP_SEC,
    NET,
    NODE,
    UPHILL,
    PROGRESS_SIZE,
    Course,
    advance,
)
from agent.simulator.tracks import Array, Scene, Track, build_track, load_scene, scene_for

UNITS_PER_METRE = 8.0
CONTROL_HZ = 20
TICKS_PER_STEP = 5
# Half width and shift to the left of the random road by upstream's road_style, u (the scene's own start is 2.2).
ROAD_STYLES = ((5.0, 2.2), (12.0, 6.0), (10.0, 6.0), (10.0, 6.0), (12.0, 4.5))

DEFAULT_VIEW = View()


class BuiltScene:
    """A scene as one seed makes it: the track, what stands beside it and what the camera looks up."""

    def __init__(self, scene: Scene, track: Track) -> None:
        self.scene, self.track = scene, track
        self.ground = Ground(track, scene)
        self.paint, self.obstacles = Paint(scene), Obstacles(scene, track)


@lru_cache(maxsize=1024)  # half a gigabyte of long roads, which take 13 ms each to lay anew
def _built_scene(scene: str, seed: int) -> BuiltScene:
    """Shared by all worlds that drive there: nothing in it changes."""
    loaded = scene_for(load_scene(scene), seed)
    return BuiltScene(loaded, build_track(loaded, seed))


class Telemetry:
    """What the simulator reports after a step, in upstream's units and names; each value is worked out when read."""

    __slots__ = ("_built", "_car_state", "_progress_state", "lap_times")

    def __init__(
        self, car: list[float], way: list[float], built: BuiltScene, lap_times: list[float]
    ) -> None:
        self._car_state, self._progress_state, self._built = car, way, built
        self.lap_times = lap_times  # seconds, start line to start line

    @property
    def pos(self) -> tuple[float, float, float]:
        """Metres, y up."""
        car, m = self._car_state, UNITS_PER_METRE
        return car[vehicle.X] / m, self._progress_state[HEIGHT_U] / m, car[vehicle.Z] / m

    @property
    def cte(self) -> float:
        """Cross-track error in u, positive right of the path."""
        return self._progress_state[CTE]

    @property
    def speed(self) -> float:
        """Metres a second over the ground."""
        return (
            math.hypot(self._car_state[vehicle.FORWARD], self._car_state[vehicle.SIDE])
            / UNITS_PER_METRE
        )

    @property
    def forward_vel(self) -> float:
        """Metres a second along the car."""
        return self._car_state[vehicle.FORWARD] / UNITS_PER_METRE

    @property
    def vel(self) -> tuple[float, float, float]:
        """Metres a second in the car's frame: right, up, forward."""
        return self._car_state[vehicle.SIDE] / UNITS_PER_METRE, 0.0, self.forward_vel

    @property
    def accel(self) -> tuple[float, float, float]:
        """Metres a second squared in the car's frame: right, up, forward."""
        car, m = self._car_state, UNITS_PER_METRE
        return car[vehicle.ACCEL_SIDE] / m, 0.0, car[vehicle.ACCEL_FORWARD] / m

    @property
    def gyro(self) -> tuple[float, float, float]:
        """Radians a second about right, up, forward."""
        return 0.0, self._car_state[vehicle.YAW_RATE], 0.0

    @property
    def car(self) -> tuple[float, float, float]:
        """Roll, pitch (nose down positive) and yaw in degrees."""
        pitch_deg = -math.degrees(math.atan(self._progress_state[UPHILL])) % 360.0
        return 0.0, pitch_deg, math.degrees(self._car_state[vehicle.YAW]) % 360.0

    @property
    def hit(self) -> str:
        """What the car touches, in the simulator's name for it, ``none`` for nothing."""
        return (
            "none"
            if self._progress_state[HIT] < 0
            else self._built.obstacles.names[int(self._progress_state[HIT])]
        )

    @property
    def progress(self) -> float:
        """Net laps along the centre line since the start."""
        return self._progress_state[NET] / self._built.track.length_u

    @property
    def laps(self) -> int:
        """Whole laps of ``progress``."""
        return max(0, int(self.progress))

    @property
    def lap_count(self) -> int:
        """Laps from start line to start line."""
        return max(0, int(self._progress_state[CROSSINGS]) - 1)

    @property
    def line_crossings(self) -> int:
        """How often the start line was crossed, going round forwards."""
        return int(self._progress_state[CROSSINGS])

    @property
    def active_node(self) -> int:
        """Index of the centre line's node nearest to the car, of ``total_nodes``."""
        return int(self._progress_state[NODE])

    @property
    def total_nodes(self) -> int:
        """Nodes of the centre line."""
        return len(self._built.track.nodes)

    @property
    def last_lap_time(self) -> float:
        """Seconds, 0 before the first."""
        return self.lap_times[-1] if self.lap_times else 0.0

    @property
    def stalled_sec(self) -> float:
        """Seconds since the last net progress."""
        return self._progress_state[CLOCK_SEC] - self._progress_state[BEST_AT_SEC]

    @property
    def finished(self) -> bool:
        """Whether the end of an open road is reached."""
        track = self._built.track
        return not track.closed and self._progress_state[ARC] >= track.length_u - END_U


class World:
    """A headless DonkeySim.

    :param scene: name of a scene, see ``tracks.scene_names``
    :raises ValueError: there is no such scene
    """

    def __init__(self, scene: str) -> None:
        self.scene: Scene = load_scene(scene)
        self._car_state: Array = np.zeros(vehicle.STATE_SIZE)
        self._progress_state: Array = np.zeros(PROGRESS_SIZE)
        self._move_to(_built_scene(scene, 0))
        self.reset()

    def _move_to(self, built: BuiltScene) -> None:
        self._built, self.track, self.scene = built, built.track, built.scene
        self.set_appearance(None)

    def set_appearance(self, appearance: Appearance | None) -> None:
        """Change how the scene and the camera look until the next change of road; None for the scene's own look."""
        built = self._built
        self._paint, self._obstacles, self._appearance = built.paint, built.obstacles, appearance
        self._render_inputs: dict[tuple[View, bool], tuple[Lens, camera.RenderInputs]] = {}
        if appearance is not None:
            look = appearance.scene(built.scene, built.track)
            self._paint, self._obstacles = (
                Paint(look, appearance.grain_peak()),
                Obstacles(look, built.track),
            )

    @property
    def nodes(self) -> Array:
        """The centre line's nodes (n, 3): x, z and height, u."""
        return self.track.nodes

    def regenerate_road(self, seed: int, style: int = 0, turn_deg: float = 1.0) -> None:
        """Lay a random road anew and put the car on its start, upstream's ``regen_road``.

        :param style: half width and offset of the road are the ``style % 5``-th of upstream's table
        :param turn_deg: how fast the bends change
        :raises ValueError: a scene whose road is not random
        """
        scene = self.scene
        if scene.path["kind"] != "random":
            raise ValueError(
                f"scene {scene.name!r} has one road only; regen_road is for generated_road"
            )
        half, offset = ROAD_STYLES[style % len(ROAD_STYLES)]
        first, last = scene.cross_section[0]["from_u"], scene.cross_section[0]["to_u"]
        stretch = 2 * half / (last - first)
        strips = [
            {
                **strip,
                **{
                    end: (strip[end] - first) * stretch - half - offset
                    for end in ("from_u", "to_u")
                },
            }
            for strip in scene.cross_section
        ]
        redrawn = replace(scene, path={**scene.path, "turn_deg": turn_deg}, cross_section=strips)
        self._move_to(BuiltScene(redrawn, build_track(redrawn, seed)))
        self.reset()

    def reset(
        self,
        seed: int | None = None,
        *,
        arc_u: float | None = None,
        lateral_u: float = 0.0,
        yaw_offset_rad: float = 0.0,
    ) -> None:
        """Put the car at rest on the scene's start pose, or ``arc_u`` along the centre line.

        :param seed: draws a random road anew; None keeps it
        :param lateral_u: shifted this far to the right of that pose, u
        :param yaw_offset_rad: and turned clockwise by so much, radians
        """
        if seed is not None and self.scene.is_random:
            self._move_to(_built_scene(self.scene.name, seed))
        start = self.scene.start
        x, z, yaw, node = start["x"], start["z"], math.radians(start["yaw_deg"]), None
        if arc_u is not None:  # where the road crosses itself the nearest node may be another way's
            (x, z, yaw), node = self.track.pose_at(arc_u), self.track.node_at(arc_u)
        self._car_state[:] = 0.0
        self._car_state[vehicle.X] = x + lateral_u * math.cos(yaw)
        self._car_state[vehicle.Z] = z - lateral_u * math.sin(yaw)
        self._car_state[vehicle.YAW] = yaw + yaw_offset_rad
        self._progress_state[:] = 0.0
        x, z = self._car_state[vehicle.X], self._car_state[vehicle.Z]
        self._progress_state[NODE] = self.track.nearest_node(x, z) if node is None else node
        self.lap_times: list[float] = []
        track, obstacles = self.track, self._built.obstacles
        self.course = Course(
            track.nodes, track.direction, track.arc_u, track.length_u, track.closed, 0.0,
            obstacles.pillars, obstacles.boxes, obstacles.blocking,
        )  # fmt: skip
        advance(self._car_state, self._progress_state, 0.0, 0.0, 0.0, 0, self.course)
        self.course = self.course._replace(line_ahead_u=self._start_line_ahead())

    def _start_line_ahead(self) -> float:
        """Net advance from here at which the start line is first crossed, u; at once where there is none."""
        line = self.scene.start_line
        if line is None:
            return 0.0
        return (
            self.track.arc_of(line["x"], line["z"]) - float(self._progress_state[ARC])
        ) % self.track.length_u

    def set_pose(self, x: float, z: float, yaw: float, node: int | None = None) -> None:
        """Put the car at ``x, z`` (u), heading ``yaw`` (rad), as fast as it was.

        :param node: of the track, near there; None for the nearest
        """
        self._car_state[[vehicle.X, vehicle.Z, vehicle.YAW]] = x, z, yaw
        self._progress_state[NODE] = self.track.nearest_node(x, z) if node is None else node
        advance(self._car_state, self._progress_state, 0.0, 0.0, 0.0, 0, self.course)

    def put_back(self) -> None:
        """Put the car at rest on the centre line, beside where it is; its clock, progress and laps go on."""
        net_u, node = self._progress_state[NET], self._progress_state[NODE]
        x, z, yaw = self.track.pose_at(float(self._progress_state[ARC]))
        self._car_state[:] = 0.0
        self.set_pose(x, z, yaw, int(node))
        self._progress_state[[NET, BEST_NET]], self._progress_state[BEST_AT_SEC] = (
            net_u,
            self._progress_state[CLOCK_SEC],
        )

    @property
    def line_ahead_u(self) -> float:
        """Net advance since the start at which the start line is first crossed, u."""
        return self.course.line_ahead_u

    def share_state(self, car: Array, way: Array) -> None:
        """Keep the car's state in these rows from now on, where others may read and drive it, see ``Fleet``."""
        car[:], way[:] = self._car_state, self._progress_state
        self._car_state, self._progress_state = car, way

    def step(self, steering: float, throttle: float, brake: float = 0.0) -> Telemetry:
        """Hold the commands (steering and throttle in [-1, 1], brake from 0) for 0.05 s and report."""
        crossings = self._progress_state[CROSSINGS]
        steering, throttle = min(max(steering, -1.0), 1.0), min(max(throttle, -1.0), 1.0)
        advance(
            self._car_state,
            self._progress_state,
            steering,
            throttle,
            max(brake, 0.0),
            TICKS_PER_STEP,
            self.course,
        )
        if self._progress_state[CROSSINGS] > max(crossings, 1.0):
            self.record_lap()
        return self.telemetry()

    def record_lap(self) -> None:
        """The start line was crossed: remember the time since it was crossed before."""
        self.lap_times.append(round(float(self._progress_state[LAP_SEC]), 2))

    def telemetry(self) -> Telemetry:
        """The present state."""
        return Telemetry(
            self._car_state.tolist(), self._progress_state.tolist(), self._built, self.lap_times
        )

    def render(self, out: NDArray[np.uint8], view: View = DEFAULT_VIEW) -> None:
        """Draw the camera's view into ``out`` uint8, (rows, view.width, 3) in colour or (rows, view.width) in grey."""
        lens, seen = self.render_inputs(view, grey=out.ndim == 2)
        shape = lens.height, lens.width, *out.shape[2:]
        picture = out if lens.remap is None else np.empty(shape, dtype=np.uint8)
        camera.render(
            picture,
            seen,
            self._car_state,
            self._progress_state[HEIGHT_U],
            self._progress_state[UPHILL],
            self._progress_state[ARC],
        )
        if lens.remap is not None:
            cv2.remap(
                picture, *lens.remap, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE
            )

    def render_inputs(self, view: View, grey: bool) -> tuple[Lens, camera.RenderInputs]:
        """What a view shows here in the present look, through which lens."""
        if (view, grey) not in self._render_inputs:
            lens = lens_for(view if self._appearance is None else self._appearance.view(view))
            built = self._built
            seen = camera.render_inputs(
                built.track, built.ground, self._paint, self._obstacles, lens, grey
            )
            self._render_inputs[view, grey] = lens, seen
        return self._render_inputs[view, grey]

    def lidar(self, config: LidarConfig) -> list[tuple[float, float, float]]:
        """Rays that hit something: distance in u, ``rx`` and ``ry`` in degrees."""
        x, z, yaw = self._car_state[:3].tolist()
        hits = scan(config, x, z, yaw, float(self._progress_state[HEIGHT_U]), self._built.obstacles)
        return [(d, rx, ry) for d, rx, ry in hits.tolist()]
