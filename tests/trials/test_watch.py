"""What a person at a terminal is shown, and nobody else."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.trials.log import TrialLog
from agent.trials.record import Record
from agent.trials.watch import Watch, in_hours

ESCAPE = "\x1b"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def watched(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Screen:
    """Puts a terminal in the place of stdout, as pytest does with its own after the fixtures."""
    shown = Screen()
    monkeypatch.setattr("sys.stdout", shown)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    return shown


def test_the_time_left_is_that_of_the_trials_done(
    clock: list[float], record: Callable[..., Record]
) -> None:
    watch = Watch(asked=10)
    assert watch.in_words({1: 0.25}, slots=2) == "0 of 10 trials, trial 1 25%"
    watch.note(record(1, elapsed_sec=50.0))
    watch.note(record(2, elapsed_sec=70.0))
    assert watch.left_sec([3, 4], slots=2) == pytest.approx((6 * 60 + 2 * 60) / 2)
    clock[0] += 20.0
    assert watch.left_sec([3, 4], slots=2) == pytest.approx((6 * 60 + 2 * 40) / 2)
    clock[0] += 1000.0
    assert watch.in_words({3: 0.5, 4: 1.0}, slots=2) == (
        "2 of 10 trials, ETA 3:00, trial 3 50%, trial 4 100%"
    )
    assert in_hours(3725.2) == "1:02:05"


def test_the_bar_is_drawn_twice_a_second_where_it_is_known_what_was_asked(
    clock: list[float],
) -> None:
    watch = Watch(asked=1)
    assert [watch.due(), watch.due()] == [True, False]
    clock[0] += 0.6
    assert watch.due()
    assert not Watch().due()


def test_colour_and_bar_are_for_the_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = watched(monkeypatch)
    log = TrialLog(tmp_path / "log.txt")
    assert log.terminal is not None
    log.terminal.show(2.5, 10, "2 of 10 trials, ETA 3:00")
    log.say("search trial 1 ok in 1.5 s [/red] 100%")
    log.terminal.close()
    shown = screen.getvalue()
    assert "2 of 10 trials, ETA 3:00" in shown
    assert f"{ESCAPE}[32msearch trial 1 ok in 1.5 s [/red] 100%" in shown
    kept = (tmp_path / "log.txt").read_text()
    assert kept.endswith(" search trial 1 ok in 1.5 s [/red] 100%\n")
    assert ESCAPE not in kept


def test_no_color_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch, NO_COLOR="1")
    TrialLog(tmp_path / "log.txt").say("search trial 1 ok in 1.5 s")
    assert screen.getvalue() == "search trial 1 ok in 1.5 s\n"


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_pipe_gets_plain_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr("sys.stdout", pipe)
    monkeypatch.setenv(variable, "1")
    log = TrialLog(tmp_path / "log.txt")
    log.say("search trial 1 ok in 1.5 s")
    assert log.terminal is None
    assert pipe.getvalue() == "search trial 1 ok in 1.5 s\n"
