"""Demonstrations in a replay buffer: what is stored of them, and how often it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.training.imitation.demonstration_replay import DemonstrationReplay, add_demonstrations
from agent.worlds.capabilities import Transition

PICTURE = spaces.Box(0, 255, (2, 40, 80), dtype=np.uint8)
ACTIONS = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
CONFIG = TrialConfig.of(agent="sac", demos="drive.npz", return_steps=1)


class Drive:
    """Sixty recorded steps in two episodes; the first is cut off, the second fails."""

    steps = 60

    def transitions(self) -> Iterator[Transition]:
        for step in range(self.steps):
            last = step % 30 == 29
            yield Transition(
                observation=np.full(PICTURE.shape, step, dtype=np.uint8),
                next_observation=np.full(PICTURE.shape, step + 1, dtype=np.uint8),
                action=np.full(2, step / 60, dtype=np.float32),
                reward=float(step),
                terminated=last and step > 30,
                truncated=last and step < 30,
            )


def replay(own: int = 0, **options: Any) -> DemonstrationReplay:
    """A buffer with ``own`` blank transitions, rewarded -7, and the drive."""
    buffer = DemonstrationReplay(
        200, PICTURE, ACTIONS, "cpu", n_envs=2, n_steps=1, gamma=0.9, **options
    )
    blank = np.zeros((2, *PICTURE.shape), dtype=np.uint8)
    for _ in range(own // 2):
        buffer.add(blank, blank, np.zeros((2, 2)), np.full(2, -7.0), np.zeros(2), [{}, {}])
    add_demonstrations(buffer, Drive(), CONFIG)
    return buffer


def test_transitions_are_kept_as_they_were_recorded() -> None:
    kept = replay().demonstrations
    assert kept is not None
    assert kept.size() == 60
    assert kept.observations[30, 0].max() == 30
    assert kept.next_observations[29, 0].max() == 30
    assert np.flatnonzero(kept.dones[:, 0]).tolist() == [29, 59]
    assert np.flatnonzero(kept.timeouts[:, 0]).tolist() == [29]
    assert kept.rewards[:, 0].tolist() == list(range(60))
    assert kept.actions[45, 0].tolist() == [0.75, 0.75]


@pytest.mark.parametrize(
    ("options", "own", "weight", "share"),
    [
        ({}, 0, 1.0, 1.0),
        ({}, 60, 1.0, 0.5),
        ({"repeat": 3}, 60, 1.0, 0.75),
        ({"weight": 3.0}, 60, 3.0, 0.75),
        ({"weight": 3.0, "decay": 240}, 60, 2.0, 120.0 / 180.0),
        ({"weight": 3.0, "repeat": 3, "decay": 480}, 60, 2.0, 360.0 / 420.0),
        ({"weight": 3.0, "decay": 120}, 60, 1.0, 0.5),
        ({"weight": 0.0}, 60, 0.0, 0.0),
    ],
)
def test_they_are_drawn_by_weight_repeat_and_decay(
    options: dict[str, Any], own: int, weight: float, share: float
) -> None:
    buffer = replay(own, **options)
    assert (buffer.present_weight, buffer.share) == pytest.approx((weight, share))
    np.random.seed(0)
    drawn = buffer.sample(4000)
    assert drawn.observations.shape == (4000, *PICTURE.shape)
    fraction = float((drawn.rewards != -7.0).float().mean())
    assert fraction == pytest.approx(share, abs=0.03)
    logged = {"debug/demo_fraction_in_batch": fraction, "debug/demo_sampling_weight": weight}
    assert buffer.metrics == pytest.approx(logged, abs=1e-6)


def test_demonstrations_beyond_the_memory_limit_are_refused() -> None:
    buffer = DemonstrationReplay(8, PICTURE, ACTIONS, "cpu", n_steps=1, gamma=0.9)
    small = CONFIG.changed(memory_limit="1M")
    with pytest.raises(
        UserError, match="take 1 MB, more than half of memory_limit 1M; raise it or record less"
    ):
        add_demonstrations(buffer, Drive(), small)
