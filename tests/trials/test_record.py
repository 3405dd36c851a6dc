from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.executors.base import Outcome
from agent.trials.assemble import make_record, unwatched_outcome
from agent.trials.folders import Launch
from agent.trials.record import Record, config_id
from agent.trials.summary import summary
from tests.evil_values import EVIL
from tests.fake_executor import ELSEWHERE

NAMES_OF_THE_SPECIFICATION = [
    "trial",
    "timestamp",
    "params",
    "mean_reward",
    "std_reward",
    "model_path",
    "champion",
    "elapsed_sec",
    "run_status",
]


def assemble(folder: Path, outcome: Outcome) -> Record:
    launch = Launch(7, "search", TrialConfig.of(seed=3), suggestion={"ucb": 1.0})
    return make_record(launch, outcome, folder)


def outcome(status: str = "ok", code: int = 0, **changes: Any) -> Outcome:
    return Outcome(status, code, elapsed_sec=2.0, last_line="bye", provenance=ELSEWHERE, **changes)


def write_result(folder: Path, text: str) -> None:
    (folder / "result.json").write_text(text)
    (folder / "model.zip").write_bytes(b"model")


def test_a_line_starts_with_the_names_of_the_specification(record: Callable[..., Record]) -> None:
    line = record().to_line()
    assert list(json.loads(line))[:9] == NAMES_OF_THE_SPECIFICATION
    assert Record.from_line(line) == record()


def test_nan_never_gets_into_a_line(record: Callable[..., Record]) -> None:
    with pytest.raises(ValueError, match="mean_reward"):
        record(mean_reward=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        record(score={"episodes": [float("inf")]}).to_line()
    with pytest.raises(ValueError, match="NaN"):
        Record.from_line(record().to_line().replace("50.0", "NaN"))


@pytest.mark.parametrize("line", ["{", "[1]", "7", '{"trial": 1}', '{"trial": "x"}'])
def test_what_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Record.from_line(line)


def test_names_of_a_later_schema_are_ignored(record: Callable[..., Record]) -> None:
    later = json.loads(record().to_line()) | {"moon": "full"}
    assert Record.from_line(json.dumps(later)) == record()


def test_a_scored_trial(tmp_path: Path) -> None:
    write_result(
        tmp_path,
        '{"mean_reward": 12.5, "std_reward": 2.0, "score": {"laps": [1]}, "versions": {"x": "1"}}',
    )
    made = assemble(tmp_path, outcome())
    assert (made.mean_reward, made.std_reward, made.score, made.cause) == (
        12.5,
        2.0,
        {"laps": [1]},
        None,
    )
    assert made.model_path == str(tmp_path / "model.zip")
    assert made.versions["x"] == "1"
    assert made.versions == {"python": "3.14", "torch": "9.9", "x": "1"}
    assert (made.seed, made.suggestion) == (3, {"ucb": 1.0})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mean_reward": NaN}', '{"mean_reward": null}'])
def test_success_without_a_score_is_a_crash_with_a_cause(tmp_path: Path, text: str) -> None:
    write_result(tmp_path, text)
    made = assemble(tmp_path, outcome())
    assert (made.run_status, made.mean_reward) == ("crashed", None)
    assert "mean_reward" in str(made.cause)


def test_success_without_a_model_is_a_crash(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"mean_reward": 1.0}')
    made = assemble(tmp_path, outcome())
    assert (made.run_status, made.model_path) == ("crashed", None)
    assert "model.zip" in str(made.cause)


def test_the_runners_own_words_beat_its_exit_code(tmp_path: Path) -> None:
    write_result(
        tmp_path,
        '{"run_status": "out_of_memory", "cause": "no room for the buffer", "mean_reward": 3.0}',
    )
    made = assemble(tmp_path, outcome("crashed", 1, cause="exit code 1: bye"))
    assert (made.run_status, made.cause, made.mean_reward) == (
        "out_of_memory",
        "no room for the buffer",
        None,
    )


def test_our_own_kill_beats_the_runners_words(tmp_path: Path) -> None:
    write_result(tmp_path, '{"run_status": "interrupted", "cause": "SIGTERM"}')
    made = assemble(tmp_path, outcome("timeout", 130, cause="killed at the limit of 1 s"))
    assert (made.run_status, made.cause) == ("timeout", "killed at the limit of 1 s")


def test_a_record_says_where_the_trial_ran_by_its_own_words(tmp_path: Path) -> None:
    own = {"host": "node-7", "git_commit": "abc", "git_dirty": True, "versions": {"torch": "9.8"}}
    write_result(tmp_path, json.dumps({"mean_reward": 1.0} | own))
    made = assemble(tmp_path, outcome())
    assert (made.host, made.git_commit, made.git_dirty) == ("node-7", "abc", True)
    assert made.versions == {"python": "3.14", "torch": "9.8"}


def test_a_record_of_a_trial_without_a_result_says_where_its_executor_ran_it(
    tmp_path: Path,
) -> None:
    made = assemble(tmp_path, outcome("crashed", 1, cause="exit code 1: bye"))
    assert (made.host, made.git_commit, made.git_dirty) == ("elsewhere", "c0ffee", False)
    assert made.versions == ELSEWHERE.versions


def test_what_a_study_keeps_of_a_record_is_small_and_all_that_it_asks_for(
    record: Callable[..., Record],
) -> None:
    params = TrialConfig.of(seed=5).to_params()
    lines = [
        replace(record(k, float(k)), params=params | {"seed": k}).to_line() for k in range(1, 201)
    ]
    Record.from_line(lines[0]).slim()  # what is kept once for all records does not count
    tracemalloc.start()
    kept = [Record.from_line(line).slim() for line in lines]
    size = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    assert size < 3000  # bytes; as they were read they take three times that
    whole = Record.from_line(lines[6])
    assert (kept[6].trial, kept[6].mean_reward, kept[6].seed) == (
        whole.trial,
        whole.mean_reward,
        whole.seed,
    )
    assert kept[6].config_id == whole.config_id
    assert TrialConfig.from_params(kept[6].params) == TrialConfig.from_params(whole.params)


def test_what_is_no_hyperparameter_does_not_change_the_config_id() -> None:
    here = TrialConfig.of(
        env=["donkey-generated-track-v0@9091"], seed=1, reconnect=True, device="cpu"
    ).to_params()
    there = TrialConfig.of(env=["donkey-generated-track-v0"], seed=2, memory_limit="4G").to_params()
    other = TrialConfig.of(learning_rate=0.1).to_params()
    assert config_id(here) == config_id(there) != config_id(other)


@pytest.mark.parametrize("status", ["ok", "crashed"])
def test_a_result_of_any_value_makes_a_record(tmp_path: Path, status: str) -> None:
    """What no record may hold counts as absent, so a trial with a score keeps it."""
    result = {"mean_reward": 1.0, "std_reward": 2.0, "run_status": "ok", "cause": None}
    result |= {"score": {}, "versions": {}, "simulator": "here", "host": "a", "git_commit": "b"}
    for name in (*result, "git_dirty", "elapsed_sec"):
        text = json.dumps({**result, name: "@"})
        for evil in EVIL:
            write_result(tmp_path, text.replace('"@"', evil))
            made = assemble(tmp_path, outcome(status, cause="exit code 1"))
            assert Record.from_line(made.to_line()) == made
            assert summary(made)
    write_result(tmp_path, json.dumps(result | {"std_reward": "x", "versions": 5, "score": [1]}))
    made = assemble(tmp_path, outcome())
    assert (made.mean_reward, made.std_reward, made.score) == (1.0, None, None)
    write_result(tmp_path, '{"run_status": "ok", "elapsed_sec": "long"}')
    assert unwatched_outcome(tmp_path).elapsed_sec == 0.0
