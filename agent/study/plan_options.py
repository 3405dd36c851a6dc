"""Plan of a command line: what its options say about the search, and what they cannot say."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, NamedTuple

from agent.config.command_line import trial_params
from agent.config.errors import UserError
from agent.config.flat import facts_in, with_new_names
from agent.search.candidates import MAX_CELLS
from agent.study.observations import LENGTH
from agent.study.plan import Plan, make_plan
from agent.study.set_values import settings
from agent.study.space_file import is_file
from agent.worlds.base import world_named

MIN_TIMESTEPS = 5000
MAX_TIMESTEPS = 20_000


class Commanded(NamedTuple):
    """Plan of a command line.

    :param plan: the plan
    :param notes: what the command line asks for in so many words, and gets otherwise
    """

    plan: Plan
    notes: list[str]


def commanded(options: argparse.Namespace) -> Commanded:
    """Makes the plan.

    :param options: of the controller's command line; ``min_timesteps`` and ``max_timesteps`` are
        ``None`` where they are not given
    :raises UserError: options that cannot be followed
    """
    given = trial_params(options)
    fixed = settings(options.set, options.sources.world)
    _refuse_contradictions(options, given, fixed)
    notes = _settle_length(options, given, fixed)
    plan = make_plan(
        given,
        fixed,
        options.space,
        MIN_TIMESTEPS if options.min_timesteps is None else options.min_timesteps,
        MAX_TIMESTEPS if options.max_timesteps is None else options.max_timesteps,
        _unbinding(options, fixed),
    )
    if options.workers > options.trials:
        notes.append(f"--workers {options.workers} is more than --trials {options.trials}")
    notes += _size_notes(plan, options.trials)
    return Commanded(plan, notes)


def _refuse_contradictions(
    options: argparse.Namespace, given: Mapping[str, Any], fixed: Mapping[str, Any]
) -> None:
    """Refuse options of which one would have no effect.

    :param options: of the command line
    :param given: parameters of a trial
    :param fixed: values of ``--set``
    """
    world = world_named(options.sources.world)
    together = with_new_names({**given, **fixed}, world)
    typed = [
        *(
            (f"--{name.replace('_', '-')}", name, value)
            for name, value in _options(options).items()
        ),
        *((f"--set {name}", name, value) for name, value in fixed.items()),
    ]
    for option, name, value in typed:
        meant = with_new_names({name: value}, world)
        if any(together[each] != meant[each] for each in meant):
            raise UserError(f"{option} {value} contradicts another option; drop one of them")
    limit = _length_option(options)
    if limit and LENGTH in fixed:
        raise UserError(f"{limit} contradicts --set {LENGTH}={fixed[LENGTH]}; drop one of them")
    if limit and is_file(options.space):
        raise UserError(
            f"{limit} is for the spaces spec and full; drop it and write the range of {LENGTH}"
            f" into {options.space}"
        )


def _settle_length(
    options: argparse.Namespace, given: dict[str, Any], fixed: dict[str, Any]
) -> list[str]:
    """Settles what a preset's length of training means here; returns how, in words.

    It is that of all trials, unless a range of lengths is given.

    :param options: of the command line
    :param given: parameters of a trial; without that length afterwards if a range is given
    :param fixed: with it if none is
    """
    if LENGTH not in options.sources.preset or LENGTH in options or LENGTH in fixed:
        return []
    if LENGTH in options.sources.file or is_file(options.space):
        return []
    preset = f"--preset {options.preset} has {LENGTH} {given[LENGTH]}"
    if limit := _length_option(options):
        del given[LENGTH]
        return [f"{preset}: the search chooses them instead, for {limit} is given"]
    fixed[LENGTH] = given[LENGTH]
    return [f"{preset}, as all trials then have; --min-timesteps and --max-timesteps search them"]


def _length_option(options: argparse.Namespace) -> str:
    """An option that is given and says which lengths may be chosen; empty for none."""
    for name in ("min_timesteps", "max_timesteps"):
        value = vars(options)[name]
        if value is not None:
            return f"--{name.replace('_', '-')} {value}"
    return ""


def _unbinding(options: argparse.Namespace, fixed: Mapping[str, Any]) -> set[str]:
    """Names of the command's own defaults that nobody has confirmed or changed."""
    sources = options.sources
    said = {**sources.preset, **sources.file, **_options(options), **fixed}
    return set(sources.defaults).difference(with_new_names(said, world_named(sources.world)))


def _options(options: argparse.Namespace) -> dict[str, Any]:
    """Parameters of a trial that have an option each on the command line."""
    known = facts_in(options.sources.world)
    return {name: value for name, value in vars(options).items() if name in known}


def _size_notes(plan: Plan, trials: int) -> list[str]:
    """A note that a space has fewer configurations than there are trials."""
    cells = plan.space.cells(min(trials, MAX_CELLS))
    if cells is None or len(cells) >= trials:
        return []
    return [f"the space has {len(cells)} configurations, fewer than --trials {trials}"]
