"""Our Adam is torch's, without torch's compiler; over a row it takes the same steps."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from agent.training.algorithms.adam import Adam, RowAdam


def trained(optimizer: type[torch.optim.Adam], **options: bool) -> torch.Tensor:
    """Weights after some steps, half of them with a state that was put aside and loaded."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 3)
    adam = optimizer(layer.parameters(), lr=0.01, **options)  # type: ignore[arg-type]
    for k in range(10):
        if k == 5:
            kept = adam.state_dict()
            adam = optimizer(layer.parameters(), lr=0.5, **options)  # type: ignore[arg-type]
            adam.load_state_dict(kept)
        adam.zero_grad()
        layer(torch.ones(4, 8)).square().sum().backward()
        adam.step()
    return layer.weight.detach()


def test_it_takes_the_steps_of_torchs() -> None:
    assert torch.equal(trained(Adam), trained(torch.optim.Adam))
    assert torch.equal(trained(Adam, fused=True), trained(torch.optim.Adam, fused=True))


def test_a_row_of_parameters_takes_the_same_steps() -> None:
    torch.testing.assert_close(trained(RowAdam), trained(torch.optim.Adam))
    assert torch.equal(trained(RowAdam, fused=True), trained(torch.optim.Adam, fused=True))


def test_a_step_down_a_loss_is_clipped_as_torch_clips() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 3)
    other = torch.nn.Linear(8, 3)
    other.load_state_dict(layer.state_dict())
    row = RowAdam(layer.parameters(), lr=0.1)
    adam = torch.optim.Adam(other.parameters(), lr=0.1)
    for _ in range(3):
        row.descend(layer(torch.ones(4, 8)).square().sum(), 0.5)
        adam.zero_grad()
        other(torch.ones(4, 8)).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        adam.step()
    torch.testing.assert_close(layer.weight, other.weight)


def test_another_gradient_is_added_before_clipping() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 3)
    other = torch.nn.Linear(8, 3)
    other.load_state_dict(layer.state_dict())
    one = RowAdam(layer.parameters(), lr=0.1)
    both = RowAdam(other.parameters(), lr=0.1)
    pictures = torch.ones(4, 8)
    one.descend(layer(pictures).square().sum(), 0.5, lambda: one.gradient_of(layer(pictures).sum()))
    both.descend(other(pictures).square().sum() + other(pictures).sum(), 0.5)
    torch.testing.assert_close(layer.weight, other.weight)


def withhold_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes torch as it is before its first optimiser, where its compiler cannot be imported."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    for name in ("zero_grad", "add_param_group", "state_dict", "load_state_dict"):
        # torch keeps a compiler that it has imported on the method that it wraps.
        wrapped = getattr(torch.optim.Optimizer, name).__wrapped__
        monkeypatch.delattr(wrapped, "__dynamo_disable", raising=False)
    step: Any = torch.optim.Adam.step
    if getattr(step, "hooked", False):
        # The first Adam has put one more wrapper around the step.
        monkeypatch.setattr(torch.optim.Adam, "step", step.__wrapped__)


def test_it_does_not_import_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    withhold_compiler(monkeypatch)
    trained(Adam)
    trained(RowAdam)
    with pytest.raises(ImportError, match=r"torch\._dynamo"):
        trained(torch.optim.Adam)
