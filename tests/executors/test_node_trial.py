"""A trial on a node, without a cluster: its files, its inputs, its folder, its reaper."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.executors.base import Limits
from agent.executors.node_facts import code_digest, node_facts, why_refused
from agent.executors.node_trial import Ended, NodeTrial, Work
from agent.executors.processes import tagged_processes, workspace_id
from tests.executors.waiting import alive

ROOT = Path(__file__).parents[2]
FAKE_RUNNER = Path(__file__).parents[1] / "fake_runner.py"
LIMITS = Limits(60.0, grace_sec=0.5)
ARGV = ["--timesteps", "400"]
# Prints its arguments, and keeps them as the real runner keeps its configuration.
TELLING = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--save-dir") + 1])
given = [each for each in sys.argv[1:] if each.partition("#")[0].endswith((".zip", ".json"))]
(folder / "config.json").write_text(json.dumps(given))
contents = [Path(each.partition("#")[0]).read_text() for each in given]
print(json.dumps([given, contents]))
"""
NODE = """
import sys
from pathlib import Path
from agent.executors.base import Limits
from agent.executors.node_trial import NodeTrial, Work
runner, workspace = sys.argv[1:]
NodeTrial(workspace).run(Work("trial-001", Path(runner), [], Limits(60.0), 1))
"""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where scratch folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def work(tmp_path: Path, scratch: Path) -> Callable[..., Work]:
    def make(step: dict[str, Any], **changes: Any) -> Work:
        runner = Path(shutil.copy(FAKE_RUNNER, tmp_path / "runner.py"))
        runner.with_name("plan.json").write_text(json.dumps({"*": step}))
        return Work("trial-001", runner, ARGV, LIMITS, 1)._replace(**changes)

    return make


def until_empty(folder: Path) -> None:
    deadline = time.monotonic() + 10.0
    while any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(folder.iterdir()) == []


def test_files_come_home_and_nothing_stays(work: Callable[..., Work], scratch: Path) -> None:
    step = {"progress": [1, 2], "curves": "rising", "mean_reward": 4.0}
    ended = NodeTrial("node-trial").run(work(step))
    assert ended.outcome.status == "ok"
    assert sorted(ended.contents) == [
        "log.txt",
        "model.zip",
        "progress.jsonl",
        "result.json",
        "tb/PPO_1/events",
    ]
    assert ended.contents["model.zip"] == b"model of trial-001"
    until_empty(scratch)


def test_inputs_lie_there_under_paths_of_the_node(
    work: Callable[..., Work], tmp_path: Path, scratch: Path
) -> None:
    inputs = ("models/best.zip", "/tracks/mine.json")
    argv = ["--warm-start", inputs[0], "--env", f"{inputs[1]}#1f0c66ab+mirrored", "--seed", "5"]
    asked = work({}, argv=argv, inputs=inputs)
    asked.runner.write_text(TELLING)
    ended = NodeTrial("node-trial").run(asked, b"a model", b"a track")
    given, contents = json.loads(ended.outcome.last_line)
    assert [Path(each).name for each in given] == ["best.zip", "mine.json#1f0c66ab+mirrored"]
    assert all(Path(each).is_relative_to(scratch) for each in given)
    assert contents == ["a model", "a track"]
    # At home the configuration names what is there.
    assert json.loads(ended.contents["config.json"]) == [inputs[0], argv[3]]


def test_news_are_what_was_added(work: Callable[..., Work]) -> None:
    trial = NodeTrial("node-trial")
    assert trial.news({}).added == {}
    ended = trial.run(work({"progress": [1, 2]}))
    log = ended.contents["log.txt"]
    assert trial.news({}).host == ended.outcome.provenance.host
    assert log == b"training\n"


def test_who_watches_at_home_sees_what_the_node_shows(work: Callable[..., Work]) -> None:
    trial = NodeTrial("node-trial")
    thread = threading.Thread(target=lambda: trial.run(work({"show": True})))
    thread.start()
    while "log.txt" not in trial.news({}).added:
        time.sleep(0.01)
    seen = b""
    while not seen and thread.is_alive():
        seen = trial.news({}, True).snapshot
        time.sleep(0.01)
    thread.join(30.0)
    assert seen == b"a picture"


@pytest.mark.parametrize("early", [False, True])
def test_a_trial_is_asked_to_stop_before_its_process_or_after(
    work: Callable[..., Work], early: bool
) -> None:
    trial = NodeTrial("node-trial")
    if early:
        trial.ask_to_stop("below the median")
    ended: list[Ended] = []
    asked = work({"progress": [1] * 40, "pause": 0.1})
    thread = threading.Thread(target=lambda: ended.append(trial.run(asked)))
    thread.start()
    while not early and "progress.jsonl" not in trial.news({}).added:
        time.sleep(0.01)
    trial.ask_to_stop("below the median")
    thread.join(30.0)
    assert ended[0].outcome.status == "pruned"
    assert json.loads(ended[0].contents["result.json"])["cause"] == "below the median"


def test_a_trial_is_stopped(work: Callable[..., Work], scratch: Path) -> None:
    trial = NodeTrial("node-trial")
    ended: list[Ended] = []
    asked = work({"sleep": 60, "child": True})
    thread = threading.Thread(target=lambda: ended.append(trial.run(asked)))
    thread.start()
    while "log.txt" not in trial.news({}).added:
        time.sleep(0.01)
    trial.stop()
    thread.join(30.0)
    assert (ended[0].outcome.status, ended[0].outcome.stopped) == ("interrupted", True)
    until_empty(scratch)


def test_a_log_comes_home_no_longer_than_it_may_get(
    work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.executors.node_trial.LOG_LIMIT_BYTES", 4)
    ended = NodeTrial("node-trial").run(work({}))
    assert ended.contents["log.txt"] == b"ing\n"


def test_files_that_are_too_large_stay_away_and_are_told(
    work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.executors.node_trial.HOME_BYTES", 5)
    ended = NodeTrial("node-trial").run(work({"curves": "rising", "mean_reward": 1.0}))
    assert ended.outcome.status == "crashed"
    assert "can come home" in str(ended.outcome.cause)
    assert sorted(ended.contents) == ["log.txt"]


def test_a_node_that_cannot_make_a_folder_says_so_and_blames_no_trial(
    work: Callable[..., Work],
) -> None:
    asked = work({})
    ended = NodeTrial("node-trial").run(asked._replace(name="no/such/folder"))
    assert ended.outcome.status == "lost"
    assert "no/such/folder" in str(ended.outcome.cause)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_of_a_killed_node_nothing_is_left(
    tmp_path: Path, scratch: Path, number: signal.Signals
) -> None:
    runner = Path(shutil.copy(FAKE_RUNNER, tmp_path / "runner.py"))
    step = {"sleep": 60, "deaf": True, "child": True}
    runner.with_name("plan.json").write_text(json.dumps({"*": step}))
    workspace = workspace_id(tmp_path)
    with subprocess.Popen([sys.executable, "-c", NODE, runner, workspace], cwd=ROOT) as node:
        own = f":{workspace}:"
        pids: list[int] = []
        while len(pids) < 2:
            pids = [each.pid for each, tag in tagged_processes() if own in tag]
            assert node.poll() is None
            time.sleep(0.02)
        node.send_signal(number)
    until_empty(scratch)
    assert not any(map(alive, pids))


HERE = {"version": "0.1.0", "code": "c0ffee", "python": "3.11.7", "memory_bytes": 4 * 1024**3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"version": ""}, "has no donkeycar-rl-autoresearch; install 0.1.0 there"),
        ({"version": "0.0.9"}, "0.0.9, this machine 0.1.0; install the same on both"),
        ({"code": "beef"}, "0.1.0 with code beef, this machine with c0ffee; install the same"),
        ({"memory_bytes": 1024**3}, "has 1.0 GiB of memory, less than --memory-limit 2.0G"),
    ],
)
def test_a_node_is_refused_in_words(changes: dict[str, Any], words: str | None) -> None:
    refusal = why_refused(HERE | changes, HERE, 2 * 1024**3)
    assert refusal == words or (words is not None and words in str(refusal))


def test_facts_are_of_this_package() -> None:
    facts = node_facts()
    assert (facts["version"], facts["code"]) == ("0.1.0", code_digest(ROOT / "agent"))
    assert facts["memory_bytes"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_code_is_what_decides_a_trial(tmp_path: Path) -> None:
    package = tmp_path / "agent"
    (package / "worlds").mkdir(parents=True)
    (package / "models" / "trial-001").mkdir(parents=True)
    for path in ("__init__.py", "runner.py", "worlds/__init__.py", "worlds/track.json"):
        (package / path).write_text("one")
    before = code_digest(package)
    (package / "models" / "trial-001" / "launch.json").write_text("two")
    (package / "worlds" / "track.pyc").write_text("two")
    assert code_digest(package) == before
    (package / "worlds" / "track.json").write_text("two")
    assert code_digest(package) != before


def test_files_that_a_configuration_names_are_found(tmp_path: Path) -> None:
    model = tmp_path / "best.zip"
    model.write_bytes(b"a model")
    config = TrialConfig.of(warm_start=str(model))
    assert config.input_files == [str(model)]
    assert TrialConfig.of().input_files == []
    assert TrialConfig.of(warm_start=str(tmp_path / "none.zip")).input_files == []
