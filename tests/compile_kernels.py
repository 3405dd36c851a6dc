"""Compiles the kernels of one world, for tests that will all want them at once.

    python tests/compile_kernels.py donkey|car_racing

Test processes that start together would each compile them, which takes minutes instead of one.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORLDS = ("donkey", "car_racing")
LIMIT_SEC = 300.0
# Options of environments that use between them nearly all kernels.
USES: dict[str, tuple[dict[str, object], ...]] = {
    "donkey": ({"appearance": "random"}, {"observation": "raw"}),
    "car_racing": ({"conv_layers": 3}, {"colour": True}),
}


def compile_all() -> None:
    """Compiles the kernels of all worlds, side by side, unless there are some already."""
    from numba import config

    import agent.kernels  # noqa: F401 - names the folder

    folder = Path(config.CACHE_DIR)  # type: ignore[attr-defined]
    if folder.is_dir() and any(folder.iterdir()):
        return
    print("compiling kernels", flush=True)
    running = [
        subprocess.Popen([sys.executable, __file__, world], cwd=ROOT, stdout=subprocess.DEVNULL)
        for world in WORLDS
    ]
    for process in running:
        try:
            process.wait(LIMIT_SEC)
        finally:
            process.kill()


def use(name: str) -> None:
    """Drives a few steps in the environments of a world."""
    from agent.config.trial import TrialConfig
    from agent.worlds.base import Learner, Purpose, world_named

    world = world_named(name)
    for options in USES[name]:
        config = TrialConfig.of(world=name, **options)
        for labelled in (True, False):
            vec_env = world.make_vec(
                config.trial.env, config.world, 2, Purpose.TRAIN, 0, Learner(labelled=labelled)
            )
            vec_env.reset()
            for _ in range(3):
                vec_env.step(vec_env.action_space.sample()[None].repeat(2, 0))
            vec_env.close()


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    use(sys.argv[1])
