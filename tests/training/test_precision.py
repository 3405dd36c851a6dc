"""Layers in bfloat16, all around them in float32. The processor's bfloat16 stands for CUDA's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.logger import configure
from torch.utils._python_dispatch import TorchDispatchMode

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.algorithms.fast_ppo import LOGGED, FastPPO
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.training.imitation.background import BackgroundLearner
from agent.training.imitation.imitator import Imitator
from agent.training.precision import answers_of
from agent.training.vec_envs import make_training_envs
from tests.training.off_policy_models import OFF_POLICY, SMALL, trained

Build = Callable[..., TrialConfig]

PRODUCTS = ("aten::mm", "aten::addmm", "aten::linear", "aten::convolution")


class Products(TorchDispatchMode):
    """Notes the type of every product of matrices while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.types: list[torch.dtype] = []

    def __torch_dispatch__(
        self, operation: Any, _: Any, inputs: Any = (), options: Any = None
    ) -> Any:
        result = operation(*inputs, **(options or {}))
        if operation.name().split(".")[0] in PRODUCTS:
            self.types.append(result.dtype)
        return result


def types_in(work: Callable[..., Any], *inputs: Any) -> tuple[int, int, Any]:
    """Products in bfloat16 and in float32 during ``work``, and its result."""
    with Products() as products:
        result = work(*inputs)
    lower = products.types.count(torch.bfloat16)
    assert lower + products.types.count(torch.float32) == len(products.types)
    return lower, len(products.types) - lower, result


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize(("layers", "products"), [(1, 2), (2, 3), (3, 4)])
def test_an_encoder_answers_nearly_the_same_and_every_weight_gets_its_gradient(
    layers: int, products: int, bounded: bool
) -> None:
    torch.manual_seed(0)
    space = spaces.Box(0, 255, (1, 32, 32), np.uint8)
    encoder = PatchEncoder(space, features_dim=16, layers=layers, bounded=bounded)
    pictures = torch.randint(0, 256, (8, 1, 32, 32), dtype=torch.uint8)
    exact = encoder(pictures)
    lower, full, answers = types_in(lambda: answers_of(encoder, pictures, mixed=True))
    assert (lower, full) == (products, 0)
    assert answers.dtype == torch.float32
    assert not torch.equal(answers, exact)
    torch.testing.assert_close(answers, exact, rtol=0.05, atol=0.05)
    answers.square().mean().backward()
    for parameter in encoder.parameters():
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
        assert float(parameter.grad.abs().max()) > 0.0
    assert torch.equal(answers_of(encoder, pictures, mixed=False), exact)


@pytest.mark.parametrize("sde_freq", [4, 0], ids=["sde", "gaussian"])
def test_ppo_gathers_and_learns_with_heads_and_losses_in_float32(
    tiny: Build, sde_freq: int
) -> None:
    config = tiny(mixed_precision=True, conv_layers=1, sde_freq=sde_freq, ent_coef=0.01)
    training = make_training_envs(config)
    model = cast(FastPPO, build(config, training))
    policy = cast(FastPolicy, model.policy)
    pictures = torch.from_numpy(np.asarray(training.vec_env.reset()))
    lower, full, (actions, values, log_probs) = types_in(policy, pictures)
    assert lower == 4  # shapes, features, and a layer each of actor and critic
    assert full >= 2  # the heads
    assert {actions.dtype, values.dtype, log_probs.dtype} == {torch.float32}
    assert torch.equal(policy.predict_values(pictures), values)
    model.set_logger(configure(None, []))
    model.learn(config.trial.timesteps)
    steps = model._rollout_tensors()
    lower, full, (loss, seen) = types_in(model.loss, steps, 0.2)
    assert lower == 4
    assert full >= 2
    assert loss.dtype == seen.dtype == torch.float32
    policy.mixed_precision = False
    lower, _, (exact, _) = types_in(model.loss, steps, 0.2)
    assert lower == 0
    assert 0.0 < float((loss - exact).detach().abs()) < 0.05
    logged = [model.logger.name_to_value[f"train/{name}"] for name in LOGGED]
    assert np.isfinite(logged).all()
    training.vec_env.close()


def test_what_acts_for_good_acts_in_float32(tiny: Build) -> None:
    config = tiny(mixed_precision=True)
    training = make_training_envs(config)
    policy = cast(FastPolicy, build(config, training).policy)
    assert policy.mixed_precision
    pictures = np.asarray(training.vec_env.reset())
    lower, full, _ = types_in(lambda: policy.predict(pictures, deterministic=True))
    assert lower == 0
    assert full > 0
    training.vec_env.close()


@pytest.mark.parametrize("mixed", [True, False])
def test_labels_are_learned_in_the_trials_precision(
    tiny: Build, monkeypatch: pytest.MonkeyPatch, mixed: bool
) -> None:
    counts = []
    learn = BackgroundLearner._learn

    def counting(*inputs: Any) -> Any:
        lower, _, means = types_in(learn, *inputs)
        counts.append(lower)
        return means

    monkeypatch.setattr(BackgroundLearner, "_learn", counting)
    config = tiny(mixed_precision=mixed, imitation_share=1.0, conv_layers=1)
    training = make_training_envs(config)
    model = cast(FastPPO, build(config, training))
    model.set_logger(configure(None, []))
    model.learn(config.trial.timesteps)
    assert isinstance(model.imitator, Imitator)
    assert counts
    assert all((count > 0) == mixed for count in counts)
    assert np.isfinite(model.logger.name_to_value["train/imitation_loss"])
    training.vec_env.close()


@pytest.mark.parametrize("agent", OFF_POLICY)
def test_gradient_steps_of_the_others_learn_with_losses_in_float32(tiny: Build, agent: str) -> None:
    with trained(tiny(agent=agent, mixed_precision=True, **SMALL)) as model:
        before = {name: value.clone() for name, value in model.policy.state_dict().items()}
        batch = model.batch(16)
        model._n_updates = model.policy_delay if agent in ("td3", "ddpg") else 1
        lower, _, seen = types_in(model.update, batch)
        assert lower > 0
        assert_float32_and_finite(seen)
        after = model.policy.state_dict()
        assert [name for name in before if torch.equal(before[name], after[name])] == []
        model.mixed_precision = False
        assert types_in(model.update, batch)[0] == 0
        model.mixed_precision = True
        if agent in ("sac", "tqc"):
            features = model.answers_of(model.policy.encode, batch.observations)
            _, log_prob = model.action_log_prob(features)
            assert log_prob.dtype == torch.float32


def assert_float32_and_finite(seen: Mapping[str, torch.Tensor]) -> None:
    assert {name for name, value in seen.items() if value.dtype != torch.float32} == set()
    assert {name for name, value in seen.items() if not torch.isfinite(value).all()} == set()
