"""The image's recipe, without building it: its files, its commands, its user, its port."""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from agent import autoresearch, donkey_sim

ROOT = Path(__file__).resolve().parents[1]
RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Every instruction's name and text, with continued lines in one."""
    rows = [row for row in RECIPE.splitlines() if row and not row.startswith("#")]
    whole = "\n".join(rows).replace("\\\n", " ").splitlines()
    return [(name, rest.strip()) for name, _, rest in (row.partition(" ") for row in whole)]


def texts(name: str) -> list[str]:
    return [text for each, text in instructions() if each == name]


def last(name: str) -> str:
    return texts(name)[-1]


def calls() -> list[list[str]]:
    """What follows ``autoresearch`` wherever it is called, in the comments too."""
    run = re.findall(
        r"autoresearch ((?:drive|train) [^&]*|search [^&\n]*)", RECIPE.replace("\\\n", " ")
    )
    entry = json.loads(last("ENTRYPOINT"))
    assert entry == ["autoresearch"]
    return [*map(shlex.split, run), json.loads(last("CMD"))]


@pytest.mark.parametrize("call", calls(), ids=" ".join)
def test_its_commands_are_there(call: list[str]) -> None:
    verb, *options = call
    parser: argparse.ArgumentParser = importlib.import_module(
        autoresearch.VERBS[verb].module
    ).build_parser()
    parser.parse_args(options)


def test_it_calls_the_verbs_that_it_is_for() -> None:
    assert {call[0] for call in calls()} == {"drive", "train", "search", "simulate"}


def test_its_port_is_the_simulator_s() -> None:
    served = donkey_sim.build_parser().parse_args(json.loads(last("CMD"))[1:])
    assert str(served.port) == last("EXPOSE") == str(donkey_sim.build_parser().parse_args([]).port)
    assert served.host == "0.0.0.0"  # loopback would be the container's own


def test_it_has_a_user_without_rights_and_a_volume_where_it_works() -> None:
    assert int(last("USER")) >= 1000  # a number, for those who ask that it is not root
    assert last("VOLUME") == last("WORKDIR")


def test_its_python_is_one_that_the_package_runs_on() -> None:
    (base,) = texts("FROM")
    version = tuple(map(int, base.removeprefix("python:").partition("-")[0].split(".")))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))
    assert version >= least


def test_all_that_it_copies_is_there_and_reaches_the_build() -> None:
    copied = [name for text in texts("COPY") for name in text.split()[:-1]]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {project["readme"], *project["license-files"], "pyproject.toml", "agent"} <= set(copied)
    let_in = {
        row.removeprefix("!")
        for row in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if row.startswith("!")
    }
    for name in copied:
        assert (ROOT / name).exists()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in let_in)
