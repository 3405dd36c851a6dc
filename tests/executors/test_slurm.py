"""Slurm: nights on a real cluster of one node, and what is refused before one begins."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agent.config.errors import UserError

pytest.importorskip("submitit", reason="the extra slurm is not installed")

from agent import autoresearch_controller
from agent.config.trial import TrialConfig
from agent.executors.base import Handle, Job, Limits
from agent.executors.processes import controller_tag, tagged_processes, workspace_id
from agent.executors.slurm import ALIVE, FOLDER, SlurmExecutor
from agent.executors.slurm_cluster import Request, check_cluster, minutes_in
from tests.controllers import folders, ledger, log
from tests.executors.test_conformance import runner_of
from tests.executors.waiting import ended, wait_until_started


def executor(tmp_path: Path, step: dict[str, Any], request: Request) -> SlurmExecutor:
    runner = runner_of({"*": step}, tmp_path)
    return SlurmExecutor(runner, workspace_id(tmp_path), tmp_path / "models", request)


def submitted(executor: SlurmExecutor, tmp_path: Path) -> Handle:
    folder = tmp_path / "models" / "trial-001"
    folder.mkdir(parents=True)
    return executor.submit(Job(TrialConfig.of(timesteps=400), folder, Limits(60.0, grace_sec=0.5)))


def alive(tmp_path: Path) -> list[int]:
    tag = f":{workspace_id(tmp_path)}:"
    return [process.pid for process, found in tagged_processes() if tag in found]


@pytest.mark.slow
def test_a_job_that_somebody_ends_is_lost(slurm_cluster: Path, tmp_path: Path) -> None:
    slurm = executor(tmp_path, {"progress": [1, 1], "pause": 90, "child": True}, Request())
    handle = submitted(slurm, tmp_path)
    wait_until_started(handle)
    subprocess.run(["scancel", f"--name=autoresearch-{slurm.workspace}"], check=True, timeout=30)
    outcome = ended(handle)
    slurm.close()
    assert (outcome.status, outcome.stopped) == ("lost", False)
    assert str(outcome.cause).startswith("Slurm job ")
    assert alive(tmp_path) == []


@pytest.mark.slow
def test_the_trial_of_a_node_that_fails_is_lost(slurm_cluster: Path, tmp_path: Path) -> None:
    slurm = executor(tmp_path, {"progress": [1, 1], "pause": 90, "child": True}, Request())
    handle = submitted(slurm, tmp_path)
    wait_until_started(handle)
    node = subprocess.check_output(["sinfo", "--noheader", "--format=%n"], timeout=30).strip()
    update = ["scontrol", "update", f"NodeName={node.decode()}"]
    subprocess.run([*update, "State=DOWN", "Reason=test"], check=True, timeout=30)
    try:
        outcome = ended(handle)
    finally:
        subprocess.run([*update, "State=RESUME"], timeout=30)  # unless it is back already
    slurm.close()
    assert (outcome.status, outcome.stopped) == ("lost", False)
    assert alive(tmp_path) == []


@pytest.mark.slow
def test_a_job_that_waits_is_taken_back(slurm_cluster: Path, tmp_path: Path) -> None:
    slurm = executor(tmp_path, {}, Request(more={"begin": "now+1hour"}))
    handle = submitted(slurm, tmp_path)
    assert handle.poll() is None
    begun = time.monotonic()
    outcome = handle.stop()
    assert time.monotonic() - begun < 20.0
    slurm.close()
    assert (outcome.status, outcome.stopped) == ("interrupted", True)
    listed = ["squeue", "--noheader", f"--name=autoresearch-{slurm.workspace}"]
    assert subprocess.run(listed, capture_output=True, timeout=30).stdout == b""


@pytest.mark.slow
def test_jobs_end_with_a_controller_that_is_gone(slurm_cluster: Path, tmp_path: Path) -> None:
    slurm = executor(tmp_path, {"progress": [1, 1], "pause": 90, "child": True}, Request())
    handle = submitted(slurm, tmp_path)
    wait_until_started(handle)
    for file in (tmp_path / "models" / FOLDER).glob(f"*/{ALIVE}"):
        file.unlink()
    outcome = ended(handle)
    slurm.close()
    assert outcome.status == "lost"
    assert alive(tmp_path) == []


@pytest.mark.slow
def test_a_folder_that_no_node_sees_is_told(slurm_cluster: Path, tmp_path: Path) -> None:
    nowhere = {"output": "/nowhere/%j.out", "error": "/nowhere/%j.err"}
    slurm = executor(tmp_path, {}, Request(more=nowhere))
    outcome = ended(submitted(slurm, tmp_path))
    slurm.close()
    assert outcome.status == "bad_arguments"
    assert "give --home a folder that all nodes share" in outcome.last_line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(partition="gpu"), "--partition gpu is none of this cluster's; choose from tests"),
        (Request(cpus=999), "(--cpus-per-task=999 --time=62): allocation failure: "),
        (Request(timeout_sec=1e6), "minutes, and partition tests gives 120; lower it"),
        (Request(more={"nonsense": "1"}), "unrecognized option '--nonsense=1'"),
    ],
)
def test_slurm_refuses_what_it_would_never_run(
    slurm_cluster: Path, request_: Request, words: str
) -> None:
    with pytest.raises(UserError) as refused:
        check_cluster(request_)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_a_night_on_slurm_is_the_local_one(
    slurm_cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {f"trial-00{k}": {"progress": [k, k], "mean_reward": 7.0 * k % 5} for k in range(1, 4)}
    told = []
    for place in (["--executor", "local"], ["--executor", "slurm", "--partition", "tests"]):
        home = tmp_path / place[1]
        home.mkdir()
        monkeypatch.setattr(autoresearch_controller, "RUNNER", runner_of(scores, home))
        argv = [*folders(home), *place, "--trials", "3", "--timeout", "600", "--agent", "ppo"]
        assert autoresearch_controller.main([*argv, "--memory-limit", "1G"]) == 0
        told.append(
            [
                (
                    each["trial"],
                    each["params"],
                    each["mean_reward"],
                    each["rungs"],
                    each["champion"],
                )
                for each in ledger(home)
            ]
        )
        assert "champion: trial" in log(home)
    assert len(told[0]) == 3
    assert told[0] == told[1]
    # Nothing of the batch scripts is left.
    assert not (tmp_path / "slurm" / "models" / FOLDER).exists()
    left = {path.name for path in (tmp_path / "slurm" / "models" / "trial-001").iterdir()}
    assert left == {path.name for path in (tmp_path / "local" / "models" / "trial-001").iterdir()}


@pytest.mark.parametrize("way", ["dead", "silent"])
def test_what_a_controller_that_is_gone_left_is_ended(tmp_path: Path, way: str) -> None:
    slurm = executor(tmp_path, {}, Request())
    left = tmp_path / "models" / FOLDER / "left" / ALIVE
    mine = controller_tag(slurm.workspace)
    left.parent.mkdir(parents=True)
    left.write_text(mine)
    assert slurm.recover() is None
    assert left.exists()
    if way == "dead":
        host, _, rest = mine.partition(":")
        left.write_text(f"{host}:{2**22 + 1}:{rest.partition(':')[2]}")
    else:
        left.write_text("elsewhere:1:1:other:")
        os.utime(left, (1.0, 1.0))
    assert "a controller that is gone" in str(slurm.recover())
    assert not left.exists()
    slurm.close()
    assert not (tmp_path / "models" / FOLDER).exists()


def test_without_slurm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs sbatch, which is not on the PATH"):
        check_cluster(Request())


def test_a_cluster_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sbatch", "sinfo"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UserError, match="Slurm does not answer"):
        check_cluster(Request())


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [
        ("1:00:00", 60.0),
        ("30:00", 30.0),
        ("2-12:00:00", 3600.0),
        ("infinite", None),
        ("n/a", None),
    ],
)
def test_a_time_limit_is_read(limit: str, minutes: float | None) -> None:
    assert minutes_in(limit) == minutes


def test_a_job_has_time_and_memory_above_the_trial_s() -> None:
    request = Request(cpus=2, gpus=1, memory_bytes=2**31 + 1, timeout_sec=360.0, more={"qos": "x"})
    assert request.sbatch_options() == {
        "cpus-per-task": "2",
        "time": "8",
        "gpus-per-node": "1",
        "mem": "2049M",
        "qos": "x",
    }


def test_simulators_of_their_own_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [*folders(tmp_path), "--executor", "slurm", "--sim", "spawn", "--agent", "ppo"]
    assert autoresearch_controller.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--sim spawn is not for --executor slurm; drop it" in line
    assert not (tmp_path / "results").exists()


def test_half_a_gpu_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [*folders(tmp_path), "--executor", "slurm", "--gpus-per-trial", "0.5", "--agent", "ppo"]
    assert autoresearch_controller.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--gpus-per-trial 0.5: Slurm gives whole GPUs; give a whole number" in line
