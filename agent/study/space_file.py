"""A search space of one's own: a TOML file that lists parameters.

[[parameter]]
name = "learning_rate"
low = 1e-5
high = 1e-2
log = true

[[parameter]]
name = "reward"
choices = ["sim", "efficiency"]

[[parameter]]
name = "reward_shaping"
choices = [true, false]
when = { reward = "sim" }      # active only then; "integer = true" makes a range whole numbers
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.config.config_file import as_kind
from agent.config.flat import facts_in, new_names_in
from agent.config.plain import check_plain
from agent.config.settings import Facts
from agent.search.parameter import Choice, Parameter, Range
from agent.search.space import Space

LIST = "parameter"
RANGE_KEYS = {"name", "low", "high", "log", "integer", "when"}
CHOICE_KEYS = {"name", "choices", "when"}


def is_file(space: str) -> bool:
    """True for the name of a file, and not of a space that is known by name."""
    return space.endswith(".toml")


def load_space(path: Path) -> Space:
    """Reads the space in a TOML file.

    :raises ValueError: the file cannot be read or is no space; the text names file and parameter
    """
    try:
        document = _parse(path)
        check_plain(document)
        unknown = sorted(set(document) - {LIST})
        if unknown:
            raise ValueError(f"key {unknown[0]!r} is unknown; write [[{LIST}]]")
        tables = document.get(LIST, [])
        if not isinstance(tables, list):
            raise ValueError(f"{LIST} is not a list; write [[{LIST}]]")
        return Space(tuple(_parameter(table) for table in tables))
    except ValueError as error:
        raise ValueError(f"{path} is no search space: {error}") from None


def of_trials(space: Space, world: str, path: str) -> Space:
    """Returns a space from a file as trials in this world know it.

    Parameters have today's names and values of their own kind. A range of a whole number has whole
    numbers only. Names that no trial has stay as they are.

    :param space: as it stands in the file
    :param world: name of the world
    :param path: of the file, for complaints
    :raises ValueError: a value that no trial can have, or a choice that stands twice
    """
    renamed = new_names_in(world)
    parameters = []
    for parameter in space.parameters:
        when = parameter.when
        if when is not None:
            when = (renamed.get(when[0], when[0]), when[1])
        parameter = replace(parameter, name=renamed.get(parameter.name, parameter.name), when=when)
        facts = facts_in(world).get(parameter.name)
        if facts is not None:
            try:
                parameter = _of_kind(parameter, facts)
            except ValueError as error:
                raise ValueError(f"{path} has an impossible value: {error}") from None
        parameters.append(parameter)
    return replace(space, parameters=tuple(parameters))


def _of_kind(parameter: Parameter, facts: Facts) -> Parameter:
    name = parameter.name
    if isinstance(parameter, Choice):
        choices = tuple(as_kind(choice, facts) for choice in parameter.choices)
        for choice in choices:
            facts.check(name, choice)
            _refuse_spelling(name, choice, facts)
        _refuse_twice(name, choices)
        return replace(parameter, choices=choices)
    if facts.kind not in (int, float):
        raise ValueError(f"{name} is no number and cannot have a range; give choices")
    integer = parameter.integer or facts.kind is int
    return replace(parameter, integer=integer)


def _parse(path: Path) -> dict[str, Any]:
    """The document in the file, which an editor may have begun with a byte order mark.

    :raises ValueError: it cannot be read, or is no TOML
    """
    import tomllib  # which the controller does without

    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror}); give a file") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8; save it as that") from None
    except RecursionError:
        raise ValueError("it nests too deeply") from None


def _parameter(table: Any) -> Parameter:
    name = table.get("name") if isinstance(table, dict) else None
    if not isinstance(name, str):
        raise ValueError(f"parameter {table!r} has no name; give one")
    name = name.replace("-", "_")
    if not name.isidentifier():
        raise ValueError(f"{name!r} is no name of a parameter")
    keys = CHOICE_KEYS if "choices" in table else RANGE_KEYS
    unknown = sorted(set(table) - keys)
    if unknown:
        raise ValueError(f"{name}: key {unknown[0]!r} is unknown; give {', '.join(sorted(keys))}")
    when = _condition(name, table.get("when"))
    if "choices" in table:
        if not isinstance(table["choices"], list):
            raise ValueError(f"{name}: choices {table['choices']!r} is not a list")
        _refuse_twice(name, table["choices"])
        return Choice(name, tuple(table["choices"]), when=when)
    _check_range(name, table)
    log = table.get("log", False)
    integer = table.get("integer", False)
    return Range(name, table["low"], table["high"], log=log, integer=integer, when=when)


def _refuse_twice(name: str, choices: Sequence[Any]) -> None:
    """Refuse equal choices, 1 and 1.0 too: one configuration would come again and again."""
    for i, choice in enumerate(choices):
        if choice in choices[:i]:
            raise ValueError(f"{name} has the choice {choice!r} twice; drop one")


def _refuse_spelling(name: str, choice: Any, facts: Facts) -> None:
    """Refuse a value that says what others say: no trial has it under this name."""
    if isinstance(choice, str) and choice in facts.spellings:
        others = " and ".join(f"{each} {value}" for each, value in facts.spellings[choice].items())
        raise ValueError(f"{name} {choice!r} is another spelling of {others}; write these")


def _condition(name: str, when: Any) -> tuple[str, Any] | None:
    if when is None:
        return None
    if not isinstance(when, dict) or len(when) != 1:
        raise ValueError(f'{name}: when {when!r} is not one choice; write {{ parent = "choice" }}')
    [(parent, choice)] = when.items()
    return parent.replace("-", "_"), choice


def _check_range(name: str, table: Mapping[str, Any]) -> None:
    for key in ("low", "high"):
        end = table.get(key)
        if isinstance(end, bool) or not isinstance(end, (int, float)):
            raise ValueError(
                f"{name}: {key} {end!r} is not a number; give low and high, or choices"
            )
    for key in ("log", "integer"):
        if not isinstance(table.get(key, False), bool):
            raise ValueError(f"{name}: {key} {table[key]!r} is not true or false")
