"""From flat parameters, as in ledgers and on command lines, to the parts of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from agent.config.algorithms import ALGORITHMS, Algorithm
from agent.config.errors import UserError, did_you_mean
from agent.config.parts import Imitation, Trial
from agent.config.settings import Facts, facts_of, is_list_of_texts
from agent.worlds.base import DEFAULT_WORLD, WORLDS, World, world_named
from agent.worlds.capabilities import HasOldRecords
from agent.worlds.comparisons import full_task

Part = TypeVar("Part")


@cache
def facts_in(world: str) -> Mapping[str, Facts]:
    """Facts of every parameter that a trial in this world can have, by name."""
    found: dict[str, Facts] = dict(facts_of(Trial))
    found |= facts_of(world_named(world).Options)
    for kind in ALGORITHMS.values():
        found |= {name: facts for name, facts in facts_of(kind).items() if name not in found}
    found |= facts_of(Imitation)
    return found


def known_facts(params: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Facts of the parameters of a record; none if its world is not known here."""
    world = params.get("world", DEFAULT_WORLD)
    return facts_in(world) if world in WORLDS else {}


@cache
def not_hyperparameters(world: str) -> tuple[str, ...]:
    """Parameters that belong to no configuration: the machine of a trial, and its luck."""
    known = facts_in(world) if world in WORLDS else facts_of(Trial)
    return tuple(name for name, facts in known.items() if not facts.hyperparameter)


@cache
def owners_in(world: str) -> Mapping[str, tuple[str, ...]]:
    """Algorithms that have each parameter which not all of them have."""
    found: dict[str, tuple[str, ...]] = {}
    for name, facts in facts_in(world).items():
        if name in facts_of(Trial):
            continue
        if name in facts_of(world_named(world).Options):
            owners = [each for each, kind in ALGORITHMS.items() if applies(facts, kind)]
        elif name in facts_of(Imitation):
            owners = [each for each, kind in ALGORITHMS.items() if "imitation" in kind.traits]
        else:
            owners = [each for each, kind in ALGORITHMS.items() if name in facts_of(kind)]
        if len(owners) < len(ALGORITHMS):
            found[name] = tuple(owners)
    return found


def applies(facts: Facts, kind: type[Algorithm]) -> bool:
    """True if a parameter with these facts means something to the algorithm."""
    return not facts.needs or facts.needs in kind.traits


@cache
def new_names_in(world: str) -> Mapping[str, str]:
    """Today's name of every parameter's old one."""
    return {old: name for name, facts in facts_in(world).items() for old in facts.old_names}


@cache
def spellings_in(world: str) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Values that are another spelling of other parameters, and these, by name; see ``Facts``."""
    return {name: facts.spellings for name, facts in facts_in(world).items() if facts.spellings}


def with_new_names(params: Mapping[str, Any], world: World) -> dict[str, Any]:
    """The parameters as records have them: today's names, full names of tasks, one spelling.

    A value under its new name wins.
    """
    renamed = new_names_in(world.name)
    found = {renamed.get(name, name): value for name, value in params.items()}
    found |= {name: value for name, value in params.items() if name not in renamed}
    if is_list_of_texts(found.get("env")):
        found["env"] = [full_task(world, task) for task in found["env"]]
    for name, spellings in spellings_in(world.name).items():
        value = found.get(name)
        if isinstance(value, str) and value in spellings:
            found |= spellings[value]
    return found


def modern(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a record of any version as today's have them."""
    world = world_named(params.get("world", DEFAULT_WORLD))
    if isinstance(world, HasOldRecords):
        params = world.modern_params(params)
    return with_new_names(params, world)


def refuse_strangers(params: Mapping[str, Any], world: World) -> None:
    """Refuse parameters that no trial has, or that the algorithm does not have.

    :raises UserError: such a parameter that is not None, an unknown algorithm, or an impossible
        length of training
    """
    known = facts_in(world.name)
    agent = params.get("agent", Trial.agent)
    known["agent"].check("agent", agent)
    if params.get("timesteps") is not None:
        known["timesteps"].check("timesteps", params["timesteps"])
    refuse_unknown(params, world)
    for name, owners in owners_in(world.name).items():
        value = params.get(name)
        harmless = value is None or (known[name].needs and value == known[name].default)
        if agent not in owners and not harmless:
            raise UserError(
                f"{name} {value} is no setting of {agent}; drop it or choose {', '.join(owners)}",
                name,
            )


def refuse_unknown(params: Mapping[str, Any], world: World) -> None:
    """Refuse parameters that no trial in this world has.

    :raises UserError: such a parameter
    """
    known = facts_in(world.name)
    unknown = sorted(set(params) - set(known))
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise UserError(
            f"unknown parameter {unknown[0]!r};{near} known are {', '.join(sorted(known))}"
        )


def defaults_of(kind: type[Algorithm], world: World, params: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of all parameters of an algorithm in a world.

    :param kind: the algorithm's settings
    :param world: the world
    :param params: flat parameters as far as they are given; ``timesteps`` decides some defaults
    """
    timesteps = params.get("timesteps")
    if timesteps is None:
        timesteps = Trial.timesteps
    found: dict[str, Any] = {}
    for part in (Trial, world.Options, kind, Imitation):
        for name, facts in facts_of(part).items():
            found[name] = facts.default
            if facts.by_timesteps:
                found[name] = facts.by_timesteps(timesteps)
    return found | dict(kind.world_defaults) | {"target_entropy": -float(world.n_actions)}


def build_part(
    part: type[Part],
    params: Mapping[str, Any],
    defaults: Mapping[str, Any],
    kind: type[Algorithm],
) -> Part:
    """A part of a configuration from flat parameters; None stands for the default.

    :param part: the part's dataclass
    :param params: flat parameters, of other parts too
    :param defaults: of every parameter
    :param kind: the algorithm; what does not apply to it keeps its default
    :raises UserError: an impossible value
    """
    values = {name: defaults[name] for name in facts_of(part)}
    for name, facts in facts_of(part).items():
        if applies(facts, kind) and params.get(name) is not None:
            values[name] = params[name]
    return part(**values)


def arguments_of(params: Mapping[str, Any]) -> list[str]:
    """The runner's arguments that parse to ``params``."""
    argv: list[str] = []
    for name, value in params.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            argv.append(option)
        elif isinstance(value, list):
            argv += [part for item in value for part in _argument(option, item)]
        elif value is not None and value is not False:
            argv += _argument(option, value)
    return argv


def _argument(option: str, value: Any) -> list[str]:
    """An option with its value, which argparse would take for an option if it began with a dash."""
    text = str(value)
    if text.startswith("-"):
        return [f"{option}={text}"]
    return [option, text]
