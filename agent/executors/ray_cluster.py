"""A Ray cluster: the connection to it, and which of its nodes may run trials.

Ray is loaded here and in ``ray_executor`` alone, and only when it is asked for.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

from agent.config.errors import UserError
from agent.executors import node_facts

# Ray tells its makers about every cluster unless this is said before it is loaded.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import cloudpickle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

CONNECT_LIMIT_SEC = 30.0  # chosen: it takes one or two
FACTS_LIMIT_SEC = 60.0  # chosen: Ray starts a worker, which takes one
LOOK_EVERY_SEC = 10.0  # for nodes that joined
EMPTY_LIMIT_SEC = 600.0  # chosen: time for a node to come back before a study gives up
NODE_ID = "ray.io/node-id"
# Ray waits without a limit for an address where something else answers, and says so on stderr.
TRY = """
import logging, sys
import ray
try:
    ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)
except Exception as error:
    print(" ".join(str(error).split())[:300])
    sys.exit(1)
"""


class Share(NamedTuple):
    """Part of a node that a trial takes.

    :param cpus: cores
    :param gpus: GPUs, below 1 a share of one
    """

    cpus: int
    gpus: float

    def in_words(self) -> str:
        """Returns it as a person reads it."""
        cores = "1 core" if self.cpus == 1 else f"{self.cpus} cores"
        if not self.gpus:
            return cores
        return f"{cores} and {self.gpus:g} GPU"


class RayCluster:
    """The nodes of a cluster that may run trials, and why the others may not."""

    def __init__(self, address: str, share: Share, memory_bytes: int | None) -> None:
        """Connects, and looks at all nodes.

        Ray takes over SIGTERM. The handlers from before are put back.

        :param address: ``HOST:PORT`` of the head; empty for the cluster that this machine is in
        :param share: what a trial takes
        :param memory_bytes: what a trial may plan for, ``None`` for anything
        :raises UserError: no cluster answers, or none of its nodes can run a trial
        """
        self.share = share
        self.memory_bytes = memory_bytes
        self._refused: dict[str, str] = {}
        self._good: dict[str, int] = {}  # trials that there is room for, by the node's id
        self._alive: set[str] = set()
        self._addresses: dict[str, str] = {}
        self._notes: list[str] = []
        self._seen_at = time.monotonic()
        self._looked_at = self._seen_at
        cloudpickle.register_pickle_by_value(node_facts)
        self._here = node_facts.node_facts()
        _connect(address)
        self._own = ray.get_runtime_context().get_node_id()
        self.is_gone = False
        try:
            self._look()
            if not self._good:
                raise UserError(self._why_nowhere())
        except BaseException:
            ray.shutdown()
            raise

    @property
    def room(self) -> int:
        """Trials that its nodes have room for, side by side."""
        return sum(count for name, count in self._good.items() if name in self._alive)

    def check_room(self, slots: int) -> None:
        """Refuses more trials side by side than there is room for.

        :raises UserError: there is too little
        """
        room = self.room
        if slots > room:
            self.close()
            raise UserError(
                f"--workers {slots} are more than the {room} trials of {self.share.in_words()} that"
                f" the Ray cluster has room for; give --workers {room} or add nodes"
            )

    def look(self) -> str | None:
        """Returns what is new of its nodes, in words.

        :raises OSError: see ``check``
        """
        self.check()
        notes = "; ".join(self._notes)
        self._notes.clear()
        return notes or None

    def check(self) -> None:
        """Looks, now and then, for nodes that came and went.

        :raises OSError: it answers no more, this machine's part of it is gone, or it has had no
            node for trials for a long time
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY_SEC:
            return
        self._look()
        if self.room:
            self._seen_at = now
        elif now - self._seen_at > EMPTY_LIMIT_SEC:
            raise OSError(f"the Ray cluster has no node left for trials ({self._why_nowhere()})")

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of all nodes that were found good, whether they are there or not."""
        return tuple(self._good)

    def options(self) -> dict[str, Any]:
        """Returns how Ray is to place a trial: once, and on no node that was not looked at."""
        return {
            "num_cpus": self.share.cpus,
            "num_gpus": self.share.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
            "label_selector": {NODE_ID: f"in({','.join(self.names)})"},
        }

    def close(self) -> None:
        """Leaves the cluster, which ends what was started in it."""
        with _handlers_kept():
            ray.shutdown()

    def _look(self) -> None:
        try:
            nodes = [each for each in ray.nodes() if each["Alive"]]
        except Exception as error:
            self.is_gone = True
            raise OSError(f"the Ray cluster answers no more ({_in_a_line(error)})") from error
        self._looked_at = time.monotonic()
        alive = {each["NodeID"] for each in nodes}
        if self._own not in alive:
            self.is_gone = True
            raise OSError("Ray on this machine is gone")
        known = self._alive
        for name in sorted(known - alive):
            if name in self._good:
                self._notes.append(f"node {self._addresses[name]} left the Ray cluster")
        self._addresses = {each["NodeID"]: _address(each) for each in nodes}
        self._alive = alive
        for each in nodes:
            name = each["NodeID"]
            room = self._room_of(each)
            if room and name not in self._good and name not in self._refused:
                self._judge(name, room)

    def _room_of(self, node: dict[str, Any]) -> int:
        resources = node["Resources"]
        room = int(resources.get("CPU", 0.0) // self.share.cpus)
        if self.share.gpus:
            room = min(room, int(resources.get("GPU", 0.0) // self.share.gpus))
        return room

    def _judge(self, name: str, room: int) -> None:
        """Asks a node about itself; it may run trials or not from then on."""
        where = f"node {self._addresses[name]} of the Ray cluster"
        strategy = NodeAffinitySchedulingStrategy(name, soft=False)
        ask = ray.remote(node_facts.node_facts)
        try:
            facts = ray.get(
                ask.options(num_cpus=0, max_retries=0, scheduling_strategy=strategy).remote(),
                timeout=FACTS_LIMIT_SEC,
            )
        except Exception as error:
            self._notes.append(f"{where} does not answer ({_in_a_line(error)})")
            return
        refusal = node_facts.why_refused(facts, self._here, self.memory_bytes)
        if refusal is None:
            self._good[name] = room
            return
        self._refused[name] = f"{where} {refusal}"
        self._notes.append(f"{where} gets no trials: it {refusal}")

    def _why_nowhere(self) -> str:
        if self._refused:
            return next(iter(self._refused.values()))
        if self._notes:
            return f"{self._notes[-1]}; see to it"
        wanted = self.share.in_words()
        most = max((each.get("CPU", 0.0) for each in map(_resources, ray.nodes())), default=0.0)
        gpus = max((each.get("GPU", 0.0) for each in map(_resources, ray.nodes())), default=0.0)
        return (
            f"no node of the Ray cluster has {wanted} for a trial, the largest has {most:g} cores"
            f" and {gpus:g} GPU; lower --cpus-per-trial or --gpus-per-trial, or add a node"
        )


def _connect(address: str) -> None:
    """Connects to a cluster that was seen to answer.

    :raises UserError: none does
    """
    try:
        tried = subprocess.run(
            [sys.executable, "-c", TRY, address or "auto"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=CONNECT_LIMIT_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"--executor ray: no Ray cluster answers at {address or 'this machine'} within"
            f" {CONNECT_LIMIT_SEC:g} s; give the HOST:PORT that `ray start --head` prints"
        ) from None
    if tried.returncode != 0:
        if not address:
            raise UserError(
                "--executor ray: no Ray cluster runs on this machine;"
                " start one with: ray start --head, or give ray://HOST:PORT"
            )
        said = tried.stdout.decode(errors="replace").strip().rstrip(".") or "Ray does not start"
        raise UserError(
            f"--executor ray: this machine cannot use the cluster at {address} ({said});"
            f" have it join with: ray start --address={address}"
        )
    with _handlers_kept():
        ray.init(address or "auto", log_to_driver=False, logging_level=logging.CRITICAL)


class _handlers_kept:  # noqa: N801 - used as a function
    """Puts the handlers of signals back that Ray takes over."""

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __enter__(self) -> None:
        self.before = {number: signal.getsignal(number) for number in self.numbers}

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            for number, handler in self.before.items():
                signal.signal(number, handler)


def _resources(node: dict[str, Any]) -> dict[str, float]:
    return dict(node["Resources"]) if node["Alive"] else {}


def _address(node: dict[str, Any]) -> str:
    return f"{node['NodeManagerAddress']} ({node['NodeManagerHostname']})"


def _in_a_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
