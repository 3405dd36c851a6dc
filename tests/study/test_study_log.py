"""The log of a study that searches many parameters: its lines stay short and say what differs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.controllers import Run, log

SPACE = """
[[parameter]]
name = "gamma"
low = 0.9
high = 0.99

[[parameter]]
name = "clip_range"
low = 0.1
high = 0.4
"""


def lines_of(tmp_path: Path, words: str) -> list[str]:
    """Lines of the log with these words, without their times."""
    return [line[20:] for line in log(tmp_path).splitlines() if words in line]


def test_lines_stay_short_whatever_the_space(run: Run, tmp_path: Path) -> None:
    plan = {"*": {"mean_reward": 5.0}}
    assert run(plan, "--trials", "3", "--agent", "ppo", "--space", "full") == 0
    candidates = lines_of(tmp_path, "  candidate ")
    starts = lines_of(tmp_path, " starts (")
    assert len(candidates) == 5
    assert len(starts) == 3
    assert max(map(len, candidates + starts)) <= 100
    assert all(re.search(r" and \d+ more$", line) for line in candidates + starts)
    assert not any("agent ppo" in line for line in candidates), "it differs in none of them"


def test_a_result_shows_what_was_searched(run: Run, tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text(SPACE)
    argv = ("--trials", "2", "--agent", "ppo", "--space", str(space), "--gamma", "0.95")
    assert run({"*": {"mean_reward": 5.0}}, *argv) == 0
    [first, second] = lines_of(tmp_path, "search trial ")
    assert first.endswith("| ppo gamma 0.95 clip_range 0.2")
    assert re.search(r"\| ppo gamma 0\.9\d* clip_range 0\.\d+$", second)
