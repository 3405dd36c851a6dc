"""The command that drives: embedded, on a port, by a film; how it ends, and mistakes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent import drive
from agent.config.trial import TrialConfig
from agent.deployment import Pilot
from agent.deployment.drive_log import DriveLog
from agent.worlds.donkey.env import DonkeyEnv
from tests.deployment.models import saved_model
from tests.simulator.serving import serving

ROOT = Path(__file__).resolve().parents[1]
DECISION = r"decision \d+\.\d ms \(99 of 100 within \d+\.\d\)"


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """Lines of a drive that ends well."""
    assert drive.main(argv) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return [line for line in said.out.splitlines() if not line.startswith("compiling ")]


def test_the_bundled_champion_drives_an_embedded_track(capsys: pytest.CaptureFixture[str]) -> None:
    first, *_, last = told(capsys, "--model", "bundled", "--env", "warren", "--seconds", "2.5")
    assert first == "agent/bundled/model.zip drives warren, embedded; Ctrl-C ends it"
    assert re.fullmatch(rf"driven 2\.5 s: 0 laps, \d crash(es)?; {DECISION}", last)


@pytest.mark.parametrize(
    ("scene", "options", "driven"),
    [
        ("warren", [], "warren"),  # what is loaded
        ("warren", ["--env", "waveshare"], "waveshare"),
        ("random_track", [], "random_track"),
        (None, [], "generated_track"),  # what the menu is asked for
    ],
    ids=str,
)
def test_it_drives_in_a_simulator_on_a_port(
    scene: str | None, options: list[str], driven: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(scene) as server:
        port = str(server.address[1])
        model = ["--model", "bundled", "--seconds", "1"]
        first, *_, last = told(capsys, "--port", port, *options, *model)
    assert f" drives {driven}, 127.0.0.1:{port}; " in first
    assert last.startswith("driven 1.0 s: 0 laps, 0 crashes; ")


def test_the_address_may_stand_behind_the_track(capsys: pytest.CaptureFixture[str]) -> None:
    with serving("warren") as server:
        port = server.address[1]
        lines = told(capsys, "--env", f"warren@localhost:{port}", "--seconds", "0.5")
    assert f" drives warren, localhost:{port}; " in lines[0]


def film(path: Path, frames: int, rate: float) -> Path:
    """A film of a drive along warren, 320x240."""
    env = DonkeyEnv("warren")
    picture, _ = env.reset(seed=0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (320, 240))
    for _ in range(frames):
        large = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), (320, 240))
        writer.write(large)
        picture, *_ = env.step(np.array([0.0, 0.3], dtype=np.float32))
    writer.release()
    return path


def test_it_answers_a_film_s_pictures_at_twenty_a_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = film(tmp_path / "drive.avi", 40, 40.0)
    assert drive.main(["--model", "bundled", "--camera", str(path)]) == 0
    said = capsys.readouterr()
    capture = cv2.VideoCapture(str(path))
    pilot = Pilot()
    expected = []
    for index in range(40):
        picture = np.asarray(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB), dtype=np.uint8)
        if index % 2 == 0:
            expected.append("{:.4f} {:.4f}".format(*pilot.run(picture)))
    assert said.out.splitlines() == [*expected, "0.0000 0.0000"]
    assert said.err.startswith("driven 1.0 s: 0 laps, 0 crashes; ")


def test_a_film_ends_where_its_seconds_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = film(tmp_path / "drive.avi", 20, 20.0)
    assert drive.main(["--model", "bundled", "--camera", str(path), "--seconds", "0.2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4 + 1


def test_a_model_that_only_crashes_is_taken_off(
    tmp_path: Path, tiny: Callable[..., TrialConfig], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(drive, "CRASHES_OUT", 2)
    folder = saved_model(tiny(throttle_min=0.3, throttle_max=0.9), tmp_path)
    assert drive.main(["--model", str(folder), "--trust", "--env", "warren"]) == 1
    said = capsys.readouterr()
    crashes = [line for line in said.out.splitlines() if line.startswith("crash ")]
    assert [line.split()[1] for line in crashes] == ["1", "2"]
    assert said.err == "drive.py: error: no lap between 2 crashes; this model cannot drive here\n"


def info(laps: list[float], reason: str | None = None) -> dict[str, Any]:
    return {"lap_times": laps, "end_reason": reason}


def test_laps_are_counted_over_crashes_and_roads() -> None:
    log = DriveLog(Pilot())
    assert log.summary() == "driven 0.0 s: 0 laps, 0 crashes; no decision"
    assert log.note(info([]), closed=True) == []
    (line,) = log.note(info([7.5]), closed=True)
    assert line.startswith("lap 1  7.50 s  ")
    (line,) = log.note(info([7.5], "hit"), closed=True)
    assert line == "crash 1  hit; the car begins anew at the start"
    assert len(log.note(info([8.0, 7.0]), closed=True)) == 2
    log.steps = 60
    assert log.note(info([], "off_track"), closed=False) != []
    log.steps = 100
    (line,) = log.note(info([], "finished"), closed=False)
    assert line.startswith("lap 4  2.00 s  ")
    assert log.crashes_in_a_row == 0
    assert log.summary().startswith("driven 5.0 s: 4 laps, best 2.00 s, 2 crashes; ")


@pytest.mark.slow
def test_ctrl_c_ends_it_with_a_summary() -> None:
    call = [sys.executable, "agent/drive.py", "--model", "bundled", "--env", "warren"]
    with subprocess.Popen(
        call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        while " drives warren" not in line:
            assert line, "it ended"
            line = process.stdout.readline()
        process.stdout.readline()  # it drives
        process.send_signal(signal.SIGINT)
        out, complaint = process.communicate(timeout=20)
    assert (process.returncode, complaint) == (0, "")
    assert out.splitlines()[-1].startswith("driven ")


def test_a_simulator_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with serving("warren") as server:
        port = str(server.address[1])
    assert drive.main(["--port", port]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"drive.py: error: no simulator answers on 127.0.0.1:{port} (")


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--port", "0"], "--port 0 is no TCP port; give 1 to 65535"),
        (["--host", "sim:9091"], "--host 'sim:9091' is no host; give a name or an address"),
        (["--env", "warren@9091", "--port", "9092"], "--port 9092 and --env warren@9091 both say"),
        (["--env", "warren", "--client", "own"], "--client own is for simulators on ports"),
        (["--camera", "nowhere.avi"], "--camera nowhere.avi is no number of a camera"),
        (["--camera", "999"], "--camera 999 is no number of a camera"),
        (["--camera", "0", "--port", "9091"], "--port 9091 is for simulators; drop it or --camera"),
        (["--camera", "README.md"], "--camera README.md cannot be opened; give the number"),
        (["--model", "nowhere"], "--model nowhere does not exist; give a model.zip"),
        (["--model", "README.md"], "README.md (sha256"),
    ],
)
def test_a_mistake_is_one_line(
    argv: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert drive.main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"drive.py: error: {complaint}")
