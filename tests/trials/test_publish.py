"""What is pushed, where to, and that nothing of the user's is touched by it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from pathlib import Path

import pytest

from agent.trials import publish
from agent.trials.champion import check_trust, read_manifest
from agent.trials.publish import CannotPublishError, Publisher, open_publisher
from tests.executors.waiting import alive

BRANCH = "autoresearch/night"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository; git knows no user."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.delenv(f"{who}_NAME", raising=False)
        monkeypatch.delenv(f"{who}_EMAIL", raising=False)
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    return tmp_path / "remote.git"


@pytest.fixture
def tree(tmp_path: Path, remote: Path) -> Path:
    """A work tree with a project, a ledger, and a champion whose model git ignores."""
    tree = tmp_path / "tree"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "tree")
    (tree / ".gitignore").write_text("*.zip\n")
    (tree / "project.py").write_text("print('drive')\n")
    git(tree, "add", ".")
    commit(tree, "The project")
    git(tree, "remote", "add", "origin", str(remote))
    (tree / "results").mkdir()
    (tree / "results" / "ledger.jsonl").write_text("{}\n")
    crown(tree / "champion", b"model")
    return tree


def commit(tree: Path, message: str) -> None:
    user = ("-c", "user.name=user", "-c", "user.email=user@example.org")
    git(tree, *user, "commit", "--quiet", "--message", message)


def crown(folder: Path, model: bytes, sha256: str = "") -> None:
    folder.mkdir(exist_ok=True)
    (folder / "model.zip").write_bytes(model)
    known = sha256 or hashlib.sha256(model).hexdigest()
    manifest = {"trial": 1, "mean_reward": 1.0, "params": {"gamma": 0.9}, "sha256": known}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def publisher(tree: Path) -> Publisher:
    return open_publisher(tree / "results", "night")


def push(tree: Path) -> str | None:
    paths = [tree / "results" / "ledger.jsonl", tree / "champion", tree / "absent.txt"]
    return publisher(tree).publish(paths, "Results up to trial 10")


def pushed(remote: Path, path: str = "") -> str:
    if path:
        return git(remote, "show", f"{BRANCH}:{path}")
    return git(remote, "ls-tree", "-r", "--name-only", BRANCH)


def hook(repository: Path, name: str, script: str) -> None:
    path = repository / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


PUSHED = f"pushed: Results up to trial 10 to {BRANCH}"


def test_the_paths_alone_are_pushed(tree: Path, remote: Path) -> None:
    (tree / "private.txt").write_text("not for the remote\n")
    git(tree, "add", "private.txt")
    hook(tree / ".git", "pre-commit", "exit 1")
    before = state(tree)
    assert push(tree) == PUSHED
    assert pushed(remote).split() == [
        ".gitignore",
        "champion/manifest.json",
        "champion/model.zip",
        "project.py",
        "results/ledger.jsonl",
    ]
    assert state(tree) == before
    assert git(remote, "branch", "--list", "main") == ""
    assert push(tree) is None


def state(tree: Path) -> list[str]:
    status = git(tree, "status", "--porcelain", "--branch", "--ignored")
    return [status, git(tree, "for-each-ref", "refs/heads"), git(tree, "ls-files", "-s")]


def test_a_clone_of_the_branch_has_the_champion(tree: Path, remote: Path, tmp_path: Path) -> None:
    push(tree)
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(remote), "clone")
    check_trust(tmp_path / "clone" / "champion" / "model.zip")
    assert read_manifest(tmp_path / "clone" / "champion") is not None
    add_record(tmp_path / "clone")
    assert push(tmp_path / "clone") == PUSHED
    assert pushed(remote, "results/ledger.jsonl") == "{}\n{}\n"


def test_the_author_is_the_user_if_git_knows_one(tree: Path, remote: Path) -> None:
    push(tree)
    assert git(remote, "log", "-1", "--format=%an %cn", BRANCH) == "autoresearch autoresearch\n"
    git(tree, "config", "user.name", "somebody")
    git(tree, "config", "user.email", "somebody@example.org")
    add_record(tree)
    push(tree)
    assert git(remote, "log", "-1", "--format=%an %cn", BRANCH) == "somebody somebody\n"


def add_record(tree: Path) -> None:
    with (tree / "results" / "ledger.jsonl").open("a") as ledger:
        ledger.write("{}\n")


def test_a_new_night_takes_the_code_of_its_start_along(tree: Path, remote: Path) -> None:
    push(tree)
    (tree / "project.py").write_text("print('faster')\n")
    git(tree, "add", ".")
    commit(tree, "Faster")
    add_record(tree)
    assert push(tree) == PUSHED
    assert "faster" in pushed(remote, "project.py")
    assert git(remote, "rev-list", "--count", BRANCH).strip() == "4"


def test_what_others_did_to_the_branch_stays(tree: Path, remote: Path, tmp_path: Path) -> None:
    """Even what they pushed after it was looked at, here from a hook."""
    push(tree)
    add_record(tree)
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(remote), "clone")
    (tmp_path / "clone" / "notes.md").write_text("a fine night\n")
    git(tmp_path / "clone", "add", ".")
    commit(tmp_path / "clone", "Notes")
    once = f'cd {tmp_path / "clone"} && git push -q 2>/dev/null && rm "$0" && exit 1; exit 0'
    hook(tree / ".git", "pre-push", f"unset GIT_DIR; ({once}); exit 0")
    assert push(tree) == PUSHED
    assert pushed(remote, "notes.md") == "a fine night\n"
    assert pushed(remote, "results/ledger.jsonl") == "{}\n{}\n"


def test_records_of_another_experiment_are_not_replaced(tree: Path, remote: Path) -> None:
    push(tree)
    (tree / "results" / "ledger.jsonl").write_text('{"trial": 1}\n')
    answer = push(tree)
    assert answer is not None and answer.startswith(f"push failed: branch {BRANCH} of origin has ")
    assert "--name" in answer
    assert pushed(remote, "results/ledger.jsonl") == "{}\n"


def test_what_is_not_whole_or_lies_elsewhere_is_left_out(
    tree: Path, remote: Path, tmp_path: Path
) -> None:
    crown(tree / "champion", b"model", sha256="of another")
    crown(tmp_path / "elsewhere", b"model")
    paths = [tree / "results" / "ledger.jsonl", tree / "champion", tmp_path / "elsewhere"]
    answer = publisher(tree).publish(paths, "Results")
    assert answer is not None and "model is not its manifest's" in answer
    assert f"elsewhere, which is outside of {tree}" in answer
    assert "champion" not in pushed(remote)


def test_a_hook_that_takes_too_long_is_ended_gently(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    script = f"trap 'echo ended > {told}; exit 1' TERM\necho $$ > {told}\nsleep 60 & wait"
    hook(tree / ".git", "pre-push", script)
    (tree / ".git" / "index.lock").write_text("the user's own")
    monkeypatch.setattr(publish, "LIMIT_SEC", 0.5)
    started = time.monotonic()
    answer = push(tree)
    assert time.monotonic() - started < 4.0
    assert answer == (
        "push failed: git push was ended, 0.5 s had passed;"
        " a hook, the network or a question for a password kept it"
    )
    assert told.read_text() == "ended\n"
    assert [path.name for path in (tree / ".git").rglob("*.lock")] == ["index.lock"]


def test_a_hook_that_hears_nothing_is_ended_too(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    hook(tree / ".git", "pre-push", f"trap '' TERM\necho $$ > {pid}\nsleep 60; sleep 60")
    monkeypatch.setattr(publish, "LIMIT_SEC", 0.5)
    assert str(push(tree)).startswith("push failed: git push was ended")
    deadline = time.monotonic() + 10.0
    while alive(int(pid.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(int(pid.read_text()))


@pytest.mark.parametrize(
    ("side", "name", "script", "reason"),
    [
        (
            "tree/.git",
            "pre-push",
            "echo checking; echo 3 tests fail; exit 1",
            "3 tests fail",
        ),
        (
            "remote.git",
            "pre-receive",
            "echo this branch is protected; exit 1",
            "(pre-receive hook declined); remote: this branch is protected",
        ),
    ],
)
def test_the_reason_of_a_refusal_is_told(
    tree: Path, tmp_path: Path, side: str, name: str, script: str, reason: str
) -> None:
    hook(tmp_path / side, name, script)
    answer = push(tree)
    assert answer is not None and answer.startswith("push failed: ") and answer.endswith(reason)
    assert "\n" not in answer and "hint" not in answer


def test_a_remote_that_is_not_there_is_one_line(tree: Path, tmp_path: Path) -> None:
    git(tree, "remote", "set-url", "origin", str(tmp_path / "nowhere.git"))
    expected = (
        f"push failed: fatal: '{tmp_path}/nowhere.git' does not appear to be a git repository"
    )
    assert push(tree) == expected


def test_a_password_in_an_address_is_not_told(tree: Path) -> None:
    git(tree, "remote", "set-url", "origin", "https://me:secret@example.invalid/x.git")
    promise = publisher(tree).promise(10)
    assert "https://example.invalid/x.git" in promise and "secret" not in promise
    assert promise.startswith(f"pushing every 10 trials to branch {BRANCH} of origin (https://")


def test_where_nothing_can_be_pushed_the_reason_is_told(tmp_path: Path, tree: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(CannotPublishError, match="outside is in no git work tree"):
        open_publisher(outside, "night")
    git(tree, "remote", "remove", "origin")
    with pytest.raises(CannotPublishError, match="no git remote; add one"):
        publisher(tree)


def test_a_repository_without_commits_and_without_a_name(tmp_path: Path, remote: Path) -> None:
    git(tmp_path, "init", "--quiet", "bare-bones")
    tree = tmp_path / "bare-bones"
    git(tree, "remote", "add", "upstream", str(remote))
    (tree / "my results").mkdir()
    (tree / "my results" / "ledger.jsonl").write_text("{}\n")
    nameless = open_publisher(tree / "my results", None)
    assert nameless.branch == "autoresearch/my-results"
    assert str(nameless.publish([tree / "my results" / "ledger.jsonl"], "R")).startswith("pushed:")
