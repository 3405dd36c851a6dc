"""How well a policy drives: SB3's ``evaluate_policy`` under the yardstick, plus laps, their times and sectors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.evaluation import evaluate_policy

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor
    from stable_baselines3.common.vec_env import VecEnv

SECTORS = 3  # of a lap, alike in length along the centre line
CRASHES = ("off_track", "hit")


@dataclass(frozen=True)
class Episode:
    """One episode driven by a deterministic policy.

    ``reward`` is the yardstick's sum, ``progress`` net laps along the centre line (may be negative),
    ``lap_times`` seconds, ``end_reason`` the environment's word for it, ``sectors`` the seconds of each lap's thirds,
    ``steering_change`` the mean \\|change\\| of the steering command (-1 to 1) from step to step.
    """

    reward: float
    steps: int
    progress: float
    laps: int
    lap_times: list[float] = field(default_factory=list)
    end_reason: str = "time_limit"
    sectors: list[list[float]] = field(default_factory=list)
    steering_change: float = 0.0

    def describe(self) -> str:
        times = "".join(
            f"  {seconds:.2f}s ({' '.join(f'{part:.2f}' for part in parts)})"
            for seconds, parts in zip(self.lap_times, self.sectors, strict=True)
        )
        return (
            f"reward {self.reward:.2f}  steps {self.steps}  progress {self.progress:.3f} laps  laps {self.laps}{times}"
            f"  steering changes {self.steering_change:.3f}  ended by {self.end_reason}"
        )


@dataclass(frozen=True)
class Score:
    """The episodes of one evaluation and what they amount to."""

    episodes: list[Episode]

    @property
    def mean_reward(self) -> float:
        return float(np.mean([episode.reward for episode in self.episodes]))

    @property
    def std_reward(self) -> float:
        return float(np.std([episode.reward for episode in self.episodes]))

    @property
    def laps(self) -> list[int]:
        return [episode.laps for episode in self.episodes]

    @property
    def best_lap_sec(self) -> float | None:
        return min(
            (seconds for episode in self.episodes for seconds in episode.lap_times), default=None
        )

    @property
    def mean_lap_sec(self) -> float | None:
        times = [seconds for episode in self.episodes for seconds in episode.lap_times]
        return float(np.mean(times)) if times else None

    @property
    def best_sectors_sec(self) -> list[float] | None:
        """The quickest of each sector, whichever the lap."""
        return quickest([lap for episode in self.episodes for lap in episode.sectors])

    @property
    def off_track(self) -> int:
        """Episodes that ended off the track or against something."""
        return sum(episode.end_reason in CRASHES for episode in self.episodes)

    @property
    def steering_change(self) -> float:
        """Mean of the steps' \\|change\\| of the steering command."""
        steps = [episode.steps for episode in self.episodes]
        return float(
            np.average([episode.steering_change for episode in self.episodes], weights=steps)
        )

    @property
    def finite(self) -> bool:
        return all(math.isfinite(episode.reward) for episode in self.episodes)

    def to_json(self) -> dict[str, Any]:
        """The record's ``score``."""
        return {
            "episodes": [episode.reward for episode in self.episodes],
            "laps": self.laps,
            "progress": [episode.progress for episode in self.episodes],
            "best_lap_sec": self.best_lap_sec,
            "mean_lap_sec": self.mean_lap_sec,
            "best_sectors_sec": self.best_sectors_sec,
            "off_track": self.off_track,
            "steering_change": self.steering_change,
        }


class _Witness:
    """Callback of ``evaluate_policy``: notes each episode's laps and steering, prints every ``log_steps``-th reward."""

    def __init__(self, worlds: VecEnv, log_steps: int) -> None:
        self.worlds, self.log_steps = worlds, log_steps
        self.endings: list[tuple[int, dict[str, Any]]] = []
        self._line_ahead: dict[int, float] = {}
        self._drives: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)

    def __call__(self, scope: dict[str, Any], _globals: dict[str, Any]) -> None:
        index, step = int(scope["i"]), int(scope["current_lengths"][scope["i"]])
        if self.log_steps and step % self.log_steps == 0:
            print(
                f"evaluation world {index} step {step}: reward {float(scope['reward']):.4f}",
                flush=True,
            )
        info = scope["info"]
        if step == 1:
            self._line_ahead[index] = self.worlds.get_attr("line_ahead", [index])[0]
        self._drives[index].append((info["progress"], info["steering"]))
        if scope["done"]:
            progress, steering = zip(*self._drives.pop(index), strict=True)
            sectors = lap_sectors(progress, self._line_ahead[index], info["lap_times"])
            own = {"sectors": sectors, "steering_change": mean_change(steering)}
            self.endings.append((index, {**info, **own}))


def evaluate(
    model: PolicyPredictor, worlds: VecEnv, episodes: int, seed: int, log_steps: int = 0
) -> Score:
    """Drive ``episodes`` episodes deterministically and gather their score, ordered by world.

    :param model: or whatever else predicts as SB3's models do
    :param worlds: evaluation environments (yardstick reward), not those of training
    :param seed: seed of the first world; the others follow it
    :param log_steps: print every so many steps' reward; 0 for none
    """
    witness = _Witness(worlds, log_steps)
    worlds.seed(seed)
    rewards, lengths = evaluate_policy(
        model,
        worlds,
        n_eval_episodes=episodes,
        deterministic=True,
        callback=witness,
        return_episode_rewards=True,
        warn=False,
    )
    assert isinstance(rewards, list) and isinstance(lengths, list)
    driven = [
        (index, _episode(reward, steps, info))
        for (index, info), reward, steps in zip(witness.endings, rewards, lengths, strict=True)
    ]
    return Score([episode for _, episode in sorted(driven, key=lambda pair: pair[0])])


def _episode(reward: float, steps: int, info: dict[str, Any]) -> Episode:
    return Episode(
        reward=float(reward),
        steps=int(steps),
        progress=float(info["progress"]),
        laps=int(info["laps"]),
        lap_times=[float(seconds) for seconds in info["lap_times"]],
        end_reason=info["end_reason"],
        sectors=info["sectors"],
        steering_change=info["steering_change"],
    )


def lap_sectors(
    progress: Sequence[float], line_ahead: float, lap_times: Sequence[float]
) -> list[list[float]]:
    """Seconds of the ``SECTORS`` of each lap, which add up to its time.

    :param progress: net laps since the start, after every step
    :param line_ahead: progress at which the start line is first crossed
    :param lap_times: seconds, start line to start line
    """
    if not lap_times:
        return []
    farthest = np.maximum.accumulate([0.0, *progress])
    gates = line_ahead + np.arange(SECTORS * len(lap_times) + 1) / SECTORS
    after = np.searchsorted(farthest, gates).clip(1, len(progress))
    before = farthest[after - 1]
    passed = after - 1 + (gates - before) / np.maximum(farthest[after] - before, 1e-9)
    steps = np.diff(passed).reshape(len(lap_times), SECTORS)
    seconds = steps / steps.sum(axis=1, keepdims=True) * np.array(lap_times)[:, None]
    return [[round(float(time), 3) for time in lap] for lap in seconds]


def quickest(sectors: Sequence[Sequence[float]]) -> list[float] | None:
    """The least seconds of each sector over laps; None without any."""
    return [min(times) for times in zip(*sectors, strict=True)] if sectors else None


def mean_change(steering: Sequence[float]) -> float:
    """Mean \\|change\\| of the steering command from step to step; 0 for fewer than two."""
    return float(np.abs(np.diff(steering)).mean()) if len(steering) > 1 else 0.0
