"""How well a policy drives: SB3's ``evaluate_policy`` under the yardstick, plus laps, progress and lap times."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.evaluation import evaluate_policy

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass(frozen=True)
class Episode:
    """One episode driven by a deterministic policy.

    ``reward`` is the yardstick's sum, ``progress`` net laps along the centre line (may be negative),
    ``lap_times`` seconds, ``end_reason`` the environment's word for it.
    """

    reward: float
    steps: int
    progress: float
    laps: int
    lap_times: list[float] = field(default_factory=list)
    end_reason: str = "time_limit"

    def describe(self) -> str:
        times = " ".join(f"{seconds:.2f}s" for seconds in self.lap_times)
        return (
            f"reward {self.reward:.2f}  steps {self.steps}  progress {self.progress:.3f} laps  laps {self.laps}"
            f"{'  ' + times if times else ''}  ended by {self.end_reason}"
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
        return min((seconds for episode in self.episodes for seconds in episode.lap_times), default=None)

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
        }


class _Witness:
    """Callback of ``evaluate_policy``: notes how each episode ended, prints every ``log_steps``-th reward."""

    def __init__(self, log_steps: int) -> None:
        self.log_steps = log_steps
        self.endings: list[tuple[int, dict[str, Any]]] = []

    def __call__(self, scope: dict[str, Any], _globals: dict[str, Any]) -> None:
        index, step = int(scope["i"]), int(scope["current_lengths"][scope["i"]])
        if self.log_steps and step % self.log_steps == 0:
            print(f"evaluation world {index} step {step}: reward {float(scope['reward']):.4f}", flush=True)
        if scope["done"]:
            self.endings.append((index, dict(scope["info"])))


def evaluate(model: BaseAlgorithm, worlds: VecEnv, episodes: int, seed: int, log_steps: int = 0) -> Score:
    """Drive ``episodes`` episodes deterministically and gather their score, ordered by world.

    :param worlds: evaluation environments (yardstick reward), not those of training
    :param seed: seed of the first world; the others follow it
    :param log_steps: print every so many steps' reward; 0 for none
    """
    witness = _Witness(log_steps)
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
    )
