"""Every field of a ledger's line with every kind of wrong value.

It is a record with which the program can go on, or a ``ValueError``, and so a skipped line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.trial import TrialConfig
from agent.study.champion_selection import select_champion
from agent.study.observations import observations
from agent.study.pruning import should_prune
from agent.study.spaces import space_named
from agent.trials.fields import FIELDS
from agent.trials.record import Record
from agent.trials.summary import summary
from agent.trials.task import of_task
from tests.evil_values import EVIL

PARAMS = TrialConfig.of(agent="dqn").to_params()
SPACE = space_named("full", None, 5000, 20_000)
RUNG = {"share": 0.25, "timesteps": 100, "mean_reward": 1.0}
LINE = asdict(
    Record(
        trial=3,
        timestamp="2026-05-01T22:00:00",
        params=PARAMS,
        mean_reward=10.0,
        std_reward=1.0,
        model_path=None,
        champion=False,
        elapsed_sec=5.0,
        run_status="ok",
    )
)
READ = ("agent", "world", "env", "timesteps", "eval_episodes", "seed")  # by name
HOLE = '"@"'


def lines_with(hole: dict[str, Any]) -> list[str]:
    text = json.dumps(hole)
    return [text.replace(HOLE, evil) for evil in EVIL]


def go_on(line: str) -> bool:
    """Does with a line all that a study does; returns False if it is no record."""
    try:
        record = Record.from_line(line)
    except ValueError as error:
        refusal = str(error)
    else:
        use(record)
        return True
    assert 0 < len(refusal.encode()) < 500
    return False


def use(record: Record) -> None:
    assert "\n" not in summary(record)
    kept = record.slim()
    assert kept.config_id
    assert kept.repeatable in (True, False)
    observations(SPACE, of_task([kept, record], PARAMS))
    observations(SPACE, [record])
    select_champion([kept] * 7, 3)
    should_prune(record.rungs, [(record.rungs, record.mean_reward)] * 6)
    assert Record.from_line(record.to_line()) == record


@pytest.mark.parametrize("name", [*FIELDS, "rungs"])
@pytest.mark.parametrize("status", ["ok", "pruned"])
def test_a_field_of_any_value(name: str, status: str) -> None:
    line = {**LINE, "run_status": status, name: "@"}
    outcomes = [go_on(text) for text in lines_with(line)]
    assert not all(outcomes), "some of these values belong nowhere"


@pytest.mark.parametrize("name", [*READ, "learning_rate", "reward", "max_cte", "taught", "moon"])
def test_a_parameter_of_any_value(name: str) -> None:
    outcomes = [go_on(text) for text in lines_with({**LINE, "params": {**PARAMS, name: "@"}})]
    assert not all(outcomes)


@pytest.mark.parametrize("name", RUNG)
@pytest.mark.parametrize("status", ["ok", "pruned"])
def test_a_rung_of_any_value(name: str, status: str) -> None:
    line = {**LINE, "run_status": status, "mean_reward": None, "rungs": [{**RUNG, name: "@"}]}
    outcomes = [go_on(text) for text in lines_with(line)]
    assert not all(outcomes)


@pytest.mark.parametrize(
    ("name", "evil"),
    [
        *(("rungs", evil) for evil in ("5", '{"rungs": 3}', "[5]", '[{"share": 1}]', "true")),
        *(("mean_reward", evil) for evil in ("true", "9" * 400, '"7"', "[7]")),
        *(("trial", evil) for evil in ("null", "-1", "9" * 400, "1.5", '"1"')),
        *(("versions", evil) for evil in ("null", "[]", '{"torch": 2}')),
        *(("std_reward", evil) for evil in ("-1", '"x"')),
        *(("score", evil) for evil in ("5", "[5]", "[" * 100_000)),
        *(("kind", evil) for evil in ("5", "[]", '"x"')),
        *(("timestamp", evil) for evil in ("5", "null", '"\\ud800"')),
    ],
)
def test_these_are_refused_by_name(name: str, evil: str) -> None:
    text = json.dumps({**LINE, name: "@"}).replace(HOLE, evil)
    with pytest.raises(ValueError, match=f"{name}|rung|finite|nests|Unicode"):
        Record.from_line(text)


@pytest.mark.parametrize(
    "params", [{"timesteps": "many"}, {"env": 5}, {"eval_episodes": "x"}, {"agent": []}]
)
def test_parameters_that_are_read_by_name_are_of_their_kind(
    record: Callable[..., Record], params: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"params: {next(iter(params))}"):
        record(params=PARAMS | params)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "rungs"]), JSON, max_size=3))
def test_fields_of_drawn_values(values: dict[str, Any]) -> None:
    go_on(json.dumps(LINE | values))
