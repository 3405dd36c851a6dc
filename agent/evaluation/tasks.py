"""Tasks that a model is judged on: which they are, and that they can be driven here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.config.trial import TrialConfig
from agent.worlds.base import World, split_task
from agent.worlds.capabilities import SharesSimulator
from agent.worlds.comparisons import HasShortNames, full_task


def chosen_tasks(world: World, tasks: Sequence[str], names: Sequence[str]) -> list[str]:
    """Tasks that are asked for, by themselves or by a short name of one or several, each once.

    :param world: whose tasks they are
    :param tasks: where the option for one task is given
    :param names: where the option for short names is given, which takes either too
    """
    groups: Mapping[str, Sequence[str]] = {}
    if isinstance(world, HasShortNames):
        groups = world.short_names()
    asked = [*tasks, *names]
    found = [task for name in asked for task in groups.get(name, [full_task(world, name)])]
    return list(dict.fromkeys(found))


def training_tasks(trained: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """Tasks of training where those that are asked for have them, else embedded.

    :param trained: tasks of training, without addresses
    :param tasks: that are asked for
    """
    asked = {split_task(task)[0]: task for task in tasks}
    return list(dict.fromkeys(asked.get(name, name) for name in trained))


def check_simulators(config: TrialConfig) -> None:
    """Connect to the simulator of every task that has one elsewhere, and leave again.

    :raises SimulatorLost: one that does not answer, or drives something else
    """
    world = config.the_world
    for task in config.trial.env:
        if split_task(task)[1] and isinstance(world, SharesSimulator):
            with world.connect([task], config.world):
                pass
