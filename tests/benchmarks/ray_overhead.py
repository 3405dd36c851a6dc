"""Overhead of a trial on a Ray cluster beside one on this machine, from its start to its files.

Trials do nothing and end at once. They run in turn here and on two nodes on this loopback.

    make .venv-ray/.installed && .venv-ray/bin/python tests/benchmarks/ray_overhead.py
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.config.trial import TrialConfig  # noqa: E402
from agent.executors.base import Executor, Job, Limits  # noqa: E402
from agent.executors.local import LocalExecutor  # noqa: E402
from tests.executors.ray_clusters import ray_cluster  # noqa: E402

ROUNDS = 5
POLL_SEC = 0.05  # as the loop's


def seconds(executor: Executor, folder: Path) -> float:
    """Wall clock of one trial.

    :param executor: runs it
    :param folder: of its files
    """
    folder.mkdir(parents=True)
    started = time.monotonic()
    handle = executor.submit(Job(TrialConfig.of(), folder, Limits(60.0)))
    while (outcome := handle.poll()) is None:
        time.sleep(POLL_SEC)
    assert outcome.status == "ok", outcome.cause
    return time.monotonic() - started


def main() -> None:
    """Prints medians and the longest."""
    with tempfile.TemporaryDirectory() as name, ray_cluster() as cluster:
        from agent.executors.ray_cluster import RayCluster, Share
        from agent.executors.ray_executor import RayExecutor

        folder = Path(name)
        runner = Path(shutil.copy(ROOT / "tests" / "fake_runner.py", folder / "runner.py"))
        runner.with_name("plan.json").write_text(json.dumps({"*": {"mean_reward": 1.0}}))
        started = time.monotonic()
        nodes = RayCluster(cluster.address, Share(1, 0.0), None)
        connected_sec = time.monotonic() - started
        executors: dict[str, Executor] = {
            "local": LocalExecutor(runner, "overhead"),
            "ray": RayExecutor(nodes, runner, "overhead"),
        }
        took: dict[str, list[float]] = {name: [] for name in executors}
        for number in range(ROUNDS):
            for name, executor in executors.items():
                took[name].append(seconds(executor, folder / f"{name}-{number}"))
                print(f"{name} {took[name][-1]:.2f} s", flush=True)
        for executor in executors.values():
            executor.close()
    print(f"connecting and asking two nodes: {connected_sec:.1f} s, load {os.getloadavg()[0]:.1f}")
    for name, each in took.items():
        print(f"{name}: median {statistics.median(each):.2f} s, longest {max(each):.2f} s")
    more = [ray - local for local, ray in zip(took["local"], took["ray"], strict=True)]
    print(f"overhead a trial: median {statistics.median(more):.2f} s, longest {max(more):.2f} s")


if __name__ == "__main__":
    main()
