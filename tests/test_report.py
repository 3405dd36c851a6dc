from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.report import main
from agent.trials.record import Record
from tests.evil_values import EVIL
from tests.reporting.synthetic_study import records_of, write_ledger

ROOT = Path(__file__).resolve().parents[1]
PICTURES = tuple(
    f"{name}.png"
    for name in ("scores", "parallel", "slices", "importance", "stopping", "statuses", "throughput")
)


def page(tmp_path: Path, records: list[Record]) -> str:
    results = write_ledger(tmp_path / "results", records)
    assert main(["--results-dir", str(results), "--models-dir", str(tmp_path / "models")]) == 0
    return page_in(results / "report")


def page_in(out: Path) -> str:
    assert {path.name for path in out.iterdir()} == {*PICTURES, "report.html"}
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)
    return (out / "report.html").read_text(encoding="utf-8")


def page_of_a_process_without_torch(tmp_path: Path) -> str:
    """Runs the report from inside agent/, with the trials for TensorBoard as well."""
    probe = (
        "import runpy, sys\n"
        "sys.argv = ['report.py', '--tensorboard', *sys.argv[1:]]\n"
        "heavy = {'torch', 'stable_baselines3', 'numba', 'gymnasium'}\n"
        "try: runpy.run_path('report.py', run_name='__main__')\n"
        "finally: print(sorted(heavy & set(sys.modules)))"
    )
    out = tmp_path / "again"
    folders = ["--results-dir", tmp_path / "results", "--models-dir", tmp_path / "models"]
    done = subprocess.run(
        [sys.executable, "-c", probe, *map(str, folders), "--out", str(out)],
        cwd=ROOT / "agent",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"report: {out / 'report.html'}", "[]"]
    shutil.rmtree(out / "tensorboard")
    return page_in(out)


def odd(record: Record) -> Record:
    """A record that a stranger might have written: no time, a huge score, a word for a number."""
    params = {
        "agent": record.params["agent"],
        "learning_rate": "?" if record.trial == 2 else record.trial,
    }
    return replace(
        record, timestamp="never", params=params, mean_reward=record.trial * 1e299, run_status="ok"
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    try:
        code = main(list(arguments))
    except SystemExit as stop:  # argparse's own way
        code = int(stop.code or 0)
    assert code == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def write_champions(models: Path) -> None:
    """Champions of two tasks."""
    manifest = {"trial": 7, "confirmation": {"seeds": 3}, "sha256": "f" * 64}
    for name, env in (("champion", ["a", "b"]), ("champion-c-1a2b", ["c"])):
        (models / name).mkdir(parents=True)
        document = manifest | {"params": {"agent": "ppo", "env": env}}
        (models / name / "manifest.json").write_text(json.dumps(document))


def write_races(results: Path, films: Path) -> None:
    """A race that was filmed, and an evaluation."""
    films.mkdir()
    (films / "warren.gif").write_bytes(b"GIF89a")
    driven = {"total_sec": 131.25, "laps": 10, "crashes": 1, "lap_times": [12.5]}
    race = {"env": "warren", "races": {"trained": driven}, "films": str(films)}
    (results / "races.jsonl").write_text(json.dumps(race) + "\n[\n")
    evaluation = {"env": "donkey-mountain-track-v0", "mean_reward": 12.5, "verdict": "partly"}
    (results / "evaluations.jsonl").write_text(json.dumps(evaluation) + "\n")


def test_a_study_of_both_algorithms_is_one_page_that_needs_no_network(tmp_path: Path) -> None:
    write_champions(tmp_path / "models")
    results = write_ledger(tmp_path / "results", [])
    write_races(results, tmp_path / "race")
    html = page(tmp_path, records_of(12))
    assert html.count('src="data:image/png;base64,') == len(PICTURES)
    assert re.findall(r"https?:|src=\"(?!data:)|href=|@import|<script", html) == []
    assert "took &lt;too&gt; long" in html, "what a record says is text, not markup"
    for text in (
        "<td>params: env</td><td>a, b</td>",
        "<td>task</td><td>c</td>",
        "<td>trained</td><td>131.2</td><td>10</td><td>1</td><td>12.5</td>",
        "data:image/gif;base64,R0lGODlh",
        "<td>confirmation: seeds</td><td>3</td>",
        "f" * 64,
        "partly",
    ):
        assert text in html
    rows = [
        row
        for row in html.split("<tr>")
        if re.match(r"<td>(search|replicate) \d+</td><td>2026", row)
    ]
    assert len(rows) == 12
    assert all("<td>-</td>" in row for row in rows if "<td>ppo</td>" in row), (
        "action bins are DQN's"
    )
    places = [
        html.index(text)
        for text in ('alt="trials per hour', "<h2>Films", "<h2>Champions", "<h2>All")
    ]
    assert places == sorted(places), "pictures come first"
    assert html.count("<details>") == 3, "a champion's manifest and the trials are folded"
    again = page_of_a_process_without_torch(tmp_path)
    assert again == html, "the same ledger gives the same bytes"


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([], "The ledgers hold no trial yet."),
        (records_of(1, failing=0.0), "1 trials, 1 with a score, 1 configurations."),
        (records_of(3, failing=1.0), "No trial has a score yet"),
        ([odd(record) for record in records_of(4)], "4 with a score"),
    ],
    ids=["none", "one", "failures", "odd"],
)
def test_any_ledger_makes_a_report(tmp_path: Path, records: list[Record], text: str) -> None:
    assert text in " ".join(page(tmp_path, records).split())


def test_what_cannot_be_read_or_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no folder" in refused(capsys, "--results-dir", str(tmp_path / "none"))
    results = write_ledger(tmp_path / "results", [])
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "report")
    assert "choose another" in refused(capsys, "--results-dir", str(results), "--out", out)
    (tmp_path / "champion").mkdir()
    (tmp_path / "champion" / "manifest.json").write_text("{")
    arguments = ("--results-dir", str(results), "--models-dir", str(tmp_path))
    assert "cannot read the champion's manifest" in refused(capsys, *arguments)
    (tmp_path / "champion" / "manifest.json").write_text("[" * 100_000)
    assert "cannot read the champion's manifest" in refused(capsys, *arguments)
    assert "unrecognized arguments" in refused(capsys, "--colour")


def test_a_ledger_of_evil_lines_makes_a_report_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.reporting.convergence.POINTS", 2)
    record = json.loads(records_of(1, failing=0.0)[0].to_line())
    names = ("params", "timestamp", "elapsed_sec", "score", "rungs", "mean_reward", "cause")
    lines = [json.dumps(record | {name: "@"}) for name in names]
    lines += [json.dumps(record | {"params": {**record["params"], "gamma": "@", "n_envs": 0}})]
    evil = [line.replace('"@"', value) for line in lines for value in EVIL]
    results = tmp_path / "results"
    write_ledger(results, records_of(4))
    with (results / "autoresearch_results.jsonl").open("a") as ledger:
        ledger.write("\n".join(evil) + "\n")
    before = (results / "autoresearch_results.jsonl").read_bytes()
    folders = ["--results-dir", str(results), "--models-dir", str(tmp_path / "models")]
    assert main([*folders, "--tensorboard"]) == 0
    skipped = capsys.readouterr().err.splitlines()
    assert len(evil) / 4 < len(skipped) < len(evil)
    assert all(re.search(r"results.jsonl:\d+: no record", line) for line in skipped)
    assert (results / "autoresearch_results.jsonl").read_bytes() == before


def test_nothing_of_the_page_reaches_beyond_a_narrow_screen(tmp_path: Path) -> None:
    """Pictures scale, texts wrap, and rows of wide tables are cards, each cell after its column."""
    html = page(tmp_path, [])
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    assert "@media (prefers-color-scheme: dark)" in html
    narrow = html[html.index("@media (max-width: 700px)") :]
    for kind in ("configurations", "best", "races", "evaluations", "trials"):
        assert f".{kind}, .{kind} tbody, .{kind} tr, .{kind} td {{ display: block }}" in narrow
    assert '.trials td:nth-child(3)::before { content: "status  " }' in narrow
    assert not re.search(r"white-space: *nowrap", html)
