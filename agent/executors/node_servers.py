"""Servers of simulators beside a trial on a node: its own, started before it and ended after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.executors.processes import TaggedProcess
from agent.worlds.base import world_named
from agent.worlds.capabilities import HasServers

TASK = "--env"
SPAWN = "spawn"


@contextmanager
def with_servers(
    name: str, argv: list[str], folder: Path, workspace: str
) -> Iterator[list[str] | str]:
    """Gives a trial's arguments with its servers' addresses, or in words why they did not start.

    :param name: of the world
    :param argv: arguments of the trial
    :param folder: of the servers' logs
    :param workspace: see ``workspace_id``
    """
    world = world_named(name)
    assert isinstance(world, HasServers), name
    places = [number + 1 for number, argument in enumerate(argv) if argument == TASK]
    tasks = [argv[place] for place in places]

    def start(command: list[str], log: Path) -> TaggedProcess:
        return TaggedProcess(command, log, workspace, {})

    with ExitStack() as stack:
        served = list(argv)
        try:
            assign = stack.enter_context(world.serve(SPAWN, tasks, 1, folder, start))
            for place, task in zip(places, assign(0, False), strict=True):
                served[place] = task
        except ChildProcessError as error:
            yield f"the simulator was lost: {error}"
            return
        yield served
