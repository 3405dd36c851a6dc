from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from agent.watching.curves import MOST_POINTS, read_curves


def write(folder: Path, points: list[tuple[str, int, float]]) -> Path:
    """Writes what TensorBoard reads, as TensorBoard does."""
    path = folder / "tb" / "events.out.tfevents.1.host.2.0"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=1.5, file_version="brain.Event:2").SerializeToString())
        for tag, step, value in points:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            event = Event(wall_time=2.5, step=step, summary=summary)
            writer.write(event.SerializeToString())
        writer.flush()
    return path


def test_curves_are_what_was_written(tmp_path: Path) -> None:
    write(tmp_path, [("a", 1, 0.5), ("b", 1, -2.0), ("a", 300, 0.25), ("a", 2**40, 1e-20)])
    curves = read_curves(tmp_path)
    assert list(curves) == ["a", "b"]
    assert curves["a"] == [(1, 0.5), (300, 0.25), (2**40, pytest.approx(1e-20))]
    assert curves["b"] == [(1, -2.0)]


def test_numbers_that_are_none_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, [("a", 1, math.nan), ("a", 2, math.inf), ("a", 3, 1.0)])
    assert read_curves(tmp_path) == {"a": [(3, 1.0)]}


def test_a_long_curve_is_thinned_and_keeps_its_end(tmp_path: Path) -> None:
    write(tmp_path, [("a", step, float(step)) for step in range(1, 5001)])
    (points,) = read_curves(tmp_path).values()
    assert len(points) == MOST_POINTS
    assert points[-1] == (5000, 5000.0)
    assert points == sorted(set(points))


def test_a_file_that_is_being_written_is_read_so_far(tmp_path: Path) -> None:
    path = write(tmp_path, [("a", 1, 0.5), ("a", 2, 0.25)])
    data = path.read_bytes()
    path.write_bytes(data[:-3])  # within the last checksum
    assert read_curves(tmp_path) == {"a": [(1, 0.5), (2, 0.25)]}
    path.write_bytes(data[:-20])
    assert read_curves(tmp_path) == {"a": [(1, 0.5)]}


def test_a_damaged_file_harms_nobody(tmp_path: Path) -> None:
    path = write(tmp_path, [("a", step, 0.5) for step in range(20)])
    data = path.read_bytes()
    rng = random.Random(0)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(3):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        read_curves(tmp_path)


def test_a_trial_without_curves_has_none(tmp_path: Path) -> None:
    assert read_curves(tmp_path) == {}
