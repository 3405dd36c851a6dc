"""Names: scenes stand for tasks, two spellings are one record, and near misses are told."""

from __future__ import annotations

from typing import Any

import pytest

from agent import autoresearch_controller, donkeycar_outer_loop, donkeycar_sb3_runner
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.worlds.base import world_named
from agent.worlds.comparisons import full_task
from agent.worlds.donkey.tasks import SCENE_OF_ENV

COMMANDS = (donkeycar_sb3_runner, autoresearch_controller, donkeycar_outer_loop)
WARREN = "donkey-warren-track-v0"


def printed(capsys: pytest.CaptureFixture[str], module: Any, *argv: str) -> list[str]:
    """Lines of ``--print-config``."""
    assert module.main([*argv, "--print-config"]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], module: Any, *argv: str) -> str:
    try:
        code = module.main(argv)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(("env_id", "scene"), SCENE_OF_ENV.items())
def test_a_scene_is_recorded_as_its_task(env_id: str, scene: str) -> None:
    world = world_named("donkey")
    assert full_task(world, scene) == full_task(world, env_id) == env_id
    short = TrialConfig.of(env=[scene, f"{scene}@9091", f"{scene}@[::1]:9091"])
    assert short.trial.env == [env_id, f"{env_id}@9091", f"{env_id}@[::1]:9091"]
    keys = [world.task_key({"env": env}) for env in ([env_id], short.trial.env[:1])]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("module", COMMANDS, ids=lambda module: module.PROG)
def test_a_scene_stands_for_its_task_on_every_command_line(
    module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--env", "warren", "--env", "mini_monaco@9091"]
    assert f'env = ["{WARREN}", "donkey-minimonaco-track-v0@9091"]' in printed(
        capsys, module, *argv
    )
    folder = ["--save-dir", "/nowhere/trial"] if module is donkeycar_sb3_runner else []
    assert "did you mean warren?" in refused(capsys, module, *folder, "--env", "waren@9091")


def test_several_tasks_are_none() -> None:
    with pytest.raises(UserError, match="env 'named' is no task of world 'donkey'"):
        TrialConfig.of(env=["named"]).check_ready()


@pytest.mark.parametrize(
    "params",
    [
        {"reward": "speed"},
        {"reward": "speed", "reward_shaping": False},  # as older records have it
        {"reward": "speed", "reward_shaping": True},
        {"reward": "sim", "reward_shaping": True},
    ],
)
def test_the_speed_reward_has_one_record(params: dict[str, Any]) -> None:
    config = TrialConfig.of(**params)
    assert config == TrialConfig.of(reward_shaping=True)
    assert config == TrialConfig.from_params(params) == TrialConfig.of().changed(**params)
    assert config.world.training_reward == "speed"  # type: ignore[attr-defined]


def test_both_spellings_of_a_reward_are_one_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runner = donkeycar_sb3_runner
    speed = printed(capsys, runner, "--reward", "speed")
    assert speed == printed(capsys, runner, "--reward-shaping")
    assert "reward_shaping = true" in speed and 'reward = "sim"' in speed
    search = autoresearch_controller
    assert "reward_shaping = true" in printed(capsys, search, "--reward", "speed")
    assert "reward_shaping = true" not in printed(capsys, search, "--reward", "sim")
    assert "reward_shaping = true" in printed(capsys, search, "--reward", "sim", "--reward-shaping")


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["--learing-rate", "0.1"], "--learning-rate"),
        (["--learing-rate=0.1"], "--learning-rate"),
        (["--agent", "pppo"], "ppo"),
        (["--agent", "PPO"], "ppo"),
        (["--preset", "generalst"], "generalist"),
        (["--world", "donky"], "donkey"),
        (["--reward", "sped"], "speed"),
        (["--env", "donkey-waren-track-v0"], WARREN),
        (["--env", "monaco"], "mini_monaco"),
        (["--augment", "flipp"], "flip"),
        (["--reward-term", "wallhug"], "wall_hug"),
        (["--appearance", "randm"], "random"),
    ],
)
def test_a_near_miss_is_told(
    argv: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, donkeycar_sb3_runner, "--save-dir", "/nowhere/trial", *argv)
    assert f"did you mean {meant}?" in line
