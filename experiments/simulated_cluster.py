"""A cluster that is only pretended: a clock that skips what would be waited for, and trials on it.

The clock's time is that of a run on a real cluster, with a core for the controller. What that
computes takes the processor's time that it takes here, whatever else runs here. What it sleeps
takes no time here, and a wait for the disk ``FSYNC_SEC``.
"""

from __future__ import annotations

import json
import math
import resource
import time
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent.config import files
from agent.config.errors import EXIT_DIVERGED, EXIT_INTERRUPTED, EXIT_OK, EXIT_PRUNED
from agent.config.parts import RUNGS
from agent.config.provenance import Provenance
from agent.config.trial import TrialConfig
from agent.executors.base import STATUS_OF_EXIT, Job, Outcome
from agent.search.parameter import Choice, Parameter, Range
from agent.search.space import Space

FSYNC_SEC = 0.005  # of a disk; a shared file system may take five times as long
BEST = 100.0  # the landscape's highest mean score
NOISE_STD = 5.0  # of a training seed
WEIGHT = 0.6  # of the score that one parameter at its worst costs
EPISODES = 5
# Logarithm of a trial's duration: its standard deviation among trials of one length.
DURATION_STD = 0.15
STOPPING_SEC = 1.0  # between the word to stop and the end, in which a model is saved
DIVERGES_ABOVE = 0.85  # of the unit range of the learning rate, in half of the trials
RUNG_SHARES = {0.25: 0.5, 0.5: 0.75, 1.0: 1.0}  # of the final score
ELSEWHERE = Provenance("node", {"python": "3.11", "torch": "2.13"}, "c0ffee", False)


@dataclass
class Clock:
    """Stands for the module ``time`` in the loop.

    :param speed: how much faster than here the controller computes; infinite for at once
    """

    speed: float = 1.0
    skipped_sec: float = 0.0
    _began: float = field(default_factory=lambda: computed_sec())

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (computed_sec() - self._began) / self.speed + self.skipped_sec

    def sleep(self, seconds: float) -> None:
        """Skips ``seconds``."""
        self.skipped_sec += seconds

    def fsync(self, descriptor: int) -> None:
        """Stands for ``os.fsync``, of which nothing is asked here."""
        self.skipped_sec += FSYNC_SEC / self.speed


def computed_sec() -> float:
    """Processor's time of this process, and of its forks that have ended."""
    forks = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + forks.ru_utime + forks.ru_stime


@dataclass(frozen=True)
class Landscape:
    """Scores of a space: a product of one factor a parameter, each 1 at its best value.

    So the highest mean is ``BEST``, and it is known where. Trials fail at high learning rates.
    """

    space: Space

    def mean(self, params: dict[str, Any]) -> float:
        """Mean score of params, over training seeds."""
        score = BEST
        codes = self.space.codes(params)
        for parameter, code in zip(self.space.parameters, codes, strict=True):
            if not math.isnan(code):
                score *= _factor(parameter, code)
        return score

    def regret(self, params: dict[str, Any]) -> float:
        """Share of the highest mean that ``params`` lack."""
        return 1.0 - self.mean(params) / BEST

    def diverges(self, params: dict[str, Any], rng: np.random.Generator) -> bool:
        """True if a training fails."""
        for parameter, code in zip(self.space.parameters, self.space.codes(params), strict=True):
            if parameter.name == "learning_rate" and not math.isnan(code):
                return _unit(parameter, code) > DIVERGES_ABOVE and bool(rng.random() < 0.5)
        return False


@dataclass
class SimulatedTrial:
    """The handle of a trial that takes its time on the clock alone.

    :param job: what is run
    :param clock: tells the time
    :param began: when it started
    :param duration_sec: of its whole training
    :param score: of its last evaluation; ``None`` if it diverges halfway
    """

    job: Job
    clock: Clock
    began: float
    duration_sec: float
    score: float | None
    mean: float
    ended: float | None = None
    stop_at: float | None = None
    stop_cause: str = ""

    def poll(self) -> Outcome | None:
        now = self.clock.monotonic()
        end = self.began + self.duration_sec
        if self.score is None:
            end = self.began + self.duration_sec / 2.0
        if self.stop_at is not None and self.stop_at < end:
            return self._end(EXIT_PRUNED, "pruned", self.stop_at) if now >= self.stop_at else None
        if now < end:
            return None
        if self.score is None:
            return self._end(EXIT_DIVERGED, "diverged", end)
        return self._end(EXIT_OK, "ok", end)

    def progress(self) -> list[tuple[int, float]]:
        done = (self.clock.monotonic() - self.began) / self.duration_sec
        timesteps = self.job.config.trial.timesteps
        final = self.mean if self.score is None else self.score
        return [
            (math.ceil(share * timesteps), RUNG_SHARES[share] * final)
            for share in RUNGS
            if share <= done
        ]

    def ask_to_stop(self, cause: str) -> None:
        self.stop_cause = cause
        self.stop_at = self.clock.monotonic() + STOPPING_SEC

    def terminate(self) -> None:
        self.stop_cause = "the controller was asked to stop"

    def stop(self) -> Outcome:
        now = self.clock.monotonic()
        outcome = self._end(EXIT_INTERRUPTED, "interrupted", now)
        return replace(outcome, stopped=True)

    def _end(self, code: int, status: str, at: float) -> Outcome:
        folder = self.job.folder
        lines = [
            json.dumps({"timesteps": steps, "mean_reward": score})
            for steps, score in self.progress()
        ]
        (folder / files.PROGRESS).write_text("".join(f"{line}\n" for line in lines))
        (folder / files.MODEL).write_bytes(b"model")
        result: dict[str, Any] = {"run_status": status, "mean_reward": None}
        if status == "ok":
            episodes = [self.score] * EPISODES
            result |= {"mean_reward": self.score, "std_reward": NOISE_STD}
            result |= {"score": {"episodes": episodes, "progress": [1.5] * EPISODES}}
        elif status == "pruned":
            result["cause"] = self.stop_cause
        (folder / files.RESULT).write_text(json.dumps(result))
        self.ended = at
        return Outcome(
            status=STATUS_OF_EXIT[code],
            exit_code=code,
            elapsed_sec=at - self.began,
            last_line=status,
            provenance=ELSEWHERE,
            cause=None if status == "ok" else f"exit code {code}: {status}",
        )


@dataclass
class SimulatedExecutor:
    """As many slots as a cluster has, and trials that take no time here.

    :param clock: tells the time
    :param landscape: of the scores
    :param slots: trials side by side
    :param trial_sec: median duration of a training of medium length
    :param cooldown_sec: pause of a slot between two trials
    """

    clock: Clock
    landscape: Landscape
    slots: int
    trial_sec: float
    cooldown_sec: float
    trials: list[SimulatedTrial] = field(default_factory=list)
    _latest: dict[int, SimulatedTrial] = field(default_factory=dict)

    def ready_in_sec(self, slot: int) -> float:
        latest = self._latest.get(slot)
        if latest is None or latest.ended is None:
            return 0.0
        return max(0.0, latest.ended + self.cooldown_sec - self.clock.monotonic())

    def submit(self, job: Job) -> SimulatedTrial:
        score, mean = self.result(job.config)
        rng = np.random.default_rng([8, job.config.trial.seed])
        duration_sec = self.trial_sec * self._relative_length(job.config)
        duration_sec *= math.exp(DURATION_STD * rng.standard_normal())
        trial = SimulatedTrial(job, self.clock, self.clock.monotonic(), duration_sec, score, mean)
        self._latest[job.slot] = trial
        self.trials.append(trial)
        return trial

    def result(self, config: TrialConfig) -> tuple[float | None, float]:
        """Score of a trial, ``None`` if it diverges, and the mean score of its params."""
        params = config.to_params()
        rng = np.random.default_rng([7, config.trial.seed])
        mean = self.landscape.mean(params)
        score = mean + NOISE_STD * float(rng.standard_normal())
        if self.landscape.diverges(params, rng):
            return None, mean
        return score, mean

    def recover(self) -> str | None:
        return None

    def close(self) -> None:
        return None

    def start_process(self, command: list[str], log: object) -> Any:
        raise AssertionError(f"it starts no process, asked for {command}")

    def busy_share(self) -> float:
        """Share of the slots' time that trials took, from the first start to the last."""
        first = self.trials[0].began
        last = self.trials[-1].began
        busy = sum(min(last, trial.ended or last) - trial.began for trial in self.trials)
        return busy / (self.slots * (last - first))

    def _relative_length(self, config: TrialConfig) -> float:
        """Length of a training as a share of the middle of the space's range."""
        for parameter in self.landscape.space.parameters:
            if parameter.name == "timesteps" and isinstance(parameter, Range):
                return config.trial.timesteps / math.sqrt(parameter.low * parameter.high)
        return 1.0


def _factor(parameter: Parameter, code: float) -> float:
    """Factor of the score (1 - WEIGHT to 1) of a parameter's value."""
    rng = np.random.default_rng(zlib.crc32(parameter.name.encode()))
    if isinstance(parameter, Choice):
        losses = rng.random(len(parameter.choices))
        losses -= losses.min()
        return 1.0 - WEIGHT * float(losses[int(code)])
    target = _unit(parameter, float(parameter.from_unit(rng.random((1, 1)))[0]))
    distance = abs(_unit(parameter, code) - target) / max(target, 1.0 - target)
    return 1.0 - WEIGHT * min(1.0, 2.0 * distance) ** 2


def _unit(parameter: Parameter, code: float) -> float:
    return float(parameter.to_unit(np.array([code]))[0, 0])
