"""What a night pushes: nothing unasked, and else enough for the next night in a clone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agent import autoresearch_controller
from agent.trials.champion import check_trust, read_manifest
from tests.controllers import Run, exit_code, ledger, log, rewards

NIGHT = ("--agent", "ppo", "--confirm-seeds", "0")
BRANCH = "autoresearch/results"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def pushes(folder: Path) -> list[str]:
    """Lines of the log about pushing, without their times."""
    lines = [line.split(" ", 2)[2] for line in log(folder).splitlines()]
    return [line for line in lines if line.startswith("push")]


@pytest.fixture
def origin(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The remote of ``tmp_path``, whose results and models are in a work tree."""
    origin = tmp_path_factory.mktemp("origin")
    git(origin, "init", "--quiet", "--bare")
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*.zip\n")
    git(tmp_path, "remote", "add", "origin", str(origin))
    return origin


@pytest.mark.parametrize("more", [(), ("--push-every", "0"), ("--push", "--push-every", "0")])
def test_nothing_is_pushed_unasked(run: Run, origin: Path, tmp_path: Path, more: list[str]) -> None:
    assert run(rewards(1.0), *NIGHT, "--trials", "1", *more) == 0
    assert git(origin, "branch") == ""
    assert pushes(tmp_path) == []


def test_a_clone_of_what_was_pushed_goes_on(run: Run, origin: Path, tmp_path: Path) -> None:
    assert run(rewards(1.0, 3.0, 2.0), *NIGHT, "--trials", "3", "--push-every", "2") == 0
    promise, *pushed = pushes(tmp_path)
    assert promise.startswith(f"pushing every 2 trials to branch {BRANCH} of origin ({origin})")
    assert pushed == [f"pushed: Results up to trial {trial} to {BRANCH}" for trial in (2, 3)]

    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(origin), "clone")
    clone = tmp_path / "clone"
    check_trust(clone / "models" / "champion" / "model.zip")
    manifest = read_manifest(clone / "models" / "champion")
    assert manifest is not None and manifest["mean_reward"] == 3.0
    night = (*NIGHT, "--trials", "1", "--push")
    assert exit_code(autoresearch_controller, clone, *night) == 0
    assert [record["trial"] for record in ledger(clone)] == [1, 2, 3, 4]
    assert git(origin, "show", f"{BRANCH}:results/autoresearch_results.jsonl").count("\n") == 4


def test_where_nothing_can_be_pushed_a_night_says_so_and_goes_on(run: Run, tmp_path: Path) -> None:
    assert run(rewards(1.0), *NIGHT, "--trials", "1", "--push") == 0
    assert pushes(tmp_path) == [f"pushing nothing: {tmp_path / 'results'} is in no git work tree"]
    assert len(ledger(tmp_path)) == 1
