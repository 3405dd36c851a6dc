"""The command line of a trial, derived from the fields of its configuration.

Parameters come from four places, of which the later wins: defaults, ``--preset``, ``--config``, and
an option each. The options are those of the world that the command line names, itself or by one of
the others.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.config.algorithms import ALGORITHMS
from agent.config.argument_types import number, whole_number
from agent.config.command_name import add_version
from agent.config.config_file import read_file, to_toml, todays_params
from agent.config.errors import UserError, did_you_mean
from agent.config.flat import (
    facts_in,
    new_names_in,
    owners_in,
    spellings_in,
    with_new_names,
)
from agent.config.one_line_parser import OneLineParser, option_of
from agent.config.parts import Imitation, Trial
from agent.config.presets import PRESETS
from agent.config.settings import Facts, facts_of
from agent.config.trial import TrialConfig
from agent.worlds.base import DEFAULT_WORLD, world_named

WORLD = "--world"
PRESET = "--preset"
CONFIG = "--config"
HELP_ALL = "--help-all"
HINT = f"These are the common options; {HELP_ALL} shows every one, by topic."


@dataclass(frozen=True)
class Sources:
    """Parameters that a command line has from elsewhere than from an option each.

    :param world: name of the world whose options the command line has
    :param defaults: the command's own defaults
    :param preset: of ``--preset``
    :param file: of ``--config``
    :param places: for each parameter of these two its name as it is written there, and where
    """

    world: str = DEFAULT_WORLD
    defaults: Mapping[str, Any] = field(default_factory=dict)
    preset: Mapping[str, Any] = field(default_factory=dict)
    file: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, Any]:
        """Those that a person gives; a file's win."""
        return {**self.preset, **self.file}


class TrialParser(OneLineParser):
    """A parser with an option for each parameter of a trial.

    ``sources`` are the parameters that the command line has from elsewhere. ``--help`` shows common
    options alone: those that few people need have ``rare(help)``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        prog: str,
        usage: str,
        description: str,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Reads the file and the preset that ``argv`` names; ends the process if they are wrong.

        :param argv: the command line that it is for
        :param prog: name of the command
        :param usage: its usage without that name
        :param description: of the command
        :param defaults: its own defaults of parameters; a world that lacks one goes without
        """
        self.shows_all = HELP_ALL in argv
        super().__init__(
            prog=prog,
            usage=f"{prog} {usage}",
            description=description,
            add_help=False,
            allow_abbrev=False,
        )
        if not self.shows_all:
            self.epilog = HINT
        try:
            self.sources = read_sources(argv, prog, defaults or {})
        except UserError as error:
            early = {option.strip("-") for option in (WORLD, PRESET, CONFIG)}
            named = early.intersection((error.subject, *error.parameters))
            self.error(UserError(str(error), *named).told(lambda name: f"--{name}"))
        self.set_defaults(sources=self.sources)
        self.add_argument("-h", "--help", action="help", help="show the common options and exit")
        self.add_argument(HELP_ALL, action="help", help="show every option, by topic, and exit")
        add_version(self)

    def spelling(self, name: str) -> str:
        """As ``OneLineParser`` has it; also where else it is from: ``--set``, a file, a preset."""
        for argument in self.argv:
            key, equals, _ = argument.removeprefix("--set=").partition("=")
            today = key.replace("-", "_")
            if equals and new_names_in(self.sources.world).get(today, today) == name:
                return f"--set {key}"
        option = super().spelling(name)
        if option in map(option_of, self.argv):
            return option
        return self.sources.places.get(name, option)

    def rare(self, text: str) -> str:
        """The help of an option that only ``--help-all`` shows."""
        if self.shows_all:
            return text
        return argparse.SUPPRESS

    def add_configuration(self, without: Collection[str] = ()) -> None:
        """Adds an option for each parameter, for presets and for files of them.

        :param without: parameters that the command has options of its own for
        """
        group = self.add_argument_group("configuration")
        world = self.sources.world
        presets = presets_of(world)
        text = "parameters that suit together, --print-config shows them; others that are given win"
        if not presets:
            text = argparse.SUPPRESS
        group.add_argument(PRESET, metavar="{" + ",".join(presets) + "}", help=text)
        group.add_argument(
            CONFIG,
            type=Path,
            metavar="FILE",
            help="parameters in TOML, a trial's config.json, a manifest.json or a ledger's record;"
            " options win",
        )
        group.add_argument(
            "--print-config",
            action="store_true",
            help="print the parameters as TOML for --config, and exit",
        )
        add_trial_arguments(
            self,
            world=world,
            without=without,
            defaults=self.sources.defaults,
            shows_all=self.shows_all,
        )


def read_sources(argv: Sequence[str], prog: str, defaults: Mapping[str, Any]) -> Sources:
    """Reads what a command line has from elsewhere than from options, before these are known.

    :param argv: the command line
    :param prog: name of the command, for complaints
    :param defaults: the command's own; those that the world lacks are dropped
    :raises UserError: an unknown world or preset, or a file that cannot be followed
    """
    parser = OneLineParser(prog=prog, add_help=False, allow_abbrev=False)
    parser.add_argument(WORLD)
    parser.add_argument(PRESET)
    parser.add_argument(CONFIG, type=Path)
    named, _ = parser.parse_known_args(argv)
    raw: dict[str, Any] = {}
    if named.config:
        raw = read_file(named.config)
    world = named.world or raw.get("world") or world_of_preset(named.preset)
    world_named(world)
    if named.preset and named.preset not in presets_of(world):
        known = presets_of(world)
        raise UserError(
            f"preset {named.preset!r} is unknown in world {world!r};"
            f"{did_you_mean(named.preset, known)} it has {', '.join(known) or 'none'}",
            "preset",
        )
    preset = PRESETS.get(named.preset, {})
    renamed = new_names_in(world)
    return Sources(
        world=world,
        defaults={name: value for name, value in defaults.items() if name in facts_in(world)},
        preset=preset,
        file=todays_params(raw, world, named.config),
        places={name: f"{PRESET} {named.preset}: {name}" for name in preset}
        | {renamed.get(name, name): f"{named.config}: {name}" for name in raw},
    )


def world_of_preset(name: str | None) -> str:
    """Name of the world that a preset is for; the default one for no preset or an unknown one."""
    return str(PRESETS.get(name or "", {}).get("world", DEFAULT_WORLD))


def presets_of(world: str) -> dict[str, dict[str, Any]]:
    """Presets for a world, by name."""
    return {name: params for name, params in PRESETS.items() if world_of_preset(name) == world}


def add_trial_arguments(
    parser: argparse.ArgumentParser,
    *,
    world: str = DEFAULT_WORLD,
    only: Collection[str] = (),
    without: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
    shows_all: bool = True,
) -> None:
    """Gives ``parser`` an option per parameter of a trial; absent ones stay out of the namespace.

    :param parser: gets them in groups, by owner
    :param world: whose options they are
    :param only: these parameters; none for all
    :param without: but for these
    :param defaults: the command's own, which the help tells
    :param shows_all: the help shows parameters that are not common too
    """
    for title, names in _groups(world):
        group = parser.add_argument_group(title)
        for name in names:
            if name in without or (only and name not in only):
                continue
            facts = facts_in(world)[name]
            text = argparse.SUPPRESS
            if shows_all or facts.common:
                default = (defaults or {}).get(name)
                text = facts.help + _default_text(name, facts, world, default)
                text = text.replace("%", "%%")  # argparse formats it
            _add_argument(group, name, facts, text)


def _groups(world: str) -> Iterable[tuple[str, list[str]]]:
    """Parameters under the title that the help shows them by, each once."""
    owners = owners_in(world)
    options = facts_of(world_named(world).Options)
    yield "trial", list(facts_of(Trial))
    yield f"world {world}", list(options)
    placed = {*facts_of(Trial), *options, *facts_of(Imitation)}
    rest = [name for name in facts_in(world) if name not in placed]
    for having in dict.fromkeys(owners.get(name, ()) for name in rest):
        title = "learning"
        if having:
            title += f" with {', '.join(having)}"
        yield title, [name for name in rest if owners.get(name, ()) == having]
    imitating = (name for name, kind in ALGORITHMS.items() if "imitation" in kind.traits)
    yield f"imitation with {', '.join(imitating)}", list(facts_of(Imitation))


def _add_argument(group: Any, name: str, facts: Facts, text: str) -> None:
    option = "--" + name.replace("_", "-")
    shape: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS}
    if facts.kind is bool:
        shape["action"] = argparse.BooleanOptionalAction
    elif facts.kind is list:
        shape |= {"action": "append", "metavar": facts.metavar}
    else:
        types = {int: whole_number, float: number}
        shape |= {"type": types.get(facts.kind, str), "metavar": _metavar(facts)}
    group.add_argument(option, help=text, **shape)
    for old in facts.old_names:
        group.add_argument("--" + old.replace("_", "-"), help=argparse.SUPPRESS, **shape)


def _metavar(facts: Facts) -> str:
    if facts.choices:
        return "{" + ",".join(facts.choices) + "}"
    return facts.metavar or {int: "N", float: "X"}.get(facts.kind, "TEXT")


def _default_text(name: str, facts: Facts, world: str, default: Any) -> str:
    """The default in words: one value, and that of the algorithms that have another.

    :param name: of the parameter
    :param facts: its facts
    :param world: name of the world
    :param default: the command's own, None for the parameter's
    """
    if default is not None:
        return f" (default {str(default).lower()})"
    if facts.kind is bool or facts.kind is list or facts.default == "":
        return ""
    own = _defaults_by_agent(name, facts, world)
    usual = Counter(own.values()).most_common(1)[0][0]
    if set(own.values()) == {None}:
        return ""
    others = [f"{agent} {value}" for agent, value in own.items() if value != usual]
    return f" (default {', '.join([str(usual), *others])})"


def _defaults_by_agent(name: str, facts: Facts, world: str) -> dict[str, Any]:
    """Default of a parameter for every algorithm that has it."""
    own: dict[str, Any] = {}
    for agent in owners_in(world).get(name, tuple(ALGORITHMS)):
        kind = ALGORITHMS[agent]
        mine = facts_of(kind).get(name, facts)
        value = kind.world_defaults.get(name, mine.default)
        own[agent] = value
        if mine.by_timesteps:
            own[agent] = "by timesteps"
    return own


def trial_config(namespace: argparse.Namespace) -> TrialConfig:
    """The configuration that a parsed command line asks for.

    :raises UserError: an impossible value
    """
    return TrialConfig.of(**trial_params(namespace))


def trial_params(namespace: argparse.Namespace) -> dict[str, Any]:
    """Parameters that a command line gives, itself or from elsewhere; the usual defaults lack."""
    typed: Mapping[str, Any] = vars(namespace)
    sources = typed.get("sources", Sources())
    world = world_named(typed.get("world", sources.world))
    known = facts_in(world.name)
    given = sources.given | {name: value for name, value in typed.items() if name in known}
    return with_new_names(_open_defaults(sources, given) | given, world)


def _open_defaults(sources: Sources, given: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of the command about which the given parameters say nothing, in other words either.

    ``--reward sim`` says that there is no ``--reward-shaping``.
    """
    said: set[str] = set()
    for name, spellings in spellings_in(sources.world).items():
        for params in spellings.values():
            if given.get(name) == params[name]:
                said |= params.keys()
    return {name: value for name, value in sources.defaults.items() if name not in said}


def print_params(params: Mapping[str, Any], remark: str = "") -> None:
    """Prints parameters as a file for ``--config``.

    :param params: flat parameters
    :param remark: stands above them as a comment; empty for none
    """
    if remark:
        print(f"# {remark}")
    print(to_toml(params), flush=True)
