"""A hyperparameter is one field: its default, help, limits and search range stand together.

The parts of a configuration are frozen dataclasses whose fields are made by ``setting``. The
command line, ``--help``, records, manifests and search spaces are derived from these fields
(``facts_of``).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from agent.config.errors import UserError

KEY = "setting"  # of a field's metadata


@dataclass(frozen=True)
class SearchRange:
    """Numbers that the search may choose, ``low`` to ``high``.

    ``log``: even in the logarithm. ``when``: only where another parameter has this value.
    """

    low: float
    high: float
    log: bool = False
    when: tuple[str, Any] | None = None


@dataclass(frozen=True)
class SearchChoices:
    """Values that the search may choose from; ``when`` as in ``SearchRange``."""

    values: tuple[Any, ...]
    when: tuple[str, Any] | None = None


@dataclass(frozen=True)
class Facts:
    """Facts about one field of a configuration, beside its default and its type.

    :param help: its text on the command line
    :param low: least value, ``above`` if that value itself is too small
    :param high: largest value, ``below`` if that value itself is too large
    :param choices: the only values
    :param metavar: its name on the command line
    :param needs: a trait of the algorithm without which it does not apply, see ``Algorithm.traits``
    :param by_timesteps: gives the default from the length of training
    :param search: range of the fuller search space
    :param in_spec: it belongs to the specification's search space too
    :param old_names: spellings that go on working, on disk and on the command line
    :param hyperparameter: False for what a trial runs on, which decides nothing about its score but
        luck
    :param common: ``--help`` shows it; the others are in ``--help-all``
    :param kind: ``int``, ``float``, ``str``, ``bool`` or ``list``, from the annotation
    :param optional: None is a value too
    """

    help: str
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    needs: str = ""
    by_timesteps: Callable[[int], Any] | None = None
    search: SearchRange | SearchChoices | None = None
    in_spec: bool = False
    old_names: tuple[str, ...] = ()
    hyperparameter: bool = True
    common: bool = False
    kind: type = str
    optional: bool = False
    default: Any = None

    def check(self, name: str, value: Any) -> None:
        """Refuse a value of another kind, or outside the choices or limits.

        :raises UserError: it is; the text has the remedy
        """
        if value is None and self.optional:
            return
        if self.choices and value not in self.choices:
            raise UserError(f"{name} {value!r} is unknown; choose from {', '.join(self.choices)}")
        if not _FITS[self.kind](value):
            raise UserError(f"{name} {value!r} is not {_KIND_IN_WORDS[self.kind]}; give one")
        if _is_number(value):
            self._check_limits(name, value)

    def _check_limits(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            raise UserError(f"{name} {value} is not a finite number; give one")
        if self.low is not None and value < self.low:
            raise UserError(f"{name} {value} is too small; give at least {self.low}")
        if self.above is not None and value <= self.above:
            raise UserError(f"{name} {value} is too small; give more than {self.above}")
        if self.high is not None and value > self.high:
            raise UserError(f"{name} {value} is too large; give at most {self.high}")
        if self.below is not None and value >= self.below:
            raise UserError(f"{name} {value} is too large; give less than {self.below}")


class Part:
    """Base of a configuration's parts: equal and shown by their values.

    One method of each kind serves all parts, which are made with ``eq=False, repr=False``.
    Generated for each of 20 parts, the methods would take a twentieth of the controller's start.
    """

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # some values are lists

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"


def setting(default: Any, help: str, **facts: Any) -> Any:
    """A field of a configuration.

    :param default: its value where nobody says otherwise
    :param help: its text on the command line
    :param facts: more of ``Facts``
    """
    return _field(default, Facts(help, **facts))


def inherited(part: type, name: str, default: Any, **facts: Any) -> Any:
    """The field ``name`` of a parent class with another default.

    :param part: the parent
    :param name: of the field
    :param default: its value in the new class
    :param facts: facts that differ too
    """
    own = next(each for each in dataclasses.fields(part) if each.name == name)
    return _field(default, dataclasses.replace(own.metadata[KEY], **facts))


def _field(default: Any, facts: Facts) -> Any:
    metadata = {KEY: facts}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def facts_of(part: Any) -> Mapping[str, Facts]:
    """Facts of every field of a part's dataclass, in order, with kind and default filled in."""
    return _facts_of(part)


@cache
def _facts_of(part: Any) -> Mapping[str, Facts]:
    found: dict[str, Facts] = {}
    for each in dataclasses.fields(part):
        kind, optional = _kind_of(each.type)
        default = each.default
        if default is dataclasses.MISSING:
            assert each.default_factory is not dataclasses.MISSING
            default = each.default_factory()
        own: Facts = each.metadata[KEY]
        found[each.name] = dataclasses.replace(own, kind=kind, optional=optional, default=default)
    return found


def _kind_of(annotation: Any) -> tuple[type, bool]:
    """Plain type of an annotation such as ``float | None``, and True if None is allowed.

    It is read as text: evaluating all annotations would take the controller's start 6 ms.
    """
    text = annotation if isinstance(annotation, str) else str(annotation.__name__)
    name, _, rest = text.partition(" | ")
    return _KINDS[name.partition("[")[0]], rest == "None"


def check_values(part: Any) -> None:
    """Refuse values of a part that are outside their choices or limits.

    :raises UserError: the first such value
    """
    for name, facts in facts_of(type(part)).items():
        facts.check(name, getattr(part, name))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_KINDS: Mapping[str, type] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "list": list,
}
_FITS: Mapping[type, Callable[[Any], bool]] = {
    int: _is_whole,
    float: _is_number,
    bool: lambda value: isinstance(value, bool),
    str: lambda value: isinstance(value, str),
    list: _is_list_of_texts,
}
_KIND_IN_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    list: "a list of texts",
}
