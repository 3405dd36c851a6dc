"""Exported files beside the models that they were made of: every algorithm, every format."""

from __future__ import annotations

import hashlib
import importlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN

from agent.config.errors import UserError
from agent.config.export_formats import EXPORT_FORMATS
from agent.config.trial import TrialConfig
from agent.deployment import export as exporter
from agent.deployment.export import export
from agent.deployment.extraction import network_of
from agent.deployment.network import CommandRange, CommandTable, Network
from agent.deployment.pilot import Pilot
from agent.deployment.self_check import Frame, compare, random_frames, rendered_frames
from tests.conftest import TINY
from tests.deployment.exported import shaken_model, skip_without_libraries

FRAMES = {"tflite": 200, "onnx": 40, "torchscript": 40}
CASES: list[dict[str, Any]] = [
    {"agent": "ppo"},
    {"agent": "ppo", "conv_layers": 1, "frame_stack": 4, "steer_limit": 0.6},
    {"agent": "ppo", "conv_layers": 2, "frame_stack": 2, "frame_gap": 3, "sde_freq": 4},
    {"agent": "ppo", "observation": "raw", "throttle_min": 0.2},
    {"agent": "ppo", "imitation_share": 0.5, "env": ["donkey-generated-track-v0"]},
    {"agent": "sac"},
    {"agent": "sac", "conv_layers": 3, "sde_freq": 4},
    {"agent": "tqc", "frame_stack": 3, "frame_gap": 6},
    {"agent": "td3"},
    {"agent": "ddpg", "conv_layers": 1},
    {"agent": "dqn", "n_steer": 5, "n_throttle": 4},
    {"agent": "dqn", "observation": "raw"},
]


class Drives(NamedTuple):
    """A model, its network, and frames of two drives."""

    pilot: Pilot
    network: Network
    rendered: list[Frame]
    random: list[Frame]


def drives_of(changes: dict[str, Any], folder: Path) -> Drives:
    pilot = Pilot(shaken_model(TrialConfig.of(**TINY | changes), folder), trust=True)
    return Drives(
        pilot,
        network_of(pilot.model, pilot.config),
        list(rendered_frames(pilot, 100)),
        list(random_frames(100)),
    )


@pytest.fixture(scope="module", params=CASES, ids=str)
def drives(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drives:
    return drives_of(request.param, tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_a_file_drives_as_its_model(name: str, drives: Drives) -> None:
    skip_without_libraries(name)
    pilot, network, rendered, random = drives
    module = importlib.import_module(EXPORT_FORMATS[name].module)
    file = module.open_file(module.write(network))
    half = FRAMES[name] // 2
    found = compare(pilot, network, file, rendered[:half], random[:half])
    assert found.frames == FRAMES[name] and found.ties < 3
    assert found.steering < 0.001 and found.throttle < 0.001
    pilot.restart()
    assert np.ptp([pilot.run(frame)[0] for frame in random]) > 0.05


def test_the_bundled_champion_is_small_and_exact() -> None:
    skip_without_libraries("tflite")
    exported = export(Pilot(), "tflite")
    assert len(exported.content) < 1e6
    assert exported.agreement.steering < 0.001 and exported.agreement.frames == 64
    assert exported.network.mirror_signs == (-1.0, 1.0)


def test_a_file_that_drives_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bent(*arguments: Any) -> Network:
        network = network_of(*arguments)
        commands = network.commands
        assert isinstance(commands, CommandRange)
        return replace(network, commands=CommandRange(commands.low + 0.03, commands.high))

    monkeypatch.setattr(exporter, "network_of", bent)
    with pytest.raises(UserError, match=r"the file's steering differs from the model's by up to 0"):
        export(Pilot(), "torchscript")


def test_actions_of_equal_worth_are_told_apart_from_errors(tmp_path: Path) -> None:
    pilot, network, _, random = drives_of({"agent": "dqn"}, tmp_path)
    assert isinstance(pilot.model, DQN)
    values = pilot.model.q_net.q_net[-1]
    assert isinstance(values, torch.nn.Linear)
    with torch.no_grad():
        values.weight[5] = values.weight[2]
        values.bias[2] = values.bias[5] = 1000.0
    table = network.commands
    assert isinstance(table, CommandTable)
    found = compare(pilot, network, lambda frames: table.commands[5], random)
    assert (found.ties, found.steering) == (100, 0.0)
    wrong = compare(pilot, network, lambda frames: table.commands[20], random)
    assert wrong.ties == 0 and wrong.steering > 0.02


def test_the_manifest_says_what_is_in_the_file(
    tmp_path: Path, tiny: Callable[..., TrialConfig]
) -> None:
    config = tiny(agent="td3", frame_stack=3, frame_gap=2, steer_limit=0.5)
    pilot = Pilot(shaken_model(config, tmp_path), trust=True)
    out = tmp_path / "driver.pt"
    manifest = json.loads(export(pilot, "torchscript").save(out).read_text())
    assert manifest["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (manifest["file"], manifest["bytes"]) == ("driver.pt", out.stat().st_size)
    assert manifest["sequence_length"] == 5 and manifest["input"]["shape"] == [5, 120, 160, 3]
    assert manifest["output"]["low"] == [-0.5, 0.1]
    assert "frames 2 apart, 3 of them" in manifest["inside"]
    with warnings.catch_warnings(action="ignore"):
        driver = torch.jit.load(out)
    commands = driver(torch.zeros(5, 120, 160, 3, dtype=torch.uint8))
    assert tuple(commands.shape) == (2,)
