from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.config import files
from agent.push_model import main
from agent.reporting.model_card import confidence_interval
from agent.trials.champion import promote, sha256
from agent.trials.record import Record
from tests.refusals import refusal
from tests.reporting.synthetic_study import records_of, write_ledger

SCORES = [480.0, 520.0, 500.0, 530.0, 470.0]
COMMIT = "0" * 40
PLACE = "donkey-warren-track-v0"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with a ledger, a confirmed champion, its evaluation and its filmed race."""
    (record,) = records_of(1, agents=("ppo",), failing=0.0)
    score = {"episodes": [1.0], "laps": [2, 4], "best_lap_sec": None}
    record = replace(record, mean_reward=512.5, std_reward=3.25, score=score)
    write_ledger(tmp_path / "results", [record])
    model = tmp_path / "model.zip"
    model.write_bytes(b"a model")
    confirmation = {"standing": "confirmed", "scores": SCORES, "seeds": [1, 2, 3, 4, 5]}
    folder = tmp_path / "models" / files.CHAMPION
    promote(secretive(record), model, folder, confirmation, "../results/x.jsonl")
    write_races(tmp_path, sha256(model))
    return tmp_path


def secretive(record: Record) -> Record:
    """The record of a training that began with a model of this machine."""
    return replace(record, params=record.params | {"warm_start": "/home/ann/old.zip"})


def write_races(folder: Path, digest: str) -> None:
    (folder / "films").mkdir()
    (folder / "films" / "warren.gif").write_bytes(b"GIF89a")
    driven = {"laps": 3, "crashes": 1, "total_sec": 51.5, "lap_times": [13.5, 12.25, 15.0]}
    lines = [
        {"sha256": "0" * 64, "env": PLACE, "races": {"trained": driven | {"laps": 9}}},
        {"sha256": digest, "env": PLACE, "races": {"trained": driven}, "timestamp": "2026-06-01"},
    ]
    lines[1]["films"] = str(folder / "films")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "results" / files.RACES).write_text(text)
    evaluated = {"sha256": digest, "env": PLACE, "mean_reward": 99.5, "score": {"laps": [1, 2]}}
    (folder / "results" / files.EVALUATIONS).write_text(json.dumps(evaluated) + "\n")


def arguments(study: Path, *more: str) -> list[str]:
    folders = ["--results-dir", str(study / "results"), "--models-dir", str(study / "models")]
    return ["ann/warren-ppo", *folders, *more]


def front_matter(card: str) -> dict[str, Any]:
    """The values above a page; each is JSON, of which YAML is a superset."""
    _, head, _ = card.split("---\n", 2)
    pairs = [line.split(": ", 1) for line in head.splitlines()]
    return {name: json.loads(value) for name, value in pairs}


def metrics_of(index: list[dict[str, Any]], task: str) -> list[dict[str, Any]]:
    """Metrics of a task by their type, a dictionary for each result."""
    return [
        {each["type"]: each["value"] for each in result["metrics"]}
        for result in index[0]["results"]
        if result["dataset"]["name"] == task
    ]


def test_the_folder_has_all_that_the_hub_shows(study: Path) -> None:
    assert main(arguments(study, "--dry-run")) == 0
    folder = study / "results" / "hub" / "ann" / "warren-ppo"
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "manifest.json",
        "model.zip",
        "replay.gif",
    }
    card = (folder / "README.md").read_text(encoding="utf-8")
    head = front_matter(card)
    assert head["library_name"] == "stable-baselines3"
    assert {"reinforcement-learning", "donkeycar"} <= set(head["tags"])
    index = head["model-index"]
    assert index[0]["name"] == "warren-ppo"
    (own,) = metrics_of(index, "donkey-generated-track-v0")
    low, high = confidence_interval(SCORES) or (0.0, 0.0)
    assert own == {
        "mean_reward": "512.50 +/- 3.25",
        "laps": 3.0,
        "mean_reward_interval": f"{low:.4g} to {high:.4g}",
    }
    assert metrics_of(index, PLACE) == [
        {"mean_reward": 99.5, "laps": 1.5},
        {"laps": 3, "crashes": 1, "total_sec": 51.5, "best_lap_sec": 12.25},
    ]
    assert "trained again on 5 fresh seeds" in card
    assert "![A lap](replay.gif)" in card
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sha256"] == sha256(folder / "model.zip")
    assert manifest["params"]["warm_start"] == "old.zip"
    for path in folder.iterdir():
        assert str(study).encode() not in path.read_bytes(), "no path of this machine is published"
        assert b"/home/ann" not in path.read_bytes()


def test_the_bundled_champion_can_be_pushed_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    argv = ["ann/b", "--model", "bundled", "--dry-run", "--out", str(out)]
    argv += ["--results-dir", str(tmp_path / "none")]
    assert main(argv) == 0
    told = capsys.readouterr().out
    assert "no film" in told
    has_tflite = (out / "champion.tflite").exists()
    assert has_tflite == ("no champion.tflite" not in told)
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "the score may be luck" in card
    assert has_tflite == ("tflite" in front_matter(card)["tags"])
    from agent.training.saved_model import read_driver
    from agent.trials.champion import check_trust

    check_trust(out / "model.zip")
    params, _ = read_driver(out / "model.zip")
    assert params["agent"] == "ppo"


def test_a_trial_s_own_folder_can_be_pushed(tmp_path: Path) -> None:
    trial = tmp_path / "trial"
    trial.mkdir()
    (trial / "model.zip").write_bytes(b"a model")
    result = {"mean_reward": 5.5, "std_reward": 0.5, "score": {"laps": [1, 3]}}
    result["model_sha256"] = sha256(trial / "model.zip")
    (trial / "result.json").write_text(json.dumps(result))
    (trial / "config.json").write_text(json.dumps({"agent": "dqn", "env": [PLACE]}))
    argv = ["ann/b", "--model", str(trial), "--dry-run", "--out", str(tmp_path / "out")]
    assert main([*argv, "--results-dir", str(tmp_path)]) == 0
    head = front_matter((tmp_path / "out" / "README.md").read_text(encoding="utf-8"))
    assert metrics_of(head["model-index"], PLACE) == [{"mean_reward": "5.50 +/- 0.50", "laps": 2.0}]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--out", "{study}/models"], "holds champion; name another or give --overwrite"),
        (["--model", "{study}/model.zip"], "is not what manifest.json or result.json beside it"),
        (["--model", "{study}/nothing"], "does not exist"),
        (["--film", "{study}/model.zip"], "is no .mp4 or .gif"),
    ],
)
def test_what_cannot_be_pushed_is_refused(
    study: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    more = [option.format(study=study) for option in more]
    assert words in refusal(main, arguments(study, "--dry-run", *more), study, capsys)


@pytest.mark.parametrize(
    "name", ["warren", "a/b/c", "a/", "/b", "a/../b", "a/b--c", "-a/b", "a b/c"]
)
def test_a_name_that_the_hub_cannot_have_is_refused(
    name: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--dry-run", *arguments(study)[1:], "--", name]
    assert "is no name on the hub; write USER/NAME" in refusal(main, argv, study, capsys)


def test_a_second_folder_replaces_ours_when_asked_for(study: Path) -> None:
    argv = arguments(study, "--dry-run", "--out", str(study / "out"))
    assert main(argv) == 0
    film = study / "out" / "replay.gif"
    (study / "out" / "notes").write_text("mine")
    assert main([*argv, "--overwrite", "--film", str(film)]) == 0
    assert film.read_bytes() == b"GIF89a"
    assert (study / "out" / "notes").read_text() == "mine"


def test_without_the_hub_s_package_nothing_is_written(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    line = refusal(main, arguments(study), study, capsys)
    assert "huggingface_hub is not installed" in line
    assert "[hub]" in line


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a push talks to, on this machine."""

    files: dict[str, bytes]

    @property
    def address(self) -> str:
        return f"http://{self.headers['Host']}"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/repos/create":
            self.answer({"url": f"{self.address}/ann/{json.loads(body)['name']}"})
        elif self.path.endswith("/preupload/main"):
            asked = json.loads(body)["files"]
            modes = [{"path": each["path"], "uploadMode": "regular"} for each in asked]
            self.answer({"files": [mode | {"shouldIgnore": False} for mode in modes]})
        elif self.path.endswith("/validate-yaml"):
            self.answer({"errors": [], "warnings": []})
        else:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.files[line["value"]["path"]] = content
            place = f"{self.address}/ann/warren-ppo/commit/{COMMIT}"
            self.answer({"commitOid": COMMIT, "commitUrl": place})

    def do_GET(self) -> None:
        self.answer({})

    def answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hub() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Gives the address of a hub, and the files that it gets."""
    found: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnHub", (Hub,), {"files": found}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_folder_is_uploaded(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip(
        "huggingface_hub.constants", reason="needs huggingface_hub (the extra named hub)"
    )
    with hub() as (address, found):
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
        assert main(arguments(study)) == 0
    folder = study / "results" / "hub" / "ann" / "warren-ppo"
    assert found == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_hub_that_is_not_there_is_told_in_a_line(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    constants = pytest.importorskip(
        "huggingface_hub.constants", reason="needs huggingface_hub (the extra named hub)"
    )
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    assert main(arguments(study)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "error: not uploaded:" in line
