"""One decision for several control steps: exploration reaches farther with fewer decisions."""

from __future__ import annotations

from typing import Any

import gymnasium


class RepeatedAction(gymnasium.Wrapper):
    """A step is ``repeat`` control steps with one action, or fewer where an episode ends.

    Its reward is their sum; observation and info are those of the last one.
    """

    def __init__(self, env: gymnasium.Env, repeat: int) -> None:
        super().__init__(env)
        self.repeat = repeat

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        total = 0.0
        for _ in range(self.repeat):
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        return observation, total, terminated, truncated, info


class HeldAction(gymnasium.Wrapper):
    """A step is a control step, but only every ``repeat``-th action of an episode counts.

    It is held until the next. So a policy that decides that seldom is evaluated step by step, as
    all are: rewards, laps and lengths are alike.
    """

    def __init__(self, env: gymnasium.Env, repeat: int) -> None:
        super().__init__(env)
        self.repeat = repeat

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._steps = 0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self._steps % self.repeat == 0:
            self._held = action
        self._steps += 1
        observation, reward, terminated, truncated, info = self.env.step(self._held)
        return observation, float(reward), terminated, truncated, info
