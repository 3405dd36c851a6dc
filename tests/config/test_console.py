"""Standard streams that break: a command goes on, and its exit code stays what it is."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.config.console import EXIT_NO_READER, SafeStream, keep_streams_open

ROOT = Path(__file__).resolve().parents[2]
WORK = """
import sys, traceback, warnings
sys.path.insert(0, {root!r})
from agent.config.console import keep_streams_open
keep_streams_open(ends_without_reader={ends})
for _ in range(20000):
    print("caf\\u00e9 \\u2026 \\udcff")
warnings.warn("caf\\u00e9 \\u2026 \\udcff")
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
open({done!r}, "w").write("done")
raise SystemExit(3)
"""


def end_of(shell: str, folder: Path, *, ends: bool = False) -> tuple[int, str]:
    """Exit code of Python at work under a shell's redirections, and what the shell's stderr got.

    :param shell: a command line with ``WORK`` in it
    :param folder: gets a file ``done`` once the work is done
    :param ends: see ``keep_streams_open``
    """
    script = folder / "work.py"
    work = WORK.format(root=str(ROOT), ends=ends, done=str(folder / "done"))
    script.write_text(work)
    line = shell.replace("WORK", f"{sys.executable} {script}")
    call = ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"]
    done = subprocess.run(call, capture_output=True, timeout=60)
    return done.returncode, done.stderr.decode(errors="replace")


@pytest.mark.parametrize(
    "shell",
    [
        "WORK",
        "WORK >&-",
        "WORK 2>&-",
        "WORK <&- >&- 2>&-",
        "WORK >/dev/full",
        "WORK >/dev/full 2>/dev/full",
        "WORK | head -1",
        "WORK 2>&1 | head -1",
        "WORK | true",
        "PYTHONIOENCODING=latin-1 WORK",
        "PYTHONIOENCODING=ascii:strict WORK",
        "PYTHONUNBUFFERED=1 WORK | head -1",
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 WORK",
    ],
)
def test_a_command_goes_on_whatever_becomes_of_its_streams(tmp_path: Path, shell: str) -> None:
    code, error = end_of(shell, tmp_path)
    assert code == 3
    assert (tmp_path / "done").exists()
    assert "Exception ignored" not in error and "Error" not in error.replace(
        "ZeroDivisionError", ""
    )


def test_a_command_that_is_run_for_its_output_ends_quietly_without_a_reader(tmp_path: Path) -> None:
    assert end_of("WORK | head -1", tmp_path, ends=True) == (EXIT_NO_READER, "")
    assert not (tmp_path / "done").exists()


def test_what_an_encoding_cannot_say_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    for narrow in (io.TextIOWrapper(io.BytesIO(), "ascii"), OnlyAscii()):
        monkeypatch.setattr(sys, "stdout", narrow)
        keep_streams_open()
        print("1 \u00b1 2 \u2026", flush=True)
        assert read(narrow) == "1 \\xb1 2 \\u2026\n"


class OnlyAscii(io.StringIO):
    """A stream of somebody else's that is strict."""

    def write(self, text: str) -> int:
        text.encode("ascii")
        return super().write(text)


def read(stream: Any) -> str:
    if isinstance(stream, io.StringIO):
        return stream.getvalue()
    stream.seek(0)
    return str(stream.read())


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
def test_a_stream_is_given_up_at_its_first_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Broken(io.StringIO):
        calls = 0

        def write(self, _: str) -> int:
            Broken.calls += 1
            raise error

    monkeypatch.setattr(sys, "stdout", Broken())
    keep_streams_open()
    print("one")
    print("two", flush=True)
    assert Broken.calls == 1


def test_streams_are_wrapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)
    keep_streams_open()
    keep_streams_open(ends_without_reader=True)
    kept: Any = sys.stdout
    assert isinstance(kept, SafeStream)
    assert kept.stream is own
