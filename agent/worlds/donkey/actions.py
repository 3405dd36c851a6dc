"""A grid of steering and throttle commands as one discrete action, for algorithms such as DQN."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


class DiscretizedActionWrapper(gymnasium.ActionWrapper):
    """Discrete(n_steer * n_throttle) over a Box of [steering, throttle].

    Bins are evenly spaced from the low end of the Box to its high end, both of which are bins.
    Action k steers with bin ``k // n_throttle`` and drives with bin ``k % n_throttle``. So action 7
    of 5 x 3 over [-1, 1] x [0, 1] is steering 0.0 and throttle 0.5.

    :param env: its actions are a Box of [steering, throttle]
    :param n_steer: bins of steering
    :param n_throttle: bins of throttle
    :raises ValueError: fewer than two bins, or not a Box of two
    """

    def __init__(self, env: gymnasium.Env, n_steer: int = 7, n_throttle: int = 3) -> None:
        super().__init__(env)
        if n_steer < 2 or n_throttle < 2:
            raise ValueError(
                f"n_steer {n_steer} and n_throttle {n_throttle} must both be at least 2; raise them"
            )
        box = env.action_space
        if not isinstance(box, spaces.Box) or box.shape != (2,):
            raise ValueError(
                f"action space {box} cannot be discretised;"
                " wrap an environment with [steering, throttle]"
            )
        self.commands = command_table(box.low, box.high, n_steer, n_throttle)
        self.action_space = spaces.Discrete(n_steer * n_throttle)

    def action(self, action: int | np.integer) -> NDArray[np.float32]:
        """Command [steering, throttle] of a discrete action."""
        return self.commands[int(action)]


def command_table(
    low: NDArray[np.float32], high: NDArray[np.float32], n_steer: int, n_throttle: int
) -> NDArray[np.float32]:
    """Commands (n_steer * n_throttle, 2) of all discrete actions.

    :param low: least steering and throttle (2,)
    :param high: largest steering and throttle (2,)
    :param n_steer: bins of steering
    :param n_throttle: bins of throttle
    """
    steering = np.linspace(low[0], high[0], n_steer)
    throttle = np.linspace(low[1], high[1], n_throttle)
    return np.array([(s, t) for s in steering for t in throttle], dtype=np.float32)
