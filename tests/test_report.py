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


def test_a_study_of_both_algorithms_is_one_page_that_needs_no_network(tmp_path: Path) -> None:
    champion_dir = tmp_path / "models" / "champion"
    champion_dir.mkdir(parents=True)
    params = {"agent": "ppo", "env": ["a", "b"]}
    manifest = {"trial": 7, "params": params, "confirmation": {"seeds": 3}, "sha256": "f" * 64}
    (champion_dir / "manifest.json").write_text(json.dumps(manifest))
    results = write_ledger(tmp_path / "results", [])
    evaluation = {
        "env": "donkey-mountain-track-v0",
        "mean_reward": 12.5,
        "generalisation_gap": None,
        "verdict": "partly",
    }
    (results / "evaluations.jsonl").write_text(json.dumps(evaluation) + "\n")

    html = page(tmp_path, records_of(12))
    assert html.count('src="data:image/png;base64,') == len(PICTURES)
    assert re.findall(r"https?:|src=\"(?!data:)|href=|@import|<script", html) == []
    assert "took &lt;too&gt; long" in html, "what a record says is text, not markup"
    for text in (
        "<td>params: env</td><td>a, b</td>",
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
    assert "cannot be written" in refused(capsys, "--results-dir", str(results), "--out", out)
    (tmp_path / "champion").mkdir()
    (tmp_path / "champion" / "manifest.json").write_text("{")
    arguments = ("--results-dir", str(results), "--models-dir", str(tmp_path))
    assert "cannot read the champion's manifest" in refused(capsys, *arguments)
    assert "unrecognized arguments" in refused(capsys, "--colour")
