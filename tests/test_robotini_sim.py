"""The command line of Robotini's simulator: its first line, its exit codes, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from agent import autoresearch, robotini_sim
from tests.refusals import refusal

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_it_says_where_it_listens_and_ends_on_sigint() -> None:
    command = [sys.executable, "-m", "agent.autoresearch", "simulate", "--world", "robotini"]
    command += ["--port", "0", "--spectators-port", "0", "--track", "bean"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = re.fullmatch(
                r"listening on 127\.0\.0\.1:(\d+) spectators 127\.0\.0\.1:(\d+)"
                r" track bean clock realtime\n",
                process.stdout.readline(),
            )
            assert said
            with socket.create_connection(("127.0.0.1", int(said[1])), timeout=10) as car:
                car.sendall(b'{"name": "ann", "teamId": "ann"}\n')
                (length,) = struct.unpack(">H", car.recv(2, socket.MSG_WAITALL))
                assert car.recv(length, socket.MSG_WAITALL).startswith(b"\x89PNG")
                process.send_signal(signal.SIGINT)
                assert process.wait(5) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--track", "loop"], "--track 'loop' is neither a file nor a name; give a file or choose"),
        (["--track", "mine.json"], "--track mine.json: it has no list trackNodes"),
        (["--config", "none.json"], "--config none.json: cannot be read as JSON (No such file"),
        (["--config", "bad.json"], "--config bad.json: lapCount is 'five'; give a whole number"),
        (["--config", "mode.json"], "--config mode.json: mode is 'remote'; choose from"),
        (["--config", "cars.json"], "--config cars.json: cars[0] lacks a text as its teamId"),
        (["--host", "300.1.1.1", "--port", "0"], "--host '300.1.1.1' port 0 cannot be listened on"),
        (["--port", "7", "--spectators-port", "7"], "--spectators-port 7 is the cars' too"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    options: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "mine": {},
        "bad": {"lapCount": "five"},
        "mode": {"mode": "remote"},
        "cars": {"cars": [{"name": "ann"}]},
    }.items():
        Path(f"{name}.json").write_text(json.dumps(value))
    line = refusal(robotini_sim.main, options, tmp_path, capsys)
    assert line.startswith(f"robotini_sim.py: error: {complaint}")


def test_a_port_that_is_taken_is_said_with_its_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["--port", "0", "--spectators-port", port]
        line = refusal(robotini_sim.main, options, tmp_path, capsys)
    assert f"error: --spectators-port {port} is held by " in line


def test_the_verb_takes_the_world_s_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for world, complaint in (
        ("robotini", "autoresearch simulate --world robotini: error: --track 'x' is neither a"),
        ("donkey", "autoresearch simulate --world donkey: error: unrecognized arguments: --track"),
        ("mars", "autoresearch simulate: error: argument --world: invalid choice: 'mars'"),
    ):
        options = ["simulate", "--world", world, "--track", "x"]
        assert refusal(autoresearch.main, options, tmp_path, capsys).startswith(complaint)
