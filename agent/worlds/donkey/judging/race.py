"""A race: laps against the clock, a price on every crash, and the third is the end.

The rules are TMRL's (+10 s per crash, three crashes out). After a crash (off the track, against something, or five
seconds without progress) the car is put back on the centre line beside where it was, at rest. On an open road a lap is
the way from its start to its end, on a random one a road of its own each time. Everything follows from the seed.
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

LAPS = 10
CRASH_SEC = 10.0
CRASHES_OUT = 3
ENDLESS = 10**9  # steps; a race ends by its laps or its crashes


@dataclass(frozen=True)
class Race:
    """What a race came to: ``lap_times`` in seconds, their ``sectors``, ``driven_sec`` from first step to last.

    ``laps`` were to be driven; ``progress`` is what was, in laps from the start; ``steering_change`` as in ``Episode``.
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
        """The time that counts, with the price of the crashes; None for who is out."""
        return (
            self.driven_sec + CRASH_SEC * self.crashes if len(self.lap_times) == self.laps else None
        )

    @property
    def mean_lap_sec(self) -> float | None:
        return float(np.mean(self.lap_times)) if self.lap_times else None

    @property
    def best_lap_sec(self) -> float | None:
        return min(self.lap_times, default=None)

    @property
    def best_sectors_sec(self) -> list[float] | None:
        """The quickest of each sector, whichever the lap."""
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


def race(
    env: gymnasium.Env,
    policy: PolicyPredictor,
    laps: int,
    seed: int,
    watch: Callable[[DonkeyEnv, int], None] | None = None,
) -> Race:
    """Drive ``laps`` laps in ``env``, deterministically.

    :param env: of ``race_env``
    :param watch: is shown the environment after every step, with the crashes so far
    """
    car = cast(DonkeyEnv, env.unwrapped)
    observation, _ = env.reset(seed=seed)
    line_ahead, closed = car.line_ahead, car.world.track.closed
    lap_times: list[float] = []
    sectors: list[list[float]] = []
    progress: list[float] = []
    steering: list[float] = []
    memory, begins, crashes = None, True, 0
    while len(lap_times) < laps and crashes < CRASHES_OUT:
        actions, memory = policy.predict(observation[None], memory, np.array([begins]), True)
        observation, _, terminated, truncated, info = env.step(actions[0])
        progress.append(info["progress"])
        steering.append(info["steering"])
        crashes += terminated
        if watch:
            watch(car, crashes)
        if closed:
            lap_times = list(info["lap_times"])
        elif truncated:
            lap_times.append(len(progress) / CONTROL_HZ)
            sectors += lap_sectors(progress, 0.0, lap_times[-1:])
            progress = []
        begins = bool(terminated or truncated)
        if begins:
            again: dict[str, Any] = (
                {"options": {"put_back": True}} if terminated else {"seed": seed + len(lap_times)}
            )
            observation, _ = env.reset(**again)
    if closed:
        sectors = lap_sectors(progress, line_ahead, lap_times)
    whole = 0.0 if closed else len(lap_times)
    driven = whole + (progress[-1] if progress else 0.0)
    return Race(
        laps, lap_times, sectors, driven, crashes, len(steering) / CONTROL_HZ, mean_change(steering)
    )
