"""A race: laps against the clock, a price on every crash, and the third is the end.

The rules are TMRL's (+10 s per crash, three crashes out). After a crash (off the track, against
something, or five seconds without progress) the car is put back on the centre line beside where it
was, at rest. On an open road a lap is the way from its start to its end, on a random one a road of
its own each time. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import gymnasium
import numpy as np

from agent.simulator.world import CONTROL_HZ
from agent.worlds.base import Learner, Purpose
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.measures import lap_sectors, mean_change, quickest
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.vec_env import env_options

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor

CRASH_SEC = 10.0  # TMRL's, as the next
CRASHES_OUT = 3
ENDLESS = 10**9  # steps; a race ends by its laps or its crashes


@dataclass(frozen=True)
class Race:
    """Result of a race.

    :param laps: to be driven
    :param lap_times: seconds of those driven
    :param sectors: seconds of the sectors of each
    :param progress: laps driven from the start
    :param crashes: how many
    :param driven_sec: from first step to last
    :param steering_change: see ``measures.mean_change``
    """

    laps: int
    lap_times: list[float]
    sectors: list[list[float]]
    progress: float
    crashes: int
    driven_sec: float
    steering_change: float

    @property
    def total_sec(self) -> float | None:
        """The time that counts, with the price of the crashes; None for a driver that is out."""
        if len(self.lap_times) < self.laps:
            return None
        return self.driven_sec + CRASH_SEC * self.crashes

    @property
    def mean_lap_sec(self) -> float | None:
        """Mean of the laps; None without any."""
        return float(np.mean(self.lap_times)) if self.lap_times else None

    @property
    def best_lap_sec(self) -> float | None:
        """The quickest lap; None without any."""
        return min(self.lap_times, default=None)

    @property
    def best_sectors_sec(self) -> list[float] | None:
        """The quickest of each sector over the laps."""
        return quickest(self.sectors)

    def to_json(self) -> dict[str, Any]:
        """For the ledger of evaluations."""
        return {**vars(self), "total_sec": self.total_sec}


def race_env(options: DonkeyOptions, discrete: bool, env_id: str) -> gymnasium.Env:
    """The embedded environment of a race.

    :param options: of the racing policy's world
    :param discrete: the policy chooses among numbered actions
    :param env_id: without an address
    """
    endless = replace(options, max_episode_steps=ENDLESS)
    return make_env(env_id, **env_options(endless, Purpose.JUDGE, Learner(discrete)))


class _RaceLog:
    """Laps, sectors and steering of a race so far.

    :param closed: laps go from start line to start line; else each is a road of its own
    :param line_ahead: laps of progress at which the start line is first crossed
    """

    def __init__(self, closed: bool, line_ahead: float) -> None:
        self.closed = closed
        self.line_ahead = line_ahead
        self.lap_times: list[float] = []
        self._sectors: list[list[float]] = []
        self._progress: list[float] = []
        self._steering: list[float] = []

    def note(self, info: dict[str, Any], truncated: bool) -> None:
        """Take note of a step."""
        self._progress.append(info["progress"])
        self._steering.append(info["steering"])
        if self.closed:
            self.lap_times = list(info["lap_times"])
        elif truncated:
            self.lap_times.append(len(self._progress) / CONTROL_HZ)
            self._sectors += lap_sectors(self._progress, 0.0, self.lap_times[-1:])
            self._progress = []

    def race(self, laps: int, crashes: int) -> Race:
        """The result."""
        sectors = self._sectors
        progress = 0.0
        if self.closed:
            sectors = lap_sectors(self._progress, self.line_ahead, self.lap_times)
        else:
            progress += len(self.lap_times)
        if self._progress:
            progress += self._progress[-1]
        return Race(
            laps,
            self.lap_times,
            sectors,
            progress,
            crashes,
            len(self._steering) / CONTROL_HZ,
            mean_change(self._steering),
        )


def race(
    env: gymnasium.Env,
    policy: PolicyPredictor,
    laps: int,
    seed: int,
    watch: Callable[[DonkeyEnv, int], None] | None = None,
) -> Race:
    """Drive laps deterministically.

    :param env: of ``race_env``
    :param policy: drives
    :param laps: how many
    :param seed: of the first episode; each road of an open track has the next
    :param watch: is shown the environment after every step, with the crashes so far
    """
    donkey_env = cast(DonkeyEnv, env.unwrapped)
    observation, _ = env.reset(seed=seed)
    log = _RaceLog(donkey_env.world.track.closed, donkey_env.line_ahead)
    memory = None
    begins = True
    crashes = 0
    while len(log.lap_times) < laps and crashes < CRASHES_OUT:
        actions, memory = policy.predict(observation[None], memory, np.array([begins]), True)
        observation, _, terminated, truncated, info = env.step(actions[0])
        crashes += int(terminated)
        log.note(info, truncated)
        if watch:
            watch(donkey_env, crashes)
        begins = bool(terminated or truncated)
        if terminated:
            observation, _ = env.reset(options={"put_back": True})
        elif truncated:
            observation, _ = env.reset(seed=seed + len(log.lap_times))
    return log.race(laps, crashes)
