"""The command line of a trial, derived from the fields of its configuration."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from agent.config.algorithms import ALGORITHMS
from agent.config.errors import EXIT_BAD_ARGUMENTS
from agent.config.flat import arguments_of, facts_in, owners_in
from agent.config.parts import Imitation, Trial
from agent.config.presets import PRESETS
from agent.config.settings import Facts, facts_of
from agent.config.trial import TrialConfig
from agent.worlds.base import DEFAULT_WORLD, world_named


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line on stderr and exit code 2."""

    def error(self, message: str) -> NoReturn:
        print(
            f"{self.prog}: error: {message} (see {self.prog} --help)", file=sys.stderr, flush=True
        )
        raise SystemExit(EXIT_BAD_ARGUMENTS)


def add_trial_arguments(
    parser: argparse.ArgumentParser, only: Sequence[str] = (), world: str = DEFAULT_WORLD
) -> None:
    """Give ``parser`` an option per parameter of a trial; absent options stay out of the namespace.

    :param parser: gets them in groups, by owner
    :param only: these parameters; none for all
    :param world: whose options they are
    """
    if not only:
        known = "; ".join(
            f"{name} for {' '.join(arguments_of(params))}" for name, params in PRESETS.items()
        )
        parser.add_argument(
            "--preset", choices=tuple(PRESETS), help=f"unless given otherwise, {known}"
        )
    for title, names in _groups(world):
        wanted = [name for name in names if not only or name in only]
        group = parser.add_argument_group(title)
        for name in wanted:
            _add_argument(group, name, facts_in(world)[name], world)


def _groups(world: str) -> Iterable[tuple[str, list[str]]]:
    """Parameters under the title that ``--help`` shows them by, each once."""
    owners = owners_in(world)
    yield "trial", list(facts_of(Trial))
    yield f"world {world}", list(facts_of(world_named(world).Options))
    placed = {*facts_of(Trial), *facts_of(world_named(world).Options), *facts_of(Imitation)}
    rest = [name for name in facts_in(world) if name not in placed]
    for title, having in _owner_groups(owners[name] if name in owners else () for name in rest):
        yield title, [name for name in rest if owners.get(name, ()) == having]
    yield "imitation (ppo)", list(facts_of(Imitation))


def _owner_groups(owners: Iterable[tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    """Title and algorithms of every group of algorithms that share parameters."""
    distinct = dict.fromkeys(owners)
    return [(", ".join(having) if having else "every algorithm", having) for having in distinct]


def _add_argument(group: Any, name: str, facts: Facts, world: str) -> None:
    option = "--" + name.replace("_", "-")
    text = facts.help + _default_text(name, facts, world)
    shape: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS}
    if facts.kind is bool:
        shape["action"] = "store_true"
    elif facts.kind is list:
        shape |= {"action": "append", "metavar": facts.metavar}
    else:
        metavar = facts.metavar or {int: "N", float: "X"}.get(facts.kind, "TEXT")
        if facts.choices:
            metavar = "{" + ",".join(facts.choices) + "}"
        shape |= {"type": facts.kind, "metavar": metavar}
    group.add_argument(option, help=text, **shape)
    for old in facts.old_names:
        group.add_argument("--" + old.replace("_", "-"), help=argparse.SUPPRESS, **shape)


def _default_text(name: str, facts: Facts, world: str) -> str:
    """The default in words: one value, or each algorithm's own."""
    if facts.kind is bool or facts.kind is list or facts.default == "":
        return ""
    own: dict[str, Any] = {}
    for agent, kind in ALGORITHMS.items():
        if agent in owners_in(world).get(name, ALGORITHMS):
            mine = facts_of(kind).get(name, facts)
            value = kind.world_defaults.get(name, mine.default)
            own[agent] = "by timesteps" if mine.by_timesteps else value
    values = list(dict.fromkeys(own.values()))
    if values == [None]:
        return ""
    if len(values) == 1:
        return f" (default {values[0]})"
    return f" (default {', '.join(f'{agent} {value}' for agent, value in own.items())})"


def trial_config(namespace: argparse.Namespace) -> TrialConfig:
    """The configuration that a parsed command line asks for.

    :raises UserError: an impossible value
    """
    return TrialConfig.of(**trial_params(namespace))


def trial_params(namespace: argparse.Namespace) -> dict[str, Any]:
    """Parameters that a command line gives, itself or by its preset, without the defaults."""
    given: Mapping[str, Any] = vars(namespace)
    known = facts_in(given.get("world", DEFAULT_WORLD))
    preset = PRESETS.get(given.get("preset") or "", {})
    return preset | {name: value for name, value in given.items() if name in known}
