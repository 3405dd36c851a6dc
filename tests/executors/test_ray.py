"""Nights on a Ray cluster of three nodes: what is lost or killed, and the local night's digits.

``make ray-test`` installs Ray, which is large, into an environment of its own and runs these.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.executors.base import Handle, Job, Limits
from agent.executors.processes import tagged_processes, workspace_id
from agent.trials.record import Record
from tests.executors.ray_clusters import LOOPBACK, ray_cluster, removed, workers_of
from tests.executors.waiting import alive, ended
from tests.soak_workspace import Workspace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONTROLLER = ROOT / "agent" / "autoresearch_controller.py"
WAIT_SEC = 90.0
GRIEF_SEC = 30.0  # until a trial runs elsewhere whose node was lost
SLEEPS = {"progress": [1, 1], "pause": 60, "child": True}
SHOWING = """
import json, sys, time
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--save-dir") + 1])
given = [each for each in sys.argv if each.endswith(".zip")]
(folder / "config.json").write_text(json.dumps(given))
while not (folder / "watch").exists():
    time.sleep(0.05)
(folder / "snapshot.bin").write_bytes(b"a picture")
time.sleep(1.5)
print([Path(each).read_text() for each in given])
"""
TINY = ["--min-timesteps", "64", "--max-timesteps", "128", "--set", "n_envs=2"]
TINY += ["--set", "eval_episodes=1", "--set", "max_episode_steps=20", "--device", "cpu"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with ray_cluster(nodes=2, cores=2) as cluster:
        yield cluster


@pytest.fixture
def night(cluster: Any, tmp_path: Path) -> Iterator[Workspace]:
    night = Workspace(tmp_path)
    yield night
    assert night.left_alive() == 0


def started(night: Workspace, cluster: Any, trials: int, *argv: str) -> subprocess.Popen[bytes]:
    return night.start(trials, "--executor", f"ray://{cluster.address}", *argv)


def until(what: Callable[[], Any], limit_sec: float = WAIT_SEC) -> Any:
    deadline = time.monotonic() + limit_sec
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not come within {limit_sec:g} s")


def wait_for_file(path: Path, handle: Handle) -> None:
    def is_there() -> bool:
        assert handle.poll() is None
        return path.is_file()

    until(is_there)


def running(night: Workspace) -> list[int]:
    """Pids of the processes of trials."""
    own = f":{workspace_id(night.models)}:"
    return [each.pid for each, tag in tagged_processes() if own in tag]


def ended_well(controller: subprocess.Popen[bytes], night: Workspace) -> list[Record]:
    assert controller.wait(WAIT_SEC) == 0, night.controller_log.read_text()
    return night.ledger.load()


def told(night: Workspace) -> str:
    return (night.results / "autoresearch_log.txt").read_text()


def test_a_model_comes_home_and_the_champion_has_it(night: Workspace, cluster: Any) -> None:
    night.plan({"*": {"progress": [1, 2], "mean_reward": 3.0}})
    records = ended_well(started(night, cluster, 2, "--workers", "2"), night)
    assert [record.run_status for record in records] == ["ok", "ok"]
    for record in records:
        model = night.models / f"trial-{record.trial:03d}" / "model.zip"
        assert model.read_bytes() == f"model of trial-{record.trial:03d}".encode()
    assert (night.models / "champion" / "model.zip").is_file()
    assert records[0].host and records[0].versions["python"]


def test_a_killed_worker_leaves_no_process_and_its_trial_runs_again(
    night: Workspace, cluster: Any
) -> None:
    night.plan({"*": SLEEPS})
    controller = started(night, cluster, 1)
    pids = until(lambda: len(found := running(night)) >= 2 and found)
    (worker,) = workers_of(night.models)
    night.plan({"*": {"mean_reward": 3.0}})
    os.kill(worker, signal.SIGKILL)
    until(lambda: not any(map(alive, pids)))
    (record,) = ended_well(controller, night)
    assert (record.run_status, record.seed) == ("ok", 1)
    assert "was lost" in told(night) and "once more elsewhere" in told(night)


def test_the_trial_of_a_removed_node_runs_elsewhere(night: Workspace, cluster: Any) -> None:
    night.plan({"*": SLEEPS})
    controller = started(night, cluster, 1)
    pids = until(lambda: len(found := running(night)) >= 2 and found)
    (worker,) = workers_of(night.models)
    with removed(cluster, worker):
        lost_at = time.monotonic()
        again = until(lambda: set(workers_of(night.models)) - {worker})
        elsewhere_sec = time.monotonic() - lost_at
        until(lambda: not any(map(alive, pids)))
        assert psutil.Process(*again).ppid() != worker
        controller.terminate()
        assert controller.wait(WAIT_SEC) == 130
    (record,) = night.ledger.load()
    assert record.run_status == "interrupted"
    print(f"a trial ran elsewhere {elsewhere_sec:.1f} s after its node was killed")
    assert elsewhere_sec < GRIEF_SEC


def test_a_silent_node_is_taken_for_lost(night: Workspace, cluster: Any) -> None:
    night.plan({"*": SLEEPS})
    controller = started(night, cluster, 1)
    pids = until(lambda: len(found := running(night)) >= 2 and found)
    (worker,) = workers_of(night.models)
    until(lambda: (night.models / "trial-001" / "progress.jsonl").is_file())
    night.plan({"*": {"mean_reward": 3.0}})
    os.kill(worker, signal.SIGSTOP)
    (record,) = ended_well(controller, night)
    assert record.run_status == "ok"
    assert "has been silent for" in told(night)
    until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_with_the_controller_all_ends(
    night: Workspace, cluster: Any, number: signal.Signals
) -> None:
    night.plan({"*": SLEEPS})
    controller = started(night, cluster, 9, "--workers", "2")
    until(lambda: len(running(night)) >= 4)
    controller.send_signal(number)
    code = controller.wait(WAIT_SEC)
    assert night.left_alive() == 0
    statuses = [record.run_status for record in night.ledger.load()]
    if number == signal.SIGKILL:
        assert statuses == []
    else:
        assert (code, statuses) == (130, ["interrupted"] * 2)
        assert night.controller_log.read_text().count("error:") == 1


def test_a_study_goes_on_after_its_controller_was_killed(night: Workspace, cluster: Any) -> None:
    night.plan({"*": SLEEPS})
    controller = started(night, cluster, 2)
    until(lambda: running(night))
    controller.kill()
    controller.wait()
    night.plan({"*": {"mean_reward": 3.0}})
    records = ended_well(started(night, cluster, 2), night)
    assert [record.run_status for record in records] == ["interrupted", "ok", "ok"]
    assert [record.trial for record in records] == [1, 2, 3]


def test_what_a_trial_needs_goes_out_and_cameras_come_home(cluster: Any, tmp_path: Path) -> None:
    from agent.executors.ray_cluster import RayCluster, Share
    from agent.executors.ray_executor import RayExecutor

    model = tmp_path / "model.zip"
    model.write_bytes(b"a model")
    runner = tmp_path / "runner.py"
    runner.write_text(SHOWING)
    config = TrialConfig.of(warm_start=str(model))
    nodes = RayCluster(cluster.address, Share(1, 0.0), None)
    with closing(RayExecutor(nodes, runner, workspace_id(tmp_path))) as executor:
        for name in ("first", "second"):
            folder = tmp_path / name
            folder.mkdir()
            handle = executor.submit(Job(config, folder, Limits(60.0)))
            (folder / "watch").touch()
            wait_for_file(folder / "snapshot.bin", handle)
            assert ended(handle).last_line == "['a model']"
            assert json.loads((folder / "config.json").read_text()) == [str(model)]
            assert not (folder / "watch").exists()
        assert len(executor._stored) == 1


def test_a_controller_whose_own_node_is_lost_says_so_and_ends(tmp_path: Path) -> None:
    night = Workspace(tmp_path)
    night.plan({"*": SLEEPS})
    with ray_cluster(nodes=0, cores=2, head_cores=2) as cluster:
        controller = started(night, cluster, 9)
        until(lambda: running(night))
        (worker,) = workers_of(night.models)
        psutil.Process(psutil.Process(worker).ppid()).kill()
        code = controller.wait(WAIT_SEC)
    assert night.left_alive() == 0
    assert code == 1, night.controller_log.read_text()
    assert "Ray on this machine is gone; mend that" in night.controller_log.read_text()
    assert [record.run_status for record in night.ledger.load()] == ["interrupted"]


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CONTROLLER), "--home", str(folder), "--agent", "ppo", *argv],
        cwd=folder,
        env=os.environ | LOOPBACK | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=280,
    )


def digits(folder: Path) -> list[dict[str, Any]]:
    """All of a ledger that no clock, folder or editor decides."""
    lines = (folder / "outerloop-results" / "autoresearch_results.jsonl").read_text().splitlines()
    own = ("timestamp", "elapsed_sec", "model_path", "git_commit", "git_dirty")
    return [
        {name: value for name, value in json.loads(line).items() if name not in own}
        for line in lines
    ]


def test_a_night_s_ledger_is_the_local_one_s_to_the_digit(cluster: Any, tmp_path: Path) -> None:
    nights = []
    for name, argv in {
        "local": [],
        "ray": ["--executor", f"ray://{cluster.address}", "--cpus-per-trial", "2"],
    }.items():
        (tmp_path / name).mkdir()
        done = run(tmp_path / name, "--trials", "3", *TINY, *argv)
        assert done.returncode == 0, done.stderr
        nights.append(digits(tmp_path / name))
    assert [each["run_status"] for each in nights[0]] == ["ok"] * 3
    assert nights[0] == nights[1]


def test_servers_start_on_the_node(cluster: Any, tmp_path: Path) -> None:
    place = f"ray://{cluster.address}"
    done = run(tmp_path, "--trials", "1", *TINY, "--executor", place, "--sim", "spawn")
    assert done.returncode == 0, done.stderr
    (record,) = digits(tmp_path)
    assert record["run_status"] == "ok"
    assert record["simulator"].startswith("127.0.0.1:")
    assert (tmp_path / "models" / "trial-001" / "simulator-1.log").is_file()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--workers", "5"], "--workers 5 are more than the 4 trials of 1 core that"),
        (["--cpus-per-trial", "3"], "no node of the Ray cluster has 3 cores for a trial"),
        (["--gpus-per-trial", "1"], "no node of the Ray cluster has 1 core and 1 GPU"),
        (["--memory-limit", "9000G"], "less than --memory-limit 9000.0G of a trial; lower that"),
    ],
)
def test_what_a_cluster_has_no_room_for_is_refused(
    cluster: Any, tmp_path: Path, argv: list[str], words: str
) -> None:
    done = run(tmp_path, "--executor", f"ray://{cluster.address}", *argv)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed; make ray-test installs it")
    done = run(tmp_path, "--executor", "ray://127.0.0.1:1")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert "no Ray cluster answers at 127.0.0.1:1 within" in line
    assert list(tmp_path.iterdir()) == []


def test_a_node_with_another_version_gets_no_trials(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.executors.ray_cluster import RayCluster, Share

    monkeypatch.setattr("agent.__version__", "0.0.9")
    with pytest.raises(UserError, match=r"0\.1\.0, this machine 0\.0\.9; install the same"):
        RayCluster(cluster.address, Share(1, 0.0), None)
