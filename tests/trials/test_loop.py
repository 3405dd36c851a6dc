"""The loop around trials that are only pretended: launches, retries, stops, and what it records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.executors.base import Job
from agent.trials.circuit_breaker import CircuitBrokenError
from agent.trials.folders import Folders, Launch
from agent.trials.ledger import Ledger
from agent.trials.log import TrialLog
from agent.trials.loop import NextLaunch, TrialLoop
from agent.trials.record import Record
from tests.fake_executor import FakeExecutor, FakeTrial

ENV = "donkey-generated-track-v0"
MakeLoop = Callable[..., TrialLoop]


@pytest.fixture
def make_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeLoop:
    monkeypatch.setattr("agent.trials.loop.POLL_SEC", 0.0)
    monkeypatch.setattr("agent.trials.loop.SIM_RETRY_SEC", 0.0)
    (tmp_path / "models").mkdir()

    def make(executor: FakeExecutor, **more: Any) -> TrialLoop:
        return TrialLoop(
            kind="search",
            executor=executor,
            folders=Folders(tmp_path / "models", "trial", tmp_path / "ledger.jsonl"),
            ledger=Ledger(tmp_path / "ledger.jsonl"),
            log=TrialLog(tmp_path / "log.txt"),
            timeout_sec=60.0,
            **more,
        )

    return make


def launches(n: int, seen: list[list[TrialConfig]] | None = None) -> NextLaunch:
    """The next of ``n`` trials; ``seen`` gets what was running each time it was asked for."""
    left = list(range(n))

    def next_launch(records: list[Record], running: list[TrialConfig]) -> Launch | None:
        if not left:
            return None
        if seen is not None:
            seen.append(running)
        number = n - len(left) + 1
        left.pop(0)
        return Launch(number, "search", TrialConfig.of(seed=number))

    return next_launch


def test_a_record_is_of_where_the_trial_ran(make_loop: MakeLoop) -> None:
    loop = make_loop(FakeExecutor({"*": {"mean_reward": 1.0}}))
    loop.run(launches(1))
    (record,) = loop.ledger.load()
    assert (record.host, record.git_commit, record.git_dirty) == ("elsewhere", "c0ffee", False)
    assert record.versions == {"python": "3.14", "torch": "9.9"}


def test_every_slot_is_filled_and_a_free_one_again(make_loop: MakeLoop) -> None:
    executor = FakeExecutor({"*": {"mean_reward": 1.0, "polls": 5}}, slots=2)
    seen: list[list[TrialConfig]] = []
    loop = make_loop(executor)
    loop.run(launches(4, seen))
    assert [len(running) for running in seen] == [0, 1, 1, 1]
    assert [job.slot for job in executor.jobs] == [0, 1, 0, 1]
    assert [record.trial for record in loop.ledger.load()] == [1, 2, 3, 4]


def test_nothing_is_submitted_while_a_slot_cools_and_the_next_is_chosen_meanwhile(
    make_loop: MakeLoop,
) -> None:
    @dataclass
    class CoolingExecutor(FakeExecutor):
        asked: list[int] = field(default_factory=list)

        def ready_in_sec(self, slot: int) -> float:
            self.asked.append(len(chosen))
            return 0.0 if len(self.asked) > 10 else 1e-6

    chosen: list[list[TrialConfig]] = []
    executor = CoolingExecutor({"*": {"mean_reward": 1.0}})
    make_loop(executor).run(launches(1, chosen))
    assert len(executor.asked) > 10
    assert set(executor.asked) == {1}, "it is chosen before the slot is ready"
    assert len(executor.jobs) == 1


def test_a_slot_has_its_simulators_and_others_after_it_lost_them(make_loop: MakeLoop) -> None:
    def assign_envs(slot: int, lost: bool) -> list[str]:
        return [f"{ENV}@{9091 + slot + 10 * lost}"]

    executor = FakeExecutor({"trial-001": {"exit": [3, 0], "mean_reward": 1.0}})
    loop = make_loop(executor, assign_envs=assign_envs)
    loop.run(launches(1))
    assert [job.config.trial.env for job in executor.jobs] == [[f"{ENV}@9091"], [f"{ENV}@9101"]]
    (record,) = loop.ledger.load()
    assert (record.run_status, record.params["env"]) == ("ok", [f"{ENV}@9101"])


def test_a_trial_whose_node_was_lost_runs_once_more_with_its_seed(make_loop: MakeLoop) -> None:
    executor = FakeExecutor({"trial-001": {"lost": 1, "mean_reward": 1.0}})
    loop = make_loop(executor)
    loop.run(launches(1))
    first, second = executor.jobs
    assert first.config == second.config
    (record,) = loop.ledger.load()
    assert record.run_status == "ok"


def test_a_trial_that_is_lost_twice_is_recorded_so(make_loop: MakeLoop) -> None:
    executor = FakeExecutor({"*": {"lost": 9}})
    loop = make_loop(executor)
    loop.run(launches(1))
    assert len(executor.jobs) == 2
    (record,) = loop.ledger.load()
    assert (record.run_status, record.cause) == ("lost", "node-2 was lost")
    assert record.lost and record.mean_reward is None


def test_nodes_that_are_lost_break_no_circuit(make_loop: MakeLoop) -> None:
    loop = make_loop(FakeExecutor({"*": {"lost": 9}}))
    loop.run(launches(5))
    assert [record.run_status for record in loop.ledger.load()] == ["lost"] * 5


def test_a_node_that_is_lost_between_failures_does_not_part_them(make_loop: MakeLoop) -> None:
    plan: dict[str, Any] = {"*": {"exit": 1}, "trial-002": {"lost": 9}}
    loop = make_loop(FakeExecutor(plan))
    with pytest.raises(CircuitBrokenError):
        loop.run(launches(9))
    statuses = [record.run_status for record in loop.ledger.load()]
    assert statuses == ["crashed", "lost", "crashed", "crashed"]


def test_a_simulator_and_a_node_may_be_lost_once_each(make_loop: MakeLoop) -> None:
    plan = {"*": {"lost": 1, "exit": [9, 3, 0], "mean_reward": 1.0}}
    loop = make_loop(FakeExecutor(plan))
    loop.run(launches(1))
    (record,) = loop.ledger.load()
    assert record.run_status == "ok"


def test_limits_are_the_loops_and_the_configurations(make_loop: MakeLoop) -> None:
    executor = FakeExecutor({})
    make_loop(executor).run(launches(1))
    (job,) = executor.jobs
    assert (job.limits.timeout_sec, job.limits.memory_bytes) == (60.0, 8 * 1024**3)


class StoppingExecutor(FakeExecutor):
    """Interrupts the controller once all slots are busy; remembers in which order it stops."""

    calls: list[str]

    def submit(self, job: Job) -> FakeTrial:
        trial = super().submit(job)
        if len(self.jobs) == self.slots:
            trial.poll = self.interrupt  # type: ignore[method-assign]
        calls = self.calls
        terminate, stop = trial.terminate, trial.stop

        def noted_terminate() -> None:
            calls.append("terminate")
            terminate()

        def noted_stop() -> Any:
            calls.append("stop")
            return stop()

        trial.terminate = noted_terminate  # type: ignore[method-assign]
        trial.stop = noted_stop  # type: ignore[method-assign]
        return trial

    def interrupt(self) -> None:
        raise KeyboardInterrupt


def test_all_are_told_to_end_before_one_is_waited_for(make_loop: MakeLoop) -> None:
    executor = StoppingExecutor({"*": {"polls": 99}}, slots=2)
    executor.calls = []
    loop = make_loop(executor)
    with pytest.raises(KeyboardInterrupt):
        loop.run(launches(9))
    assert executor.calls == ["terminate", "terminate", "stop", "stop"]
    assert {record.run_status for record in loop.ledger.load()} == {"interrupted"}


def test_a_trial_that_waits_for_its_simulator_is_recorded_when_all_stops(
    make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.trials.loop.SIM_RETRY_SEC", 999.0)
    pauses: list[float] = []

    def interrupt(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("agent.trials.loop.time.sleep", interrupt)
    loop = make_loop(FakeExecutor({"*": {"exit": 3}}))
    with pytest.raises(KeyboardInterrupt):
        loop.run(launches(1))
    (record,) = loop.ledger.load()
    assert (record.run_status, record.cause) == ("sim_lost", "the simulator was lost")
    assert (record.elapsed_sec, record.host) == (0.0, "elsewhere")


def test_a_runner_that_refuses_without_a_word_is_told_so(make_loop: MakeLoop) -> None:
    loop = make_loop(FakeExecutor({"*": {"exit": 2, "say": ""}}))
    with pytest.raises(UserError, match="refused its arguments without a word"):
        loop.run(launches(1))
    assert loop.ledger.load() == []


def test_failures_that_differ_in_numbers_alone_are_the_same(make_loop: MakeLoop) -> None:
    plan = {f"trial-00{k}": {"exit": 1, "say": f"line {k}: no module"} for k in (1, 2, 3)}
    loop = make_loop(FakeExecutor(plan))
    with pytest.raises(CircuitBrokenError, match="3 trials in a row ended the same way, crashed"):
        loop.run(launches(9))
    assert len(loop.ledger.load()) == 3


def test_nan_breaks_no_circuit(make_loop: MakeLoop) -> None:
    loop = make_loop(FakeExecutor({"*": {"exit": 4}}))
    loop.run(launches(5))
    assert [record.run_status for record in loop.ledger.load()] == ["diverged"] * 5


def test_a_trial_is_asked_to_stop_once_and_at_new_rungs_only(make_loop: MakeLoop) -> None:
    asked: list[int] = []

    def prune(launch: Launch, rungs: tuple[Any, ...], records: list[Record]) -> str | None:
        asked.append(len(rungs))
        return "below the median" if len(rungs) == 2 else None

    loop = make_loop(FakeExecutor({"*": {"progress": [1, 2, 3, 4], "polls": 5}}), prune=prune)
    loop.run(launches(1))
    (record,) = loop.ledger.load()
    assert asked == [1, 2]
    assert (record.run_status, record.cause) == ("pruned", "below the median")
    assert [rung.share for rung in record.rungs] == [0.25, 0.5]
