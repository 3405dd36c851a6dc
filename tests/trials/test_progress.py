"""Progress: what the controller reads of a running trial."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from agent.executors.base import read_progress
from agent.trials.progress import Rung, read_rungs
from tests.evil_values import EVIL


def progress(folder: Path, *evaluations: tuple[int, float], tail: str = "") -> Path:
    lines = [json.dumps({"timesteps": steps, "mean_reward": score}) for steps, score in evaluations]
    (folder / "progress.jsonl").write_text("".join(line + "\n" for line in lines) + tail)
    return folder


def test_a_rung_is_the_best_checkpoint_of_the_first_evaluation_there(tmp_path: Path) -> None:
    folder = progress(tmp_path, (2000, 5.0), (2600, 3.0), (5100, 4.0), (10_000, 9.0))
    assert read_rungs(folder, 10_000) == (
        Rung(0.25, 2600, 5.0),
        Rung(0.5, 5100, 5.0),
        Rung(1.0, 10_000, 9.0),
    )


def test_a_trial_half_way_through_a_line_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    assert read_rungs(tmp_path, 100) == ()
    folder = progress(tmp_path, (25, 1.0), tail='{"timesteps": 50, "mean_re')
    assert read_rungs(folder, 100) == (Rung(0.25, 25, 1.0),)
    assert read_rungs(progress(tmp_path, (25, float("nan"))), 100) == ()


@pytest.mark.parametrize("data", [3, {}, {"share": 0.25, "timesteps": 5, "mean_reward": None}])
def test_what_is_no_rung_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="is no rung"):
        Rung.from_json(data)


def test_a_line_of_progress_of_any_value_is_read_or_left_out(tmp_path: Path) -> None:
    good = '{"timesteps": 50, "mean_reward": 2.5}'
    lines = [
        line.replace('"@"', evil)
        for line in ('"@"', '{"timesteps": "@", "mean_reward": 1}', good.replace("2.5", '"@"'))
        for evil in EVIL
    ]
    (tmp_path / "progress.jsonl").write_text("\n".join([*lines, good]) + "\n")
    read = read_progress(tmp_path)
    assert read[-1] == (50, 2.5)
    assert all(type(timesteps) is int and math.isfinite(score) for timesteps, score in read)
