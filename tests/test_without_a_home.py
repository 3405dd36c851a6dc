"""In a container or a service that has no home, commands say nothing of it, or one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FONTS = "import agent.reporting, matplotlib; print(matplotlib.get_configdir())"
REPORT = """
import sys, tempfile
from agent import report
def none(*_, **__): raise OSError("nothing can be written")
tempfile.mkdtemp = none
sys.exit(report.main([]))
"""


def run(code: str, home: str | None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]}
    if home:
        environment["HOME"] = home
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_matplotlib_goes_on_in_a_temporary_folder_without_a_word() -> None:
    done = run(FONTS, "/dev/null")
    assert (done.returncode, done.stderr) == (0, "")
    assert "matplotlib-" in done.stdout


def test_a_report_that_cannot_even_do_that_is_one_line() -> None:
    done = run(REPORT, "/dev/null")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("report.py: error: ")
    assert "MPLCONFIGDIR" in line
