"""Names that older versions wrote into models and kept states, so that these go on being loaded.

The world whose models are that old leads the old paths of the classes to this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces

from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation.dataset import AggregatedDataset
from agent.training.imitation.demonstration_replay import DemonstrationReplay

__all__ = [
    "DemoReplay",
    "FastPPO",
    "LeanPolicy",
    "LessonBook",
    "modern_state",
    "modern_weights",
]

OLD_MODULE = "ahead_net."  # of a policy, today's ``auxiliary_net``
STATE_KEYS = {
    "config",
    "model",
    "replay",
    "labels",
    "curriculum",
    "normalisation",
    "best",
    "random",
}
OLD_LABELS = "lessons"
DATASET_KEYS = {"kept": "capacity", "homework": "queued", "lessons": "labels"}
REPLAY_KEYS = {"shown": "demonstrations"}


def modern_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """A kept state under today's keys.

    Older versions named the state of the curriculum for what the curriculum chooses.
    """
    modern = dict(state)
    if OLD_LABELS in modern:
        modern["labels"] = modern.pop(OLD_LABELS)
    for key in modern.keys() - STATE_KEYS:
        modern["curriculum"] = modern.pop(key)
    return modern


def modern_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """A policy's state dictionary under today's keys."""
    return {key.replace(OLD_MODULE, "auxiliary_net."): value for key, value in weights.items()}


class LeanPolicy(FastPolicy):
    """A ``FastPolicy`` that an older version saved.

    :param pointing: ``n_auxiliary``
    :param mirrored: the first action changes its sign in the mirrored scene, the others do not
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Box,
        *args: Any,
        pointing: int = 0,
        mirrored: bool = False,
        **options: Any,
    ) -> None:
        if pointing:
            options["n_auxiliary"] = pointing
        if mirrored:
            options["mirror_signs"] = (-1.0, *[1.0] * (action_space.shape[0] - 1))
        super().__init__(observation_space, action_space, *args, **options)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Loads weights under old keys or today's."""
        return super().load_state_dict(modern_weights(state_dict), *args, **options)


class LessonBook(AggregatedDataset):
    """An ``AggregatedDataset`` in a kept state of an older version."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({DATASET_KEYS.get(key, key): state[key] for key in state})


class DemoReplay(DemonstrationReplay):
    """A ``DemonstrationReplay`` in a kept state of an older version."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({REPLAY_KEYS.get(key, key): state[key] for key in state})
