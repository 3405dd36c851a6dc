"""Tables of the page, as rows of text: trials, configurations, champion, evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from agent.config.plain import is_finite
from agent.reporting.history import Configuration, Trial
from agent.reporting.measures import NOTHING, REWARDS, measure_texts
from agent.reporting.searched_space import active_names
from agent.reporting.style import number
from agent.search.space import Space
from agent.trials.record import task_names

BEST_SHOWN = 10  # configurations, and single trials
MOST_COLUMNS = 6  # of searched parameters; more stand together in one cell
MOST_CHARS = 200  # of a cell, chosen: a cause in words is shorter
EVALUATION_COLUMNS = (
    "timestamp",
    "env",
    "trained_on",
    "mean_reward",
    "std_reward",
    "generalisation_gap",
    "verdict",
    "measures",
    "baselines",
    "model",
)


TEXT_COLUMNS = (
    "parameters",
    "cause",
    "task",
    "env",
    "driver",
    "measures",
    "baselines",
    "model",
)  # begin at the left
RACE_COLUMNS = (
    "timestamp",
    "task",
    "driver",
    "total [s]",
    "laps",
    "crashes",
    "best lap [s]",
    "model",
)


@dataclass(frozen=True)
class Table:
    """A head and rows of as many cells."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def champion_summary(manifest: Mapping[str, Any]) -> Table:
    """Returns what there is to know first of a champion."""
    params = manifest.get("params")
    confirmation = manifest.get("confirmation")
    rows = {
        "task": champion_task(manifest),
        "trial": f"{manifest.get('kind', '')} {manifest.get('trial', '')}",
        "algorithm": params.get("agent") if isinstance(params, dict) else None,
        "mean reward": manifest.get("mean_reward"),
        "standing": confirmation.get("standing") if isinstance(confirmation, dict) else None,
        "model": manifest.get("model_path"),
    }
    return Table(("", "value"), [(name, _cell(value)) for name, value in rows.items()])


def champion_task(manifest: Mapping[str, Any]) -> str:
    """Returns the tasks of a champion."""
    params = manifest.get("params")
    return " + ".join(task_names(params)) if isinstance(params, dict) else NOTHING


def champion_table(manifest: Mapping[str, Any], trials: Sequence[Trial]) -> Table:
    """Returns the champion's manifest and, if a ledger holds its trial, the trial's measures."""
    pairs: list[tuple[str, Any]] = []
    groups = []
    for name, value in manifest.items():
        if isinstance(value, dict):
            groups.append((name, value))
        else:
            pairs.append((name, value))
    for group, values in groups:
        pairs += [(f"{group}: {name}", value) for name, value in values.items()]
    rows = [(name, _whole(value)) for name, value in pairs]
    for trial in trials:
        if _is_of_manifest(trial, manifest):
            measures = measure_texts(trial.record.score)
            rows += [(f"measure: {name}", text) for name, text in measures]
    return Table(("", "value"), rows)


def params_table(params: Mapping[str, Any]) -> Table:
    """Returns params, a row each."""
    return Table(("", "value"), [(name, number(value)) for name, value in params.items()])


def best_configurations(found: Sequence[Configuration], space: Space | None) -> Table:
    """Returns the configurations with the highest mean scores, the best first."""
    names = _columns(space)
    rows = []
    for each in sorted(found, key=lambda each: -each.mean)[:BEST_SHOWN]:
        spread = NOTHING
        if len(each.scores) > 1:
            spread = f"{number(min(each.scores))} to {number(max(each.scores))}"
        first = each.trials[0].name
        values = _active_values(each.params, space)
        rows.append([first, number(each.mean), str(len(each.scores)), spread, *values])
    return Table(("first trial", "mean score", "seeds", "seed spread", *names), rows)


def best_trials(trials: Sequence[Trial]) -> Table:
    """Returns the single trials with the highest scores, the best first, with their measures."""
    scored = [trial for trial in trials if trial.score is not None]
    best = sorted(scored, key=lambda trial: -(trial.score or 0.0))[:BEST_SHOWN]
    measures = [dict(measure_texts(trial.record.score)) for trial in best]
    names = list(dict.fromkeys(name for texts in measures for name in texts))
    rows = []
    for trial, texts in zip(best, measures, strict=True):
        score = [_cell(trial.score), _cell(trial.record.std_reward)]
        rows.append([trial.name, *score, *(texts.get(name, NOTHING) for name in names)])
    return Table(("trial", "score", "std", *names), rows)


def evaluations_table(evaluations: Sequence[Mapping[str, Any]]) -> Table:
    """Returns the evaluations of saved models, a row each."""
    rows = []
    for each in evaluations:
        told = {**each, "measures": _measures(each.get("score")), "baselines": _baselines(each)}
        rows.append([_when(each), *(_cell(told.get(name)) for name in EVALUATION_COLUMNS[1:])])
    return Table(EVALUATION_COLUMNS, rows)


def _measures(score: Any) -> str | None:
    """The world's measures of an evaluation in one cell, ``None`` for none."""
    if not isinstance(score, dict):
        return None
    return ", ".join(f"{name} {text}" for name, text in measure_texts(score)) or None


def _baselines(evaluation: Mapping[str, Any]) -> str | None:
    """Mean rewards of an evaluation's baselines in one cell, ``None`` for none."""
    floors = evaluation.get("floors")
    if not isinstance(floors, dict):
        return None
    means = {name: _mean_reward(score) for name, score in floors.items()}
    return ", ".join(f"{name} {_cell(mean)}" for name, mean in means.items()) or None


def _mean_reward(score: Any) -> float | None:
    if not isinstance(score, dict) or not isinstance(score.get(REWARDS), list):
        return None
    rewards = [each for each in score[REWARDS] if is_finite(each)]
    return fsum(rewards) / len(rewards) if rewards else None


def races_table(races: Sequence[Mapping[str, Any]]) -> Table:
    """Returns the races of saved models, a row for each driver."""
    rows = []
    for race in races:
        drivers = race.get("races")
        if isinstance(drivers, dict):
            rows += [_race_row(race, name, drivers[name]) for name in drivers]
    return Table(RACE_COLUMNS, rows)


def _when(evaluation: Mapping[str, Any]) -> str:
    """Its time to the second."""
    return str(evaluation.get("timestamp", NOTHING))[:19].replace("T", " ")


def _race_row(race: Mapping[str, Any], driver: str, result: Any) -> list[str]:
    found = result if isinstance(result, dict) else {}
    lap_times = found.get("lap_times")
    best_lap = None
    if isinstance(lap_times, list):
        best_lap = min(filter(is_finite, lap_times), default=None)
    total = found.get("total_sec")
    return [
        _when(race),
        _cell(race.get("env")),
        driver,
        "out" if total is None else _cell(total),
        _cell(found.get("progress") if total is None else found.get("laps")),
        _cell(found.get("crashes")),
        _cell(best_lap),
        _cell(race.get("model")),
    ]


def trials_table(trials: Sequence[Trial], space: Space | None) -> Table:
    """Returns every trial with its outcome and the cause of a failure."""
    outcome = ("trial", "ended", "status", "score", "std", "seconds")
    head = (*outcome, *_columns(space), "seed", "champion", "cause")
    return Table(head, [_trial_row(trial, space) for trial in trials])


def _trial_row(trial: Trial, space: Space | None) -> list[str]:
    record = trial.record
    ended = _cell(record.timestamp)
    if trial.ended:
        ended = trial.ended.isoformat(sep=" ", timespec="seconds")
    champion = ""
    if record.champion:
        champion = "promoted"
    return [
        trial.name,
        ended,
        record.run_status,
        _cell(trial.score),
        _cell(record.std_reward),
        _cell(record.elapsed_sec),
        *_active_values(trial.params, space),
        str(record.seed),
        champion,
        _cell(record.cause),
    ]


def _is_of_manifest(trial: Trial, manifest: Mapping[str, Any]) -> bool:
    """True for the trial that was promoted: trial numbers alone repeat between ledgers."""
    record = trial.record
    promoted = (manifest.get("kind"), manifest.get("trial"), manifest.get("timestamp"))
    return (record.kind, record.trial, record.timestamp) == promoted


def _columns(space: Space | None) -> list[str]:
    """Names of the columns of a configuration: the algorithm and what was searched."""
    names = _searched(space)
    if len(names) > MOST_COLUMNS:
        return ["agent", "parameters"]
    return ["agent", *names]


def _searched(space: Space | None) -> list[str]:
    if space is None:
        return []
    return [name for name in space.names if name != "agent"]


def _active_values(params: Mapping[str, Any], space: Space | None) -> list[str]:
    """Values of a configuration in ``_columns``, a dash where a parameter is inactive."""
    active = active_names(space, params)
    agent = _cell(params.get("agent", ""))
    names = _searched(space)
    if len(names) <= MOST_COLUMNS:
        return [agent, *(_cell(params.get(name)) if name in active else NOTHING for name in names)]
    return [agent, ", ".join(f"{name} {number(params[name])}" for name in names if name in active)]


def _cell(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value if len(value) <= MOST_CHARS else value[: MOST_CHARS - 1] + "…"
    return number(value)


def _whole(value: Any) -> str:
    """A champion's value, not cut short: paths and hashes are there to be copied."""
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
