from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agent.config.trial import TrialConfig
from tests.training.off_policy_models import SMALL, trained


@pytest.mark.parametrize("agent", ["td3", "ddpg"])
def test_the_noise_has_a_number_for_every_action(
    tiny: Callable[..., TrialConfig], agent: str
) -> None:
    with trained(tiny(agent=agent, noise_std=0.1, **SMALL)) as model:
        noise = model.action_noise.noises[0]()
        assert np.shape(noise) == model.action_space.shape
