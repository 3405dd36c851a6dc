"""The DonkeyCar environment over the embedded world or a simulator on the wire, with upstream's spaces, conf keys,
reward and info.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agent.simulator.appearance import Appearance
from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.world import UNITS_PER_METRE, Telemetry, World
from agent.worlds.donkey.env_options import camera_view, checked, lidar, open_world, second_view
from agent.worlds.donkey.remote.client import SimulatorLost
from agent.worlds.donkey.remote.remote_world import RemoteTelemetry, RemoteWorld
from agent.worlds.donkey.road_choice import draw_narrow

STALL_LIMIT_SEC = 5.0
HALF_TICK_SEC = 0.005
CRASH_REWARD = -1.0
ASTRAY = 0.7  # of the cross-track error that ends an episode is how far aside one may begin
# On roads that cross themselves so many of the astray begin upright instead, so far before a crossing. The second of
# each is for conf crossroads, where a narrow one is likelier, by the square of its ways' cosine and so much more.
BEFORE_CROSSINGS, BEFORE_CROSSING_U = (0.5, 0.8), ((20.0, 45.0), (20.0, 80.0))
ANY_CROSSING = 0.05
# Endings that are no fault of the driver's: the value of what would have come counts.
TRUNCATIONS = ("time_limit", "finished")


class DonkeyEnv(gymnasium.Env[NDArray[np.uint8], NDArray[np.float32]]):
    """A DonkeyCar on one track.

    Observations are camera frames ``cam_resolution`` (120, 160, 3) uint8, actions [steering, throttle] within
    ``steer_limit`` and ``throttle_min..throttle_max``. The reward is upstream's, (1 - \\|cte\\|/max_cte) times the
    forward speed in m/s, the bare speed in reverse, -1 where the episode ends by leaving the road, a hit or
    ``STALL_LIMIT_SEC`` without net progress. It is truncated at ``max_episode_steps`` and at the end of an open road.

    :param level: the simulator's name of the scene
    :param conf: upstream's conf keys; ``host`` or ``port`` make it an environment on the wire. Ours are ``appearance``
        (``plain``, or ``random``: another look in every episode, from the seed), ``start``: ``line`` (the scene's start
        pose), ``jitter`` (nearly so, from the seed), ``anywhere`` on the track (from the seed) or ``astray``, far
        aside and turned away too, or before a place where the road crosses itself, ``road``: ``kept`` from one seed to
        the next or, where the scene's is random, ``new`` in every episode, ``roads``: how many random roads there are,
        0 for as many as there are seeds, ``crossroads``: share of the new open roads that are drawn for a narrow
        crossing, and ``max_episode_steps``;
        ``client``: ``own`` or ``gym-donkeycar``; ``reconnect``: a lost simulator truncates the episode and the
        next reset connects anew; and limits of the waits, ``connect_limit_sec``, ``frame_limit_sec``,
        ``reset_limit_sec``
    :param world: drives in this world, which stays open, instead of one of its own
    :param grey_view: observe this in grey levels, (rows, columns) uint8, drawn at that size; embedded worlds only
    :raises ValueError: a scene or conf value that cannot be followed
    :raises SimulatorLost: here and later, a simulator that is not there, silent, talking nonsense or elsewhere
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - Gymnasium's own declaration

    def __init__(
        self,
        level: str,
        conf: dict[str, Any] | None = None,
        render_mode: str | None = None,
        world: World | RemoteWorld | None = None,
        grey_view: View | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode {render_mode!r} is not supported; use rgb_array")
        self.conf = checked(conf or {})
        self.render_mode = render_mode
        self._view, self._grey_view, self._lidar = (
            camera_view(self.conf),
            grey_view,
            lidar(self.conf),
        )
        self._second_view = second_view(self.conf)
        steer = self.conf["steer_limit"]
        self.action_space = spaces.Box(
            np.array([-steer, self.conf["throttle_min"]], dtype=np.float32),
            np.array([steer, self.conf["throttle_max"]], dtype=np.float32),
        )
        shape: tuple[int, ...] = self._view.height, self._view.width, 3
        if grey_view is not None:
            shape = grey_view.height - grey_view.cropped, grey_view.width
        self.observation_space = spaces.Box(0, 255, shape, dtype=np.uint8)
        self._frame: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self.steps, self.steering = 0, 0.0
        self._road_seed: int | None = None
        self.choose_road: Callable[[np.random.Generator], int] | None = None
        self.throttle_cap = float(self.action_space.high[1])  # a trainer may lower it for a while
        self._owns_world = world is None
        self.world = world or open_world(level, self.conf)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start an episode; a seed also draws a random road anew.

        :param options: ``{"put_back": True}`` goes on with the last one instead: the car at rest on the centre line
            beside where it is, and its clock, progress and laps as they are; embedded worlds only
        """
        if options and options.get("put_back"):
            assert isinstance(self.world, World), "cars on the wire begin anew"
            self.world.put_back()
            self.steering = 0.0
        else:
            self.restart(seed)
        return self._observe(), self.info(self.world.telemetry(), None)

    def restart(self, seed: int | None = None) -> None:
        """What ``reset`` does, without looking."""
        super().reset(seed=seed)
        if seed is None and self.conf["road"] == "new" and self.world.scene.is_random:
            self._road_seed = self._draw_road(self.np_random)
        if seed is not None:
            self._road_seed = (
                seed  # kept, for who drives the same world in turn may have drawn another road
            )
        if self._road_seed is not None and self.conf["roads"]:
            self._road_seed %= self.conf["roads"]
        seed = self._road_seed
        start, draw = self.conf["start"], self.np_random.uniform
        if start == "line":
            self.world.reset(seed)
        elif start == "jitter":
            self.world.reset(seed, lateral_u=draw(-0.5, 0.5), yaw_offset_rad=math.radians(draw(-5.0, 5.0)))
        else:
            if self.world.scene.is_random:
                self.world.reset(seed)  # the road decides how far it reaches
            reach = self.world.track.length_u * (1.0 if self.world.track.closed else 0.8)
            arc_u, aside_u, turned_deg = draw(0.0, reach), 1.5, 10.0
            track, often = self.world.track, self.conf["crossroads"] > 0.0
            if start == "astray" and len(track.crossings) and draw() < BEFORE_CROSSINGS[often]:
                weight = track.narrowness**2 + ANY_CROSSING
                node = self.np_random.choice(
                    track.crossings, p=weight / weight.sum() if often else None
                )
                arc_u = track.arc_before(node, draw(*BEFORE_CROSSING_U[often]))
            elif start == "astray":
                aside_u, turned_deg = ASTRAY * self.conf["max_cte"], 35.0
            self.world.reset(
                arc_u=arc_u,
                lateral_u=draw(-aside_u, aside_u),
                yaw_offset_rad=math.radians(draw(-turned_deg, turned_deg)),
            )
        if self.conf["appearance"] == "random" and isinstance(self.world, World):
            self.world.set_appearance(Appearance(seed=int(self.np_random.integers(2**31))))
        self.steps, self.steering = 0, 0.0

    def _draw_road(self, rng: np.random.Generator) -> int:
        """Number of the road of a new episode."""
        share = self.conf["crossroads"]
        if (
            share and self.world.scene.path["kind"] == "random" and rng.random() < share
        ):  # loops have them by rule
            return draw_narrow(self.world.scene.name, self.conf["roads"] or 2**31, rng)
        return self.choose_road(rng) if self.choose_road else int(rng.integers(2**31))

    @property
    def road(self) -> int:
        """Number of the random road of the episode, 0 where there is one road only."""
        return self._road_seed or 0

    @property
    def line_ahead(self) -> float:
        """Laps of progress at which the start line is first crossed."""
        return self.world.line_ahead_u / self.world.track.length_u

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Drive one control step of 0.05 s (``frame_skip`` of them)."""
        command = np.clip(action, self.action_space.low, self.action_space.high)  # type: ignore[attr-defined]
        command[1] = min(command[1], self.throttle_cap)
        self.steering, end_reason = float(command[0]), None
        for _ in range(self.conf["frame_skip"]):
            try:
                seen = self.world.step(float(command[0]), float(command[1]))
            except SimulatorLost:
                if not self.conf["reconnect"]:
                    raise
                return self._frame, 0.0, False, True, self.info(self.world.telemetry(), "sim_lost")
            self.steps += 1
            if end_reason := self.end_reason(seen):
                break
        truncated = end_reason in TRUNCATIONS
        terminated = end_reason is not None and not truncated
        reward = CRASH_REWARD if terminated else self._reward(seen)
        return self._observe(), reward, terminated, truncated, self.info(seen, end_reason)

    def render(self) -> NDArray[np.uint8] | None:
        if self.render_mode != "rgb_array":
            return None
        return self._frame.copy() if self._grey_view is None else self._picture(self._view)

    def close(self) -> None:
        """Hang up, unless the world is somebody else's."""
        if self._owns_world and isinstance(self.world, RemoteWorld):
            self.world.close()

    def _observe(self) -> NDArray[np.uint8]:
        self._frame = np.empty_like(self._frame)
        self.world.render(self._frame, self._grey_view or self._view)
        return self._frame

    def _picture(self, view: View, second: bool = False) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = np.empty((view.height, view.width, 3), dtype=np.uint8)
        if isinstance(self.world, RemoteWorld):
            self.world.render(frame, second=second)
        else:
            self.world.render(frame, view)
        return frame

    def end_reason(self, seen: Telemetry | RemoteTelemetry) -> str | None:
        if abs(seen.cte) > self.conf["max_cte"]:
            return "off_track"
        if seen.hit != "none":
            return "hit"
        if seen.stalled_sec > STALL_LIMIT_SEC - HALF_TICK_SEC:
            return "no_progress"
        if seen.finished:
            return "finished"
        return "time_limit" if self.steps >= self.conf["max_episode_steps"] else None

    def _reward(self, seen: Telemetry | RemoteTelemetry) -> float:
        if seen.forward_vel <= 0.0:
            return seen.forward_vel
        return along_the_road(seen.forward_vel, seen.cte, self.conf["max_cte"])

    def info(self, seen: Telemetry | RemoteTelemetry, end_reason: str | None) -> dict[str, Any]:
        second = (
            {}
            if self._second_view is None
            else {"image_b": self._picture(self._second_view, second=True)}
        )
        return {
            **second,
            "pos": seen.pos,
            "cte": seen.cte,
            "speed": seen.speed,
            "steering": self.steering,
            "forward_vel": seen.forward_vel,
            "hit": seen.hit,
            "gyro": seen.gyro,
            "accel": seen.accel,
            "vel": seen.vel,
            "lidar": []
            if self._lidar is None
            else distances(self.world.lidar(self._lidar), self._lidar),
            "car": seen.car,
            "last_lap_time": seen.last_lap_time,
            "lap_count": seen.lap_count,
            "lap_times": seen.lap_times,
            "progress": seen.progress,
            "laps": seen.laps,
            "net_progress_m": seen.progress * self.world.track.length_u / UNITS_PER_METRE,
            "end_reason": end_reason,
        }


def along_the_road(speed: Any, cte: Any, max_cte: float) -> Any:
    """Speed weighted by nearness to the path, speed * (1 - \\|cte\\|/max_cte), of floats or arrays."""
    return speed * (1.0 - abs(cte) / max_cte)


def distances(hits: list[tuple[float, float, float]], config: LidarConfig) -> NDArray[np.float64]:
    """Upstream's array of distances in u, level by level clockwise from forward, -1 where a ray hit nothing."""
    sweep = int(360 / config.deg_per_sweep)
    seen = np.full(config.levels * sweep, -1.0)
    for distance, rx, ry in hits:
        index = sweep * round(abs(ry / config.deg_delta)) + round(abs(rx / config.deg_per_sweep))
        if index < len(seen):
            seen[index] = distance
    return seen
