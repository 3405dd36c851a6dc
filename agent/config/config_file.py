"""Parameters in a file: read from TOML, a trial's JSON or a record, and written as TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.config.errors import UserError
from agent.config.flat import facts_in, with_new_names
from agent.config.plain import check_plain
from agent.config.settings import Facts
from agent.worlds.base import world_named
from agent.worlds.capabilities import HasOldRecords

# Parameters that every version has written of every trial, so a file with all of them is a whole
# configuration.
IN_EVERY_RECORD = {"agent", "env", "timesteps", "eval_episodes", "seed", "evaluations"}


def read_file(path: Path) -> dict[str, Any]:
    """Parameters in a file as they stand there, of any version.

    The file is TOML, or JSON: a trial's ``config.json``, a ``manifest.json``, or one record of a
    ledger.

    :raises UserError: it cannot be read or holds something else
    """
    try:
        document = _parse(path.read_bytes().decode("utf-8-sig"))  # some editors write a mark
        check_plain(document)
    except OSError as error:
        raise UserError(
            f"config {path} cannot be read ({error.strerror}); give a file of parameters"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"config {path} is neither TOML nor JSON ({error}); mend it") from None
    params = document
    if isinstance(document, dict):
        params = document.get("params", document)
    if not isinstance(params, dict):
        raise UserError(f"config {path} holds no parameters by name; write them as gamma = 0.99")
    world = params.get("world", "")
    if not isinstance(world, str):
        raise UserError(f"config {path} has a world {world!r}; name one")
    return {name: value for name, value in params.items() if value is not None}


def _parse(text: str) -> Any:
    """The document, which is JSON if it begins with a bracket.

    :raises ValueError: it is none
    """
    if not text.lstrip().startswith(("{", "[{")):
        import tomllib  # only where a file is read

        return tomllib.loads(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise ValueError("it has more than one record, keep the one that is meant") from None
        raise


def todays_params(params: Mapping[str, Any], world: str, path: Path | None) -> dict[str, Any]:
    """Parameters of a file under today's names, with today's meaning.

    :param params: as ``read_file`` has them
    :param world: name of the world that they are for
    :param path: the file, for complaints; None for no parameters
    :raises UserError: a name that no trial in this world has
    """
    the_world = world_named(world)
    if isinstance(the_world, HasOldRecords) and params.keys() >= IN_EVERY_RECORD:
        params = the_world.modern_params(params)
    known = facts_in(world)
    renamed = with_new_names(params, the_world)
    for name in renamed:
        if name not in known:
            raise UserError(_complaint(name, known, path))
    return {name: as_kind(value, known[name]) for name, value in renamed.items()}


def _complaint(name: str, known: Mapping[str, Facts], path: Path | None) -> str:
    remedy = "drop it"
    from difflib import get_close_matches  # only for a complaint

    for close in get_close_matches(name, known, n=1):
        remedy = f"write {close}"
    return f"config {path} has an unknown parameter {name!r}; {remedy}"


def as_kind(value: Any, facts: Facts) -> Any:
    """A whole number where any number may stand, and one text where several may, as their kind."""
    if facts.kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if facts.kind is list and isinstance(value, str):
        return [value]
    return value


def to_toml(params: Mapping[str, Any]) -> str:
    """Flat parameters as TOML that ``read_file`` reads back; those that are None are left out."""
    lines = [f"{name} = {_toml(value)}" for name, value in params.items() if value is not None]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's text is TOML's, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)
