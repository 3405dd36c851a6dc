"""What watches a training run: a guard against NaN, the choice of the best checkpoint, progress and step lines.

The guard stands first in the list, so no evaluation ever drives with parameters that are not finite.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize, unwrap_vec_normalize

from agent.config import files
from agent.config.trial import RUNGS
from agent.evaluation.episodes import Score, evaluate
from agent.training.algorithms.adam import settled
from agent.training.checkpoints import append_line, save_model

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

REPORTS = 10


class Diverged(RuntimeError):
    """Training left the finite numbers; the text says which number, and at which step."""


class Pruned(RuntimeError):
    """The controller had the trial stop; the text is its reason."""


class TrainingCallback(BaseCallback):
    """A callback with the unscaled rewards of the last step at hand."""

    @property
    def rewards(self) -> np.ndarray:
        """Rewards (n_envs,) as the environments gave them, before scaling."""
        return cast(VecNormalize, unwrap_vec_normalize(self.training_env)).get_original_reward()

    def _on_step(self) -> bool:
        return True


class FiniteGuard(TrainingCallback):
    """Stops training at the first reward, loss or parameter that is not finite.

    Before each rollout the parameters are checked and copied, so ``restore`` can bring back the last
    finite ones.

    :raises Diverged: from inside ``model.learn``
    """

    def _on_training_start(self) -> None:
        self._remember()

    def _on_step(self) -> bool:
        if not np.isfinite(self.rewards).all():
            raise Diverged(f"reward {self.rewards.tolist()} at step {self.num_timesteps}")
        return True

    def _on_rollout_start(self) -> None:
        self._check()

    def _on_training_end(self) -> None:
        self._check()

    def restore(self) -> None:
        """Give the model its last finite parameters back."""
        self.model.policy.load_state_dict(self.finite_parameters)

    def fault(self) -> str | None:
        """Which of the model's parameters is not finite, in words; None while all are."""
        for name, parameter in self.model.policy.named_parameters():
            if not torch.isfinite(parameter).all():
                return f"parameter {name} is not finite at step {self.model.num_timesteps}"
        return None

    def _check(self) -> None:
        for name, value in self.model.logger.name_to_value.items():
            if "loss" in name and not np.isfinite(value):
                raise Diverged(f"{name} {value} at step {self.num_timesteps}")
        if fault := self.fault():
            raise Diverged(fault)
        self._remember()

    def _remember(self) -> None:
        state = self.model.policy.state_dict()
        self.finite_parameters = {name: value.detach().clone() for name, value in state.items()}


class CheckpointChooser(TrainingCallback):
    """Evaluates the policy now and then and keeps the best as ``model.zip``.

    The evaluations are spread evenly over training, the last one at its end; those at ``RUNGS`` always take place.
    They happen between rollouts, so there are never more of them than rollouts.

    :param worlds: evaluation environments, one per episode
    :param seed: seed of the first world; the same roads at every evaluation, so checkpoints compare
    :param latest: keep the latest, whatever the scores: who heeds a teacher with ever smaller steps does not
        collapse, and after a few episodes luck says more than the score
    """

    def __init__(
        self,
        folder: Path,
        worlds: VecEnv,
        seed: int,
        timesteps: int,
        evaluations: int,
        latest: bool = False,
    ) -> None:
        super().__init__()
        self.folder, self.worlds, self.seed, self.latest = folder, worlds, seed, latest
        shares = {part / evaluations for part in range(1, evaluations)} | {
            share for share in RUNGS if share < 1.0
        }
        self.due = sorted(timesteps * share for share in shares)
        self.best = -np.inf

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
        return bool(self.best > -np.inf)

    def _evaluate(self) -> None:
        with settled(self.model.policy):
            self._choose(evaluate(self.model, self.worlds, self.worlds.num_envs, self.seed))

    def _choose(self, score: Score) -> None:
        if not score.finite:
            raise Diverged(f"evaluation reward {score.mean_reward} at step {self.num_timesteps}")
        better = self.latest or score.mean_reward > self.best
        if better:
            self.best = score.mean_reward
            save_model(self.model, self.folder / files.MODEL)
        self.model.logger.record("eval/mean_reward", score.mean_reward)
        self.model.logger.record(
            "eval/episode_length", float(np.mean([episode.steps for episode in score.episodes]))
        )
        line = {
            "timesteps": self.num_timesteps,
            "mean_reward": score.mean_reward,
            "std_reward": score.std_reward,
            **score.to_json(),
            "best": better,
            "elapsed_sec": round(time.perf_counter() - self.started, 3),
        }
        append_line(self.folder / files.PROGRESS, line)
        print(
            f"checkpoint at {self.num_timesteps} steps: mean_reward {score.mean_reward:.2f} +- {score.std_reward:.2f}"
            f"{'  best so far' if better else ''}",
            flush=True,
        )


class PruneWatch(TrainingCallback):
    """Ends training as soon as the controller has left its reason in the trial's folder.

    :raises Pruned: from inside ``model.learn``
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / files.STOP

    def _on_step(self) -> bool:
        if os.path.exists(self.path):
            raise Pruned(
                self.path.read_text(encoding="utf-8").strip() or "the controller had it stop"
            )
        return True


class StepLog(TrainingCallback):
    """Prints the rewards of every ``every``-th step of each world (NFR-004)."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every = every

    def _on_step(self) -> bool:
        if self.n_calls % self.every == 0:
            rewards = " ".join(f"{reward:.4f}" for reward in self.rewards)
            print(f"training step {self.num_timesteps}: reward {rewards}", flush=True)
        return True


class ProgressLines(TrainingCallback):
    """A line for every tenth of training: for logs."""

    def __init__(self, timesteps: int) -> None:
        super().__init__()
        self.timesteps = timesteps

    def _on_training_start(self) -> None:
        self.started, self.begun = time.perf_counter(), self.num_timesteps
        self.reported = self.begun * REPORTS // self.timesteps
        self.reward_sum, self.reward_count = 0.0, 0

    def _on_step(self) -> bool:
        self.reward_sum += float(self.rewards.sum())
        self.reward_count += self.rewards.size
        part = self.num_timesteps * REPORTS // self.timesteps
        if part > self.reported:
            self.reported = part
            self._report()
        return True

    def _report(self) -> None:
        rate = (self.num_timesteps - self.begun) / (time.perf_counter() - self.started)
        left = max(self.timesteps - self.num_timesteps, 0) / rate
        print(
            f"training {min(100, 100 * self.num_timesteps // self.timesteps)} %: {self.num_timesteps} of"
            f" {self.timesteps} steps, {rate:.0f} steps/s, ETA {left:.0f} s,"
            f" reward per step {self.reward_sum / self.reward_count:.4f}",
            flush=True,
        )
        self.reward_sum, self.reward_count = 0.0, 0


class ProgressDisplay(TrainingCallback):
    """A bar with the time left: for terminals."""

    def __init__(self, timesteps: int) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.bar: Any = None

    def _on_training_start(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns)
        self.task = self.bar.add_task("training", total=self.timesteps)
        self.bar.start()

    def _on_step(self) -> bool:
        self.bar.update(self.task, completed=min(self.num_timesteps, self.timesteps))
        return True

    def _on_training_end(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back; harmless when there is nothing to give."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def progress_callback(timesteps: int) -> ProgressLines | ProgressDisplay:
    """A bar where a person watches, lines where a file is written."""
    return ProgressDisplay(timesteps) if sys.stdout.isatty() else ProgressLines(timesteps)
