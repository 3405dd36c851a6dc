"""An executor that runs no process: with each poll a trial comes one evaluation further.

Its plan is the fake runner's (``fake_runner.py``), of which it knows all that takes no time:
``pause`` and ``child`` do nothing, ``sleep``, ``eat_mb`` and ``flood`` only break limits. ``polls``
are polls before the trial ends, ``lost`` tries that end with their node.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field, replace
from typing import Any

from agent.config.provenance import Provenance
from agent.executors.base import STATUS_OF_EXIT, Job, Outcome

ELSEWHERE = Provenance("elsewhere", {"python": "3.14", "torch": "9.9"}, "c0ffee", False)
MIB = 1024**2
Plan = dict[str, Any]


@dataclass
class FakeTrial:
    """The handle of a trial that is only pretended."""

    job: Job
    step: dict[str, Any]
    attempt: int = 0
    evaluations: list[tuple[int, float]] = field(default_factory=list)
    stop_cause: str | None = None

    def poll(self) -> Outcome | None:
        scores = self.step.get("progress", [])
        if self.stop_cause is not None and self.step.get("obeys", True):
            return self._pruned(self.stop_cause)
        if len(self.evaluations) < len(scores):
            self._evaluate(scores)
            return None
        if self.step.get("polls", 0) > 0:
            self.step = self.step | {"polls": self.step["polls"] - 1}
            return None
        return self._end()

    def progress(self) -> list[tuple[int, float]]:
        return self.evaluations

    def ask_to_stop(self, cause: str) -> None:
        self.stop_cause = cause

    def terminate(self) -> None:
        self.step = self.step | {"terminated": True}

    def stop(self) -> Outcome:
        outcome = _outcome(130, "training", "the controller was asked to stop")
        if self.step.get("deaf"):
            outcome = replace(outcome, exit_code=-signal.SIGKILL)
        return replace(outcome, stopped=True)

    def _evaluate(self, scores: list[float]) -> None:
        part = len(self.evaluations) + 1
        timesteps = -(-self.job.config.trial.timesteps * part // len(scores))
        self.evaluations.append((timesteps, scores[part - 1]))
        line = {"timesteps": timesteps, "mean_reward": scores[part - 1]}
        with (self.job.folder / "progress.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _pruned(self, cause: str) -> Outcome:
        (self.job.folder / "model.zip").write_bytes(b"model so far")
        self._write_result({"run_status": "pruned", "cause": cause, "mean_reward": None})
        return _outcome(5, "stopped", "exit code 5: stopped")

    def _broken_limit(self) -> Outcome | None:
        limits = self.job.limits
        killed = _outcome(-signal.SIGKILL, "training", "")
        if self.step.get("sleep", 0.0) > limits.timeout_sec:
            cause = (
                f"killed at the limit of {limits.timeout_sec:g} s; raise --timeout or train less"
            )
            return replace(killed, status="timeout", cause=cause)
        eaten_mb = self.step.get("eat_mb", 0)
        limit_mb = (limits.memory_bytes or 0) // MIB
        if limit_mb and eaten_mb > limit_mb:
            cause = f"killed with {eaten_mb} MB resident, over its limit of {limit_mb} MB"
            return replace(killed, cause=f"{cause}; raise --memory-limit")
        if self.step.get("flood"):
            return replace(killed, status="crashed", cause="killed with 64 MB of output")
        return None

    def _end(self) -> Outcome:
        if self.attempt < self.step.get("lost", 0):
            lost = _outcome(-signal.SIGKILL, "training", f"node-{self.attempt + 1} was lost")
            return replace(lost, status="lost")
        broken = self._broken_limit()
        if broken is not None:
            return broken
        if "curves" in self.step:
            (self.job.folder / "tb" / "PPO_1").mkdir(parents=True, exist_ok=True)
            (self.job.folder / "tb" / "PPO_1" / "events").write_text(self.step["curves"])
        if "half" in self.step:
            (self.job.folder / "result.json").write_text('{"run_status": "ok", "mean_rew')
        if "mean_reward" in self.step:
            model = f"model of {self.job.folder.name}".encode()
            (self.job.folder / "model.zip").write_bytes(model)
            score = {"episodes": [1.0], "laps": [1, 2], "progress": [1.5], "best_lap_sec": None}
            measured = {"mean_reward": self.step["mean_reward"], "std_reward": 1.0, "score": score}
            self._write_result({"run_status": "ok", "cause": None, **measured})
        codes = self.step.get("exit", 0)
        if isinstance(codes, list):
            codes = codes[min(self.attempt, len(codes) - 1)]
        said = str(self.step.get("say", "training"))
        (self.job.folder / "log.txt").write_text(f"{said}\n")
        if "signal" in self.step:
            number = signal.Signals(self.step["signal"])
            return _outcome(-number, said, f"killed by {number.name}: {said}")
        return _outcome(codes, said, f"exit code {codes}: {said}")

    def _write_result(self, result: dict[str, Any]) -> None:
        (self.job.folder / "result.json").write_text(json.dumps(result))


@dataclass
class FakeExecutor:
    """Runs the trials of a plan: each by the name of its folder, or as ``*``."""

    plan: Plan
    slots: int = 1
    jobs: list[Job] = field(default_factory=list)
    closed: bool = False

    def ready_in_sec(self, slot: int) -> float:
        return 0.0

    def submit(self, job: Job) -> FakeTrial:
        attempt = sum(earlier.folder == job.folder for earlier in self.jobs)
        self.jobs.append(job)
        (job.folder / "progress.jsonl").unlink(missing_ok=True)
        step: dict[str, Any] = self.plan.get(job.folder.name) or self.plan.get("*", {})
        return FakeTrial(job, step, attempt)

    def recover(self) -> str | None:
        return None

    def close(self) -> None:
        self.closed = True

    def start_process(self, command: list[str], log: object) -> Any:
        raise AssertionError(f"it starts no process, asked for {command}")


def _outcome(code: int, last_line: str, cause: str) -> Outcome:
    status = STATUS_OF_EXIT.get(code, "crashed")
    return Outcome(
        status=status,
        exit_code=code,
        elapsed_sec=1.0,
        last_line=last_line,
        provenance=ELSEWHERE,
        cause=None if status == "ok" else cause,
    )
