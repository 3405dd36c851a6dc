"""One trained driver before the judge: episodes or races, beside the floors, and films of laps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config.trial import TrialConfig, UserError, split_env
from agent.evaluation.episodes import Score, evaluate
from agent.evaluation.tables import TRAINED, show_race, show_score, verdict
from agent.training.vec_envs import JUDGING, first_seed, make_evaluation_worlds
from agent.worlds.donkey.judging import baselines
from agent.worlds.donkey.judging.film import Film
from agent.worlds.donkey.judging.race import race, race_env
from agent.worlds.donkey.tasks import SCENE_OF_ENV

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


@dataclass(frozen=True)
class Judge:
    """Judges ``model`` as its ``config`` has it sense and steer, with episodes from ``seed``.

    ``with_floors``: drive those as well, on embedded tracks. ``films``: folder for a film of a lap of every track.
    """

    model: BaseAlgorithm
    config: TrialConfig
    seed: int
    with_floors: bool = True
    films: Path | None = None

    @property
    def first_seed(self) -> int:
        """Of the worlds: one that no training and no choice has seen."""
        return first_seed(self.seed, JUDGING)

    def drive(self, env_id: str, episodes: int) -> Score:
        """The model's episodes on a track.

        :raises UserError: the model does not fit its configuration
        """
        config = replace(self.config, env=[env_id], client="own", reconnect=False)
        worlds = make_evaluation_worlds(config, config.env, episodes)
        try:
            self._check_fit(worlds)
            return evaluate(self.model, worlds, episodes, self.first_seed)
        finally:
            worlds.close()

    def judge(self, env_id: str, score: Score, gap: float | None) -> dict[str, Any]:
        """Print what the model's episodes on a track are worth; what the ledger is to say of it.

        :param gap: training-track reward minus this track's, None on a training track
        """
        config, episodes = self.config, len(score.episodes)
        below: dict[str, Score] = {}
        reference_sec = None
        if self.with_floors and not split_env(env_id)[1]:
            below = baselines.baseline_scores(self.model, config, env_id, episodes, self.first_seed)
            reference_sec = baselines.reference_lap(env_id, config.max_cte, config.throttle_max)
        show_score(env_id, score, below, reference_sec, gap)
        if self.films:
            film = Film(SCENE_OF_ENV[env_id])
            race(race_env(config, env_id), self.model, 1, self.first_seed, film)
            _keep(film, self.films)
        return {
            "mean_reward": score.mean_reward,
            "std_reward": score.std_reward,
            "score": score.to_json(),
            "lap_times": [episode.lap_times for episode in score.episodes],
            "sectors": [episode.sectors for episode in score.episodes],
            "verdict": verdict(score),
            "generalisation_gap": gap,
            "floors": {name: floor.to_json() for name, floor in below.items()},
            "reference_lap_sec": reference_sec,
        }

    def race(self, env_id: str, laps: int) -> dict[str, Any]:
        """Race on an embedded track and print how it went; what the ledger is to say of it.

        :raises UserError: the model does not fit its configuration
        """
        env, film = race_env(self.config, env_id), Film(SCENE_OF_ENV[env_id])
        self._check_fit(env)
        races = {
            TRAINED: race(env, self.model, laps, self.first_seed, film if self.films else None)
        }
        reference_sec = None
        if self.with_floors:
            races |= baselines.baseline_races(
                self.model, self.config, env_id, laps, self.first_seed
            )
            reference_sec = baselines.race_reference(self.config, env_id, laps, self.first_seed)
        show_race(env_id, races, reference_sec)
        if self.films:
            _keep(film, self.films)
        return {
            "races": {name: one.to_json() for name, one in races.items()},
            "reference_lap_sec": reference_sec,
        }

    def _check_fit(self, worlds: Any) -> None:
        model = self.model
        # SB3 turns the raw camera's image channels-first, so only the order of its lengths may differ.
        seen, given = (
            sorted(space.shape or ())
            for space in (model.observation_space, worlds.observation_space)
        )
        if seen != given or model.action_space != worlds.action_space:
            raise UserError(
                "the model senses or acts otherwise than the configuration beside it says"
                f" ({self.config.observation}, {worlds.action_space}); put the one that trained it there"
            )


def _keep(film: Film, folder: Path) -> None:
    written = film.save(folder / film.title)
    print("film " + ", ".join(f"{path} ({path.stat().st_size / 1e6:.2f} MB)" for path in written))
