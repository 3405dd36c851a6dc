"""Evaluations during training, by which one checkpoint is kept."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.config import files
from agent.config.parts import RUNGS
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Look, Score, evaluate
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.callbacks import Diverged, TrainingCallback
from agent.training.checkpoints import append_line, save_model
from agent.worlds.base import Purpose

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


class CheckpointChooser(TrainingCallback):
    """Evaluates the policy now and then and keeps the best as ``model.zip``.

    The evaluations are spread evenly over training, the last one at its end; those at ``RUNGS``
    always take place. They happen between rollouts, so there are never more of them than rollouts.
    All of them have the same episodes, so checkpoints compare.

    With imitation to the end it keeps the latest checkpoint, whatever the scores. Imitation with a
    falling learning rate does not collapse, and a score over a few episodes is mostly noise
    (DECISIONS 77).

    :param config: the trial's
    :param folder: the trial's
    :param vec_env: evaluation environments, one per episode
    """

    def __init__(self, config: TrialConfig, folder: Path, vec_env: VecEnv) -> None:
        super().__init__()
        self.world = config.the_world
        self.folder = folder
        self.vec_env = vec_env
        self.seed = Purpose.CHOOSE.first_seed(config.trial.seed)
        self.keeps_latest = imitates_to_the_end(config)
        evaluations = config.trial.evaluations
        shares = {part / evaluations for part in range(1, evaluations)}
        shares |= {share for share in RUNGS if share < 1.0}
        self.due = sorted(config.trial.timesteps * share for share in shares)
        self.best = -np.inf
        self.look: Look | None = None  # over the shoulder of who is evaluated

    def _on_training_start(self) -> None:
        self.started = time.perf_counter()

    def _on_rollout_start(self) -> None:
        passed = [step for step in self.due if step <= self.num_timesteps]
        if passed:
            self.due = self.due[len(passed) :]
            self._evaluate()

    def _on_training_end(self) -> None:
        self._evaluate()

    @property
    def has_chosen(self) -> bool:
        """True once there is a ``model.zip``."""
        return bool(self.best > -np.inf)

    def _evaluate(self) -> None:
        with self._averaged_weights():
            episodes = self.vec_env.num_envs
            score = evaluate(
                self.model, self.world, self.vec_env, episodes, self.seed, look=self.look
            )
            self._choose(score)

    def _averaged_weights(self) -> AbstractContextManager[None]:
        if isinstance(self.model, FastPPO):
            return self.model.averaged_weights()
        return nullcontext()

    def _choose(self, score: Score) -> None:
        if not score.finite:
            raise Diverged(f"evaluation reward {score.mean_reward} at step {self.num_timesteps}")
        better = self.keeps_latest or score.mean_reward > self.best
        if better:
            self.best = score.mean_reward
            save_model(self.model, self.folder / files.MODEL)
        self._report(score, better)

    def _report(self, score: Score, better: bool) -> None:
        """Tells TensorBoard, ``progress.jsonl`` and the log."""
        length = float(np.mean([episode.steps for episode in score.episodes]))
        self.model.logger.record("eval/mean_reward", score.mean_reward)
        self.model.logger.record("eval/episode_length", length)
        line = {
            "timesteps": self.num_timesteps,
            "mean_reward": score.mean_reward,
            "std_reward": score.std_reward,
            **score.to_json(),
            "best": better,
            "elapsed_sec": round(time.perf_counter() - self.started, 3),
        }
        append_line(self.folder / files.PROGRESS, line)
        note = ""
        if better:
            note = f"  {kept_checkpoint(latest=self.keeps_latest)}"
        print(
            f"checkpoint at {self.num_timesteps} steps: mean_reward {score.mean_reward:.2f}"
            f" +- {score.std_reward:.2f}{note}",
            flush=True,
        )


def kept_checkpoint(*, latest: bool) -> str:
    """Says in words what ``model.zip`` is.

    :param latest: it is kept whatever the scores
    """
    if latest:
        return "kept as the latest"
    return "best so far"


def imitates_to_the_end(config: TrialConfig) -> bool:
    """True if the expert's labels count until the end of training."""
    imitation = config.imitation
    if imitation is None:
        return False
    return imitation.imitation_share == 1.0 or imitation.imitation_weight > 0.0
