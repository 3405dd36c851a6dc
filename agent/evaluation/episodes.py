"""Episodes of a policy under the evaluation reward.

SB3's ``evaluate_policy``, plus the world's measures.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.evaluation import evaluate_policy

from agent.worlds.base import Episode, World

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor
    from stable_baselines3.common.vec_env import VecEnv

Look = Callable[[Mapping[str, Any]], None]
MAX_SIDE_BY_SIDE = 16  # environments of an evaluation
TELL_EVERY_SEC = 30.0  # a line that says how far a long evaluation has come; chosen


@dataclass(frozen=True)
class Score:
    """The episodes of one evaluation in a world, and what they amount to."""

    world: World
    episodes: list[Episode]

    @property
    def mean_reward(self) -> float:
        """Mean return of the episodes."""
        return float(np.mean([episode.reward for episode in self.episodes]))

    @property
    def longest(self) -> int:
        """Steps of the longest episode that was cut off, 0 without any."""
        return max((episode.steps for episode in self.episodes if episode.cut_off), default=0)

    def mean_reward_in(self, steps: int) -> float:
        """Mean return in so many steps: what was cut off earlier would have gone on alike."""
        returns = [
            episode.reward * max(1.0, steps / episode.steps) if episode.cut_off else episode.reward
            for episode in self.episodes
        ]
        return float(np.mean(returns))

    @property
    def std_reward(self) -> float:
        """Standard deviation of their returns."""
        return float(np.std([episode.reward for episode in self.episodes]))

    @property
    def finite(self) -> bool:
        """True if no return is NaN or infinite."""
        return all(math.isfinite(episode.reward) for episode in self.episodes)

    def to_json(self) -> dict[str, Any]:
        """The record's ``score``: returns, and the world's measures by name."""
        returns = [episode.reward for episode in self.episodes]
        combined = {
            measure.name: measure.combine(self.episodes)
            for measure in self.world.measures
            if measure.combine
        }
        return {"episodes": returns, **combined}

    def details(self) -> dict[str, list[Any]]:
        """Every episode's measures that the score leaves out, by name."""
        return {
            measure.name: [episode.measures[measure.name] for episode in self.episodes]
            for measure in self.world.measures
            if not measure.combine
        }

    def describe(self, episode: Episode) -> str:
        """One episode in a line."""
        measured = "".join(
            f"  {measure.title} {measure.episode_text(episode.measures[measure.name])}"
            for measure in self.world.measures
            if measure.episode_text
        )
        return (
            f"reward {episode.reward:.2f}  steps {episode.steps}{measured}"
            f"  ended by {episode.end_reason}"
        )


def generalisation_gap(at_home: Sequence[Score], away: Score) -> float:
    """Reward on the training tasks minus that on another, in equally many steps.

    :param at_home: scores on the training tasks
    :param away: on the other
    """
    steps = max(score.longest for score in [*at_home, away])
    usual = sum(score.mean_reward_in(steps) for score in at_home) / len(at_home)
    return usual - away.mean_reward_in(steps)


class _EpisodeRecorder:
    """Callback of ``evaluate_policy``: keeps each episode's infos, measures them at its end.

    :param world: whose measures they are
    :param log_steps: print every so many steps' reward; 0 for none
    :param told: who drives how many episodes, in lines that say how far it has come; empty for none
    :param look: see ``evaluate``
    """

    def __init__(self, world: World, log_steps: int, told: str, look: Look | None) -> None:
        self.look = look
        self.world = world
        self.log_steps = log_steps
        self.told = told
        self._began = time.monotonic()
        self._told_at = self._began
        self._steps = 0
        self.endings: list[tuple[int, str, dict[str, Any], bool]] = []
        self._infos: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)

    def __call__(self, scope: dict[str, Any], _globals: dict[str, Any]) -> None:
        index = int(scope["i"])
        step = int(scope["current_lengths"][index])
        if self.log_steps and step % self.log_steps == 0:
            reward = float(scope["reward"])
            print(f"evaluation world {index} step {step}: reward {reward:.4f}", flush=True)
        if self.look:
            self.look(scope)
        self._infos[index].append(scope["info"])
        if scope["done"]:
            measures = self.world.measure(self._infos.pop(index))
            cut_off = bool(scope["info"].get("TimeLimit.truncated"))
            self.endings.append((index, str(scope["info"]["end_reason"]), measures, cut_off))
        self._steps += 1
        now = time.monotonic()
        if self.told and now - self._told_at >= TELL_EVERY_SEC:
            self._told_at = now
            seconds = now - self._began
            done = f"{len(self.endings)} done and {self._steps:,} steps"
            print(f"{self.told}: {done} after {seconds:.0f} s", flush=True)


def evaluate(
    model: PolicyPredictor,
    world: World,
    vec_env: VecEnv,
    episodes: int,
    seed: int,
    log_steps: int = 0,
    name: str = "",
    look: Look | None = None,
) -> Score:
    """Run ``episodes`` episodes deterministically and gather their score, ordered by environment.

    :param model: an SB3 model, or anything that predicts as one does
    :param world: whose measures are taken
    :param vec_env: evaluation environments, not those of training
    :param episodes: how many
    :param seed: seed of the first environment; the others follow it
    :param log_steps: print every so many steps' reward; 0 for none
    :param name: of the policy, where a long evaluation says how far it has come; empty for nowhere
    :param look: called with the local variables of ``evaluate_policy`` at every step
    """
    told = f"{name}, {episodes} episodes" if name else ""
    recorder = _EpisodeRecorder(world, log_steps, told, look)
    vec_env.seed(seed)
    rewards, lengths = evaluate_policy(
        model,
        vec_env,
        n_eval_episodes=episodes,
        deterministic=True,
        callback=recorder,
        return_episode_rewards=True,
        warn=False,
    )
    assert isinstance(rewards, list)
    assert isinstance(lengths, list)
    found = [
        (index, Episode(float(reward), int(steps), end_reason, measures, cut_off))
        for (index, end_reason, measures, cut_off), reward, steps in zip(
            recorder.endings, rewards, lengths, strict=True
        )
    ]
    return Score(world, [episode for _, episode in sorted(found, key=lambda pair: pair[0])])
