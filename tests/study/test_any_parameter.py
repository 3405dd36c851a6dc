"""Any parameter of a trial can be searched, set or read from a file, or is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from agent.config.config_file import read_file, to_toml, todays_params
from agent.config.errors import UserError
from agent.config.flat import facts_in, owners_in
from agent.config.settings import Facts
from agent.search.proposer import propose
from agent.study import plan as plan_module
from agent.study.plan import make_plan, settings

Result = TypeVar("Result")
FACTS = facts_in("donkey")
NAMES = list(FACTS)
PROPOSALS = 20
VALUES: tuple[Any, ...] = (0, 1, -1, 0.5, 1e300, 2**70, 10**400, True, "", "ppo", "a\nb")
VALUES = (*VALUES, [], ["flip"], [1], [[]], {}, {"a": 1}, "9" * 500, "é", "\ud800")
TEXTS = ("0", "1", "-1", "0.5", "nan", "inf", "1e400", "9" * 5000, "true", "ppo", " ", "é", "a\nb")


@pytest.fixture(autouse=True)
def fewer_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proposals below are probes enough."""
    monkeypatch.setattr(plan_module, "PROBES", 4)


def ends(facts: Facts) -> tuple[float, float]:
    """A range that the limits of a number allow."""
    low = facts.low if facts.low is not None else facts.above or 0.0
    high = facts.high if facts.high is not None else facts.below or low + 7.0
    margin = 0.1 * (high - low)
    return low + margin, high - margin


def tables_of(name: str) -> Iterator[dict[str, Any]]:
    """Tables of a space's file about one parameter, sensible ones and others."""
    facts = FACTS[name]
    low, high = ends(facts)
    yield {"low": low, "high": high}
    yield {"low": low, "high": high, "integer": True}
    yield {"low": low, "high": high, "log": True}
    yield {"low": high, "high": high}
    yield {"low": -1e9, "high": 1e9}
    yield {"choices": list(facts.choices) or [facts.default]}
    if facts.default is not None:
        yield {"choices": [facts.default, facts.default]}
    yield {"choices": [True, False]}
    yield {"choices": [1, 2, 4]}
    yield {"choices": [0.1, 0.2]}
    yield {"choices": ["a", "b"]}
    yield {"choices": [[], ["flip"], ["flip", "noise"]]}


def owner_of(name: str) -> str:
    owners = owners_in("donkey").get(name, ("ppo",))
    return "ppo" if "ppo" in owners else owners[0]


def followed_or_refused(call: Callable[..., Result], *arguments: Any) -> Result | None:
    """What ``call`` returns, ``None`` if it was refused in one line."""
    complaint = ""
    try:
        return call(*arguments)
    except UserError as error:
        complaint = str(error)
    assert complaint and "\n" not in complaint
    return None


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_searched_or_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    followed = 0
    given = {} if name == "agent" else {"agent": owner_of(name)}
    for number, table in enumerate(tables_of(name)):
        path.write_text(f"[[parameter]]\n{to_toml({'name': name, **table})}\n")
        plan = followed_or_refused(make_plan, given, {}, str(path), 5000, 20_000)
        if plan is None:
            continue
        followed += 1
        rng = np.random.default_rng(number)
        proposed = [propose(plan.space, [], rng, kappa=2.0).params for _ in range(2)]
        proposed += [plan.space.sample(rng) for _ in range(PROPOSALS - 2)]
        for trial, params in enumerate(proposed):
            assert params.items() <= plan.config(params, trial).to_params().items()
    refused = not FACTS[name].hyperparameter or name in ("env", "world")
    if not FACTS[name].optional and FACTS[name].kind is not str:
        assert bool(followed) != refused


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_set_or_is_refused(name: str) -> None:
    followed = 0
    agent = {} if name == "agent" else {"agent": owner_of(name)}
    for text in (*TEXTS, *FACTS[name].choices, str(FACTS[name].default)):
        fixed = followed_or_refused(settings, [f"{name}={text}"])
        if fixed is None:
            continue
        plan = followed_or_refused(make_plan, agent, fixed, "spec", 5000, 20_000)
        if plan is not None:
            followed += 1
            found = plan.config(plan.default, 1).to_params()
            assert found[name] == fixed[name] or text in FACTS[name].spellings
    assert followed or name in ("world", "seed", "env", "reward_term", "road_replay", "augment")


def given_by(path: Path) -> dict[str, Any]:
    params = read_file(path)
    return todays_params(params, str(params.get("world", "donkey")), path)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_stand_in_a_file_of_parameters_or_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "params.json"
    for value in (*VALUES, FACTS[name].default):
        path.write_text(json.dumps({"gamma": 0.98, name: value}))
        given = followed_or_refused(given_by, path)
        if given is None:
            continue
        plan = followed_or_refused(make_plan, given, {}, "spec", 5000, 20_000)
        if plan is not None and name not in ("seed", "env"):
            found = plan.config(plan.default, 1).to_params()
            assert name not in given or found[name] == given[name]
