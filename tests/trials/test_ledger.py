from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.errors import UserError
from agent.config.files import REPO_ROOT
from agent.trials.ledger import Ledger
from agent.trials.record import Record

WRITER = """
import sys
from pathlib import Path
from agent.trials.ledger import Ledger
from agent.trials.record import Record
for trial in range(int(sys.argv[2]), int(sys.argv[3])):
    Ledger(Path(sys.argv[1])).append(Record(
        trial=trial, timestamp="t", params={"fill": "x" * 5000}, mean_reward=1.0, std_reward=None,
        model_path=None, champion=False, elapsed_sec=0.0, run_status="ok"))
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def test_an_absent_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.load() == []


def test_records_come_back_in_order(ledger: Ledger, record: Callable[..., Record]) -> None:
    records = [
        record(1),
        record(2, None, run_status="timeout", cause="too long"),
        record(3, kind="sweep"),
    ]
    for each in records:
        ledger.append(each)
    assert ledger.load() == records


def test_a_torn_line_costs_itself_only(
    ledger: Ledger, record: Callable[..., Record], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.append(record(1))
    torn = record(2).to_line()[:80]
    with ledger.path.open("a") as file:
        file.write(torn)
    assert [each.trial for each in ledger.load()] == [1]
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert f"{ledger.path}:2" in warning
    assert torn[:40] in warning
    assert "mend or delete" in warning
    ledger.append(record(3))
    assert [each.trial for each in ledger.load()] == [1, 3]
    assert capsys.readouterr().err == ""
    assert Path(f"{ledger.path}.torn").read_text() == torn + "\n"


def test_a_ledger_cut_at_any_byte_loads_all_complete_records_and_goes_on(
    tmp_path: Path, record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "os.fsync", lambda _: None
    )  # thousands of appends; what is tested is the bytes
    whole = Ledger(tmp_path / "whole.jsonl")
    for trial in range(1, 11):
        whole.append(record(trial, float(trial)))
    data = whole.path.read_bytes()
    ends = [place for place, byte in enumerate(data) if byte == 10]
    cut = Ledger(tmp_path / "cut.jsonl")
    # Every byte round three ends of lines, and every 61st elsewhere; make soak takes every one.
    places = [
        k
        for k in range(len(data) + 1)
        if k % 61 == 0 or any(abs(k - ends[line]) < 30 for line in (0, 4, 9))
    ]
    for place in places:
        cut.path.write_bytes(data[:place])
        complete = sum(
            end <= place for end in ends
        )  # a line that lacks only its newline is complete
        cut.append(record(99))
        assert [each.trial for each in cut.load()] == [*range(1, complete + 1), 99], place
        assert cut.path.read_bytes().count(b"\n") == complete + 1


def test_a_disk_that_fills_up_in_the_middle_of_a_line_leaves_none(
    ledger: Ledger, record: Callable[..., Record]
) -> None:
    """The kernel itself cuts the write: no file may grow beyond the 20th byte of the new line."""
    ledger.append(record(1))
    before = ledger.path.read_bytes()
    limit = "import resource; "
    limit += (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))\n"
    )
    command = [
        sys.executable,
        "-c",
        "import sys; " + limit + WRITER,
        str(ledger.path),
        "2",
        "3",
        str(len(before) + 20),
    ]
    done = subprocess.run(command, cwd=REPO_ROOT, capture_output=True, text=True)
    assert "free some space" in done.stderr and done.returncode == 1
    assert ledger.path.read_bytes() == before
    ledger.append(record(2))
    assert [each.trial for each in ledger.load()] == [1, 2]


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe\x00", b"null", b'{"trial": 1}', b"{}{}", b'"\xe2\x80\xa8"']
)
def test_garbage_is_skipped_and_kept(
    ledger: Ledger, record: Callable[..., Record], garbage: bytes
) -> None:
    ledger.path.write_bytes(garbage + b"\n\n")
    ledger.append(record(1))
    assert [each.trial for each in ledger.load()] == [1]
    assert ledger.path.read_bytes().startswith(garbage + b"\n")


def test_a_last_line_without_newline_is_read(ledger: Ledger, record: Callable[..., Record]) -> None:
    ledger.path.write_text(record(1).to_line())
    ledger.append(record(2))
    assert [each.trial for each in ledger.load()] == [1, 2]


def test_a_folder_in_its_place_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the ledger"):
        Ledger(tmp_path).load()


def test_two_processes_append_at_once(ledger: Ledger) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(ledger.path), str(start), str(start + 50)],
            cwd=REPO_ROOT,
        )
        for start in (0, 50)
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0]
    assert sorted(each.trial for each in ledger.load()) == list(range(100))
    assert ledger.path.read_text().count("\n") == 100


@pytest.mark.parametrize("size", [5, 17 * 1024**2])
def test_a_torn_line_of_any_length_goes_whole(
    ledger: Ledger, record: Callable[..., Record], size: int
) -> None:
    ledger.append(record(1))
    with ledger.path.open("ab") as file:
        file.write(b"x" * size)
    ledger.append(record(2))
    assert [each.trial for each in ledger.load()] == [1, 2]
    assert Path(f"{ledger.path}.torn").stat().st_size == size + 1


def test_a_line_of_any_length_and_depth_costs_itself_only(
    ledger: Ledger, record: Callable[..., Record], capsys: pytest.CaptureFixture[str]
) -> None:
    line = record(1).to_line()
    evil = [
        line.replace('"ok"', '"' + "x" * 17 * 1024**2 + '"'),
        line.replace('"ok"', "[" * 100_000),
        line.replace('"ok"', "9" * 400),
        line.replace('"t', '"\0'),
        "\0" * 1000,
    ]
    ledger.path.write_text("\n".join([*evil, line]) + "\n")
    assert [each.trial for each in ledger.load()] == [1]
    warnings = capsys.readouterr().err.splitlines()
    assert [
        f"{ledger.path}:{number}: " in warning for number, warning in enumerate(warnings, 1)
    ] == ([True] * len(evil))
    assert max(map(len, warnings)) < 500
