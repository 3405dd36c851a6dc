"""Trials as comma-separated values, a row each, for spreadsheets and pandas.

A parameter's column is ``params.NAME`` and a measure's ``score.NAME``: of a measure with a value
for each episode, the mean.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.config.atomic import replacing
from agent.reporting.history import Trial
from agent.reporting.measures import measure_values

RECORD_COLUMNS = (
    "trial",
    "kind",
    "timestamp",
    "run_status",
    "mean_reward",
    "std_reward",
    "elapsed_sec",
    "seed",
    "champion",
    "cause",
    "config_id",
    "world",
    "simulator",
    "host",
    "git_commit",
)


def write_csv(trials: Sequence[Trial], path: Path) -> None:
    """Writes the trials to ``path``, whole or not at all; an empty cell is an absent value.

    :raises OSError: the file cannot be written
    """
    rows = [dict(_cells(trial)) for trial in trials]
    columns = dict.fromkeys([*RECORD_COLUMNS, *(name for row in rows for name in row)])
    with replacing(path) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _cells(trial: Trial) -> Iterator[tuple[str, Any]]:
    """The columns of a trial that have a value."""
    known = {**vars(trial.record), "config_id": trial.record.config_id}
    for name in RECORD_COLUMNS:
        yield name, known[name]
    for name, value in trial.params.items():
        yield f"params.{name}", value
    for name, value in measure_values(trial.record.score):
        yield f"score.{name}", value
