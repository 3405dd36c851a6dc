"""From a learner's actions to Gymnasium's commands and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

# Gymnasium's own five: nothing, right, left, gas, brake.
FIVE = np.array(
    [[0.0, 0.0, 0.0], [0.6, 0.0, 0.0], [-0.6, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.8]]
)
WALKING_PACE = 3.0  # units/s, below which cars creep; chosen
MIRRORED_FIVE = np.array([0, 2, 1, 3, 4])


@dataclass(frozen=True)
class Actions:
    """A learner's actions.

    :param kind: ``two``: steering, gas minus brake; ``three``: steering, gas, brake; ``five``
        numbered ones. All are from -1 to 1.
    :param steer_limit: steering command of an action 1
    :param creep: gas of a car at walking pace, at least
    """

    kind: str
    steer_limit: float
    creep: float = 0.0

    @property
    def space(self) -> spaces.Space[Any]:
        """The space of one action."""
        if self.kind == "five":
            return spaces.Discrete(len(FIVE))
        return spaces.Box(-1.0, 1.0, (2 if self.kind == "two" else 3,), dtype=np.float32)

    @property
    def mirror_signs(self) -> tuple[float, ...]:
        """Signs of the actions in the mirrored scene."""
        return (-1.0, 1.0) if self.kind == "two" else (-1.0, 1.0, 1.0)

    def commands(self, actions: NDArray[Any]) -> NDArray[np.float64]:
        """Commands (n, 3): steering -1 to 1, gas and brake 0 to 1.

        :param actions: (n, k) of the space, or (n,) numbers
        """
        if self.kind == "five":
            return FIVE[actions]
        clipped = np.clip(actions, -1.0, 1.0).astype(np.float32)
        commands = np.empty((len(clipped), 3))
        commands[:, 0] = clipped[:, 0] * np.float32(self.steer_limit)
        if self.kind == "two":
            commands[:, 1] = np.maximum(clipped[:, 1], 0.0)
            commands[:, 2] = np.maximum(-clipped[:, 1], 0.0)
        else:
            commands[:, 1:] = 0.5 * (clipped[:, 1:] + 1.0)
        return commands

    def with_creep(
        self, commands: NDArray[np.float64], speeds: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Commands (n, 3) of which none stops a car that hardly moves.

        :param commands: (n, 3)
        :param speeds: of the cars (n,), units/s; the picture shows them
        """
        if not self.creep:
            return commands
        gas = np.where(speeds < WALKING_PACE, self.creep, 0.0)
        moved = commands.copy()
        moved[:, 1] = np.maximum(commands[:, 1], gas)
        moved[:, 2] = np.where(speeds < WALKING_PACE, 0.0, commands[:, 2])
        return moved

    def of_commands(self, commands: NDArray[np.float64]) -> NDArray[np.float32]:
        """Continuous actions (n, k) whose commands are these, or as near as can be.

        :param commands: (n, 3)
        """
        steering = np.clip(commands[:, :1] / self.steer_limit, -1.0, 1.0)
        if self.kind == "two":
            pedals = commands[:, 1:2] - commands[:, 2:]
        else:
            pedals = 2.0 * commands[:, 1:] - 1.0
        return np.concatenate([steering, pedals], axis=1, dtype=np.float32)
