"""The command of the page: what it refuses, and in which words."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent import watch
from tests.refusals import refusal
from tests.watching.pretend_night import make_night

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_night(tmp_path, 2)[0]


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *argv: str | Path) -> str:
    return refusal(watch.main, [str(word) for word in argv], tmp_path, capsys)


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, tmp_path, "--results-dir", tmp_path / "nowhere")
    assert "nowhere is no folder; start a night" in line
    assert "has neither autoresearch_results.jsonl" in refused(
        capsys, tmp_path, "--results-dir", tmp_path
    )
    (tmp_path / "file").write_text("")
    assert "is no folder" in refused(capsys, tmp_path, "--results-dir", tmp_path / "file")


def test_a_port_in_use(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("starlette", reason="starlette is not installed: the extra named web")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(capsys, tmp_path, "--results-dir", results, "--port", str(port))
    assert f"--port {port} is held by " in line
    assert "choose another --port" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_cannot_be_had(
    host: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("starlette", reason="starlette is not installed: the extra named web")
    argv = ["--results-dir", str(results), "--host", host, "--token", "new"]
    assert f"--host '{host}' --port 8000 cannot be listened on" in refused(capsys, tmp_path, *argv)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 lets other machines in; give --token new"),
        (["--host", "::"], "--host :: lets other machines in"),
        (["--token", "short"], "--token of 5 characters is not usable; give 16 or more"),
        (["--token", "with spaces in its middle"], "--token of 25 characters is not usable"),
        (["--port", "70000"], "argument --port"),
        (["--models-dir", "a", "--models-dir", "b"], "--models-dir is given 2 times for 1 folders"),
        (["--name", "../up"], "cannot be a folder"),
        (["--nights", "2"], "unrecognized arguments: --nights 2"),
    ],
)
def test_arguments_that_cannot_be_followed(
    argv: list[str],
    message: str,
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = refused(capsys, tmp_path, "--results-dir", results, *argv)
    assert message in line
    assert "short" not in line or "token" not in argv[0]


def test_without_its_extra_it_says_how_to_install_it(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "NEEDED", ("uvicorn_that_is_not_there",))
    line = refused(capsys, tmp_path, "--results-dir", results)
    assert "pip install 'donkeycar-rl-autoresearch[web]'" in line


def test_it_loads_neither_numpy_nor_torch(results: Path) -> None:
    pytest.importorskip("starlette", reason="starlette is not installed: the extra named web")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: the extra named web")
    probe = (
        "import sys, agent.watch, agent.watching.server\n"
        "print([name for name in ('numpy', 'torch', 'cv2', 'psutil') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_models_are_found_beside_the_results(tmp_path: Path) -> None:
    results, models = make_night(tmp_path / "a night", 1)
    parsed = watch.build_parser().parse_args(["--results-dir", str(results)])
    assert watch.experiments(parsed) == [(results, models)]
