"""Installed as a package: results are of the working directory, the champion is inside."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import agent
from agent import autoresearch
from agent.config import command_name, files
from tests.installed import Installed, install

ROOT = Path(__file__).parents[1]
WHERE = """
from agent.config import files, provenance
folders = files.RESULTS_DIR, files.MODELS_DIR, files.RUNS_DIR
print(files.CHECKOUT, provenance.git_commit(), provenance.git_dirty(), *map(str, folders))
print(*map(files.shown_path, folders), files.BUNDLED_DIR)
"""


def put(folder: Path, *, project: str | None = None) -> Path:
    """Copies the part of the package that says where things are, and writes a pyproject.toml."""
    shutil.copytree(
        ROOT / "agent" / "config",
        folder / "agent" / "config",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "agent" / "__init__.py", folder / "agent")
    if project:
        (folder / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    return folder


def told_in(work: Path, package: Path, **environment: str) -> list[str]:
    """What the package says when it is imported in the folder ``work``."""
    done = subprocess.run(
        [sys.executable, "-c", WHERE],
        cwd=work,
        env=os.environ | {"PYTHONPATH": str(package)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.fixture
def others_repository(tmp_path: Path) -> Path:
    """A project of somebody else with a commit, in whose folder this one is used."""
    folder = tmp_path / "other project"
    folder.mkdir()
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    """Makes a repository of all that is in the folder; returns its commit."""
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e"]
    for call in ("init", "add .", "commit --allow-empty --message first"):
        subprocess.run([*git, *call.split()], check=True, stdout=subprocess.DEVNULL)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


def test_installed_all_is_below_the_working_directory(others_repository: Path) -> None:
    package = put(others_repository / ".venv" / "lib" / "site-packages")
    (others_repository / "pyproject.toml").write_text('[project]\nname = "other"\n')
    work = others_repository / "night"
    work.mkdir()
    folders = [str(work / name) for name in ("outerloop-results", "models", "runs")]
    assert told_in(work, package) == [
        f"False None None {' '.join(folders)}",
        f"outerloop-results models runs {package}/agent/bundled",
    ]


def test_another_project_beside_the_package_makes_no_checkout(tmp_path: Path) -> None:
    package = put(tmp_path / "lib", project="other")
    assert told_in(tmp_path, package)[1].startswith("outerloop-results models runs ")


def test_unpacked_in_anothers_repository_it_has_no_commit(others_repository: Path) -> None:
    package = put(others_repository / "vendored", project=agent.PRODUCT)
    told = told_in(others_repository, package)
    assert told[0].startswith(f"True None None {package}/agent/outerloop-results ")
    assert told[1].startswith("agent/outerloop-results agent/models agent/runs ")


def test_of_another_users_checkout_the_commit_is_told_too(tmp_path: Path) -> None:
    package = put(tmp_path / "root's", project=agent.PRODUCT)
    own = commit(package)
    told = told_in(tmp_path, package, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert told[0].startswith(f"True {own} False ")


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/usr/bin/autoresearch-report", "autoresearch-report"),
        ("agent/report.py", "report.py"),
        ("/usr/bin/pytest", "report.py"),
        ("-c", "report.py"),
        ("", "report.py"),
    ],
)
def test_a_command_has_the_name_that_it_was_called_by(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert command_name.command_name("/lib/agent/report.py") == name


def test_every_program_is_a_command_under_a_name_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for program, target in project()["scripts"].items():
        monkeypatch.setattr(sys, "argv", [f"/usr/bin/{program}"])
        module = target.partition(":")[0].replace(".", "/")
        assert command_name.command_name(f"/lib/{module}.py") == program


def test_a_remedy_names_a_command_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_name.to_run("report.py", "report") == "report.py"
    monkeypatch.setattr(files, "CHECKOUT", False)
    assert command_name.to_run("report.py", "report") == "autoresearch report"


@pytest.mark.parametrize("verb", [[], *([name] for name in autoresearch.VERBS)], ids=str)
def test_each_command_tells_its_version(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        autoresearch.main([*verb, "--version"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(" ".join(["autoresearch", *verb, str(project()["version"])]))
    assert told.count("\n") == 1


def test_the_version_is_said_once() -> None:
    assert agent.__version__ == project()["version"]


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(files.PROJECT.read_text())["project"]
    return table


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed, which builds the wheel: pip install setuptools")
    return install(ROOT, tmp_path_factory.mktemp("a wheel"))


def test_the_wheel_has_the_champion_and_every_file_that_commands_read(
    installed: Installed,
) -> None:
    tracked = {
        path.relative_to(ROOT)
        for path in (ROOT / "agent").rglob("*")
        if (path.suffix in (".py", ".json", ".j2", ".zip") or path.parent.name == "page")
        and not path.is_relative_to(files.MODELS_DIR)
        and not path.is_relative_to(files.RESULTS_DIR)
        and not path.is_relative_to(files.RUNS_DIR)
    }
    assert {path for path in installed.files() if path.parts[0] == "agent"} == tracked
    names = {path.name for path in installed.files()}
    assert {"LICENSE", "NOTICE", *project()["scripts"]} <= names


@pytest.mark.slow
def test_a_trial_a_race_and_a_night_from_an_empty_folder(
    installed: Installed, tmp_path: Path
) -> None:
    before = installed.files()
    short = ("--agent", "ppo", "--eval-episodes", "1", "--max-episode-steps", "50")
    calls = {
        "trial": ("train", *short, "--timesteps", "100", "--save-dir", "trial"),
        "race": ("race", "--laps", "1", "--env", "donkey-warren-track-v0", "--no-baselines"),
        "night": (
            *("search", *short, "--trials", "2"),
            *("--min-timesteps", "64", "--max-timesteps", "100"),
        ),
    }
    running = {}
    for name, call in calls.items():
        (tmp_path / name).mkdir()
        running[name] = installed.start(tmp_path / name, *call)
    told = {name: process.communicate(timeout=300)[0] for name, process in running.items()}
    codes = {name: process.returncode for name, process in running.items()}
    assert codes == dict.fromkeys(calls, 0), told
    assert (tmp_path / "trial" / "trial" / "model.zip").is_file()
    assert {path.name for path in (tmp_path / "trial").iterdir()} == {"trial"}
    assert (tmp_path / "race" / "outerloop-results" / "races.jsonl").is_file()
    assert {path.name for path in (tmp_path / "race").iterdir()} == {"outerloop-results"}
    assert {path.name for path in (tmp_path / "night").iterdir()} == {"models", "outerloop-results"}
    ledger = tmp_path / "night" / "outerloop-results" / "autoresearch_results.jsonl"
    assert ledger.read_text().count('"run_status": "ok"') == 2
    assert " models/champion/model.zip" in told["night"]
    assert (tmp_path / "night" / "models" / "champion" / "model.zip").is_file()
    assert installed.files() == before
