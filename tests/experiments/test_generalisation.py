"""Rows of the generalisation experiment: they are configurations, and old results stay readable."""

from __future__ import annotations

import pytest

from agent.config import files
from agent.config.command_line import trial_config
from agent.donkeycar_sb3_runner import build_parser
from experiments.generalisation import read_lines, table_row
from experiments.generalisation_rows import ROWS, THE_PRESET, runner_options

COMMITTED = files.REPO_ROOT / "docs" / "results" / "generalisation.jsonl"


def params_of(row: str) -> dict[str, object]:
    argv = [*runner_options(row), "--save-dir", "unused"]
    return trial_config(build_parser(argv).parse_args(argv)).to_params()


@pytest.mark.parametrize("row", [row for row in ROWS if row != THE_PRESET])
def test_a_row_differs_from_the_preset(row: str) -> None:
    assert params_of(row) != params_of(THE_PRESET)


def test_committed_lines_have_a_row_of_today() -> None:
    lines = read_lines(COMMITTED)
    assert {line["row"] for line in lines} <= set(ROWS)
    assert [line for line in lines if line["row"] == "no expert: PPO"]


def test_a_row_of_the_table_is_that_of_the_document() -> None:
    lines = [line for line in read_lines(COMMITTED) if line["row"] == THE_PRESET]
    assert table_row(lines) == (
        "| the preset | 3 | 150,000 | 90 | 7 8 9 | 8.0 | - | - | 0.76 | 0.47 |"
    )
