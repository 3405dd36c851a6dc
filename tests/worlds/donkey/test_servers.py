"""Where the controller sends its trials, around a runner and a server that only pretend."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent import autoresearch_controller
from agent.executors.processes import TaggedProcess
from agent.worlds.base import parse_address
from agent.worlds.donkey import servers as simulators

ROOT = Path(__file__).resolve().parents[3]
IDS = ("donkey-generated-track-v0", "donkey-mountain-track-v0")
SERVER = """
import os, pathlib, signal, sys, time
here = pathlib.Path(__file__).parent
if (here / "deaf").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if (here / "broken").exists():
    sys.exit("donkey_sim.py: error: out of order")
assert sys.argv[1:] == ["--port", "0", "--clock", "lockstep"], sys.argv
noise = here / "noise"
if noise.exists():
    sys.stderr.buffer.write(noise.read_bytes())
    sys.stderr.flush()
print(f"listening on 127.0.0.1:{40000 + os.getpid() % 9999} scene menu clock lockstep", flush=True)
with (here / "pids").open("a") as pids:
    print(os.getpid(), file=pids, flush=True)
if noise.exists():
    print("a warning of a library", file=sys.stderr, flush=True)
time.sleep(0.1 if (here / "frail").exists() else 60)
"""
Run = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "server.py").write_text(SERVER)
    shutil.copy(ROOT / "tests" / "fake_runner.py", tmp_path / "runner.py")
    (tmp_path / "plan.json").write_text(json.dumps({"*": {"mean_reward": 1.0}}))
    return tmp_path


def arguments(folder: Path, *argv: str) -> list[str]:
    envs = [part for env_id in IDS for part in ("--env", env_id)]
    folders = ["--results-dir", str(folder / "results"), "--models-dir", str(folder / "models")]
    return [*envs, *folders, "--trials", "1", *argv]


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(autoresearch_controller, "RUNNER", folder / "runner.py")
    monkeypatch.setattr(simulators, "SERVER", folder / "server.py")
    monkeypatch.setattr(simulators, "GRACE_SEC", 0.3)
    return lambda *argv: autoresearch_controller.main(arguments(folder, *argv))


def envs_of_trials(folder: Path) -> list[list[str]]:
    lines = (folder / "results" / "autoresearch_results.jsonl").read_text().splitlines()
    return [json.loads(line)["params"]["env"] for line in lines]


def servers(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def all_gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_ports_are_dealt_in_order(run: Run, folder: Path) -> None:
    assert run("--sim", "9091,sim.local:9093") == 0
    assert envs_of_trials(folder) == [[f"{IDS[0]}@127.0.0.1:9091", f"{IDS[1]}@sim.local:9093"]]


def test_spawned_servers_get_one_environment_each_and_end_with_the_study(
    run: Run, folder: Path
) -> None:
    assert run("--sim", "spawn") == 0
    first, second = servers(folder)
    ports = [40000 + pid % 9999 for pid in (first, second)]
    assert sorted(env.rpartition(":")[2] for env in envs_of_trials(folder)[0]) == sorted(
        map(str, ports)
    )
    assert [env.partition("@")[0] for env in envs_of_trials(folder)[0]] == list(IDS)
    assert all_gone([first, second])


def test_a_deaf_server_is_ended_all_the_same(run: Run, folder: Path) -> None:
    (folder / "deaf").touch()
    assert run("--sim", "spawn") == 0
    assert all_gone(servers(folder))


def test_a_server_found_dead_is_started_again(run: Run, folder: Path) -> None:
    (folder / "frail").touch()
    assert run("--sim", "spawn", "--trials", "2") == 0
    assert len(servers(folder)) == 4
    assert envs_of_trials(folder)[0] != envs_of_trials(folder)[1]


def test_a_server_that_does_not_start_is_one_line(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken").touch()
    assert run("--sim", "spawn") == 1
    (complaint,) = capsys.readouterr().err.splitlines()
    assert "server.py did not start: donkey_sim.py: error: out of order" in complaint


def test_a_server_that_dies_is_reported_at_once_with_its_last_lines(tmp_path: Path) -> None:
    script = "import sys; print('loading'); print('so far'); sys.exit('out of memory')"

    def start(_: list[str], log: Path) -> TaggedProcess:
        return TaggedProcess([sys.executable, "-c", script], log, "test", {})

    began = time.monotonic()
    with pytest.raises(ChildProcessError, match="start: loading / so far / out of memory; see"):
        simulators.Server(tmp_path / "log", start).address()
    assert time.monotonic() - began < 5.0


NOISE = (
    b"ERROR: ld.so: object '/nowhere.so' from LD_PRELOAD cannot be preloaded: ignored.\n"
    b"listening on the radio\n\xff\xfe no text \x00\n" + b"UserWarning: numba\n" * 2000
)


@pytest.mark.parametrize("noise", [NOISE, b"a line that goes on: "])
def test_a_server_is_heard_through_what_libraries_print(
    run: Run, folder: Path, noise: bytes
) -> None:
    (folder / "noise").write_bytes(noise)
    assert run("--sim", "spawn") == 0
    ports = [str(40000 + pid % 9999) for pid in servers(folder)]
    assert sorted(env.rpartition(":")[2] for env in envs_of_trials(folder)[0]) == sorted(ports)


@pytest.mark.slow
def test_the_real_server_is_heard_past_a_loader_that_complains(tmp_path: Path) -> None:
    def start(command: list[str], log: Path) -> TaggedProcess:
        return TaggedProcess(command, log, "test", {"LD_PRELOAD": "/nowhere.so"})

    server = simulators.Server(tmp_path / "log", start)
    try:
        with socket.create_connection(parse_address(server.address()), timeout=5.0) as client:
            assert client.recv(100).startswith(b'{"msg_type":"scene_selection_ready"')
        assert (tmp_path / "log").read_bytes().startswith(b"ERROR: ld.so")
    finally:
        server.stop()


def test_addresses_of_ipv6_are_dealt_as_they_were_given() -> None:
    dealt = simulators.deal("[::1]:9091, sim.local:9093", list(IDS), 1)
    assert dealt == [[f"{IDS[0]}@[::1]:9091", f"{IDS[1]}@sim.local:9093"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_servers_end_with_a_controller_that_is_stopped(
    folder: Path, number: signal.Signals
) -> None:
    (folder / "plan.json").write_text(json.dumps({"*": {"sleep": 60}}))
    code = "import sys; from pathlib import Path; import agent.autoresearch_controller as c; "
    code += "import agent.worlds.donkey.servers as s; folder = Path(sys.argv[1]); "
    code += "c.RUNNER, s.SERVER = folder / 'runner.py', folder / 'server.py'; "
    code += "sys.exit(c.main(sys.argv[2:]))"
    command = [sys.executable, "-c", code, str(folder), *arguments(folder, "--sim", "spawn")]
    controller = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    log = folder / "models" / "trial-001" / "log.txt"
    deadline = time.monotonic() + 30.0
    try:
        while not (log.exists() and log.read_text()):
            assert controller.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        controller.send_signal(number)
        assert controller.wait(20) == 130
    finally:
        controller.kill()
        controller.wait()
    assert len(servers(folder)) == 2 and all_gone(servers(folder))


def test_only_servers_of_this_controller_are_ended(run: Run, folder: Path) -> None:
    command: list[Any] = [
        sys.executable,
        str(folder / "server.py"),
        "--port",
        "0",
        "--clock",
        "lockstep",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None and other.stdout.readline().startswith(b"listening on")
            assert run("--sim", "spawn") == 0
            assert other.poll() is None
        finally:
            other.kill()
