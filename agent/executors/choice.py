"""``--executor``: the place where trials run, and what a trial takes there."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

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
SLURM = "slurm"
AT = "://"
CHOICES = (LOCAL, RAY, f"{RAY}{AT}HOST:PORT", SLURM)
MODULES = {RAY: "ray", SLURM: "submitit"}  # that the extra of that name installs
# Options by the executors that have a use for them.
USES = {
    "cpus_per_trial": (RAY, SLURM),
    "gpus_per_trial": (RAY, SLURM),
    "partition": (SLURM,),
    "slurm": (SLURM,),
}


class Place(NamedTuple):
    """An executor as it is asked for.

    :param name: ``local``, ``ray`` or ``slurm``
    :param address: of its head, ``HOST:PORT``; empty for what is found on this machine
    """

    name: str
    address: str = ""


def parse_place(text: str) -> Place:
    """Reads the value of ``--executor``.

    :raises UserError: no executor, or an address that is none
    """
    name, at, address = text.partition(AT)
    if name not in (LOCAL, RAY, SLURM) or (at and name != RAY):
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
        help="where trials run: local (default); on the nodes of a Ray cluster, ray for the one"
        " that this machine belongs to or ray://HOST:PORT of its head; or slurm, as jobs of Slurm",
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
        help="GPUs that it takes, with Ray below 1 a share of one (default 0)",
    )
    group.add_argument(
        "--partition",
        metavar="NAME",
        help="Slurm's partition for the trials (default: the cluster's own)",
    )
    group.add_argument(
        "--slurm",
        action="append",
        type=showing_user_errors(parse_sbatch_option),
        metavar="NAME=VALUE",
        help="a further option of sbatch, such as account=robots; repeat for several",
    )


def parse_sbatch_option(text: str) -> tuple[str, str]:
    """Reads a value of ``--slurm``.

    :raises UserError: it is no name with a value
    """
    name, equals, value = text.partition("=")
    name = name.lstrip("-")
    if not (name and equals and value) or not name.replace("-", "").isalnum():
        raise UserError(f"{text!r} is no option of sbatch; write NAME=VALUE, as account=robots")
    return name, value


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
    for name, users in USES.items():
        value = vars(options)[name]
        if value is not None and place.name not in users:
            raise UserError(_no_use(name, value, users))
    module = MODULES.get(place.name)
    if module is not None and find_spec(module) is None:
        raise UserError(
            f"--executor {place.name} needs {module}, which is not installed;"
            f" install it with: pip install '{PRODUCT}[{place.name}]'"
        )
    gpus = options.gpus_per_trial
    if gpus is not None and gpus > 1.0 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial {gpus:g} is above 1 and no whole number; give one")
    if gpus is not None and gpus != int(gpus) and place.name == SLURM:
        raise UserError(f"--gpus-per-trial {gpus:g}: Slurm gives whole GPUs; give a whole number")


def _no_use(name: str, value: Any, users: Sequence[str]) -> str:
    """Returns, in words, that an option is not for this executor.

    :param name: of the option
    :param value: that it has
    :param users: executors that have a use for it
    """
    shown = f"{value:g}" if isinstance(value, (int, float)) else str(value)
    if isinstance(value, list):
        shown = "=".join(value[0])
    option = f"--{name.replace('_', '-')}"
    return (
        f"{option} {shown} is for trials on other machines;"
        f" drop it or give --executor {' or '.join(users)}"
    )


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
    if options.executor.name == SLURM:
        return _open_slurm(options, runner, memory_limit, slots, spawn=spawn)
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


def _open_slurm(
    options: argparse.Namespace, runner: Path, memory_limit: str, slots: int, *, spawn: bool
) -> Executor:
    """Returns the executor of a Slurm cluster; see ``open_executor``."""
    if spawn:
        raise UserError("--sim spawn is not for --executor slurm; drop it for embedded simulators")
    # submitit takes a tenth of a second to load, which who has one machine does without.
    from agent.executors.slurm import OWN_MEMORY_BYTES, SlurmExecutor
    from agent.executors.slurm_cluster import Request, check_cluster

    memory_bytes = parse_memory(memory_limit)
    request = Request(
        cpus=options.cpus_per_trial or 1,
        gpus=int(options.gpus_per_trial or 0),
        memory_bytes=None if memory_bytes is None else memory_bytes + OWN_MEMORY_BYTES,
        timeout_sec=options.timeout,
        partition=options.partition,
        more=dict(options.slurm or []),
    )
    check_cluster(request)
    return SlurmExecutor(
        runner,
        workspace_id(options.models_dir),
        options.models_dir,
        request,
        slots=slots,
        cooldown_sec=options.cooldown,
        verbose=options.verbose,
    )
