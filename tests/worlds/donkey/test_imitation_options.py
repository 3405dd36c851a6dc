"""Imitation in the DonkeyCar world: which options it goes with, and where its episodes start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.simulator.track_progress import CTE
from agent.worlds.base import Purpose

Build = Callable[..., TrialConfig]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"imitation_share": 0.5, "env": ["donkey-warren-track-v0@9091"]},
            "imitation_share 0.5 is for embedded worlds in one batch",
        ),
        ({"imitation_share": 0.5, "reward_term": ["scale=3"]}, "drop it or scale=3"),
        ({"road_replay": 0.5}, "needs roads to choose from; give --roads"),
        ({"narrow_crossing_share": 0.5}, "narrow_crossing_share 0.5 is for imitation"),
        (
            {"imitation_share": 0.5, "narrow_crossing_share": 0.5, "curriculum_share": 0.3},
            "curriculum_share 0.3 and narrow_crossing_share 0.5 both choose roads",
        ),
    ],
)
def test_options_that_do_not_go_with_it_are_refused(
    tiny: Build, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError, match=line):
        tiny(**changes)


def farthest_aside_u(config: TrialConfig, n: int, purpose: Purpose) -> float:
    """Largest distance from the middle of the road at the start of ``n`` episodes."""
    vec_env = config.the_world.make_vec(
        config.trial.env, config.world, n, purpose, config.trial.seed, config.learner
    )
    vec_env.reset()
    states = cast(Any, vec_env).vector_env.fleet.progress_states
    vec_env.close()
    return float(np.abs(states[:, CTE]).max())


def test_an_imitator_starts_perturbed_and_who_is_judged_does_not(tiny: Build) -> None:
    assert farthest_aside_u(tiny(), 32, Purpose.TRAIN) < 2.0
    config = tiny(imitation_share=1.0)
    assert 3.0 < farthest_aside_u(config, 32, Purpose.TRAIN) < 0.8 * 8.0
    assert farthest_aside_u(config, 8, Purpose.JUDGE) < 1.0
