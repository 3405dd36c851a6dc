"""The simulator's command line: its first line, its exit codes, and how it ends."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import donkey_sim
from agent.simulator.protocol import Replies, parse, request
from agent.worlds.base import parse_address
from agent.worlds.donkey.make_env import make_env
from tests.simulator.serving import has_ipv6

ROOT = Path(__file__).resolve().parents[1]
END_LIMIT_SEC = 2.0


@contextlib.contextmanager
def simulator(*options: str, folder: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    script = ROOT / "agent" / "donkey_sim.py"
    with subprocess.Popen(
        [sys.executable, str(script.relative_to(folder)), *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def end(process: subprocess.Popen[str], number: int) -> int:
    """Exit status after a signal."""
    process.send_signal(number)
    return process.wait(END_LIMIT_SEC)


@pytest.mark.slow
def test_it_says_where_it_listens_holds_its_port_and_ends_on_sigterm() -> None:
    with simulator(
        "--port", "0", "--scene", "donkey-generated-track-v0", "--clock", "lockstep"
    ) as process:
        said = re.fullmatch(
            r"listening on 127\.0\.0\.1:(\d+) scene generated_track clock lockstep\n",
            first_line(process),
        )
        assert said
        port = int(said[1])
        with simulator("--port", str(port), folder=ROOT / "agent") as second:
            _, complaint = second.communicate(timeout=60)
            assert second.returncode == 2
            assert len(complaint.splitlines()) == 1
            assert re.search(
                rf"port {port} is held by (pid {process.pid} \(|another process)", complaint
            )
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            replies, seen = Replies(), list[str]()
            client.sendall(request("control", steering=0, throttle=1, brake=0))
            while len(seen) < 3:
                chunk = client.recv(1 << 16)
                assert chunk
                seen += [parse(line)["msg_type"] for line in replies.feed(chunk)]
            assert seen == ["car_loaded", "telemetry", "telemetry"]
            assert end(process, signal.SIGTERM) == 0
            assert client.recv(1 << 16) == b""


@pytest.mark.slow
@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_it_listens_on_ipv6_and_says_so_as_clients_take_it() -> None:
    with simulator("--host", "::1", "--port", "0", "--clock", "lockstep") as process:
        address = first_line(process).split()[2]
        assert address.startswith("[::1]:")
        host, port = parse_address(address)
        env = make_env("donkey-warren-track-v0", host=host, port=port)
        env.reset(seed=0)
        assert env.step(env.action_space.sample())[4]["end_reason"] is None
        env.close()


@pytest.mark.slow
def test_sigint_ends_it_in_the_menu_and_while_it_loads() -> None:
    with simulator("--port", "0") as process:
        assert "scene menu clock realtime" in first_line(process)
        assert end(process, signal.SIGINT) == 0
    with simulator("--port", "0") as process:
        time.sleep(0.5)
        assert end(process, signal.SIGTERM) in (0, -signal.SIGTERM)  # before Python has come so far


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--scene", "nowhere"], "--scene 'nowhere' is not at hand; choose from "),
        (
            ["--scene", "nowhere.json+mirrored"],
            "--scene nowhere.json: cannot be read (No such file",
        ),
        (["--scene", "waren+mirrored"], "--scene 'waren' is not at hand; did you mean warren?"),
        (
            ["--scene", "generated_road+reversed"],
            "--scene 'generated_road+reversed': the road has an end; drop +reversed",
        ),
        (
            ["--scene", "mini_monac"],
            "--scene 'mini_monac' is not at hand; did you mean mini_monaco?",
        ),
        (
            ["--host", "300.1.1.1", "--port", "0"],
            "--host '300.1.1.1' port 0 cannot be listened on (",
        ),
        (["--host", "a..b", "--port", "0"], "--host 'a..b' port 0 cannot be listened on ("),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    options: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert donkey_sim.main(options) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"donkey_sim.py: error: {complaint}")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "options", [["--port", "65536"], ["--port", "x"], ["--clock", "5x"], ["--seed", "-1"], ["-x"]]
)
def test_bad_arguments_are_refused_in_one_line(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        donkey_sim.main(options)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
