"""For every option of every command a wrong value: the complaint names the option, and only ours.

An option is named as it was typed, and what the complaint advises exists in that very command.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from agent import (
    autoresearch_controller,
    createcar,
    donkey_sim,
    donkeycar_outer_loop,
    donkeycar_sb3_runner,
    drive,
    evaluate_champion,
    export_model,
    export_study,
    push_model,
    record_drive,
    report,
    robotini_sim,
)
from agent.config.flat import facts_in
from tests.refusals import refusal

TRAINERS = (donkeycar_sb3_runner, autoresearch_controller, donkeycar_outer_loop)
OTHERS = (
    createcar,
    evaluate_champion,
    record_drive,
    drive,
    donkey_sim,
    export_model,
    export_study,
    push_model,
    report,
    robotini_sim,
)
NEEDED = {
    record_drive: ["--driver", "follower"],
    createcar: ["--donkey", sys.executable, "car"],
    export_model: ["--format", "torchscript", "driver.pt"],
    push_model: ["ann/champion", "--dry-run", "--model", "bundled"],
}
FOLDERS = {
    donkeycar_sb3_runner: ["--save-dir"],
    autoresearch_controller: ["--results-dir", "--models-dir"],
    donkeycar_outer_loop: ["--results-dir", "--models-dir"],
    evaluate_champion: ["--results-dir"],
    record_drive: ["--out"],
    drive: [],
    donkey_sim: [],
    createcar: [],
    export_model: [],
    export_study: ["--results-dir", "--csv"],
    push_model: ["--results-dir"],
    report: ["--results-dir"],
    robotini_sim: [],
}
AGENT = {"demos": ["--agent", "dqn"]}  # ppo has no such option
WORK = (
    "agent.donkeycar_sb3_runner.Attempt.run",
    "agent.trials.session.TrialLoop",
    "agent.evaluate_champion.make_evaluator",
    "agent.record_drive.drive_episodes",
    "agent.deployment.export.export",
    "agent.export_study.write",
    "agent.push_model.write_folder",
    "agent.drive.open_env",
    "agent.drive.open_camera",
    "agent.reporting.page.write_report",
    "agent.simulator.server.Server.serve",
    "agent.worlds.robotini.simulator.server.Server.serve",
)
# Folders that are read, if they are there.
FREE = {
    (drive, "models_dir"),
    (evaluate_champion, "models_dir"),
    (createcar, "model"),  # looked for after a library that may be absent
    (createcar, "models_dir"),
    (export_model, "models_dir"),
    (export_study, "models_dir"),
    (push_model, "models_dir"),
    (report, "models_dir"),
}


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("it was not refused")

    for name in WORK:
        monkeypatch.setattr(name, work)


def parser_of(module: ModuleType) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = module.build_parser()
    return parser


def actions_of(module: ModuleType) -> Iterator[argparse.Action]:
    """Options that take a value."""
    for action in parser_of(module)._actions:
        if action.nargs != 0 and action.option_strings and (module, action.dest) not in FREE:
            yield action


def basis(module: ModuleType, folder: Path, option: str) -> list[str]:
    """A command line that would do for any other option."""
    argv = list(NEEDED.get(module, []))
    for each in FOLDERS[module]:
        argv += [each, str(folder / ("out.npz" if each == "--out" else "out"))]
    while option in argv:
        place = argv.index(option)
        del argv[place : place + 2]
    return argv


def wrong_values(action: argparse.Action, folder: Path) -> list[str]:
    """Values that the option cannot have."""
    if action.metavar == "DIR" and action.dest != "resume":
        return [str(folder / "file" / "below")]
    if action.type in (None, str, Path):
        return ["wrong/value"]
    return ["wrong", "-999999999"]


def complaints(module: ModuleType, folder: Path, capsys: Any) -> Iterator[tuple[str, str]]:
    """Every option of a command with the complaint about a wrong value."""
    for action in actions_of(module):
        for option in action.option_strings:
            argv = basis(module, folder, option) + AGENT.get(action.dest, [])
            for value in wrong_values(action, folder):
                yield option, refusal(module.main, [*argv, f"{option}={value}"], folder, capsys)


@pytest.mark.parametrize("module", [*TRAINERS, *OTHERS], ids=lambda module: module.__name__)
def test_a_complaint_names_the_option_and_no_other_command_s(
    module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    known = {option for action in parser_of(module)._actions for option in action.option_strings}
    for option, line in complaints(module, tmp_path, capsys):
        named = re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)
        assert option in named, line
        assert set(named) <= known, line


NUMBERS = [
    name
    for name, facts in facts_in("donkey").items()
    if facts.kind in (int, float) and name != "seed"
]


@pytest.mark.parametrize("place", ["config", "set"])
def test_a_complaint_names_a_parameter_as_it_was_written(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "trials"
    folder.mkdir()
    file = tmp_path / "mine.toml"
    for name in NUMBERS:
        value = "-999999999"
        argv = basis(autoresearch_controller, folder, "")
        if place == "config":
            file.write_text(f"{name} = {value}\n")
            argv += ["--config", str(file)]
            written = f"{file}: {name} "
        else:
            argv += ["--set", f"{name.replace('_', '-')}={value}"]
            written = f"--set {name.replace('_', '-')}"
        assert written in refusal(autoresearch_controller.main, argv, folder, capsys)
