"""Search spaces: the specification's, a fuller one per agent, and one's own (``space_file``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.config.algorithms import ALGORITHMS, SEARCHED_AGENTS, Algorithm
from agent.config.flat import applies
from agent.config.settings import Facts, SearchChoices, SearchRange, facts_of
from agent.search.parameter import Choice, Parameter, Range
from agent.search.space import Space
from agent.study.space_file import is_file, load_space, of_trials
from agent.worlds.base import DEFAULT_WORLD, world_named


def space_named(
    name: str,
    agent: str | None,
    min_timesteps: int,
    max_timesteps: int,
    world: str = DEFAULT_WORLD,
) -> Space:
    """The space ``spec``, ``full``, or the one in the file ``name`` (ending in .toml).

    :param name: of the space
    :param agent: an algorithm to fix it, ``None`` to search among ``SEARCHED_AGENTS`` too
    :param min_timesteps: shortest training of ``spec`` and ``full``
    :param max_timesteps: longest training
    :param world: whose options are searched
    :raises ValueError: an unknown name, a file that is no space, or as ``spec_space``
    """
    spec = spec_space(agent, min_timesteps, max_timesteps, world)
    if name == "spec":
        return spec
    if name == "full":
        return Space(spec.parameters + _more_parameters(agent, world), spec.context)
    if not is_file(name):
        raise ValueError(f"space {name!r} is unknown; choose spec, full or a file ending in .toml")
    own = of_trials(load_space(Path(name)), world, name)
    if agent is None:
        return own
    if "agent" in own.names:
        return fix(own, {"agent": agent})
    return replace(own, context={"agent": agent})


def spec_space(
    agent: str | None, min_timesteps: int, max_timesteps: int, world: str = DEFAULT_WORLD
) -> Space:
    """The specification's space: agent, action bins of DQN, learning rate and training length.

    :param agent: an algorithm to fix it, ``None`` to search among ``SEARCHED_AGENTS`` too
    :param min_timesteps: shortest training
    :param max_timesteps: longest training
    :param world: whose options are searched
    :raises ValueError: an unknown agent or an empty range of timesteps
    """
    if agent is not None and agent not in ALGORITHMS:
        raise ValueError(f"agent {agent!r} is unknown; choose from {', '.join(ALGORITHMS)}")
    if not 1 <= min_timesteps <= max_timesteps:
        raise ValueError(
            f"timesteps from {min_timesteps} to {max_timesteps} is no range;"
            " give 1 <= minimum <= maximum"
        )
    agents = _agents(agent)
    parameters: list[Parameter] = []
    if agent is None:
        parameters.append(Choice("agent", SEARCHED_AGENTS))
    for part in (world_named(world).Options, *(ALGORITHMS[each] for each in agents)):
        known = {parameter.name for parameter in parameters}
        found = {name: facts for name, facts in facts_of(part).items() if facts.in_spec}
        parameters += _parameters(found, agents, known)
    parameters.append(Range("timesteps", min_timesteps, max_timesteps, log=True, integer=True))
    context = {} if agent is None else {"agent": agent}
    return Space(tuple(parameters), context)


def _agents(agent: str | None) -> tuple[str, ...]:
    """Algorithms of a space: the one that is fixed, or those that are searched."""
    if agent is None:
        return SEARCHED_AGENTS
    return (agent,)


def _more_parameters(agent: str | None, world: str) -> tuple[Parameter, ...]:
    """Parameters of ``full`` that the specification's space lacks."""
    agents = _agents(agent)
    parameters: list[Parameter] = []
    for part in (world_named(world).Options, Algorithm, *(ALGORITHMS[each] for each in agents)):
        known = {parameter.name for parameter in parameters}
        found = {name: facts for name, facts in facts_of(part).items() if not facts.in_spec}
        parameters += _parameters(found, agents, known)
    return tuple(parameters)


def _parameters(
    found: Mapping[str, Facts], agents: tuple[str, ...], known: set[str]
) -> list[Parameter]:
    """Search parameters of fields that have a range, active with the algorithms that have them."""
    parameters = []
    for name, facts in found.items():
        owners = [each for each in agents if _has(each, name, facts)]
        if facts.search is None or name in known or not owners:
            continue
        parameter = _parameter_of(name, facts)
        if len(owners) < len(agents):
            parameter = replace(parameter, when=("agent", owners[0]))
        parameters.append(parameter)
    return parameters


def _has(agent: str, name: str, facts: Facts) -> bool:
    """True if a field of the world or of some algorithms means something to this one."""
    kind = ALGORITHMS[agent]
    elsewhere = any(name in facts_of(other) for other in ALGORITHMS.values())
    return applies(facts, kind) and (name in facts_of(kind) or not elsewhere)


def _parameter_of(name: str, facts: Facts) -> Parameter:
    search = facts.search
    if isinstance(search, SearchChoices):
        return Choice(name, search.values, when=search.when)
    assert isinstance(search, SearchRange)
    whole = facts.kind is int
    return Range(name, search.low, search.high, log=search.log, integer=whole, when=search.when)


def fix(space: Space, values: Mapping[str, Any]) -> Space:
    """Returns ``space`` with some parameters fixed: in its context and no longer searched.

    A parameter that depends on a fixed choice loses its condition, or goes if another choice was
    fixed.

    :raises ValueError: a name that the space lacks, an impossible value, or nothing left to search
    """
    unknown = sorted(set(values) - set(space.names))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not searched; the space has {', '.join(space.names)}")
    kept: list[Parameter] = []
    gone: set[str] = set()
    for parameter in space.parameters:
        if parameter.name in values:
            parameter.code(values[parameter.name])  # refuses an impossible value
            continue
        if parameter.when is not None:
            parent, choice = parameter.when
            if parent in gone or values.get(parent, choice) != choice:
                gone.add(parameter.name)
                continue
            if parent in values:
                parameter = replace(parameter, when=None)
        kept.append(parameter)
    return Space(tuple(kept), {**space.context, **values})
