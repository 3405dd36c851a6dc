"""Our Adam is torch's, without torch's compiler; over a row it takes the same steps."""

from __future__ import annotations

import subprocess
import sys

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


def test_it_does_not_import_the_compiler() -> None:
    probe = (
        "import sys, torch; from agent.training.algorithms.adam import Adam\n"
        "p = torch.nn.Linear(2, 2); o = Adam(p.parameters())\n"
        "p(torch.ones(1, 2)).sum().backward(); o.step()\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
