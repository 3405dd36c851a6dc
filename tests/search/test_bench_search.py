"""Runs of the benchmark can be kept, continued and reported; other repeats have other noise."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.benchmarks.search_live import SPACE, drawn, recorded_tables
from tests.benchmarks.search_tables import varied_tables

BENCH = Path(__file__).resolve().parents[1] / "benchmarks" / "bench_search.py"


def bench(runs: Path, *options: str) -> str:
    """What the benchmark prints of random search on one made table."""
    command = [
        sys.executable,
        str(BENCH),
        "--methods",
        "random",
        "--problems",
        "made ranges",
        "--trials",
        "10",
    ]
    run = subprocess.run(
        [*command, "--runs", str(runs), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout


def regrets(runs: Path) -> dict[int, float]:
    with gzip.open(runs, "rt") as text:
        return {line["repeat"]: line["run"]["10"] for line in map(json.loads, text)}


def test_kept_runs_are_continued_and_reported_alike(tmp_path: Path) -> None:
    at_once, in_parts = tmp_path / "at_once.jsonl.gz", tmp_path / "in_parts.jsonl.gz"
    table_at_once = bench(at_once, "--repeats", "4", "--first", "7")
    bench(in_parts, "--repeats", "2", "--first", "7")
    bench(in_parts, "--repeats", "4", "--first", "7")
    assert regrets(at_once) == regrets(in_parts)
    assert sorted(regrets(at_once)) == [7, 8, 9, 10]
    assert len(set(regrets(at_once).values())) > 1, "every repeat has its own noise"

    def table(text: str) -> list[str]:
        return [
            line for line in text.splitlines() if line.startswith(("| made", "| mean", "| repeats"))
        ]

    assert table(bench(in_parts, "--repeats", "0")) == table(table_at_once)
    assert "| repeats | 4 |" in table(table_at_once)
    assert "| repeats | 2 |" in table(bench(in_parts, "--repeats", "2", "--first", "9")), (
        "those asked for"
    )


def test_varied_tables_differ_and_stay_as_they_are() -> None:
    few, more = varied_tables(3), varied_tables(5)
    for one, again in zip(few, more, strict=False):
        assert one.name == again.name
        assert one.cells == again.cells
        assert [one.mean(cell) for cell in one.cells or []] == [
            again.mean(cell) for cell in again.cells or []
        ]
        assert one.trial(one.cells[3], 2, 1) == again.trial(one.cells[3], 2, 1)  # type: ignore[index]
        assert one.worst < one.best
    assert len({(problem.best, len(problem.cells or [])) for problem in more}) == 5


def test_recorded_trainings_are_tables_that_draw_one_of_a_configurations_seeds(
    tmp_path: Path,
) -> None:
    rng, recorded = np.random.default_rng(0), tmp_path / "trainings.jsonl"
    better, worse = SPACE.sample(rng), SPACE.sample(rng)
    scores = [
        ("live cartpole", better, 0, 300.0),
        ("live cartpole", worse, 0, 20.0),
        ("live donkey", worse, 0, 1.0),
    ]
    scores += [
        ("live cartpole", better, 1, 500.0),
        ("live cartpole", worse, 1, 40.0),
        ("live donkey", better, 0, 2.0),
    ]
    names = ("problem", "params", "seed", "score")
    recorded.write_text(
        "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in scores)
    )
    cartpole, car = recorded_tables(recorded)
    assert (cartpole.name, cartpole.best, cartpole.worst) == ("ppo cartpole", 400.0, 30.0)
    assert {cartpole.trial(better, 0, number) for number in range(20)} == {300.0, 500.0}
    assert (car.best, car.mean(better), car.regret(worse)) == (2.0, 2.0, 1.0)


def test_the_kept_trainings_are_of_every_configuration_with_every_seed() -> None:
    tables = recorded_tables()
    assert [problem.name for problem in tables] == ["ppo cartpole", "ppo donkey"]
    for problem, seeds in zip(tables, (5, 4), strict=True):
        assert problem.cells == drawn(64), "another space or draw: record the trainings anew"
        assert {len(scores) for scores in problem.seeds.values()} == {seeds}
