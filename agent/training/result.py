"""The ``result.json`` of a trial: how it ended, and its score if it has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import files
from agent.config.plain import read_object
from agent.training.checkpoints import write_json

if TYPE_CHECKING:
    from agent.evaluation.episodes import Score

OK = "ok"


def outcome(status: str, cause: str | None, score: Score | None = None) -> dict[str, Any]:
    """The part of a result that says how the trial ended.

    :param status: a record's ``run_status``
    :param cause: in words; None for an end by itself
    :param score: of the final evaluation; None for no such
    """
    found: dict[str, Any] = {
        "run_status": status,
        "cause": cause,
        "mean_reward": None,
        "std_reward": None,
        "score": None,
    }
    if score is not None:
        found["mean_reward"] = score.mean_reward
        found["std_reward"] = score.std_reward
        found["score"] = score.to_json()
    return found


def read_result(folder: Path) -> dict[str, Any]:
    """The ``result.json`` of a trial; empty where there is none that can be read."""
    try:
        return read_object(folder / files.RESULT, nan_as_none=True)
    except (OSError, ValueError):
        return {}


def is_done(folder: Path) -> bool:
    """True if the trial in a folder came to its end with a score."""
    return read_result(folder).get("run_status") == OK


def write_result(folder: Path, result: dict[str, Any], *, has_opened: bool) -> str:
    """Writes a result, but never a failure over a score; says in words where it is.

    A failure of a training that went on after its score stands beside that, under ``resumed``.

    :param folder: the trial's, made when absent
    :param result: of this run
    :param has_opened: this run has written into the folder
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / files.RESULT
    if result["run_status"] == OK or not is_done(folder):
        write_json(path, result)
        return f"see {path}"
    if has_opened:
        sha = result["model_sha256"]
        write_json(path, read_result(folder) | {"model_sha256": sha, "resumed": result})
    return f"{path} has the score of before"
