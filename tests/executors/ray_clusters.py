"""Ray clusters of three nodes on this machine's loopback, for tests: they need 0.8 GB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.executors.processes import tagged_processes, workspace_id

NODES = 2
STORE_BYTES = 80 * 1024**2  # about the least that Ray takes
LOOPBACK = {
    # On Linux Ray turns 127.0.0.1 into the machine's own address unless this is 0.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray's workers give way to everything else, by 15 unless this is said.
    "RAY_worker_niceness": "0",
}
FACTS: dict[str, Any] = {
    "node_ip_address": "127.0.0.1",
    "object_store_memory": STORE_BYTES,
    "include_dashboard": False,
}


@contextmanager
def ray_cluster(nodes: int = NODES, cores: int = 1, head_cores: int = 0) -> Iterator[Any]:
    """Gives a cluster of a head and some nodes; skips the test where Ray is absent.

    :param nodes: beside the head
    :param cores: of each node
    :param head_cores: of the head, which runs no trial without some
    """
    os.environ.update(LOOPBACK)
    pytest.importorskip("ray", reason="ray is not installed; make ray-test installs it")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=FACTS | {"num_cpus": head_cores})
    try:
        for _ in range(nodes):
            add_node(cluster, cores)
        yield cluster
    finally:
        cluster.shutdown()


def workers_of(models: Path) -> list[int]:
    """Pids of the Ray workers that trials of a folder of models run under."""
    own = workspace_id(models)
    tags = [tag.split(":") for _, tag in tagged_processes()]
    return sorted({int(parts[1]) for parts in tags if parts[3] == own})


def node_of(cluster: Any, worker: int) -> Any:
    """The node that a worker belongs to."""
    raylet = psutil.Process(worker).ppid()
    for each in cluster.list_all_nodes():
        if any(process.process.pid == raylet for process in each.all_processes["raylet"]):
            return each
    raise AssertionError(f"worker {worker} is of no node")


@contextmanager
def removed(cluster: Any, worker: int) -> Iterator[None]:
    """Kills the node of a worker, as if its machine lost its current; in the end it is back."""
    cluster.remove_node(node_of(cluster, worker), allow_graceful=False)
    yield
    add_node(cluster)


def add_node(cluster: Any, cores: int = 2) -> None:
    """Adds a node of its own size."""
    cluster.add_node(**FACTS, num_cpus=cores)


def ray_workers(cluster: Any) -> list[int]:
    """Pids of all Ray workers of a cluster, idle ones too."""
    raylets = [
        process.process.pid
        for each in cluster.list_all_nodes()
        for process in each.all_processes["raylet"]
    ]
    found = []
    for raylet in raylets:
        for child in psutil.Process(raylet).children():
            # A node dies with its agents, whose kill is a node's then.
            if child.name().startswith("ray::") and "Agent" not in child.name():
                found.append(child.pid)
    return sorted(found)
