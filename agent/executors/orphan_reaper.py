"""Waits for its standard input to close, then kills every process with the tag that it was given.

The controller starts it and holds the other end of the pipe. However the controller ends, SIGKILL
included, the kernel closes the pipe, and nothing of its trials is left.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from agent.executors.processes import kill_tagged


def main(tag_prefix: str) -> int:
    """Waits, then kills; returns the exit code."""
    sys.stdin.buffer.read()
    kill_tagged(tag_prefix)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
