"""A GPU that is asked for and not there is found out before anything is loaded or written."""

from __future__ import annotations

import ctypes
from importlib import metadata
from pathlib import Path

import pytest

from agent import autoresearch_controller
from agent.config.cuda import can_have_cuda
from tests.controllers import folders
from tests.refusals import refusal


class Driver:
    """A driver that knows ``count`` devices, or fails with ``error``."""

    def __init__(self, count: int, error: int = 0) -> None:
        self.count = count
        self.error = error

    def cuInit(self, _: int) -> int:  # noqa: N802
        return self.error

    def cuDeviceGetCount(self, found: ctypes._Pointer[ctypes.c_int]) -> int:  # noqa: N802
        found._obj.value = self.count  # type: ignore[attr-defined]
        return 0


@pytest.mark.parametrize(
    ("driver", "version", "found"),
    [
        (Driver(1), "2.5.1", True),
        (Driver(0), "2.5.1", False),
        (Driver(1, error=100), "2.5.1", False),
        (None, "2.5.1", False),
        (None, "2.5.1+rocm6.2", True),
    ],
)
def test_the_driver_knows(
    monkeypatch: pytest.MonkeyPatch, driver: Driver | None, version: str, found: bool
) -> None:
    def load(_: str) -> Driver:
        if driver is None:
            raise OSError("cannot open shared object file")
        return driver

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(metadata, "version", lambda _: version)
    assert can_have_cuda() == found


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--device", "cuda"], "--device 'cuda' is not available here"),
        (["--mixed-precision"], "--mixed-precision needs CUDA"),
        (["--warm-start", __file__], "is no saved model"),
    ],
)
def test_a_night_that_no_trial_could_run_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    night = [*folders(tmp_path), "--trials", "1", *argv]
    assert words in refusal(autoresearch_controller.main, night, tmp_path, capsys)
