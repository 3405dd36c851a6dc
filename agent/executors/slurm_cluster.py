"""A Slurm cluster as its commands tell of it: what trials ask of it, and how its jobs are.

Nothing here needs submitit.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.config.errors import UserError

ANSWER_SEC = 30.0  # chosen: Slurm answers within a second, and gives up after ten
MARGIN_SEC = 120.0  # of Slurm's time limit above the trial's: Python starts, files are written
MIB = 1024**2
NO_ANSWER = "--executor slurm: Slurm does not answer; see what sinfo says, and start it again then"


@dataclass(frozen=True)
class Request:
    """Request of each trial to the cluster.

    :param cpus: cores
    :param gpus: whole GPUs
    :param memory_bytes: of all its processes; ``None`` for the partition's default
    :param timeout_sec: wall clock of a trial
    :param partition: ``None`` for the cluster's default
    :param more: further options of ``sbatch`` by name, such as ``{"account": "robots"}``
    """

    cpus: int = 1
    gpus: int = 0
    memory_bytes: int | None = None
    timeout_sec: float = 3600.0
    partition: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def minutes(self) -> int:
        """Slurm's time limit."""
        return math.ceil((self.timeout_sec + MARGIN_SEC) / 60.0)

    @property
    def memory_mib(self) -> int | None:
        """Memory of a job in MiB, rounded up."""
        return None if self.memory_bytes is None else math.ceil(self.memory_bytes / MIB)

    def sbatch_options(self) -> dict[str, str]:
        """Options of ``sbatch`` by name, with their values."""
        options = {"cpus-per-task": str(self.cpus), "time": str(self.minutes)}
        if self.gpus:
            options["gpus-per-node"] = str(self.gpus)
        if self.memory_mib is not None:
            options["mem"] = f"{self.memory_mib}M"
        if self.partition is not None:
            options["partition"] = self.partition
        return options | dict(self.more)


def check_cluster(request: Request) -> None:
    """Refuses trials that Slurm would never run; starts nothing.

    :raises UserError: there is no Slurm, it does not answer, or it has no place for such trials
    """
    if shutil.which("sbatch") is None:
        raise UserError(
            "--executor slurm needs sbatch, which is not on the PATH;"
            " run it on a login node of the cluster"
        )
    known = ask(["sinfo", "--noheader", "--format=%P %l"])
    if known is None:
        raise UserError(NO_ANSWER)
    _check_partition(request, dict(line.split() for line in known.splitlines()))
    options = [f"--{name}={value}" for name, value in request.sbatch_options().items()]
    command = ["sbatch", "--test-only", *options, "--wrap=true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SEC)
    except subprocess.TimeoutExpired as error:
        raise UserError(NO_ANSWER) from error
    if done.returncode:
        said = (done.stderr.strip() or "nothing").splitlines()[0]
        raise UserError(
            f"--executor slurm: Slurm has no place for such trials ({' '.join(options)}):"
            f" {said.removeprefix('sbatch: ').removeprefix('error: ')}"
        )


def _check_partition(request: Request, limits: Mapping[str, str]) -> None:
    """Refuses a partition that is none, and a time that it does not give: such a job would wait.

    :param request: of each trial
    :param limits: time limit of each partition by its name, with a star behind the default one's
    :raises UserError: either
    """
    known = {name.rstrip("*"): minutes_in(limit) for name, limit in limits.items()}
    default = next((name.rstrip("*") for name in limits if name.endswith("*")), None)
    name = request.partition or default
    if name not in known:
        raise UserError(
            f"--partition {name} is none of this cluster's; choose from {', '.join(sorted(known))}"
        )
    limit = known[name]
    if limit is not None and request.minutes > limit:
        raise UserError(
            f"--timeout {request.timeout_sec:g} asks Slurm for {request.minutes} minutes, and"
            f" partition {name} gives {limit:g}; lower it or give another --partition"
        )


def minutes_in(limit: str) -> float | None:
    """Returns Slurm's ``[DAYS-]HOURS:MINUTES:SECONDS`` in minutes; ``None`` for no limit."""
    days, dash, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdecimal() for part in parts) or (dash and not days.isdecimal()):
        return None  # infinite, n/a
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + int(part)
    return int(days or 0) * 1440.0 + seconds / 60.0


def ask(command: list[str]) -> str | None:
    """Returns what a command of Slurm prints; ``None`` if it fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SEC)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def states_of(job_ids: Iterable[str]) -> dict[str, str]:
    """Returns Slurm's word for the state of jobs; empty while Slurm does not answer.

    ``squeue`` knows a job for minutes after its end, and needs no accounting data base. One that it
    does not know any more is ``GONE``.
    """
    wanted = list(job_ids)
    if not wanted:
        return {}
    text = ask(["squeue", "--noheader", "--states=all", "--format=%i %T", f"--user={os.getuid()}"])
    if text is None:
        return {}
    found = dict(line.split(maxsplit=1) for line in text.splitlines() if " " in line.strip())
    return {job_id: found.get(job_id, "GONE").strip() for job_id in wanted}
