"""From what a trial left behind, its ``result.json`` and its process's outcome, to its record."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.config.trial import TrialConfig
from agent.executors.local import Outcome
from agent.trials.champion import MODEL_NAME, RESULT_NAME
from agent.trials.progress import read_progress, read_rungs
from agent.trials.record import (
    RUN_STATUSES,
    Record,
    git_commit,
    git_dirty,
    installed_versions,
    is_finite,
    shown_path,
)


def read_result(folder: Path) -> dict[str, Any]:
    """The runner's ``result.json`` with every NaN as ``None``; empty when it wrote none that can be read."""
    try:
        result = json.loads(
            (folder / RESULT_NAME).read_text(encoding="utf-8"), parse_constant=lambda _: None
        )
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def chosen_score(folder: Path) -> float:
    """Best score of a trial's intermediate evaluations, on the episodes that chose its checkpoint; -inf without one."""
    return max((score for _, score in read_progress(folder)), default=-math.inf)


def make_record(
    trial: int,
    config: TrialConfig,
    outcome: Outcome,
    folder: Path,
    *,
    kind: str,
    suggestion: dict[str, float] | None,
) -> Record:
    """The record of a trial that ran in ``folder``, not yet considered for the title."""
    result = read_result(folder)
    status, cause = _verdict(outcome, result, folder)
    ok = status == "ok"
    model = folder / MODEL_NAME
    return Record(
        trial=trial,
        timestamp=datetime.now().isoformat(),
        params=config.to_params(),
        mean_reward=result["mean_reward"] if ok else None,
        std_reward=result["std_reward"] if ok and is_finite(result.get("std_reward")) else None,
        model_path=shown_path(model) if model.is_file() else None,
        champion=False,
        elapsed_sec=round(outcome.elapsed_sec, 3),
        run_status=status,
        kind=kind,
        seed=config.seed,
        simulator=str(result.get("simulator", config.simulator)),
        score=result.get("score") if ok else None,
        cause=cause,
        suggestion=suggestion,
        rungs=read_rungs(folder, config.timesteps),
        versions=installed_versions() | (result.get("versions") or {}),
        git_commit=git_commit(),
        git_dirty=git_dirty(),
    )


def _verdict(outcome: Outcome, result: dict[str, Any], folder: Path) -> tuple[str, str | None]:
    if outcome.status == "ok":
        if not is_finite(result.get("mean_reward")):
            return "crashed", f"exit code 0 without a finite mean_reward in {RESULT_NAME}"
        if not (folder / MODEL_NAME).is_file():
            return "crashed", f"exit code 0 without {MODEL_NAME}"
        return "ok", result.get("cause")
    if outcome.status in ("timeout", "out_of_memory") or outcome.stopped:
        return outcome.status, outcome.cause
    told = result.get("run_status")
    status = (
        told
        if outcome.status == "crashed" and told in RUN_STATUSES and told != "ok"
        else outcome.status
    )
    return status, result.get("cause") or outcome.cause
