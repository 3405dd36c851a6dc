"""``--executor``: the place where trials run, and what a trial takes there."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from agent import PRODUCT
from agent.config.argument_types import at_least_float, at_least_int, showing_user_errors
from agent.config.errors import UserError, unknown_text
from agent.config.memory import parse_memory
from agent.config.trial import TrialConfig
from agent.executors.base import Executor
from agent.executors.local import LocalExecutor
from agent.executors.processes import workspace_id

LOCAL = "local"
RAY = "ray"
AT = "://"
CHOICES = (LOCAL, RAY, f"{RAY}{AT}HOST:PORT")


class Place(NamedTuple):
    """An executor as it is asked for.

    :param name: ``local`` or ``ray``
    :param address: of its head, ``HOST:PORT``; empty for what is found on this machine
    """

    name: str
    address: str = ""


def parse_place(text: str) -> Place:
    """Reads the value of ``--executor``.

    :raises UserError: no executor, or an address that is none
    """
    name, at, address = text.partition(AT)
    if name not in (LOCAL, RAY) or (at and name != RAY):
        raise UserError(unknown_text(text, CHOICES))
    if not at:
        return Place(name)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(f"{text!r} has no HOST:PORT; write it as {RAY}{AT}192.0.2.1:6379")
    return Place(name, address)


def add_executor_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options that say where trials run."""
    group.add_argument(
        "--executor",
        type=showing_user_errors(parse_place),
        default=Place(LOCAL),
        metavar="PLACE",
        help="where trials run: local (default), or on the nodes of a Ray cluster, ray for the one"
        " that this machine belongs to or ray://HOST:PORT of its head",
    )
    group.add_argument(
        "--cpus-per-trial",
        type=at_least_int(1),
        metavar="N",
        help="cores that a trial takes of a node (default 1)",
    )
    group.add_argument(
        "--gpus-per-trial",
        type=at_least_float(0.0),
        metavar="N",
        help="GPUs that it takes, below 1 a share of one (default 0)",
    )


def check_executor(options: argparse.Namespace, config: TrialConfig) -> None:
    """Refuses trials that cannot run where they are asked for.

    A node is another machine than this one, and has a GPU that this one lacks or not: there the
    runner looks itself.

    :param options: of ``add_executor_arguments``
    :param config: that all trials begin with
    :raises UserError: an executor that is not installed, an option that it has no use for, or a
        configuration that cannot be run
    """
    place = options.executor
    if place.name == LOCAL:
        config.check_ready()
    else:
        config.changed(device="auto", mixed_precision=False).check_ready()
    if place.name == LOCAL:
        for option in ("--cpus-per-trial", "--gpus-per-trial"):
            value = vars(options)[option.strip("-").replace("-", "_")]
            if value is not None:
                raise UserError(
                    f"{option} {value:g} is for trials on other machines;"
                    f" drop it or give --executor {RAY}"
                )
    elif find_spec(place.name) is None:
        raise UserError(
            f"--executor {place.name} needs {place.name}, which is not installed;"
            f" install it with: pip install '{PRODUCT}[{place.name}]'"
        )
    gpus = options.gpus_per_trial
    if gpus is not None and gpus > 1.0 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial {gpus:g} is above 1 and no whole number; give one")


def open_executor(
    options: argparse.Namespace,
    runner: Path,
    memory_limit: str,
    slots: int = 1,
    *,
    spawn: bool = False,
) -> Executor:
    """Returns the executor that runs the trials.

    :param options: of ``add_executor_arguments``, checked, and of the loop
    :param runner: script of one trial
    :param memory_limit: of a trial
    :param slots: trials side by side
    :param spawn: each trial has servers of its own, started beside it
    :raises UserError: a cluster that does not answer, or has no room for so many trials
    """
    workspace = workspace_id(options.models_dir)
    if options.executor.name == LOCAL:
        return LocalExecutor(
            runner,
            workspace,
            slots=slots,
            cooldown_sec=options.cooldown,
            verbose=options.verbose,
        )
    # Ray takes half a second and 60 MB to load, which who has one machine does without.
    from agent.executors.ray_cluster import RayCluster, Share
    from agent.executors.ray_executor import RayExecutor

    share = Share(options.cpus_per_trial or 1, options.gpus_per_trial or 0.0)
    cluster = RayCluster(options.executor.address, share, parse_memory(memory_limit))
    cluster.check_room(slots)
    return RayExecutor(
        cluster,
        runner,
        workspace,
        slots=slots,
        cooldown_sec=options.cooldown,
        verbose=options.verbose,
        spawn=spawn,
    )
