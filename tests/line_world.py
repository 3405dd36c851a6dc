"""A third-party world in one file.

A point on a line that three engines push, seen in 48x48 pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack

from agent.worlds.base import Learner, Purpose, WorldOptions, mean_measure


class LineEnv(gymnasium.Env[np.ndarray, Any]):
    """Reward is nearness to the middle; an episode has 30 steps."""

    def __init__(self, discrete: bool) -> None:
        self.observation_space = spaces.Box(0, 255, (1, 48, 48), dtype=np.uint8)
        box = spaces.Box(-1.0, 1.0, (3,), dtype=np.float32)
        self.action_space = spaces.Discrete(3) if discrete else box

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.x, self.steps = float(self.np_random.uniform(-1.0, 1.0)), 0
        return self.picture(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        push = action - 1.0 if np.ndim(action) == 0 else float(np.sum(action)) / 3.0
        self.x, self.steps = float(np.clip(self.x + 0.1 * push, -1.0, 1.0)), self.steps + 1
        over = self.steps >= 30
        info = {"distance": abs(self.x), "end_reason": "time_limit" if over else None}
        return self.picture(), 1.0 - abs(self.x), False, over, info

    def picture(self) -> np.ndarray:
        picture = np.zeros((1, 48, 48), dtype=np.uint8)
        picture[0, :, round(23.5 * (self.x + 1.0))] = 255
        return picture


class LineWorld:
    """The line behind the interface of ``worlds.base``."""

    name, requires, extra = "line", "", ""
    n_actions, default_task = 3, "line"
    Options = WorldOptions
    measures = (mean_measure("distance", "distance", headline=True),)

    def tasks(self) -> Sequence[str]:
        return ("line",)

    def check(self, config: Any) -> None: ...

    def check_ready(self, config: Any) -> None: ...

    def make_vec(
        self, tasks: Sequence[str], options: WorldOptions, n: int, purpose: Purpose, seed: int,
        learner: Learner = Learner(),
    ) -> VecEnv:  # fmt: skip
        vec_env: VecEnv = DummyVecEnv([lambda: LineEnv(learner.discrete)] * n)
        if options.frame_stack > 1:
            vec_env = VecFrameStack(vec_env, options.frame_stack, "first")
        vec_env.seed(purpose.first_seed(seed))
        return vec_env

    def measure(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"distance": infos[-1]["distance"]}

    def task_key(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(params.get("env") or ())

    def location(self, tasks: Sequence[str]) -> str:
        return "embedded"


WORLD = LineWorld()
