"""Tasks that a model is judged on: which they are, and that they can be driven here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.worlds.base import World, split_task
from agent.worlds.capabilities import SharesSimulator
from agent.worlds.comparisons import HasShortNames, check_task, full_task


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


def tasks_at_hand(world: World, trained: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """Training tasks that can still be driven; those whose files are gone are told and left out.

    :param world: whose tasks they are
    :param trained: tasks of training
    :param tasks: that are asked for
    :raises UserError: one cannot be driven, and no other is asked for
    """
    kept = []
    for task in trained:
        try:
            check_task(world, split_task(task)[0])
        except UserError as error:
            if not tasks:
                raise
            print(f"left out of the training tasks: {error}", flush=True)
        else:
            kept.append(task)
    return kept


def check_simulators(config: TrialConfig) -> None:
    """Connect to the simulator of every task that has one elsewhere, and leave again.

    A task that the world does not list is opened, too: what is in a user's file is checked there.

    :raises UserError: such a file with something wrong in it
    :raises SimulatorLost: one that does not answer, or drives something else
    """
    world = config.the_world
    for task in config.trial.env:
        name, address = split_task(task)
        is_own = name not in world.tasks()
        if isinstance(world, SharesSimulator) and (address or is_own):
            with world.connect([task], config.world):
                pass
