"""A Slurm cluster of one node, this machine, in a folder of its own: munge, controller, node.

``make slurm-test`` asks for it. It needs Debian's slurmctld, slurmd, slurm-client and munge, and
root, whom Slurm's daemons want to be.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

WANTED = "AUTORESEARCH_SLURM"  # environment variable: 1 has the cluster started
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
START_SEC = 60.0
PARTITION = "tests"
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
MpiDefault=none
ReturnToService=2
KillWait=5
SlurmdTimeout=30
MessageTimeout=10
SlurmdParameters=config_overrides
DefMemPerCPU=200
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=tests Nodes={host} Default=YES MaxTime=120 State=UP
"""


def why_not() -> str | None:
    """Returns why no cluster can be started here; ``None`` if one can."""
    if os.environ.get(WANTED) != "1":
        return "make slurm-test starts a cluster"
    missing = [name for name in PROGRAMS if _program(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (slurmctld, slurmd, slurm-client, munge)"
    if os.geteuid() != 0:
        return "Slurm's daemons want to be root"
    return None


@contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """Gives the configuration of a cluster that runs, and ends it with all of its jobs.

    :param folder: for all its files, not in a folder that others may write to
    :raises TimeoutError: its node is not idle within ``START_SEC``
    """
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    munge = folder / "munge.socket"
    configuration = folder / "slurm.conf"
    ports = {"ctld_port": _free_port(), "slurmd_port": _free_port()}
    configuration.write_text(
        CONFIGURATION.format(host=socket.gethostname(), folder=folder, munge=munge, **ports)
    )
    paths = [
        f"--{name}={folder}/munged.{name[:4]}" for name in ("log-file", "pid-file", "seed-file")
    ]
    environment = os.environ | {"SLURM_CONF": str(configuration)}
    daemons = [
        [_program("munged"), "--foreground", f"--key-file={key}", f"--socket={munge}", *paths],
        [_program("slurmctld"), "-D", "-f", str(configuration)],
        [_program("slurmd"), "-D", "-f", str(configuration)],
    ]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(daemons):
            with (folder / f"daemon-{number}.out").open("wb") as output:
                started.append(
                    subprocess.Popen(
                        [str(word) for word in command],
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        env=environment,
                        start_new_session=True,
                    )
                )
            _wait_for_socket(munge)
        _wait_for_node(environment, folder)
        yield configuration
    finally:
        for daemon in reversed(started):
            _end(daemon)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for_socket(path: Path) -> None:
    deadline = time.monotonic() + START_SEC
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"munged did not start; see {path.parent}")
        time.sleep(0.1)


def _wait_for_node(environment: dict[str, str], folder: Path) -> None:
    deadline = time.monotonic() + START_SEC
    while True:
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                ["sinfo", "--noheader", "--format=%T"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=10.0,
            )
            if done.stdout.strip() == "idle":
                return
        if time.monotonic() > deadline:
            logs = "".join(path.read_text(errors="replace")[-600:] for path in folder.glob("*.log"))
            raise TimeoutError(f"Slurm's node is not idle: {done.stdout} {done.stderr} {logs}")
        time.sleep(0.5)


def _end(daemon: subprocess.Popen[bytes]) -> None:
    """Ends a daemon, and what it has started."""
    descendants = []
    with suppress(psutil.Error):
        descendants = psutil.Process(daemon.pid).children(recursive=True)
    daemon.terminate()
    with suppress(subprocess.TimeoutExpired):
        daemon.wait(10.0)
    for process in descendants:
        with suppress(psutil.Error):
            process.kill()
    daemon.kill()
    daemon.wait()
