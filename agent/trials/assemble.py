"""From what a trial left behind, its ``result.json`` and its outcome, to its record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_PRUNED
from agent.config.plain import is_finite, read_object
from agent.config.provenance import Provenance
from agent.executors.base import Outcome
from agent.trials.fields import RUN_STATUSES, fitting
from agent.trials.folders import Launch
from agent.trials.progress import read_rungs
from agent.trials.record import Record


def read_result(folder: Path) -> dict[str, Any]:
    """Returns the runner's ``result.json``, NaN as ``None``; empty when it cannot be read.

    Values that no record may have are left out.
    """
    try:
        return fitting(read_object(folder / files.RESULT, nan_as_none=True))
    except (OSError, ValueError):
        return {}


def unwatched_outcome(folder: Path) -> Outcome:
    """Returns the outcome of a trial that ended while no controller watched it."""
    result = read_result(folder)
    elapsed_sec = result.get("elapsed_sec", 0.0)
    here = Provenance.here()  # unless its result names another machine
    if result.get("run_status") == "ok":
        return Outcome("ok", EXIT_OK, elapsed_sec, "", here)
    if result.get("run_status") == "pruned":
        return Outcome("pruned", EXIT_PRUNED, elapsed_sec, "", here)
    cause = "its controller was gone"
    return Outcome("interrupted", EXIT_INTERRUPTED, elapsed_sec, "", here, cause)


def make_record(launch: Launch, outcome: Outcome, folder: Path) -> Record:
    """Returns the record of a trial, which is not yet considered as champion.

    :param launch: the trial as it was started
    :param outcome: of its process
    :param folder: its files
    """
    result = read_result(folder)
    status, cause = _verdict(outcome, result, folder)
    scores = result if status == "ok" else {}
    model = folder / files.MODEL
    ran_on = _provenance(outcome, result)
    return Record(
        trial=launch.trial,
        timestamp=datetime.now().isoformat(),
        params=launch.config.to_params(),
        mean_reward=scores.get("mean_reward"),
        std_reward=scores.get("std_reward"),
        model_path=files.shown_path(model) if model.is_file() else None,
        champion=False,
        elapsed_sec=round(outcome.elapsed_sec, 3),
        run_status=status,
        kind=launch.kind,
        seed=launch.config.trial.seed,
        simulator=result.get("simulator", launch.config.simulator),
        score=scores.get("score"),
        cause=cause,
        suggestion=launch.suggestion,
        rungs=read_rungs(folder, launch.config.trial.timesteps),
        versions=ran_on.versions,
        git_commit=ran_on.git_commit,
        git_dirty=ran_on.git_dirty,
        host=ran_on.host,
        world=launch.config.trial.world,
    )


def _provenance(outcome: Outcome, result: dict[str, Any]) -> Provenance:
    """Returns what the runner says of itself, else what the executor says."""
    versions = outcome.provenance.versions | result.get("versions", {})
    if not result.get("host"):
        return replace(outcome.provenance, versions=versions)
    return Provenance(result["host"], versions, result.get("git_commit"), result.get("git_dirty"))


def _verdict(outcome: Outcome, result: dict[str, Any], folder: Path) -> tuple[str, str | None]:
    """Returns status and cause: the executor's own kill first, else the runner's own words."""
    if outcome.status == "ok":
        if not is_finite(result.get("mean_reward")):
            return "crashed", f"exit code 0 without a finite mean_reward in {files.RESULT}"
        if not (folder / files.MODEL).is_file():
            return "crashed", f"exit code 0 without {files.MODEL}"
        return "ok", result.get("cause")
    if outcome.status in ("timeout", "out_of_memory") or outcome.stopped:
        return outcome.status, outcome.cause
    status = outcome.status
    named = result.get("run_status")
    if status == "crashed" and named in RUN_STATUSES and named != "ok":
        status = named
    return status, result.get("cause") or outcome.cause
