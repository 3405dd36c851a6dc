"""One trained policy on any tasks of its world.

Episodes or races, beside the baselines, and films.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.evaluation.baselines import (
    RANDOM,
    UNTRAINED,
    RandomPolicy,
    baseline_scores,
    untrained,
)
from agent.evaluation.episodes import MAX_SIDE_BY_SIDE, Score, evaluate
from agent.evaluation.tables import TRAINED, show_score
from agent.worlds.base import Purpose, split_task
from agent.worlds.comparisons import HasBaselines, HasFilms, HasRaces, HasVerdict, RaceOptions

if TYPE_CHECKING:
    from gymnasium import spaces
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.type_aliases import PolicyPredictor


@dataclass(frozen=True)
class Evaluator:
    """Evaluates ``model`` as its ``config`` has it sense and act.

    :param model: a trained one
    :param config: the configuration that trained it
    :param seed: of its episodes
    :param with_baselines: evaluate those as well, where no simulator elsewhere is needed
    :param films: folder for a film of every task, None for no films
    """

    model: BaseAlgorithm
    config: TrialConfig
    seed: int
    with_baselines: bool = True
    films: Path | None = None

    @property
    def first_seed(self) -> int:
        """Seed of the first environment: one that no training and no choice has seen."""
        return Purpose.JUDGE.first_seed(self.seed)

    def episodes(self, task: str, episodes: int) -> Score:
        """The model's episodes on a task.

        :raises UserError: the model does not fit its configuration
        """
        world = self.config.the_world
        n = min(episodes, MAX_SIDE_BY_SIDE)
        learner = self.config.learner
        vec_env = world.make_vec([task], self.config.world, n, Purpose.JUDGE, self.seed, learner)
        try:
            check_fit(self.model, vec_env.observation_space, vec_env.action_space)
            return evaluate(self.model, world, vec_env, episodes, self.first_seed, name=TRAINED)
        finally:
            vec_env.close()

    def report(self, task: str, score: Score, gap: float | None) -> dict[str, Any]:
        """Print what the model's episodes on a task are worth; returns what the ledger keeps.

        :param task: where they were driven
        :param score: of the episodes
        :param gap: reward on the training tasks minus this one's, None on a training task
        """
        world = self.config.the_world
        below: dict[str, Score] = {}
        reference: tuple[str, str, float] | None = None
        found: dict[str, Any] = {}
        if isinstance(world, HasBaselines):
            found[world.reference_key] = None
        if self.with_baselines and not split_task(task)[1]:
            episodes = len(score.episodes)
            below = baseline_scores(self.model, self.config, task, episodes, self.first_seed)
            best = world.reference(task, self.config) if isinstance(world, HasBaselines) else None
            if best is not None and isinstance(world, HasBaselines):
                reference = (world.reference_title, *best)
                found[world.reference_key] = best[1]
        verdict = world.verdict(score.episodes) if isinstance(world, HasVerdict) else None
        show_score(task, score, below, reference, gap, verdict)
        if self.films and isinstance(world, HasFilms):
            world.film(self.model, task, self.config, self.first_seed, self.films)
        return {
            "mean_reward": score.mean_reward,
            "std_reward": score.std_reward,
            "score": score.to_json(),
            **score.details(),
            "verdict": verdict,
            "generalisation_gap": gap,
            "floors": {name: baseline.to_json() for name, baseline in below.items()},
            **found,
        }

    def race(self, task: str, rounds: int) -> dict[str, Any]:
        """Race on a task and print how it went; returns what the ledger keeps.

        :raises UserError: the model does not fit its configuration, or the world has no races
        """
        world = self.config.the_world
        if not isinstance(world, HasRaces):
            raise UserError(f"world {self.config.trial.world!r} has no races; drop --race")
        vec_env = world.make_vec(
            [task], self.config.world, 1, Purpose.JUDGE, self.seed, self.config.learner
        )
        try:
            check_fit(self.model, vec_env.observation_space, vec_env.action_space)
            policies: dict[str, PolicyPredictor] = {TRAINED: self.model}
            if self.with_baselines:
                policies[RANDOM] = RandomPolicy(vec_env.action_space, self.first_seed)
                policies[UNTRAINED] = untrained(self.model, self.first_seed)
        finally:
            vec_env.close()
        options = RaceOptions(self.first_seed, self.with_baselines, self.films)
        return world.race(policies, task, self.config, rounds, options)


def check_fit(model: BaseAlgorithm, observations: spaces.Space, actions: spaces.Space) -> None:
    """Refuse a model that senses or acts otherwise than the configuration beside it says.

    :param model: a trained one
    :param observations: those of that configuration's environments
    :param actions: of the same
    :raises UserError: it does
    """
    # SB3 turns a camera's picture channels-first, so only the order of its lengths may differ.
    seen, given = (sorted(each.shape or ()) for each in (model.observation_space, observations))
    if seen != given or model.action_space != actions:
        raise UserError(
            "the model senses or acts otherwise than the configuration beside it says"
            f" ({observations.shape}, {actions}); put the one that trained it there"
        )
