"""The simulated cluster: it is the controller's own night, and the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments import scale


@pytest.fixture(autouse=True)
def _suggestions_are_made_here(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork of a process that holds what other tests have loaded takes longer than they do."""
    monkeypatch.setattr("agent.study.study.run_in_fork", lambda work: work())


def night(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    """The rows of a night, whose controller takes no time."""
    assert scale.main(["--speed", "inf", *argv]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def records(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def test_slots_are_busy_and_every_trial_is_recorded_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "ledger.jsonl"
    argv = ("--slots", "8", "--trials", "24", "--ledger", str(kept))
    *rows, total = night(capsys, *argv)
    assert total["trials"] == 24
    assert total["busy"] > 0.95
    assert rows[-1]["records"] == 24
    assert 0.0 <= rows[-1]["regret"] < 1.0
    assert sorted(record["trial"] for record in records(kept)) == list(range(1, 25))
    # A training takes some 300 s, and three rounds of eight are run.
    assert 600.0 < 3600.0 * total["hours"] < 3000.0


def test_equal_seeds_give_equal_nights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("--slots", "4", "--trials", "12", "--known", "30", "--ledger")
    told = []
    for name in ("one.jsonl", "two.jsonl"):
        night(capsys, *argv, str(tmp_path / name))
        told.append(
            [
                (each["trial"], each["params"], each["mean_reward"], each["suggestion"])
                for each in records(tmp_path / name)
            ]
        )
    assert len(told[0]) == 42
    assert told[0] == told[1]
