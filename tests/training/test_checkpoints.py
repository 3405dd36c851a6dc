from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.training.checkpoints import append_line, clear_outputs, save_model, write_json


class _Model:
    """Saves half a file and fails, as a full disk makes it."""

    def save(self, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left on device")


def test_a_failed_save_leaves_the_model_before_it_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"whole")
    with pytest.raises(OSError, match="no space"):
        save_model(_Model(), tmp_path / "model.zip")  # type: ignore[arg-type]
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("model.zip", b"whole")
    ]


def test_json_is_replaced_whole_and_never_holds_nan(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(path, {"mean_reward": 1.5})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"mean_reward": float("nan")})
    assert json.loads(path.read_text()) == {"mean_reward": 1.5}
    assert list(tmp_path.iterdir()) == [path]


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    append_line(path, {"a": 1})
    with path.open("a") as file:
        file.write('{"b":')
    append_line(path, {"c": 3})
    assert path.read_text() == '{"a": 1}\n{"b":\n{"c": 3}\n'


def test_outputs_of_an_earlier_trial_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    for name in ("model.zip", "last_model.zip", "result.json", "progress.jsonl", "notes.txt"):
        (tmp_path / name).write_text("old")
    clear_outputs(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
