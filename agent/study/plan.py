"""What a night may choose, what all of its trials have in common, and the configuration it begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from agent.config.trial import TrialConfig, UserError
from agent.search.space import Choice, Space
from agent.study.spaces import settled, space_named

SEED_LIMIT = 2**31
PROBES = 32  # random configurations that must be possible before the night begins
NEVER_SEARCHED = ("seed", "env")
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Plan:
    """A night's search.

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
        return TrialConfig(
            **{**self.given, **params, "seed": (self.base.seed + trial) % SEED_LIMIT}
        )

    def begins_with(self, params: Mapping[str, Any]) -> bool:
        """Whether a trial with all these params is the default's."""
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
    :raises UserError: a parameter or a space that cannot be followed
    """
    given = {**given, **fixed}
    try:
        searched = space_named(space, given.get("agent"), min_timesteps, max_timesteps)
        searched = settled(
            searched, {name: value for name, value in fixed.items() if name in searched.names}
        )
        _check_names(searched)
        for parameter in searched.parameters:
            value = given.get(parameter.name)
            if value is not None and parameter.value(parameter.code(value)) != value:
                raise UserError(
                    f"{parameter.name} {value} is not in the space; --set {parameter.name}={value} has it in all trials"
                )
        agents = next(
            (p.choices for p in searched.parameters if p.name == "agent" and isinstance(p, Choice)),
            (),
        )
        for agent in agents:
            TrialConfig(**{**given, "agent": agent})  # refuses a setting that one of them lacks
        first = {"agent": agents[0]} if agents and TrialConfig.agent not in agents else {}
        base = TrialConfig(**{**first, **given})
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


def settings(texts: Sequence[str]) -> dict[str, Any]:
    """Parameters of a trial from ``NAME=VALUE`` each.

    :raises UserError: no such parameter, or no value of its kind
    """
    return dict(_setting(text) for text in texts)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not value:
        raise UserError(f"--set {text!r} is not understood; write it as gamma=0.99")
    spec = TrialConfig.__dataclass_fields__.get(name)
    if spec is None:
        known = ", ".join(field.name for field in fields(TrialConfig))
        raise UserError(f"--set {name!r} is no parameter of a trial; choose from {known}")
    kind = spec.metadata.get("kind") or type(spec.default)
    if isinstance(spec.default, bool):
        if value.lower() not in TRUTH:
            raise UserError(f"--set {name}: {value!r} is neither true nor false")
        return name, TRUTH[value.lower()]
    if kind not in (int, float, str):
        return name, [value]
    try:
        return name, kind(value)
    except ValueError:
        raise UserError(
            f"--set {name}: {value!r} is no {'whole ' * (kind is int)}number; give one"
        ) from None


def _check_names(space: Space) -> None:
    known = {field.name for field in fields(TrialConfig)}.difference(NEVER_SEARCHED)
    if unknown := [name for name in space.names if name not in known]:
        raise UserError(
            f"{unknown[0]!r} cannot be searched; a trial has {', '.join(sorted(known))}"
        )


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
