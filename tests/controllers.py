"""The controller around trials that are only pretended, for tests of whole studies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., int]


def folders(tmp_path: Path) -> list[str]:
    return ["--results-dir", str(tmp_path / "results"), "--models-dir", str(tmp_path / "models")]


def exit_code(module: Any, tmp_path: Path, *argv: str) -> int:
    """Runs a command line over ``folders`` without a cool-down."""
    try:
        return int(module.main([*folders(tmp_path), "--cooldown", "0", *argv]))
    except SystemExit as refused:
        return int(str(refused.code))


def rewards(*values: float) -> dict[str, Any]:
    """A plan of trials with these scores."""
    return {
        f"trial-{trial:03d}": {"mean_reward": value} for trial, value in enumerate(values, start=1)
    }


def ledger(tmp_path: Path, name: str = "autoresearch_results.jsonl") -> list[dict[str, Any]]:
    path = tmp_path / "results" / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def log(tmp_path: Path) -> str:
    return (tmp_path / "results" / "autoresearch_log.txt").read_text()
