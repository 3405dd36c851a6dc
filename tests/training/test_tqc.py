from __future__ import annotations

from collections.abc import Callable

import torch

from agent.config.trial import TrialConfig
from tests.training.off_policy_models import SMALL, trained


def test_the_highest_quantiles_are_dropped(tiny: Callable[..., TrialConfig]) -> None:
    with trained(tiny(agent="tqc", n_quantiles=5, drop_quantiles=2, **SMALL)) as model:
        answers = torch.arange(20.0).reshape(2, 2, 5)
        lowest = model.lower_estimate(answers).tolist()
        assert lowest == [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]
