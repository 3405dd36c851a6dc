from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agent.trials.publish import publish


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    ):
        monkeypatch.setenv(name, "somebody@example.org")
    tree = tmp_path / "tree"
    tree.mkdir()
    git(tree, "init", "--quiet", "--initial-branch=main")
    (tree / "ledger.jsonl").write_text("{}\n")
    (tree / "private.txt").write_text("not for the remote\n")
    return tree


def test_nothing_happens_outside_a_work_tree(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("{}\n")
    assert publish([tmp_path / "ledger.jsonl"], "results") is None


def test_nothing_happens_without_a_remote(work_tree: Path) -> None:
    assert publish([work_tree / "ledger.jsonl"], "results") is None
    assert git(work_tree, "status", "--porcelain", "ledger.jsonl").startswith("??")


def test_the_paths_alone_are_pushed(work_tree: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(work_tree, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(work_tree, "add", "private.txt")
    paths = [work_tree / "ledger.jsonl", work_tree / "absent.json"]
    assert publish(paths, "Results up to trial 10") == "pushed: Results up to trial 10"
    assert git(tmp_path / "remote.git", "ls-tree", "--name-only", "main") == "ledger.jsonl\n"
    assert publish(paths, "again") is None


def test_an_unreachable_remote_is_one_line(work_tree: Path, tmp_path: Path) -> None:
    git(work_tree, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    answer = publish([work_tree / "ledger.jsonl"], "results")
    assert answer is not None
    assert answer.startswith("push failed: ")
    assert "\n" not in answer
