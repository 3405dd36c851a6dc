"""Chaos on a Ray cluster: ``kill -9`` of controller, worker, actor and node at seeded moments.

A study of short trials runs on a head and two nodes on this machine's loopback. After each kill all
processes of trials whose actor or controller is gone are counted that are still there; at the end
records that are missing or twice, trials that were blamed, and scratch folders. All must be 0.

    make .venv-ray/.installed && .venv-ray/bin/python tests/benchmarks/ray_chaos.py
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.config import files  # noqa: E402
from agent.executors.processes import tagged_processes, workspace_id  # noqa: E402
from agent.trials.record import Record  # noqa: E402
from tests.executors.ray_clusters import (  # noqa: E402
    add_node,
    node_of,
    ray_cluster,
    ray_workers,
    workers_of,
)
from tests.executors.waiting import alive  # noqa: E402
from tests.soak_workspace import GONE_SEC, Workspace  # noqa: E402

CORES = 2  # of each node
SLOTS = 3
WAIT_SEC = 120.0
KINDS = ("controller", "worker", "actor", "node")
# A trial that its node or its controller left without a result is of no other status.
FAIR = ("ok", "lost", "interrupted")


class Chaos:
    """A study on a cluster, and what befalls it.

    :param cluster: of two nodes
    :param folder: of the study
    :param trials: that it is to have recorded as ok in the end
    :param rng: of the moments and of who is killed
    """

    def __init__(self, cluster: Any, folder: Path, trials: int, rng: random.Random) -> None:
        self.cluster = cluster
        self.study = Workspace(folder)
        self.trials = trials
        self.rng = rng
        self.controller: subprocess.Popen[bytes] | None = None
        self.orphans: list[str] = []
        steps = {
            f"trial-{trial:03d}": {
                "progress": [trial % 7] * 4,
                "pause": round(rng.uniform(0.2, 1.5), 2),
                "child": True,
                "mean_reward": float(trial % 97),
            }
            for trial in range(1, 10 * trials)
        }
        self.study.plan(steps)

    @property
    def ok(self) -> int:
        """Trials that have a score."""
        return sum(record.scored for record in self.study.ledger.load())

    def run(self, kills: int, of: Sequence[str]) -> None:
        """Kills so often, then lets the study come to its end.

        :param kills: how often
        :param of: kinds of what is killed
        """
        kinds = [of[number % len(of)] for number in range(kills)]
        self.rng.shuffle(kinds)
        for number, kind in enumerate(kinds, start=1):
            pause_sec = self.rng.uniform(0.0, 3.0)
            struck = None
            while struck is None:
                self._wait_for_a_trial()
                time.sleep(pause_sec)
                struck = self._kill(kind)
            left = self._orphans_left()
            self.orphans += left
            done = len(self.study.ledger.load())
            print(
                f"{number:3} {kind:10} {struck:34} {done} records, {len(left)} orphans", flush=True
            )
        while self.ok < self.trials:
            self._start_if_gone()
            assert self.controller is not None
            self.controller.wait(WAIT_SEC + 10.0 * self.trials)

    def wrong(self) -> list[str]:
        """What is wrong in the end."""
        records = self.study.ledger.load()
        wrong = self.study.check(records)
        twice = Counter(record.trial for record in records)
        wrong += [
            f"trial {trial} has {count} records" for trial, count in twice.items() if count > 1
        ]
        for record in records:
            wrong += self._wrong_of(record)
        return wrong

    def stop(self) -> None:
        """Ends the controller, if there is one."""
        if self.controller is not None and self.controller.poll() is None:
            self.controller.terminate()
            self.controller.wait(WAIT_SEC)

    def _wrong_of(self, record: Record) -> list[str]:
        if record.run_status not in FAIR:
            return [f"trial {record.trial} is said {record.run_status} ({record.cause})"]
        if not record.scored:
            return []
        model = self.study.models / f"trial-{record.trial:03d}" / "model.zip"
        if model.read_bytes() != f"model of {model.parent.name}".encode():
            return [f"the model of trial {record.trial} is another"]
        return []

    def _start_if_gone(self) -> None:
        if self.controller is None or self.controller.poll() is not None:
            place = f"ray://{self.cluster.address}"
            left = max(1, self.trials - self.ok)
            self.controller = self.study.start(left, "--executor", place, "--workers", str(SLOTS))

    def _wait_for_a_trial(self) -> None:
        deadline = time.monotonic() + WAIT_SEC
        while not workers_of(self.study.models):
            self._start_if_gone()
            if time.monotonic() > deadline:
                said = self.study.controller_log.read_text()[-2000:]
                raise TimeoutError(f"no trial runs; the controller said: {said}")
            time.sleep(0.02)

    def _kill(self, kind: str) -> str | None:
        """Kills one of a kind; returns which, in words, ``None`` if none is there."""
        if kind == "controller":
            assert self.controller is not None
            self.controller.kill()
            self.controller.wait()
            return f"pid {self.controller.pid}"
        actors = workers_of(self.study.models)
        if not actors:
            return None
        if kind == "node":
            node = node_of(self.cluster, self.rng.choice(actors))
            self.cluster.remove_node(node, allow_graceful=False)
            add_node(self.cluster, CORES)
            return f"node {node.node_id[:12]}"
        pid = self.rng.choice(actors if kind == "actor" else ray_workers(self.cluster))
        os.kill(pid, 9)
        return f"pid {pid}"

    def _orphans_left(self) -> list[str]:
        """Processes of trials whose actor is gone, after they had ``GONE_SEC`` to go."""
        deadline = time.monotonic() + GONE_SEC
        while True:
            own = workspace_id(self.study.models)
            parts = [(each.pid, tag.split(":")) for each, tag in tagged_processes()]
            mine = [(pid, int(tag[1])) for pid, tag in parts if tag[3] == own]
            gone = self.controller is not None and self.controller.poll() is not None
            left = [f"process {pid}" for pid, actor in mine if gone or not alive(actor)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)


def scratch_folders() -> set[Path]:
    """Folders of trials on nodes of this machine."""
    return set(Path(tempfile.gettempdir()).glob("autoresearch-*"))


def main() -> int:
    """Runs it; returns 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, metavar="N")
    parser.add_argument(
        "--trials", type=int, default=40, metavar="N", help="with a score, at least"
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()
    before = scratch_folders()
    with (
        tempfile.TemporaryDirectory() as folder,
        ray_cluster(nodes=2, cores=CORES) as cluster,
    ):
        chaos = Chaos(cluster, Path(folder), options.trials, random.Random(options.seed))
        try:
            chaos.run(options.kills, options.kinds)
        finally:
            chaos.stop()
        wrong = chaos.wrong()
        records = chaos.study.ledger.load()
        statuses = Counter(record.run_status for record in records)
        left = chaos.study.left_alive()
        said = (chaos.study.results / files.STUDY_LOG).read_text().splitlines()
    for line in said:
        if "lost" in line and "NEW CHAMPION" not in line:
            print(line[:150])
    folders = scratch_folders() - before
    wrong += [f"folder {each} was left" for each in folders]
    print(f"{options.kills} kills, seed {options.seed}: {len(records)} records, {dict(statuses)}")
    print(f"orphans {len(chaos.orphans) + left}, wrong {len(wrong)}")
    for line in wrong:
        print(line)
    return int(bool(wrong or chaos.orphans or left))


if __name__ == "__main__":
    raise SystemExit(main())
