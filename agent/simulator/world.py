"""One car on one track: physics at 100 Hz under a 20 Hz control step, telemetry, laps, pictures.

Everything is a function of the seed and the commands, bit for bit.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from agent.simulator import camera, vehicle
from agent.simulator.appearance import Appearance
from agent.simulator.built_scene import BuiltScene, built_scene, regenerated_scene
from agent.simulator.compiled_lists import typed_list
from agent.simulator.lens import Lens, View, lens_for
from agent.simulator.lidar import LidarConfig, scan
from agent.simulator.light_map import light_map
from agent.simulator.obstacles import Obstacles
from agent.simulator.paint import Paint
from agent.simulator.render_inputs import RenderInputs, gather_render_inputs
from agent.simulator.sunlight import tinted
from agent.simulator.telemetry import Telemetry
from agent.simulator.track_progress import (
    ARC,
    BEST_AT_SEC,
    BEST_NET,
    CLOCK_SEC,
    CROSSINGS,
    HEIGHT_U,
    HIT,
    LAP_SEC,
    NET,
    NODE,
    PROGRESS_SIZE,
    Course,
    advance,
    locate,
)
from agent.simulator.typing import Array, Image

CONTROL_HZ = 20
TICKS_PER_STEP = 5

DEFAULT_VIEW = View()


class World:
    """A headless DonkeySim.

    :param scene: name of a scene, see ``tracks.scene_names``, or path of a scene file
    :param random_look: resets with a seed draw what the scene file has as its ``random_look``
    :raises ValueError: there is no such scene, or its file is wrong
    """

    def __init__(self, scene: str, *, random_look: bool = True) -> None:
        self._random_look = random_look
        self._car_state: Array = np.zeros(vehicle.STATE_SIZE)
        self._progress_state: Array = np.zeros(PROGRESS_SIZE)
        self._enter(built_scene(scene, 0))
        self.reset()

    def _enter(self, built: BuiltScene) -> None:
        """Drive in another scene from now on, or on another of its roads."""
        self._plain = built
        self._built = built
        self.scene = built.scene
        self.track = built.track
        self.set_appearance(None)

    def _draw_look(self, seed: int) -> None:
        """Draw the scene's random look; nothing changes where it has none, or it is switched off.

        :param seed: the same one draws the same
        """
        if self._random_look and self._plain.scene.random_look is not None:
            self._built = self._plain.looked(seed)
            self.scene = self._built.scene
            self.set_appearance(self._appearance)

    def set_appearance(self, appearance: Appearance | None) -> None:
        """Change how scene and camera look; None for the scene itself.

        It lasts until the next change of road.
        """
        built = self._built
        self._appearance = appearance
        self._paint = built.paint
        self._obstacles = built.obstacles
        self._shadows = built.shadows
        self._render_inputs: dict[tuple[View, bool], tuple[Lens, RenderInputs]] = {}
        self._kept: dict[tuple[View, bool], tuple[Lens, Any]] = {}  # as compiled lists
        if appearance is not None:
            scene = tinted(appearance.scene(built.scene, built.track))
            self._paint = Paint(scene, appearance.grain_peak())
            self._obstacles = Obstacles(scene, built.track)
            self._shadows = light_map(scene, built.track, self._obstacles.barriers)

    @property
    def nodes(self) -> Array:
        """The centre line's nodes (n, 3): x, z and height, u."""
        return self.track.nodes

    @property
    def line_ahead_u(self) -> float:
        """Net advance since the start at which the start line is first crossed, u."""
        return self.course.line_ahead_u

    def regenerate_road(self, seed: int, style: int = 0, turn_deg: float = 1.0) -> None:
        """Build a random road anew and put the car on its start, upstream's ``regen_road``.

        :param seed: draws the road
        :param style: see ``built_scene.ROAD_STYLES``
        :param turn_deg: how fast the bends change
        :raises ValueError: a scene whose road is not random
        """
        self._enter(regenerated_scene(self.scene, seed, style, turn_deg))
        self.reset()

    def reset(
        self,
        seed: int | None = None,
        *,
        arc_u: float | None = None,
        lateral_u: float = 0.0,
        yaw_offset_rad: float = 0.0,
        look: int | None = None,
    ) -> None:
        """Put the car at rest on the scene's start pose, or on the centre line.

        :param seed: draws a random road and a random look anew; None keeps them
        :param arc_u: place along the centre line, None for the start pose
        :param lateral_u: shift to the right of that pose, u
        :param yaw_offset_rad: turn clockwise from that pose, radians
        :param look: draws the random look instead of ``seed``
        """
        if seed is not None and self.scene.is_random:
            self._enter(built_scene(self.scene.name, seed))
        look = seed if look is None else look
        if look is not None:
            self._draw_look(look)
        start = self.scene.start
        x, z, yaw = start["x"], start["z"], math.radians(start["yaw_deg"])
        if arc_u is not None:
            x, z, yaw = self.track.pose_at(arc_u)
        x += lateral_u * math.cos(yaw)
        z -= lateral_u * math.sin(yaw)
        # Where the road crosses itself the nearest node may be another leg's.
        node = None if arc_u is None else self.track.node_at(arc_u)
        obstacles = self._built.obstacles
        self.course = Course(
            line=self.track.line,
            line_ahead_u=0.0,
            pillars=obstacles.pillars,
            boxes=obstacles.boxes,
            blocking=obstacles.blocking,
        )
        self.lap_times: list[float] = []
        self._car_state[:] = 0.0
        self._progress_state[:] = 0.0
        self.set_pose(x, z, yaw + yaw_offset_rad, node)
        self.course = self.course._replace(line_ahead_u=self._start_line_ahead())

    def _start_line_ahead(self) -> float:
        """Returns the net advance from here to the start line, u; 0 where there is none."""
        line = self.scene.start_line
        if line is None:
            return 0.0
        line_arc_u = self.track.arc_of(line["x"], line["z"])
        return (line_arc_u - float(self._progress_state[ARC])) % self.track.length_u

    def set_pose(self, x: float, z: float, yaw: float, node: int | None = None) -> None:
        """Put the car somewhere, as fast as it was.

        :param x: u, as is ``z``
        :param yaw: radians clockwise from +z
        :param node: of the track, near there; None for the nearest
        """
        self._car_state[vehicle.X] = x
        self._car_state[vehicle.Z] = z
        self._car_state[vehicle.YAW] = yaw
        if node is None:
            node = self.track.nearest_node(x, z)
        self._progress_state[NODE] = node
        locate(self._car_state, self._progress_state, self.course.line)
        self._progress_state[NET] = 0.0
        self._progress_state[BEST_NET] = 0.0
        self._progress_state[HIT] = -1.0

    def put_back(self) -> None:
        """Put the car at rest on the centre line beside where it is.

        Its clock, progress and laps go on.
        """
        net_u = self._progress_state[NET]
        node = self._progress_state[NODE]
        x, z, yaw = self.track.pose_at(float(self._progress_state[ARC]))
        self._car_state[:] = 0.0
        self.set_pose(x, z, yaw, int(node))
        self._progress_state[NET] = net_u
        self._progress_state[BEST_NET] = net_u
        self._progress_state[BEST_AT_SEC] = self._progress_state[CLOCK_SEC]

    def share_state(self, car_state: Array, progress_state: Array) -> None:
        """Keep the states in these rows from now on, where others read and change them.

        See ``Fleet``.
        """
        car_state[:] = self._car_state
        progress_state[:] = self._progress_state
        self._car_state = car_state
        self._progress_state = progress_state

    def step(self, steering: float, throttle: float, brake: float = 0.0) -> Telemetry:
        """Hold the commands for 0.05 s and report.

        :param steering: positive right, clipped to [-1, 1]
        :param throttle: clipped to [-1, 1]
        :param brake: share of the brakes' torque, from 0
        """
        crossings = self._progress_state[CROSSINGS]
        advance(
            self._car_state,
            self._progress_state,
            min(max(steering, -1.0), 1.0),
            min(max(throttle, -1.0), 1.0),
            max(brake, 0.0),
            TICKS_PER_STEP,
            self.course,
        )
        if self._progress_state[CROSSINGS] > max(crossings, 1.0):
            self.record_lap()
        return self.telemetry()

    def record_lap(self) -> None:
        """Keep the time between the last two crossings of the start line."""
        self.lap_times.append(round(float(self._progress_state[LAP_SEC]), 2))

    def telemetry(self) -> Telemetry:
        """The present state."""
        return Telemetry(
            self._car_state.tolist(), self._progress_state.tolist(), self._built, self.lap_times
        )

    def render(self, out: Image, view: View = DEFAULT_VIEW) -> None:
        """Draw the camera's view.

        :param out: the picture, (rows, view.width, 3) in colour or (rows, view.width) in grey
        :param view: which camera
        """
        grey = out.ndim == 2
        kept = self._kept.get((view, grey))
        if kept is None:
            lens, read = self.render_inputs(view, grey)
            kept = self._kept[view, grey] = lens, typed_list(read)
        lens, inputs = kept
        if lens.remap is None:
            camera.render_first(out, inputs, self._car_state, self._progress_state)
            return
        straight = np.empty((lens.height, lens.width, *out.shape[2:]), dtype=np.uint8)
        camera.render_first(straight, inputs, self._car_state, self._progress_state)
        cv2.remap(straight, *lens.remap, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)

    def render_inputs(self, view: View, grey: bool) -> tuple[Lens, RenderInputs]:
        """Returns the lens of a view and what its kernels read in the present appearance."""
        if (view, grey) not in self._render_inputs:
            mounted = view if self._appearance is None else self._appearance.view(view)
            lens = lens_for(mounted)
            inputs = gather_render_inputs(
                self.track,
                self._built.ground,
                self._paint,
                self._obstacles,
                self._shadows,
                lens,
                grey,
            )
            self._render_inputs[view, grey] = lens, inputs
        return self._render_inputs[view, grey]

    def lidar(self, config: LidarConfig) -> list[tuple[float, float, float]]:
        """Returns the rays that hit something: distance in u, ``rx`` and ``ry`` in degrees."""
        x, z, yaw = self._car_state[:3].tolist()
        height_u = float(self._progress_state[HEIGHT_U])
        hits = scan(config, x, z, yaw, height_u, self._built.obstacles)
        return [(d, rx, ry) for d, rx, ry in hits.tolist()]
