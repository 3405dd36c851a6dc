"""Fields of a record and the values that each may have: a ledger's line may hold anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.config.plain import is_finite, is_whole, shown

RUN_STATUSES = (
    "ok",
    "timeout",
    "crashed",
    "sim_lost",
    "lost",
    "diverged",
    "pruned",
    "out_of_memory",
    "interrupted",
)
KINDS = ("search", "replicate", "sweep")
MAX_SCORE = 1e300  # beyond it sums of scores leave the range of floats

Fits = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_count(value: Any) -> bool:
    return is_whole(value) and value >= 0


def _is_score(value: Any) -> bool:
    return is_finite(value) and abs(value) <= MAX_SCORE


def _is_spread(value: Any) -> bool:
    return _is_score(value) and value >= 0.0


def _is_task(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(map(_is_text, value)))


def _is_object_of(fits: Fits) -> Fits:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _or_none(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


# What each field of a record must be, and the same in words.
TEXT = (_is_text, "a text")
TEXT_OR_NONE = (_or_none(_is_text), "a text or null")
NUMBER = (is_finite, "a finite number")
COUNT = (_is_count, "a whole number, 0 or more")
FIELDS: dict[str, tuple[Fits, str]] = {
    "trial": COUNT,
    "timestamp": TEXT,
    "params": (_is_object, "an object"),
    "mean_reward": (_or_none(_is_score), "null or a finite number"),
    "std_reward": (_or_none(_is_spread), "null or a finite number, 0 or more"),
    "model_path": TEXT_OR_NONE,
    "champion": (_is_truth, "true or false"),
    "elapsed_sec": NUMBER,
    "run_status": (RUN_STATUSES.__contains__, f"one of {', '.join(RUN_STATUSES)}"),
    "schema": COUNT,
    "kind": (KINDS.__contains__, f"one of {', '.join(KINDS)}"),
    "seed": (is_whole, "a whole number"),
    "simulator": TEXT,
    "score": (_or_none(_is_object), "an object or null"),
    "cause": TEXT_OR_NONE,
    "suggestion": (_or_none(_is_object_of(is_finite)), "an object of numbers or null"),
    "confirm_seeds": (_or_none(_is_count), COUNT[1]),
    "versions": (_is_object_of(_is_text), "an object of texts"),
    "git_commit": TEXT_OR_NONE,
    "git_dirty": (_or_none(_is_truth), "true, false or null"),
    "host": TEXT_OR_NONE,
    "world": TEXT,
}
# The same of parameters that are read by name; the others are a configuration's to judge.
PARAMS: dict[str, tuple[Fits, str]] = {
    "agent": TEXT,
    "world": TEXT,
    "env": (_is_task, "a text or a list of texts"),
    "timesteps": NUMBER,
    "eval_episodes": NUMBER,
    "seed": NUMBER,
}


def check_fields(values: Mapping[str, Any]) -> None:
    """Refuses values that no record may have.

    :param values: of every field, by name
    :raises ValueError: the first of them; the text names it
    """
    for name, (fits, words) in FIELDS.items():
        _check(name, values[name], fits, words)
    params = values["params"]
    for name, (fits, words) in PARAMS.items():
        if params.get(name) is not None:
            _check(f"params: {name}", params[name], fits, words)


def fitting(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that a record may have; of other names, all."""
    return {
        name: value
        for name, value in values.items()
        if name not in FIELDS or FIELDS[name][0](value)
    }


def _check(name: str, value: Any, fits: Fits, words: str) -> None:
    if not fits(value):
        raise ValueError(f"{name} {shown(value)} is not {words}")
