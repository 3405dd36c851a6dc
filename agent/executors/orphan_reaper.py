"""Waits for its standard input to close, then kills every process that bears the mark it was given.

Started by the controller, which holds the other end of the pipe: however the controller ends, SIGKILL included, the
kernel closes the pipe and nothing of its trials is left.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from agent.executors.processes import kill_tagged


def main(prefix: str) -> int:
    """Wait, then kill."""
    sys.stdin.buffer.read()
    kill_tagged(prefix)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
