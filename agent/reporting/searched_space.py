"""The space that was searched, read off the trials, so a report needs no options of the search.

A parameter was searched when it varies among the trials of one algorithm and one kind. What varies
for one algorithm alone, such as the action bins of DQN, is inactive for the others. Ranges end at
the smallest and the largest value that was tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from agent.config.flat import not_hyperparameters
from agent.reporting.history import Trial
from agent.search.parameter import Choice, Parameter, Range
from agent.search.space import Space

MIN_LOG_RATIO = 10.0  # chosen: a positive range that spans less is never logarithmic


def searched_space(trials: Sequence[Trial]) -> Space | None:
    """Returns the space of what varied, ``None`` when nothing did."""
    agents = list(dict.fromkeys(trial.agent for trial in trials))
    varied = {
        agent: _varied_names([trial for trial in trials if trial.agent == agent])
        for agent in agents
    }
    others = {name for trial in trials for name in not_hyperparameters(trial.record.world)}
    parameters: list[Parameter] = []
    if len(agents) > 1:
        parameters.append(Choice("agent", tuple(sorted(agents))))
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        active = [agent for agent in agents if name in varied[agent]]
        if not active or name == "agent" or name in others:
            continue
        when = None
        if len(active) == 1 < len(agents):
            when = ("agent", active[0])
        of_active = [trial.params for trial in trials if trial.agent in active]
        tried = [params[name] for params in of_active if name in params]
        parameters.append(_parameter(name, tried, when))
    if not parameters:
        return None
    return Space(tuple(parameters))


def active_names(space: Space | None, params: Mapping[str, Any]) -> set[str]:
    """Returns the searched parameters that are active in ``params``.

    There are none without a space, and none when the params do not fit it.
    """
    if space is None:
        return set()
    try:
        codes = space.codes(params)
    except ValueError:
        return set()
    pairs = zip(space.names, codes, strict=True)
    return {name for name, code in pairs if not math.isnan(code)}


def _varied_names(trials: Sequence[Trial]) -> set[str]:
    """Names whose values differ within the grid searches or within the other trials.

    A name that differs only between the two was not searched.
    """
    values: dict[tuple[bool, str], set[Any]] = {}
    for trial in trials:
        from_grid = trial.record.kind == "sweep"
        for name, value in trial.params.items():
            values.setdefault((from_grid, name), set()).add(value)
    return {name for (_, name), distinct in values.items() if len(distinct) > 1}


def _parameter(name: str, tried: Sequence[Any], when: tuple[str, str] | None) -> Parameter:
    if all(_is_number(value) for value in tried):
        with suppress(ValueError):  # no range reaches as far as they do
            return _range(name, tried, when)
    return Choice(name, tuple(sorted(set(tried), key=str)), when=when)


def _range(name: str, tried: Sequence[float], when: tuple[str, str] | None) -> Range:
    low = min(tried)
    high = max(tried)
    log = _is_logarithmic(low, high, tried)
    integer = all(isinstance(value, int) for value in tried)
    return Range(name, low, high, log=log, integer=integer, when=when)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_logarithmic(low: float, high: float, tried: Sequence[float]) -> bool:
    """True if the median lies nearer to the range's middle in ratios than in differences."""
    if low <= 0 or high / low < MIN_LOG_RATIO:
        return False
    median = float(np.median(tried))
    in_ratios = math.log(median / low) / math.log(high / low)
    in_differences = (median - low) / (high - low)
    return abs(in_ratios - 0.5) < abs(in_differences - 0.5)
