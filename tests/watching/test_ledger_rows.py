from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.watching.ledger_rows import COLUMNS, LedgerRows
from tests.evil_values import EVIL
from tests.watching.pretend_night import append, make_night

LEDGER = "autoresearch_results.jsonl"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_night(tmp_path, 5)[0]


def rows(ledger: LedgerRows, after: int = 0) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, json.loads(row), strict=True)) for row in ledger.rows_after(after)]


def test_it_goes_on_where_it_was_left(results: Path) -> None:
    ledger = LedgerRows(results / LEDGER, "trial")
    assert not ledger.read_on()
    assert [row["trial"] for row in rows(ledger)] == [1, 2, 3, 4, 5]
    append(results, 6, cause="<script>alert(1)</script>", run_status="crashed", mean_reward=None)
    assert not ledger.read_on()
    (news,) = rows(ledger, 5)
    assert (news["trial"], news["status"], news["score"]) == (6, "crashed", None)
    assert news["cause"] == "<script>alert(1)</script>"


def test_a_line_that_is_being_written_waits_for_its_end(results: Path) -> None:
    ledger = LedgerRows(results / LEDGER, "trial")
    ledger.read_on()
    with (results / LEDGER).open("a") as file:
        file.write('{"trial": 6, "run_')
    ledger.read_on()
    assert ledger.lines == 5
    with (results / LEDGER).open("a") as file:
        file.write('status": "ok", "params": {}}\n')
    ledger.read_on()
    assert [row["trial"] for row in rows(ledger, 5)] == [6]


def test_rows_and_their_base_give_the_parameters_back(results: Path) -> None:
    ledger = LedgerRows(results / LEDGER, "trial")
    ledger.read_on()
    for row in rows(ledger):
        record = ledger.record(row["trial"])
        assert record is not None
        base = ledger.bases[f"trial {row['agent']}"]
        found = {
            name: value for name, value in {**base, **row["params"]}.items() if value is not None
        }
        apart = ("agent", "env", "seed")
        assert found == {name: v for name, v in record["params"].items() if name not in apart}


@pytest.mark.parametrize("evil", EVIL)
def test_an_unreadable_line_is_counted_and_left_out(results: Path, evil: str) -> None:
    with (results / LEDGER).open("a") as file:
        file.write(f'{evil}\n{{"trial": NaN}}\n')
    append(results, 7)
    ledger = LedgerRows(results / LEDGER, "trial")
    ledger.read_on()
    assert [row["trial"] for row in rows(ledger)] == [1, 2, 3, 4, 5, 7]
    assert ledger.unreadable == 2
    assert ledger.lines == 8


def test_a_ledger_that_was_begun_anew_is_another(results: Path) -> None:
    ledger = LedgerRows(results / LEDGER, "trial")
    ledger.read_on()
    before = ledger.identity
    (results / LEDGER).unlink()
    append(results, 1)
    assert ledger.read_on()
    assert ledger.identity != before
    assert len(rows(ledger)) == 1
    (results / LEDGER).write_text("")
    assert ledger.read_on()
    assert rows(ledger) == []


def test_an_absent_ledger_has_no_rows(tmp_path: Path) -> None:
    ledger = LedgerRows(tmp_path / LEDGER, "trial")
    assert not ledger.read_on()
    assert ledger.cursor == "-:0"


@pytest.mark.parametrize("evil", EVIL)
def test_whatever_a_record_holds_its_row_is_json(results: Path, evil: str) -> None:
    record = json.loads((results / LEDGER).read_text().splitlines()[0])
    with (results / LEDGER).open("a") as file:
        for number, name in enumerate([*record, "agent", "env", "gamma"], start=100):
            changed = json.loads(json.dumps(record | {"trial": number}))
            inner = changed if name in record else changed["params"]
            inner[name] = "here"
            file.write(json.dumps(changed).replace('"here"', evil) + "\n")
    ledger = LedgerRows(results / LEDGER, "trial")
    ledger.read_on()
    assert len(rows(ledger)) + ledger.unreadable == ledger.lines
    assert [row["trial"] for row in rows(ledger)][:5] == [1, 2, 3, 4, 5]
    json.dumps(ledger.bases, allow_nan=False)
    for row in ledger.rows:
        json.loads(row, parse_constant=lambda name: pytest.fail(name))
