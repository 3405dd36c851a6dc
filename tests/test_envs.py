"""The environments by their ids, for programs that import nothing of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAKE = """
import gymnasium
env = gymnasium.make("agent.envs:donkey-warren-track-v0")
frame, _ = env.reset(seed=0)
frame, *_ = env.step(env.action_space.sample())
print(frame.shape, frame.dtype, env.spec.id)
env.close()
same = gymnasium.make("donkey-waveshare-v0", conf={"max_cte": 4.0})  # registered by now
print(same.unwrapped.conf["max_cte"])
"""


def test_gymnasium_makes_them_by_module_and_id() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", MAKE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,  # compiling takes longest
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-2:] == ["(120, 160, 3) uint8 donkey-warren-track-v0", "4.0"]
