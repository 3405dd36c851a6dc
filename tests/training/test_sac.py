from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.config.trial import TrialConfig
from tests.training.off_policy_models import SMALL, trained

Build = Callable[..., TrialConfig]


@pytest.mark.parametrize("agent", ["sac", "tqc"])
def test_the_entropy_has_a_fixed_weight_or_one_learned_at_its_own_rate(
    tiny: Build, agent: str
) -> None:
    with trained(tiny(agent=agent, ent_coef=0.03, entropy_rate=0.0, **SMALL)) as model:
        assert float(model.update(model.batch(16))["entropy_coef"]) == pytest.approx(0.03)
    with trained(tiny(agent=agent, ent_coef=0.03, entropy_rate=0.01, **SMALL)) as model:
        before = float(model.log_ent_coef.detach())
        model.ent_coef_optimizer.state.clear()
        model.update(model.batch(16))
        # Adam's first step is its rate, whatever the gradient.
        step = abs(float(model.log_ent_coef.detach()) - before)
        assert step == pytest.approx(0.01, rel=1e-3)
        assert model.ent_coef_optimizer.param_groups[0]["lr"] == 0.01
        assert model.actor.optimizer.param_groups[0]["lr"] == model.learning_rate


def test_the_target_entropy_is_minus_the_number_of_actions(tiny: Build) -> None:
    with trained(tiny(agent="sac", **SMALL)) as model:
        assert model.target_entropy == -2.0
