"""Plan of a study: what may be chosen, what all trials have in common, where the search begins."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.config.errors import UserError, did_you_mean, user_error
from agent.config.flat import facts_in, not_hyperparameters, with_new_names
from agent.config.parts import Trial
from agent.config.trial import TrialConfig
from agent.search.parameter import Choice, Parameter
from agent.search.space import Space
from agent.study.set_values import settings as settings  # part of this module's interface
from agent.study.space_file import is_file
from agent.study.spaces import fix, space_named
from agent.worlds.base import DEFAULT_WORLD, World, world_named

SEED_LIMIT = 2**31
PROBES = 32  # random configurations that must be possible before the study begins
NEVER_SEARCHED = ("env", "world")


@dataclass(frozen=True)
class Plan:
    """A study's search.

    :param given: parameters of every trial, as far as they were given
    :param base: a trial with no more than that
    :param default: where the search begins: ``base`` clipped into the space
    :param unbinding: names in ``given`` that are the command's own defaults: a grid search, which
        has other ones, need not share them
    """

    space: Space
    given: Mapping[str, Any]
    base: TrialConfig
    default: dict[str, Any]
    unbinding: frozenset[str] = frozenset()

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

    @property
    def searches_files(self) -> bool:
        """True if a parameter of the space may name a file."""
        known = facts_in(self.base.trial.world)
        searched = [known[name] for name in self.space.names]
        return any(facts.kind is str and not facts.choices for facts in searched)

    def probes(self) -> Iterator[TrialConfig]:
        """Trials of this plan: the default, the ends of each parameter, and random ones.

        :raises UserError: one of them is impossible
        """
        yield self.config(self.default, 0)
        for params in self._ends():
            yield self.config(params, 0)
        rng = np.random.default_rng(0)
        for point in rng.random((PROBES, self.space.width)):
            yield self.config(self.space.decode(point), 0)

    def _ends(self) -> Iterator[dict[str, Any]]:
        """The default with one parameter at an end of its range, or at each choice."""
        usual = self.base.to_params()
        conditions: dict[str, dict[str, Any]] = {}
        for parameter in self.space.parameters:
            needed: dict[str, Any] = {}
            if parameter.when is not None:
                parent, choice = parameter.when
                needed = conditions[parent] | {parent: choice}
            conditions[parameter.name] = needed
            for value in ends_of(parameter):
                yield nearest(self.space, usual | needed | {parameter.name: value})


def make_plan(
    given: Mapping[str, Any],
    fixed: Mapping[str, Any],
    space: str,
    min_timesteps: int,
    max_timesteps: int,
    unbinding: Collection[str] = (),
) -> Plan:
    """The plan of a command line.

    :param given: parameters of a trial; of those that are searched, where the search begins
    :param fixed: parameters of a trial that are not to be searched
    :param space: see ``space_named``
    :param min_timesteps: shortest training that may be chosen
    :param max_timesteps: longest training
    :param unbinding: see ``Plan``
    :raises UserError: a parameter or a space that cannot be followed
    """
    try:
        world = world_named(given.get("world", DEFAULT_WORLD))
        given = with_new_names({**given, **fixed}, world)
        fixed = with_new_names(fixed, world)
        searched = _searched(given, fixed, space, (min_timesteps, max_timesteps))
        _check_names(searched, world.name)
        _check_given(searched, given)
        agents = _searched_agents(searched)
        for each in agents:
            TrialConfig.of(**{**given, "agent": each})  # refuses a setting that one of them lacks
        first = {"agent": agents[0]} if agents and Trial.agent not in agents else {}
        base = TrialConfig.of(**{**first, **given})
        _check_task(searched, base.to_params(), world)
        default = nearest(searched, base.to_params())
        plan = Plan(searched, given, base, default, frozenset(unbinding))
        _check_values(plan, space)
    except ValueError as error:
        known = user_error(error)
        raise UserError(" ".join(str(known).split("\n")), *known.parameters) from None
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


def ends_of(parameter: Parameter) -> tuple[Any, ...]:
    """The ends of a range, or every choice."""
    if isinstance(parameter, Choice):
        return parameter.choices
    return parameter.value(parameter.low), parameter.value(parameter.high)


def _searched(
    given: Mapping[str, Any], fixed: Mapping[str, Any], space: str, timesteps: tuple[int, int]
) -> Space:
    """The space without what is fixed.

    :param given: parameters of a trial
    :param fixed: those of them that are not to be searched
    :param space: see ``space_named``
    :param timesteps: shortest and longest training
    :raises ValueError: an unknown algorithm or space, or one that cannot have what is fixed
    """
    world = given.get("world", DEFAULT_WORLD)
    agent = given.get("agent")
    if agent is not None:
        facts_in(world)["agent"].check("agent", agent)
    searched = space_named(space, agent, *timesteps, world)
    return fix(searched, {name: fixed[name] for name in fixed if name in searched.names})


def _check_values(plan: Plan, space: str) -> None:
    """Refuse a space of which a value, or a combination, is impossible.

    :param plan: of the study
    :param space: its name; one's own is named, for no option has the value
    :raises ValueError: it is impossible
    """
    try:
        for _ in plan.probes():
            pass
    except UserError as error:
        if is_file(space):
            raise ValueError(f"{space} has an impossible value: {error}") from None
        raise


def _check_names(space: Space, world: str) -> None:
    known = set(facts_in(world)).difference(NEVER_SEARCHED, not_hyperparameters(world))
    unknown = [name for name in space.names if name not in known]
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise UserError(
            f"{unknown[0]!r} cannot be searched;{near} a trial has {', '.join(sorted(known))}"
        )


def _check_task(space: Space, params: Mapping[str, Any], world: World) -> None:
    """Refuse a parameter that changes the task: scores of different tasks do not compare."""
    task = world.task_key(params)
    for parameter in space.parameters:
        name = parameter.name
        if any(world.task_key({**params, name: value}) != task for value in ends_of(parameter)):
            raise UserError(
                f"{name!r} cannot be searched, scores compare only where it is the same;"
                f" --set {name}=VALUE has it in all trials"
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
