"""The newcomer's page: each command of it is run, in an empty folder, with the wheel installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installed import bring_kernels, build_wheel

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "five-minutes.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the page takes its time for, and what a test does instead.
SHORTER = {
    "--laps 3": "--laps 1 --no-baselines",
    "--model mine --laps 1": "--model mine --laps 1 --no-baselines",
    "--timesteps 40000": "--timesteps 512",
}
# Offline, and into a folder of the test's own, as pip reads it from its environment.
PIP_SETTINGS = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_COMPILE": "1", "PIP_QUIET": "1"}
CAR_COMMANDS = ROOT / ".venv-car" / "bin"  # of make car-test
LIMIT_SEC = 600  # compiling takes longest


def section(title: str) -> str:
    """Text below a heading, to the next."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and text of each block of code."""
    return BLOCK.findall(text)


def run(language: str, code: str, folder: Path, environment: dict[str, str]) -> str:
    """Runs a block of the page; returns what it printed."""
    call = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[language]
    done = subprocess.run(
        [*call, code],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SEC,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}"
    return done.stdout


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


CAR_BLOCKS = blocks(section("Put it on the car"))


@pytest.mark.slow
def test_every_command_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed, which builds the wheel: pip install setuptools")
    packages = tmp_path / "packages"
    work = tmp_path / "empty"
    work.mkdir()
    shutil.copy(build_wheel(ROOT, tmp_path), work)
    folders = [str(packages / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {"PYTHONPATH": str(packages), "PATH": os.pathsep.join(folders)}
    text = PAGE.replace(section("Put it on the car"), "")
    for whole, part in SHORTER.items():
        assert whole in text
        text = text.replace(whole, part)
    text = text.replace("9091", free_port())
    (language, code), *rest = blocks(text)
    run(language, code, work, environment | PIP_SETTINGS | {"PIP_TARGET": str(packages)})
    bring_kernels(ROOT, packages)
    printed = "".join(run(*block, work, environment) for block in rest)
    assert (work / "outerloop-results" / "races.jsonl").is_file()
    for film in ("film/warren.gif", "film/warren.mp4", "mine/warren.gif"):
        assert (work / film).is_file()
    assert (work / "mine" / "model.zip").is_file()
    assert re.search(r"^lap 1  \d+\.\d\d s", printed, re.MULTILINE)
    assert re.search(r"^\d\.\d\d laps$", printed, re.MULTILINE)


def on_the_checkout(code: str, folder: Path) -> None:
    """Runs a block of the page with ``autoresearch`` of the checkout and donkeycar's commands."""
    ours = 'autoresearch() { "$PYTHON" -m agent.autoresearch "$@"; }\n'
    path = os.pathsep.join([os.environ["PATH"], str(CAR_COMMANDS)])
    environment = {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable, "PATH": path}
    run("bash", ours + code, folder, environment)


def skip_without_export() -> None:
    for module in ("ai_edge_litert", "flatbuffers"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed, which files for cars need: make test has it")


@pytest.mark.slow
def test_the_file_for_a_car_is_written(tmp_path: Path) -> None:
    skip_without_export()
    code = CAR_BLOCKS[0][1]
    on_the_checkout(code, tmp_path)
    assert (tmp_path / "champion.tflite").stat().st_size > 0


@pytest.mark.slow
def test_the_car_is_created(tmp_path: Path) -> None:
    skip_without_export()
    if not (shutil.which("donkey") or (CAR_COMMANDS / "donkey").is_file()):
        pytest.skip("donkeycar is not installed: make car-test has it in .venv-car")
    code = CAR_BLOCKS[1][1]
    on_the_checkout(code, tmp_path)
    assert (tmp_path / "mycar" / "manage.py").is_file()
    assert (tmp_path / "mycar" / "models" / "champion.tflite").is_file()


def test_the_page_has_blocks_of_the_kinds_that_are_run() -> None:
    found = blocks(PAGE)
    assert PAGE.count("\n```") == 2 * len(found)
    assert {language for language, _ in found} == {"bash", "python"}
    assert len(CAR_BLOCKS) == 2
