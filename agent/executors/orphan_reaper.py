"""Waits for its standard input to close, then kills every process with the tag that it was given.

The controller starts it and holds the other end of the pipe. However the controller ends, SIGKILL
included, the kernel closes the pipe, and nothing of its trials is left. On a node it removes the
trial's scratch folder too.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from agent.executors.processes import DETACHED, kill_tagged


def main(tag_prefix: str, scratch: str = "") -> int:
    """Waits, then kills; returns the exit code.

    :param tag_prefix: of the processes to kill
    :param scratch: folder to remove then, empty for none
    """
    sys.stdin.buffer.read()
    kill_tagged(tag_prefix)
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    if DETACHED in sys.argv and os.fork() > 0:
        os._exit(0)
    raise SystemExit(main(*[argument for argument in sys.argv[1:] if argument != DETACHED]))
