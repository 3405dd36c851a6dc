"""One behaviour for all executors; a new one joins with a line in ``EXECUTORS``."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.executors.base import Executor, Handle, Job, Limits, Outcome
from agent.executors.local import LocalExecutor
from tests.fake_executor import FakeExecutor

SLOTS = 2
TIMESTEPS = 400
FAKE_RUNNER = Path(__file__).parents[1] / "fake_runner.py"
Plan = dict[str, dict[str, Any]]
Open = Callable[[Plan], Executor]


def fake(plan: Plan, folder: Path) -> Executor:
    return FakeExecutor(plan, slots=SLOTS)


def local(plan: Plan, folder: Path) -> Executor:
    runner = Path(shutil.copy(FAKE_RUNNER, folder / "runner.py"))
    runner.with_name("plan.json").write_text(json.dumps(plan))
    return LocalExecutor(runner, "conformance", slots=SLOTS)


EXECUTORS = (fake, local)


@pytest.fixture(params=EXECUTORS, ids=lambda make: make.__name__)
def executor_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens an executor of trials that do what a plan says, see ``fake_runner``."""
    opened: list[Executor] = []

    def open_executor(plan: Plan) -> Executor:
        opened.append(request.param(plan, tmp_path))
        return opened[-1]

    yield open_executor
    for executor in opened:
        executor.close()


def job(tmp_path: Path, name: str = "trial-001", slot: int = 0) -> Job:
    folder = tmp_path / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    return Job(TrialConfig.of(timesteps=TIMESTEPS), folder, Limits(60.0, grace_sec=0.5), slot)


def wait_for(handle: Handle) -> Outcome:
    while True:
        outcome = handle.poll()
        if outcome is not None:
            return outcome
        time.sleep(0.01)


def wait_until_started(handle: Handle) -> None:
    """Until its first evaluation."""
    while not handle.progress():
        assert handle.poll() is None
        time.sleep(0.01)


def test_files_of_a_trial_that_ended_lie_in_its_folder(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"progress": [1, 3, 2, 4], "mean_reward": 4.0}})
    mine = job(tmp_path)
    outcome = wait_for(executor.submit(mine))
    assert (outcome.status, outcome.exit_code, outcome.cause) == ("ok", 0, None)
    assert not outcome.stopped
    assert outcome.last_line == "training"
    assert json.loads((mine.folder / "result.json").read_text())["mean_reward"] == 4.0
    assert (mine.folder / "model.zip").read_bytes() == b"model of trial-001"
    assert (mine.folder / "log.txt").read_text() == "training\n"


def test_progress_is_known_while_it_runs(executor_of: Open, tmp_path: Path) -> None:
    handle = executor_of({"*": {"progress": [1, 3, 2, 4]}}).submit(job(tmp_path))
    wait_for(handle)
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
    outcome = wait_for(executor.submit(job(tmp_path)))
    assert (outcome.status, outcome.exit_code) == (status, code)
    assert outcome.cause == f"exit code {code}: the last word"
    assert not outcome.stopped


def test_a_trial_that_is_asked_to_stop_saves_its_model(executor_of: Open, tmp_path: Path) -> None:
    plan = {"*": {"progress": [1, 1, 1, 1], "pause": 0.3, "mean_reward": 1.0}}
    mine = job(tmp_path)
    handle = executor_of(plan).submit(mine)
    wait_until_started(handle)
    handle.ask_to_stop("below the median")
    outcome = wait_for(handle)
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
    assert wait_for(executor.submit(job(tmp_path))).status == "sim_lost"
    again = executor.submit(job(tmp_path))
    assert wait_for(again).status == "ok"
    assert again.progress() == [(200, 1.0), (400, 2.0)]


def test_an_outcome_says_where_the_trial_ran(executor_of: Open, tmp_path: Path) -> None:
    outcome = wait_for(executor_of({"*": {"exit": 1}}).submit(job(tmp_path)))
    assert outcome.provenance.host
    assert "python" in outcome.provenance.versions


def test_there_is_nothing_to_recover_after_all_went_well(executor_of: Open, tmp_path: Path) -> None:
    executor = executor_of({"*": {"mean_reward": 1.0}})
    with closing(executor):
        wait_for(executor.submit(job(tmp_path)))
        assert executor.recover() is None
