"""One behaviour for all executors; a new one joins with a line in ``EXECUTORS``.

A line is a function that opens an executor of the fake runner's trials, or a ``pytest.param`` of
one with marks, such as ``slow``. It is given the plan of the trials, a folder that is free, and
pytest's request, from which it may ask a fixture such as a cluster, or skip.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.executors.base import Executor, Job, Limits
from agent.executors.local import LocalExecutor
from agent.executors.processes import tagged_processes, workspace_id
from tests.executors.ray_clusters import ray_cluster
from tests.executors.waiting import ended, wait_until_started
from tests.fake_executor import FakeExecutor

MIB = 1024**2
SLOTS = 2
TIMESTEPS = 400
USUAL = Limits(60.0, grace_sec=0.5)
FAKE_RUNNER = Path(__file__).parents[1] / "fake_runner.py"
Plan = dict[str, dict[str, Any]]
Open = Callable[[Plan], Executor]


def runner_of(plan: Plan, folder: Path) -> Path:
    """A fake runner with its plan beside it."""
    runner = Path(shutil.copy(FAKE_RUNNER, folder / "runner.py"))
    runner.with_name("plan.json").write_text(json.dumps(plan))
    return runner


def fake(plan: Plan, _folder: Path, _request: pytest.FixtureRequest) -> Executor:
    return FakeExecutor(plan, slots=SLOTS)


def local(plan: Plan, folder: Path, _request: pytest.FixtureRequest) -> Executor:
    return LocalExecutor(runner_of(plan, folder), workspace_id(folder), slots=SLOTS)


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[Any]:
    """A cluster of Ray's that all tests of this file share, and one connection to it."""
    with ray_cluster() as cluster:
        from agent.executors.ray_cluster import RayCluster, Share

        class Shared(RayCluster):
            def close(self) -> None:
                pass

        nodes = Shared(cluster.address, Share(1, 0.0), None)
        yield nodes
        RayCluster.close(nodes)


def ray(plan: Plan, folder: Path, request: pytest.FixtureRequest) -> Executor:
    nodes = request.getfixturevalue("ray_nodes")
    from agent.executors.ray_executor import RayExecutor

    return RayExecutor(nodes, runner_of(plan, folder), workspace_id(folder), slots=SLOTS)


def slurm_local(plan: Plan, folder: Path, _request: pytest.FixtureRequest) -> Executor:
    """Slurm's executor over submitit's processes of this machine."""
    return slurm_executor(plan, folder, "local")


def slurm(plan: Plan, folder: Path, request: pytest.FixtureRequest) -> Executor:
    request.getfixturevalue("slurm_cluster")
    return slurm_executor(plan, folder, "slurm")


def slurm_executor(plan: Plan, folder: Path, cluster: str) -> Executor:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    from agent.executors.slurm import SlurmExecutor
    from agent.executors.slurm_cluster import Request

    runner = runner_of(plan, folder)
    workspace = workspace_id(folder)
    models = folder / "models"
    return SlurmExecutor(runner, workspace, models, Request(), slots=SLOTS, cluster=cluster)


EXECUTORS = (
    fake,
    local,
    pytest.param(ray, marks=pytest.mark.slow, id="ray"),
    pytest.param(slurm_local, marks=pytest.mark.slow, id="slurm_local"),
    pytest.param(slurm, marks=pytest.mark.slow, id="slurm"),
)


@pytest.fixture(params=EXECUTORS, ids=lambda make: make.__name__)
def executor_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens an executor of trials that do what a plan says, see ``fake_runner``."""
    opened: list[Executor] = []

    def open_executor(plan: Plan) -> Executor:
        opened.append(request.param(plan, tmp_path, request))
        return opened[-1]

    yield open_executor
    for executor in opened:
        executor.close()


def job(
    tmp_path: Path,
    name: str = "trial-001",
    slot: int = 0,
    limits: Limits = USUAL,
) -> Job:
    folder = tmp_path / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    return Job(TrialConfig.of(timesteps=TIMESTEPS), folder, limits, slot)


def left_alive(tmp_path: Path) -> list[str]:
    """Command lines of processes of trials here; somebody must have ended them."""
    part_of_tag = f":{workspace_id(tmp_path)}:"
    return [" ".join(each.cmdline()) for each, tag in tagged_processes() if part_of_tag in tag]


def test_files_of_a_trial_that_ended_lie_in_its_folder(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"progress": [1, 3, 2, 4], "mean_reward": 4.0}})
    mine = job(tmp_path)
    outcome = ended(executor.submit(mine))
    assert (outcome.status, outcome.exit_code, outcome.cause) == ("ok", 0, None)
    assert not outcome.stopped
    assert outcome.last_line == "training"
    assert json.loads((mine.folder / "result.json").read_text())["mean_reward"] == 4.0
    assert (mine.folder / "model.zip").read_bytes() == b"model of trial-001"
    assert (mine.folder / "log.txt").read_text() == "training\n"


def test_files_in_folders_lie_there_too(executor_of: Open, tmp_path: Path) -> None:
    mine = job(tmp_path)
    ended(executor_of({"*": {"curves": "rising", "mean_reward": 4.0}}).submit(mine))
    assert (mine.folder / "tb" / "PPO_1" / "events").read_text() == "rising"


def test_a_trial_that_failed_leaves_its_files_too(executor_of: Open, tmp_path: Path) -> None:
    mine = job(tmp_path)
    plan = {"*": {"say": "oh", "curves": "falling", "progress": [1], "half": True, "exit": 4}}
    assert ended(executor_of(plan).submit(mine)).status == "diverged"
    assert (mine.folder / "log.txt").read_text() == "oh\n"
    assert (mine.folder / "tb" / "PPO_1" / "events").read_text() == "falling"
    assert (mine.folder / "result.json").read_text() == '{"run_status": "ok", "mean_rew'
    assert (mine.folder / "progress.jsonl").read_text().count("\n") == 1


def test_progress_is_known_while_it_runs_and_after(executor_of: Open, tmp_path: Path) -> None:
    plan = {"*": {"progress": [1, 3, 2, 4], "pause": 0.2, "polls": 3}}
    handle = executor_of(plan).submit(job(tmp_path))
    wait_until_started(handle)
    ended(handle)
    assert handle.progress() == [(100, 1.0), (200, 3.0), (300, 2.0), (400, 4.0)]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1, "crashed"),
        (2, "bad_arguments"),
        (3, "sim_lost"),
        (4, "diverged"),
        (5, "pruned"),
        (17, "crashed"),
        (130, "interrupted"),
        (137, "out_of_memory"),
    ],
)
def test_exit_codes_have_their_meaning(
    executor_of: Open, tmp_path: Path, code: int, status: str
) -> None:
    executor = executor_of({"*": {"exit": code, "say": "the last word"}})
    outcome = ended(executor.submit(job(tmp_path)))
    assert (outcome.status, outcome.exit_code) == (status, code)
    assert outcome.cause == f"exit code {code}: the last word"
    assert not outcome.stopped


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGSEGV, "crashed"), (signal.SIGKILL, "out_of_memory")]
)
def test_a_signal_that_ends_a_trial_is_named(
    executor_of: Open, tmp_path: Path, number: signal.Signals, status: str
) -> None:
    outcome = ended(executor_of({"*": {"signal": number}}).submit(job(tmp_path)))
    assert (outcome.status, outcome.exit_code, outcome.stopped) == (status, -number, False)
    assert outcome.cause == f"killed by {number.name}: training"


def test_a_trial_is_ended_at_its_time_limit(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"sleep": 300, "deaf": True, "child": True}})
    outcome = ended(executor.submit(job(tmp_path, limits=Limits(2.0, grace_sec=0.1))))
    assert (outcome.status, outcome.stopped) == ("timeout", False)
    assert outcome.cause == "killed at the limit of 2 s; raise --timeout or train less"
    assert left_alive(tmp_path) == []


def test_a_trial_is_ended_at_its_memory_limit(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"eat_mb": 300}})
    outcome = ended(executor.submit(job(tmp_path, limits=Limits(60.0, 100 * MIB, 0.1))))
    assert (outcome.status, outcome.stopped) == ("out_of_memory", False)
    assert "over its limit of 100 MB; raise --memory-limit" in str(outcome.cause)
    assert left_alive(tmp_path) == []


def test_a_trial_is_ended_at_its_limit_of_output(executor_of: Open, tmp_path: Path) -> None:
    outcome = ended(executor_of({"*": {"flood": True}}).submit(job(tmp_path)))
    assert (outcome.status, outcome.cause) == ("crashed", "killed with 64 MB of output")
    assert left_alive(tmp_path) == []


def test_what_a_trial_left_behind_is_ended(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"child": True, "mean_reward": 1.0}})
    assert ended(executor.submit(job(tmp_path))).status == "ok"
    assert left_alive(tmp_path) == []


def test_a_trial_that_is_asked_to_stop_saves_its_model(executor_of: Open, tmp_path: Path) -> None:
    plan = {"*": {"progress": [1, 1, 1, 1], "pause": 0.3, "mean_reward": 1.0}}
    mine = job(tmp_path)
    handle = executor_of(plan).submit(mine)
    wait_until_started(handle)
    handle.ask_to_stop("below the median")
    outcome = ended(handle)
    assert (outcome.status, outcome.exit_code, outcome.stopped) == ("pruned", 5, False)
    assert json.loads((mine.folder / "result.json").read_text())["cause"] == "below the median"
    assert (mine.folder / "model.zip").read_bytes() == b"model so far"


def test_trials_are_stopped_together(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"progress": [1, 1], "pause": 60, "polls": 9**9}})
    handles = [executor.submit(job(tmp_path, f"trial-00{slot + 1}", slot)) for slot in range(SLOTS)]
    for handle in handles:
        wait_until_started(handle)
    for handle in handles:
        handle.terminate()
    outcomes = [handle.stop() for handle in handles]
    assert [(outcome.status, outcome.stopped) for outcome in outcomes] == [
        ("interrupted", True)
    ] * SLOTS
    assert {outcome.cause for outcome in outcomes} == {"the controller was asked to stop"}
    assert left_alive(tmp_path) == []


def test_a_trial_that_is_deaf_is_stopped_by_force(executor_of: Open, tmp_path: Path) -> None:
    plan = {"*": {"deaf": True, "progress": [1, 1], "pause": 60, "polls": 9**9}}
    handle = executor_of(plan).submit(job(tmp_path))
    wait_until_started(handle)
    outcome = handle.stop()
    assert (outcome.status, outcome.exit_code) == ("interrupted", -signal.SIGKILL)
    assert left_alive(tmp_path) == []


def test_one_trial_is_stopped_and_another_goes_on(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"progress": [1, 1], "pause": 60, "polls": 9**9}})
    handles = [executor.submit(job(tmp_path, f"trial-00{slot + 1}", slot)) for slot in range(SLOTS)]
    for handle in handles:
        wait_until_started(handle)
    assert handles[0].stop().stopped
    assert handles[1].poll() is None
    handles[1].stop()
    assert left_alive(tmp_path) == []


def test_slots_run_side_by_side(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"progress": [1, 1], "pause": 60, "polls": 9**9}})
    assert executor.slots == SLOTS
    assert [executor.ready_in_sec(slot) for slot in range(SLOTS)] == [0.0] * SLOTS
    handles = [executor.submit(job(tmp_path, f"trial-00{slot + 1}", slot)) for slot in range(SLOTS)]
    for handle in handles:
        wait_until_started(handle)
    assert [handle.poll() for handle in handles] == [None] * SLOTS
    for handle in handles:
        handle.stop()


def test_a_second_try_begins_without_the_progress_of_the_first(
    executor_of: Open, tmp_path: Path
) -> None:
    executor = executor_of({"*": {"progress": [1, 2], "exit": [3, 0], "mean_reward": 1.0}})
    assert ended(executor.submit(job(tmp_path))).status == "sim_lost"
    again = executor.submit(job(tmp_path))
    assert ended(again).status == "ok"
    assert again.progress() == [(200, 1.0), (400, 2.0)]


def test_an_outcome_says_where_the_trial_ran(executor_of: Open, tmp_path: Path) -> None:
    outcome = ended(executor_of({"*": {"exit": 1}}).submit(job(tmp_path)))
    assert outcome.provenance.host
    assert "python" in outcome.provenance.versions


def test_there_is_nothing_to_recover_after_all_went_well(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"mean_reward": 1.0}})
    with closing(executor):
        ended(executor.submit(job(tmp_path)))
        assert executor.recover() is None
