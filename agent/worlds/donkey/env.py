"""The DonkeyCar environment over the embedded world or a simulator on a port.

Its spaces, conf keys, reward and info are upstream's (gym-donkeycar 1.3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agent.simulator.appearance import Appearance
from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.remote_car import greyed
from agent.simulator.telemetry import UNITS_PER_METRE, Telemetry
from agent.simulator.world import World
from agent.worlds.donkey import starts
from agent.worlds.donkey.env_options import (
    AnyWorld,
    camera_view,
    checked,
    is_grey,
    lidar,
    open_world,
    second_view,
)
from agent.worlds.donkey.options import RANDOM_ROADS
from agent.worlds.donkey.remote.link import SimulatorLost
from agent.worlds.donkey.remote.remote_telemetry import RemoteTelemetry
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.rewards import CRASH_REWARD, simulator_reward

STALL_LIMIT_SEC = 5.0  # chosen
HALF_TICK_SEC = 0.005  # of the simulator's clock, whose sums round
APPEARANCE_SEEDS = 2**31
LOOK_STREAM = 7  # chosen: tells the random looks' generator from others of the same seed
# Endings that are no fault of the driver's: the value of what would have come counts.
TRUNCATIONS = ("time_limit", "finished")


class DonkeyEnv(gymnasium.Env[NDArray[np.uint8], NDArray[np.float32]]):
    """A DonkeyCar on one track.

    Observations are camera frames ``cam_resolution`` (120, 160, 3) uint8, actions [steering,
    throttle] within ``steer_limit`` and ``throttle_min..throttle_max``. The reward is upstream's,
    see ``rewards.simulator_reward``. It is ``CRASH_REWARD`` where the episode ends by leaving the
    road, by a hit or by ``STALL_LIMIT_SEC`` without net progress. The episode is truncated at
    ``max_episode_steps`` and at the end of an open road.

    :param level: the simulator's name of the scene
    :param conf: upstream's conf keys and our own, see ``conf_checks``; ``host``, ``port`` or
        ``exe_path`` make it an environment in the simulator there
    :param render_mode: ``rgb_array`` or None
    :param world: drives in this world, which stays open, instead of one of its own
    :param grey_view: observe this in grey levels, (rows, columns) uint8, drawn at that size; not on
        a port
    :raises ValueError: a scene or conf value that cannot be followed
    :raises SimulatorLost: here and later, a simulator that is not there, silent, talking nonsense
        or elsewhere
    """

    # Gymnasium declares it so.
    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        level: str,
        conf: dict[str, Any] | None = None,
        render_mode: str | None = None,
        world: AnyWorld | None = None,
        grey_view: View | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode {render_mode!r} is not supported; use rgb_array")
        self.conf = checked(conf or {})
        self.render_mode = render_mode
        self._view = camera_view(self.conf)
        self._grey_view = grey_view
        self._second_view = second_view(self.conf)
        self._lidar = lidar(self.conf)
        self._make_spaces()
        self.steps = 0
        self.steering = 0.0
        self.throttle = 0.0
        self._road_seed: int | None = None
        self._look_random: np.random.Generator | None = None
        # A curriculum may choose the roads, and may lower the throttle for a while.
        self.choose_road: Callable[[np.random.Generator], int] | None = None
        self.throttle_cap = float(self.action_space.high[1])  # type: ignore[attr-defined]
        self._owns_world = world is None
        self.world = world or open_world(level, self.conf)

    def _make_spaces(self) -> None:
        steer = self.conf["steer_limit"]
        self.action_space = spaces.Box(
            np.array([-steer, self.conf["throttle_min"]], dtype=np.float32),
            np.array([steer, self.conf["throttle_max"]], dtype=np.float32),
        )
        shape: tuple[int, ...] = (self._view.height, self._view.width, 3)
        if self._grey_view is not None:
            shape = (self._grey_view.height - self._grey_view.cropped, self._grey_view.width)
        self.observation_space = spaces.Box(0, 255, shape, dtype=np.uint8)
        self._frame: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start an episode.

        :param seed: also draws a random road anew
        :param options: ``{"put_back": True}`` goes on with the last episode instead: the car at
            rest on the centre line beside where it is, and its clock, progress and laps as they
            are; not on a port
        """
        if options and options.get("put_back"):
            assert isinstance(self.world, World), "cars on a port begin anew"
            self.world.put_back()
            self.steering = 0.0
        else:
            self.restart(seed)
        return self._observe(), self.info(self.world.telemetry(), None)

    def restart(self, seed: int | None = None) -> None:
        """Do what ``reset`` does, without rendering."""
        super().reset(seed=seed)
        if seed is not None or self._look_random is None:
            # Apart from the other draws, so that a car on a port starts where this one does.
            self._look_random = np.random.default_rng([max(self.np_random_seed, 0), LOOK_STREAM])
        self._choose_road(seed)
        self._start()
        if self.conf["appearance"] == "random" and not isinstance(self.world, RemoteWorld):
            appearance_seed = int(self.np_random.integers(APPEARANCE_SEEDS))
            self.world.set_appearance(Appearance(seed=appearance_seed))
        self.steps = 0
        self.steering = 0.0

    def _choose_road(self, seed: int | None) -> None:
        """Decide the number of the road. It is kept: others may drive the same world in turn."""
        if seed is not None:
            self._road_seed = seed
        elif self.conf["road"] == "new" and self.world.scene.is_random:
            if self.choose_road is None:
                self._road_seed = int(self.np_random.integers(RANDOM_ROADS))
            else:
                self._road_seed = self.choose_road(self.np_random)
        if self._road_seed is not None and self.conf["roads"]:
            self._road_seed %= self.conf["roads"]

    def _start(self) -> None:
        """Put the car on the road's start, as conf ``start`` has it."""
        kind = self.conf["start"]
        look = self._drawn_look()
        if kind == "line":
            self.world.reset(self._road_seed, **look)
            return
        if kind == "jitter":
            self.world.reset(self._road_seed, **starts.jittered(self.np_random), **look)
            return
        if self.world.scene.is_random:
            self.world.reset(self._road_seed, **look)  # the road decides how far it reaches
            look = {}
        track = self.world.track
        if kind == "anywhere":
            self.world.reset(**starts.anywhere(track, self.np_random), **look)
            return
        crossings = starts.EVEN_CROSSINGS
        if self.conf["narrow_crossings"]:
            crossings = starts.NARROW_CROSSINGS
        max_cte = self.conf["max_cte"]
        self.world.reset(**starts.perturbed(track, crossings, max_cte, self.np_random), **look)

    def _drawn_look(self) -> dict[str, int]:
        """The argument of ``World.reset`` that draws a look for this episode, if there is any."""
        if not isinstance(self.world, World) or self._look_random is None:
            return {}
        return {"look": int(self._look_random.integers(APPEARANCE_SEEDS))}

    @property
    def road(self) -> int:
        """Number of the episode's random road, 0 where there is one road only."""
        return self._road_seed or 0

    @property
    def line_ahead(self) -> float:
        """Laps of progress at which the start line is first crossed."""
        return self.world.line_ahead_u / self.world.track.length_u

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Drive one control step of 0.05 s (``frame_skip`` of them)."""
        box = self.action_space
        command = np.clip(action, box.low, box.high)  # type: ignore[attr-defined]
        command[1] = min(command[1], self.throttle_cap)
        self.steering = float(command[0])
        self.throttle = float(command[1])
        end_reason = None
        for _ in range(self.conf["frame_skip"]):
            try:
                telemetry = self.world.step(float(command[0]), float(command[1]))
            except SimulatorLost:
                if not self.conf["reconnect"]:
                    raise
                return self._frame, 0.0, False, True, self.info(self.world.telemetry(), "sim_lost")
            self.steps += 1
            end_reason = self.end_reason(telemetry)
            if end_reason is not None:
                break
        truncated = end_reason in TRUNCATIONS
        terminated = end_reason is not None and not truncated
        reward = CRASH_REWARD
        if not terminated:
            forward_vel = telemetry.forward_vel
            reward = float(simulator_reward(forward_vel, telemetry.cte, self.conf["max_cte"]))
        return self._observe(), reward, terminated, truncated, self.info(telemetry, end_reason)

    def render(self) -> NDArray[np.uint8] | None:
        """The camera's picture in colour under ``rgb_array``."""
        if self.render_mode != "rgb_array":
            return None
        if self._grey_view is not None:
            return self._picture(self._view)
        return self._frame.copy()

    def picture(self) -> NDArray[np.uint8]:
        """The camera's picture in colour now, whatever is observed (rows, columns, 3)."""
        return self._picture(self._view)

    def close(self) -> None:
        """Close the connection, unless the world is somebody else's."""
        if self._owns_world and isinstance(self.world, RemoteWorld):
            self.world.close()

    def _observe(self) -> NDArray[np.uint8]:
        if self._grey_view is None:
            self._frame = self._picture(self._view)
        else:
            self._frame = np.empty_like(self._frame)
            self.world.render(self._frame, self._grey_view)
        return self._frame

    def _picture(self, view: View, key: str = "cam_config") -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = np.empty((view.height, view.width, 3), dtype=np.uint8)
        if isinstance(self.world, RemoteWorld):
            self.world.render(frame, second=key != "cam_config")
            return frame
        self.world.render(frame, view)
        return greyed(frame) if is_grey(self.conf, key) else frame

    def end_reason(self, telemetry: Telemetry | RemoteTelemetry) -> str | None:
        """Reason for the episode's end; None while it goes on."""
        if abs(telemetry.cte) > self.conf["max_cte"]:
            return "off_track"
        if telemetry.hit != "none":
            return "hit"
        if telemetry.stalled_sec > STALL_LIMIT_SEC - HALF_TICK_SEC:
            return "no_progress"
        if telemetry.finished:
            return "finished"
        return "time_limit" if self.steps >= self.conf["max_episode_steps"] else None

    def info(
        self, telemetry: Telemetry | RemoteTelemetry, end_reason: str | None
    ) -> dict[str, Any]:
        """Upstream's info, and ours: progress, laps and the reason for the end."""
        info: dict[str, Any] = {}
        if self._second_view is not None:
            info["image_b"] = self._picture(self._second_view, "cam_config_b")
        ranges: Any = []
        if self._lidar is not None:
            ranges = distances(self.world.lidar(self._lidar), self._lidar)
        return info | {
            "pos": telemetry.pos,
            "cte": telemetry.cte,
            "speed": telemetry.speed,
            "steering": self.steering,
            "forward_vel": telemetry.forward_vel,
            "hit": telemetry.hit,
            "gyro": telemetry.gyro,
            "accel": telemetry.accel,
            "vel": telemetry.vel,
            "lidar": ranges,
            "car": telemetry.car,
            "last_lap_time": telemetry.last_lap_time,
            "lap_count": telemetry.lap_count,
            "lap_times": telemetry.lap_times,
            "progress": telemetry.progress,
            "laps": telemetry.laps,
            "line_ahead": self.line_ahead,
            "net_progress_m": telemetry.progress * self.world.track.length_u / UNITS_PER_METRE,
            "end_reason": end_reason,
        }


def distances(hits: list[tuple[float, float, float]], config: LidarConfig) -> NDArray[np.float64]:
    """Upstream's array of distances in u, level by level clockwise from forward; -1 for no hit.

    :param hits: distance in u, ``rx`` and ``ry`` in degrees of every ray that hit something
    :param config: of the lidar
    """
    rays_per_level = int(360 / config.deg_per_sweep)
    array = np.full(config.levels * rays_per_level, -1.0)
    for distance, rx, ry in hits:
        level = round(abs(ry / config.deg_delta))
        index = rays_per_level * level + round(abs(rx / config.deg_per_sweep))
        if index < len(array):
            array[index] = distance
    return array
