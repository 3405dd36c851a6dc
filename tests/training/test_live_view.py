from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.config import files, snapshot
from agent.config.snapshot import Snapshots
from agent.config.trial import TrialConfig
from agent.training.live_view import tiled
from agent.training.run import run_trial
from agent.training.saved_model import load_model
from tests.watched import picture_in, watching

LEFT = {files.WATCH, files.SNAPSHOT}


@pytest.mark.parametrize("age_sec", [0.0, 2.5, -2.0, 3.5, 60.0, -60.0])
def test_a_snapshot_is_due_while_the_watch_is_young(tmp_path: Path, age_sec: float) -> None:
    watch = tmp_path / files.WATCH
    watch.touch()
    touched = time.time() - age_sec
    os.utime(watch, (touched, touched))
    assert Snapshots(tmp_path).due() == (abs(age_sec) < 3.0)


def test_nobody_watches_an_absent_file(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    assert not snapshots.due()
    (tmp_path / files.WATCH).touch()
    assert not snapshots.due()  # it has looked a moment ago
    time.sleep(snapshot.LOOK_EVERY_SEC)
    assert snapshots.due()
    assert not snapshots.due()  # one was due a moment ago


def test_where_nothing_can_be_written_nothing_happens(tmp_path: Path) -> None:
    Snapshots(tmp_path / "nowhere").write({"camera": b"x"}, {})
    Snapshots(tmp_path).write({"camera": b"x"}, {"speed": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("shape", "frames", "expected"),
    [
        ((1, 40, 80), 1, (40, 80)),
        ((2, 40, 80), 2, (80, 80)),
        ((3, 40, 80), 3, (120, 80)),
        ((3, 96, 96), 1, (96, 96, 3)),
        ((4, 96, 96), 4, (96, 384)),
        ((6, 96, 96), 2, (96, 192, 3)),
        ((5, 84, 84), 2, (84, 420)),
    ],
)
def test_an_observation_is_one_picture(
    shape: tuple[int, int, int], frames: int, expected: tuple[int, ...]
) -> None:
    observation = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    picture = tiled(observation, frames)
    assert picture.shape == expected
    first = observation[0, 0, 0] if len(expected) == 2 else observation[:3, 0, 0]
    assert (picture[0, 0] == first).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "ppo", "frame_stack": 2},
        {
            "agent": "dqn",
            "learning_starts": 8,
            "buffer_size": 100,
            "observation": "raw",
            "reward_term": ["progress"],
        },
    ],
    ids=["one for all cars", "side by side, in colour, off-policy"],
)
def test_who_watches_sees_the_car_and_changes_nothing(
    tmp_path: Path,
    changes: dict[str, Any],
    tiny: Callable[..., TrialConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "SHOW_EVERY_SEC", 0.0)
    config = tiny(timesteps=256, **changes)
    alone, _ = run_trial(config, tmp_path / "alone")
    with watching(tmp_path / "watched") as seen:
        watched, _ = run_trial(config, tmp_path / "watched")
    assert watched.to_json() == alone.to_json()
    models = [
        load_model(tmp_path / name / files.LAST_MODEL, config, "cpu")
        for name in ("alone", "watched")
    ]
    one, other = ([*model.policy.parameters()] for model in models)
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert not LEFT & {path.name for path in (tmp_path / "alone").iterdir()}
    assert {facts["phase"] for facts, _ in seen} >= {"evaluation"}
    for facts, pictures in seen:
        assert picture_in(pictures["camera"]).shape == (120, 160, 3)
        assert picture_in(pictures["camera"]).std() > 10.0
        assert picture_in(pictures["observation"]).std() > 5.0
        assert facts["timesteps" if facts["phase"] == "training" else "reward"] is not None
        assert set(facts["gauges"]) == {"speed m/s", "steering", "throttle", "laps"}
        assert abs(facts["gauges"]["steering"]) <= 1.0
        assert facts["episode"] >= 1
