"""The runner with the tests' world registered, for trials in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agent.donkeycar_sb3_runner import main
from agent.worlds.base import WORLDS

WORLDS["line"] = "tests.line_world:WORLD"

if __name__ == "__main__":
    raise SystemExit(main())
