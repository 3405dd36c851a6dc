"""Plan of a study: what may be chosen, what all trials have in common, where the search begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.config.errors import UserError
from agent.config.flat import facts_in, new_names_in, with_new_names
from agent.config.parts import Trial
from agent.config.settings import Facts
from agent.config.trial import TrialConfig
from agent.search.parameter import Choice
from agent.search.space import Space
from agent.study.spaces import fix, space_named
from agent.worlds.base import DEFAULT_WORLD, world_named

SEED_LIMIT = 2**31
PROBES = 32  # random configurations that must be possible before the study begins
NEVER_SEARCHED = ("seed", "env", "world")
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Plan:
    """A study's search.

    :param given: parameters of every trial, as far as they were given
    :param base: a trial with no more than that
    :param default: where the search begins: ``base`` clipped into the space
    """

    space: Space
    given: Mapping[str, Any]
    base: TrialConfig
    default: dict[str, Any]

    def config(self, params: Mapping[str, Any], trial: int) -> TrialConfig:
        """The configuration of a trial with these params of the space.

        :raises UserError: together they are impossible
        """
        return TrialConfig.of(
            **{**self.given, **params, "seed": (self.base.trial.seed + trial) % SEED_LIMIT}
        )

    def begins_with(self, params: Mapping[str, Any]) -> bool:
        """True if a trial with all these params is the default's."""
        return self.default.items() <= params.items()


def make_plan(
    given: Mapping[str, Any],
    fixed: Mapping[str, Any],
    space: str,
    min_timesteps: int,
    max_timesteps: int,
) -> Plan:
    """The plan of a command line.

    :param given: parameters of a trial; of those that are searched, where the search begins
    :param fixed: parameters of a trial that are not to be searched
    :param space: see ``space_named``
    :param min_timesteps: shortest training that may be chosen
    :param max_timesteps: longest training
    :raises UserError: a parameter or a space that cannot be followed
    """
    world = world_named(given.get("world", DEFAULT_WORLD))
    given = with_new_names({**given, **fixed}, world)
    fixed = with_new_names(fixed, world)
    agent = given.get("agent")
    try:
        searched = space_named(space, agent, min_timesteps, max_timesteps, world.name)
        searched_and_fixed = {name: fixed[name] for name in fixed if name in searched.names}
        searched = fix(searched, searched_and_fixed)
        _check_names(searched, world.name)
        _check_given(searched, given)
        agents = _searched_agents(searched)
        for each in agents:
            TrialConfig.of(**{**given, "agent": each})  # refuses a setting that one of them lacks
        first = {"agent": agents[0]} if agents and Trial.agent not in agents else {}
        base = TrialConfig.of(**{**first, **given})
        plan = Plan(searched, given, base, nearest(searched, base.to_params()))
        _check_values(plan)
    except ValueError as error:
        raise UserError(str(error)) from None
    return plan


def nearest(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """The params of ``space`` nearest to ``params``: clipped, and the middle of what these lack."""
    filled: dict[str, Any] = {}
    for parameter in space.parameters:
        try:
            filled[parameter.name] = parameter.value(parameter.code(params.get(parameter.name)))
        except ValueError:
            middle = parameter.from_unit(np.full((1, parameter.width), 0.5))[0]
            filled[parameter.name] = parameter.value(middle)
    return space.params(np.array(space.codes(filled)))


def settings(texts: Sequence[str], world: str = DEFAULT_WORLD) -> dict[str, Any]:
    """Parameters of a trial from ``NAME=VALUE`` each.

    :raises UserError: no such parameter, or no value of its kind
    """
    return dict(_setting(text, world) for text in texts)


def _setting(text: str, world: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not value:
        raise UserError(f"--set {text!r} is not understood; write it as gamma=0.99")
    name = new_names_in(world).get(name, name)
    known = facts_in(world)
    if name not in known:
        raise UserError(
            f"--set {name!r} is no parameter of a trial; choose from {', '.join(known)}"
        )
    return name, _value(name, known[name], value)


def _value(name: str, facts: Facts, text: str) -> Any:
    """The value that ``text`` stands for."""
    if facts.kind is bool:
        if text.lower() not in TRUTH:
            raise UserError(f"--set {name}: {text!r} is neither true nor false")
        return TRUTH[text.lower()]
    if facts.kind is list:
        return [text]
    try:
        return facts.kind(text)
    except ValueError:
        number = "whole number" if facts.kind is int else "number"
        raise UserError(f"--set {name}: {text!r} is no {number}; give one") from None


def _check_names(space: Space, world: str) -> None:
    known = set(facts_in(world)).difference(NEVER_SEARCHED)
    unknown = [name for name in space.names if name not in known]
    if unknown:
        raise UserError(
            f"{unknown[0]!r} cannot be searched; a trial has {', '.join(sorted(known))}"
        )


def _check_given(space: Space, given: Mapping[str, Any]) -> None:
    """Refuse a given value of a searched parameter that the search could not choose itself."""
    for parameter in space.parameters:
        value = given.get(parameter.name)
        if value is not None and parameter.value(parameter.code(value)) != value:
            raise UserError(
                f"{parameter.name} {value} is not in the space;"
                f" --set {parameter.name}={value} has it in all trials"
            )


def _searched_agents(space: Space) -> tuple[Any, ...]:
    """Algorithms that the search chooses from, none if it is fixed."""
    for parameter in space.parameters:
        if parameter.name == "agent" and isinstance(parameter, Choice):
            return parameter.choices
    return ()


def _check_values(plan: Plan) -> None:
    """Try the default, each end of each range from there, and random configurations.

    :raises UserError: one of them is impossible
    """
    rng = np.random.default_rng(0)
    start = plan.space.encode(plan.default)
    corners = [
        np.where(np.arange(len(start)) == column, end, start)
        for column in range(len(start))
        for end in (0, 1)
    ]
    for point in [start, *corners, *rng.random((PROBES, len(start)))]:
        plan.config(plan.space.decode(point), 0)
