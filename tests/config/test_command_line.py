"""The command line of a trial, and of every command as far as a trial's parameters go."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from agent import autoresearch_controller, donkeycar_outer_loop, donkeycar_sb3_runner
from agent.config.command_line import TrialParser, trial_config
from agent.config.flat import arguments_of, facts_in
from agent.config.presets import PRESETS
from agent.config.trial import TrialConfig
from agent.worlds.base import WORLDS
from tests.config.configurations import CONFIGS

FIXTURES = Path(__file__).parents[1] / "fixtures"
COMMANDS = (donkeycar_sb3_runner, autoresearch_controller, donkeycar_outer_loop)
# Options of each command before it had those of today, with a value each.
OLD_OPTIONS: dict[str, list[list[str]]] = {}
for line in (FIXTURES / "options_before.txt").read_text().splitlines():
    if not line.startswith("#"):
        command, *argv = line.split()
        OLD_OPTIONS.setdefault(command, []).append(argv)
# Arguments without which a command line is not complete.
NEEDED = {"record_drive": ["--driver", "follower", "--out", "drive.npz"]}


@pytest.fixture
def line_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")


def parse(*argv: str) -> argparse.Namespace:
    parser = TrialParser(argv, "train", "[OPTION ...]", "For tests.")
    parser.add_configuration()
    return parser.parse_args(argv)


def config_of(*argv: str) -> TrialConfig:
    return trial_config(parse(*argv))


def refusal(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        parse(*argv)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def output(capsys: pytest.CaptureFixture[str], module: Any, *argv: str) -> str:
    try:
        code = module.main(argv)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 0
    return capsys.readouterr().out


@given(CONFIGS)
def test_the_runner_parses_the_very_configuration_that_was_launched(config: TrialConfig) -> None:
    assert config_of(*config.to_argv()) == config


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_its_parameters_and_what_is_given_beside_it_wins(preset: str) -> None:
    params = PRESETS[preset]
    assert config_of("--preset", preset) == TrialConfig.of(**params)
    assert config_of(*arguments_of(params)) == TrialConfig.of(**params)
    config = config_of("--timesteps", "77", f"--preset={preset}", "--n-envs", "3")
    assert config == TrialConfig.of(**params | {"timesteps": 77, "n_envs": 3})


def test_the_generalist_sees_random_roads_only() -> None:
    assert set(PRESETS["generalist"]["env"]) <= {
        "donkey-random-track-v0",
        "donkey-generated-roads-v0",
    }


def test_a_file_wins_over_a_preset_and_an_option_over_both(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("timesteps = 500\nroads = 64\nreward_shaping = true\n")
    argv = ["--config", str(path), "--preset", "generalist", "--roads", "32", "--no-reward-shaping"]
    params = config_of(*argv).to_params()
    assert (params["timesteps"], params["roads"], params["reward_shaping"]) == (500, 32, False)
    assert params["imitation_share"] == 0.5


@pytest.mark.parametrize("place", ["option", "file", "both"])
def test_the_options_are_those_of_the_world_that_is_named(
    place: str, line_world: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('world = "line"\nframe_stack = 3\n')
    named = ["--world=line"] if place == "option" else ["--config", str(path)]
    if place == "both":
        named += ["--world", "line"]
    assert config_of(*named, "--gamma", "0.5").to_params()["world"] == "line"
    assert "--max-cte 3" in refusal(capsys, *named, "--max-cte", "3")


def test_a_preset_or_a_file_of_another_world_is_refused(
    line_world: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(capsys, "--world", "line", "--preset", "generalist")
    assert "preset 'generalist' is unknown in world 'line'; it has none" in line
    path = tmp_path / "mine.toml"
    path.write_text("max_cte = 3\n")
    line = refusal(capsys, "--world", "line", "--config", str(path))
    assert "unknown parameter 'max_cte'" in line


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--world", "moon"], "world 'moon' is unknown; choose from donkey"),
        (["--world"], "argument --world: expected one argument"),
        (["--preset", "racer"], "preset 'racer' is unknown in world 'donkey'; it has generalist"),
        (["--config", "nowhere.toml"], "config nowhere.toml cannot be read"),
        (["--timesteps", "many"], "argument --timesteps: 'many' is no whole number; give one"),
        (["--gamma", "nan"], "argument --gamma: 'nan' is no number; give one"),
        (["--wings", "2"], "unrecognized arguments: --wings 2"),
    ],
)
def test_a_mistake_is_one_line(
    argv: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(capsys, *argv)
    assert line.startswith("train: error: ")
    assert message in line
    assert line.endswith("(see train --help)")


def test_help_shows_the_common_options_and_help_all_every_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    common = output(capsys, donkeycar_sb3_runner, "--help")
    everything = output(capsys, donkeycar_sb3_runner, "--help-all")
    assert len(common.splitlines()) < 50
    assert "--help-all shows every one" in common
    for name, facts in facts_in("donkey").items():
        option = "--" + name.replace("_", "-")
        assert f"  {option}" in everything
        assert (f"  {option}" in common) == facts.common
    for old in ("--taught", "--lesson-weight", "--crossroads", "--growing"):
        assert old not in everything
    assert max(map(len, everything.splitlines())) <= 100


@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.PROG)
def test_what_is_printed_is_the_same_command_line_as_a_file(
    module: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--throttle-max", "0.5", "--seed", "3", "--env", "donkey-warren-track-v0"]
    printed = output(capsys, module, *argv, "--print-config")
    path = tmp_path / "printed.toml"
    path.write_text(printed)
    assert output(capsys, module, "--config", str(path), "--print-config") == printed
    assert "throttle_max = 0.5" in printed


def test_the_grid_s_axes_may_stand_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "grid.toml"
    path.write_text("n_steer = [3, 9]\nlearning_rate = 0.001\n")
    printed = output(capsys, donkeycar_outer_loop, "--config", str(path), "--print-config")
    assert printed.startswith("# 4 cells\n")
    assert "n_steer = [3, 9]" in printed
    assert "learning_rate = [0.001]" in printed


def test_the_grid_is_dqns_in_a_world_with_action_bins(
    line_world: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ppo.toml"
    path.write_text('agent = "ppo"\n')
    assert donkeycar_outer_loop.main(["--config", str(path)]) == 2
    assert "agent 'ppo' has no action bins; the grid needs dqn" in capsys.readouterr().err
    assert donkeycar_outer_loop.main(["--world", "line"]) == 2
    assert "world 'line' has no n_steer, which the grid needs" in capsys.readouterr().err


def test_a_study_trains_with_shaping_unless_a_file_or_an_option_says_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(*argv: str) -> str:
        return output(capsys, autoresearch_controller, *argv, "--print-config")

    path = tmp_path / "plain.json"
    path.write_text(json.dumps({"reward_shaping": False}))
    assert "reward_shaping = true" in printed()
    assert "reward_shaping = false" in printed("--no-reward-shaping")
    assert "reward_shaping = false" in printed("--config", str(path))
    assert "reward_shaping = true" in printed("--config", str(path), "--reward-shaping")


@pytest.mark.parametrize("name", sorted(OLD_OPTIONS))
def test_every_option_of_before_is_still_one(name: str) -> None:
    module = importlib.import_module(f"agent.{name}")
    for argv in OLD_OPTIONS[name]:
        if argv[0] not in ("-h", "--help"):
            parser = module.build_parser(argv) if module in COMMANDS else module.build_parser()
            parser.parse_args([*NEEDED.get(name, []), *argv])
