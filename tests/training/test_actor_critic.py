from __future__ import annotations

from collections.abc import Callable

import torch

from agent.config.trial import TrialConfig
from tests.training.off_policy_models import SMALL, trained


def members(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(each) for group in optimizer.param_groups for each in group["params"]}


def test_the_actor_leaves_the_encoder_to_the_critics(tiny: Callable[..., TrialConfig]) -> None:
    with trained(tiny(agent="sac", **SMALL)) as model:
        encoder = {id(parameter) for parameter in model.policy.encoder.parameters()}
        assert encoder
        assert encoder <= members(model.critic.optimizer)
        assert not encoder & members(model.actor.optimizer)
