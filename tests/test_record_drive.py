"""The recorder's command line: scripted drivers, a model, a person's client, and mistakes."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from agent.donkeycar_sb3_runner import main as train
from agent.record_drive import main
from agent.worlds.base import WORLDS
from agent.worlds.donkey import registration  # noqa: F401 - registers the ids
from agent.worlds.donkey.demonstrations import Demonstration
from agent.worlds.donkey.remote.client import SimulatorLost

TRACK = "donkey-generated-track-v0"


def exit_code(argv: list[str]) -> int:
    try:
        return main(argv)
    except SystemExit as stopped:
        return int(str(stopped.code))


@pytest.mark.parametrize(
    ("driver", "env", "laps"),
    [
        ("follower", TRACK, 0.05),
        ("reference", TRACK, 0.1),
        ("follower", "random_track", 0.0),
    ],
)
def test_the_scripted_drivers(tmp_path: Path, driver: str, env: str, laps: float) -> None:
    out = tmp_path / "drive.npz"
    argv = ["--driver", driver, "--env", env, "--episodes", "2"]
    argv += ["--max-episode-steps", "60", "--seed", "3"]
    assert main([*argv, "--out", str(out)]) == 0
    drive = Demonstration.load(out)
    assert drive.lengths.tolist() == [60, 60] and not drive.terminated.any()
    assert drive.progress[60] > laps and drive.progress[121] > laps
    full = {"random_track": "donkey-random-track-v0"}.get(env, env)
    assert (drive.header["driver"], drive.header["env"], drive.header["seed"]) == (driver, full, 3)
    assert drive.header["conf"]["throttle_max"] == pytest.approx(
        drive.commands[:, 1].max(), abs=1e-6
    )


def test_a_model_drives_as_it_was_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--timesteps", "32", "--n-envs", "2", "--max-episode-steps", "20"]
    small += ["--eval-episodes", "1", "--evaluations", "1", "--device", "cpu"]
    bins = ["--agent", "dqn", "--n-steer", "3", "--n-throttle", "2"]
    assert train([*small, *bins, "--save-dir", str(tmp_path / "trial")]) == 0
    out = tmp_path / "drive.npz"
    model = str(tmp_path / "trial" / "model.zip")
    assert main(["--driver", model, "--episodes", "1", "--out", str(out)]) == 0
    drive = Demonstration.load(out)
    assert drive.header["driver"] == "model.zip" and drive.header["conf"]["max_episode_steps"] == 20
    assert set(drive.commands[:, 0].tolist()) <= {-1.0, 0.0, 1.0}
    (tmp_path / "trial" / "result.json").unlink()
    unknown = ["--driver", model, "--episodes", "1", "--out", str(tmp_path / "again.npz")]
    assert exit_code(unknown) == 2
    assert "give --trust" in capsys.readouterr().err
    assert exit_code([*unknown, "--trust"]) == 0
    model_and_trust = ["--driver", model, "--trust"]
    assert exit_code([*model_and_trust, "--max-cte", "5", "--out", str(out)]) == 2
    assert "--max-cte 5.0 is the model's own to say; drop it" in capsys.readouterr().err
    config = json.loads((tmp_path / "trial" / "config.json").read_text())
    (tmp_path / "trial" / "config.json").write_text(json.dumps(config | {"action_repeat": 2}))
    assert exit_code([*model_and_trust, "--out", str(out)]) == 2
    assert (
        "holds a decision for 2 steps, a recording has every step; give one of"
        in capsys.readouterr().err
    )


def env_at(port: int) -> gymnasium.Env:
    """An environment in the simulator on ``port``, as soon as that listens."""
    for _ in range(600):
        try:
            return gymnasium.make(TRACK, conf={"port": port})
        except SimulatorLost:
            time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {port}")


def test_a_person_drives_through_the_simulator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    out = tmp_path / "drive.npz"

    def person() -> None:
        try:
            env = env_at(port)
            env.reset()
            env.step(np.array([0.0, 0.0], dtype=np.float32))  # waits at the start
            for k in range(100):  # more than is recorded
                _, _, terminated, truncated, _ = env.step(
                    np.array([0.1 * (k % 3), 0.5], dtype=np.float32)
                )
                if terminated or truncated:
                    env.reset()
        except SimulatorLost:
            return  # the recording is complete
        os.kill(os.getpid(), signal.SIGTERM)  # it is not, and nobody drives any more

    hands = threading.Thread(target=person, daemon=True)
    hands.start()
    argv = ["--driver", f"127.0.0.1:{port}", "--episodes", "2"]
    argv += ["--max-episode-steps", "15", "--throttle-max", "0.4"]
    assert main([*argv, "--out", str(out)]) == 0
    hands.join(30.0)
    said = capsys.readouterr().out
    assert "listening on 127.0.0.1" in said and "episode 2 of 2 recorded" in said
    drive = Demonstration.load(out)
    assert drive.lengths.tolist() == [15, 15]
    assert np.ptp(drive.commands[:, 0]) == pytest.approx(0.2)
    assert drive.commands[:, 1] == pytest.approx(0.4)  # no more than a trial could have done
    for first in (0, 16):
        assert drive.speed[first] == 0.0 and drive.progress[first] == pytest.approx(0.0)
        assert drive.progress[first + 15] > 0.0
    assert not np.array_equal(drive.observations[1], drive.observations[15])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--driver", "ghost", "--out", "x.npz"], "--driver 'ghost' is unknown; give follower"),
        (["--driver", "folower", "--out", "x.npz"], "did you mean follower? give follower"),
        (["--driver", "follower", "--out", "x.npz", "--env", "waren"], "did you mean warren?"),
        (["--driver", "follower", "--out", "file/x.npz"], "there is no folder"),
        (["--drver", "follower", "--out", "x.npz"], "did you mean --driver?"),
        (["--driver", "ghost.zip", "--out", "x.npz"], "model ghost.zip does not exist"),
        (["--driver", "follower", "--out", "x.txt"], "end it in .npz"),
        (["--driver", "follower", "--out", "nowhere/x.npz"], "there is no folder"),
        (["--driver", "follower", "--world", "moon", "--out", "x.npz"], "world 'moon' is unknown"),
        (["--driver", "follower", "--env", "moon", "--out", "x.npz"], "--env 'moon' is no task"),
        (["--driver", "follower", "--env", f"{TRACK}@9091", "--out", "x.npz"], "is on a port"),
        (
            ["--driver", "reference", "--env", "donkey-generated-roads-v0", "--out", "x.npz"],
            "use follower",
        ),
        (["--driver", "follower", "--out", "x.npz", "--episodes", "0"], "give at least 1"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    argv: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code = exit_code(argv)
    said = capsys.readouterr().err
    assert code == 2 and message in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_world_without_a_recorder_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    assert exit_code(["--driver", "follower", "--world", "line", "--out", "x.npz"]) == 2
    assert "world 'line' has no recorder; drop --world" in capsys.readouterr().err
