"""donkeycar's real package with our files: ``make car-test`` installs it and runs these."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.config import files
from agent.config.trial import TrialConfig
from agent.createcar import main as createcar
from agent.deployment.export import export
from agent.deployment.pilot import Pilot
from agent.deployment.self_check import random_frames, rendered_frames
from tests.conftest import TINY
from tests.deployment.exported import shaken_model, skip_without_libraries

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).with_name("on_a_car")
DRIVE_LOOPS = 1600  # 80 s
CASES: list[dict[str, Any]] = [
    {},  # the bundled champion
    {"agent": "dqn", "n_steer": 5},
    {"agent": "td3", "observation": "raw"},
    {"agent": "sac", "frame_stack": 3, "frame_gap": 2},
]


@pytest.fixture
def car_bin() -> Path:
    """Folder of the commands of the environment that has donkeycar."""
    skip_without_libraries("tflite")
    if "DONKEYCAR_BIN" not in os.environ:
        pytest.skip("donkeycar is not installed in an environment of its own; make car-test")
    return Path(os.environ["DONKEYCAR_BIN"])


@pytest.mark.parametrize("changes", CASES, ids=str)
def test_donkeycar_s_pilot_decides_as_the_model(
    changes: dict[str, Any], tmp_path: Path, car_bin: Path
) -> None:
    pilot = Pilot()
    if changes:
        pilot = Pilot(shaken_model(TrialConfig.of(**TINY | changes), tmp_path), trust=True)
    exported = export(pilot, "tflite")
    exported.save(tmp_path / "driver.tflite")
    frames = [*rendered_frames(pilot, 100), *random_frames(100)]
    np.save(tmp_path / "frames.npy", frames)
    length = str(exported.network.sensing.sequence_length)
    names = ["driver.tflite", length, "frames.npy", "commands.npy"]
    command = [str(car_bin / "python"), str(SCRIPTS / "keras_lstm.py"), *names]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    pilot.restart()
    difference = np.abs(np.load(tmp_path / "commands.npy") - [pilot.run(frame) for frame in frames])
    print(f"\n{changes or 'champion'}: greatest differences {difference.max(axis=0)}")
    assert (difference.max(axis=1) > 0.02).sum() < 3  # actions of equal worth


@pytest.fixture
def simulator() -> Iterator[None]:
    """The headless simulator in real time, on the port that donkeycar knows."""
    command = [sys.executable, "agent/donkey_sim.py", "--port", "9091", "--no-random-look"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert "listening" in server.stdout.readline(), "port 9091 is held; end what listens there"
        yield
    finally:
        server.terminate()
        server.wait(10)


def test_manage_py_drives_laps(tmp_path: Path, car_bin: Path, simulator: None) -> None:
    car = tmp_path / "car"
    argv = ["--donkey", str(car_bin / "donkey"), "--model", "bundled"]
    assert createcar([*argv, "--env", "generated_track@9091", str(car)]) == 0
    with (car / "myconfig.py").open("a") as myconfig:
        myconfig.write(f"MAX_LOOPS = {DRIVE_LOOPS}\n")
    drive = subprocess.Popen(
        [str(car_bin / "python"), str(SCRIPTS / "watched_drive.py")],
        cwd=car,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "WEB_CONTROL_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    fresh = (car / "models" / files.EXPORTED).read_bytes()
    laps: list[dict[str, Any]] = []
    lines: list[str] = []
    try:
        assert drive.stdout is not None
        for line in drive.stdout:
            lines.append(line)
            if line.startswith('{"lap"'):
                laps.append(json.loads(line))
                print(line, end="", flush=True)
                if len(laps) == 2:  # a search has found a better one
                    waiting = car / "next.tflite"
                    waiting.write_bytes(fresh)
                    os.replace(waiting, car / "models" / files.EXPORTED)
        assert drive.wait(60) == 0, "".join(lines[-20:])
    finally:
        drive.kill()
    text = "".join(lines)
    (profile,) = re.findall(r"\| +KerasLSTM +\|(.*)", text)
    print("KerasLSTM ms: max, min, mean, 50 %, 90 %, 99 %, 99.9 %:", profile)
    assert len(laps) >= 5 and all(lap["hit"] == "none" and lap["cte"] < 8.0 for lap in laps)
    assert text.count("\nloading model models/champion.tflite") == 2  # taken up while driving
    assert float(profile.split("|")[3]) <= 10.0
