"""Our Adam is torch's, without what torch's imports."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import torch

from agent.training.algorithms.adam import Adam, RowAdam


def trained(optimizer: type[torch.optim.Adam], **options: bool) -> torch.Tensor:
    """Weights after some steps, half of them with a state that was put aside and taken up."""
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
    row, adam = RowAdam(layer.parameters(), lr=0.1), torch.optim.Adam(other.parameters(), lr=0.1)
    for _ in range(3):
        row.descend(layer(torch.ones(4, 8)).square().sum(), 0.5)
        adam.zero_grad()
        other(torch.ones(4, 8)).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        adam.step()
    torch.testing.assert_close(layer.weight, other.weight)


def test_the_latest_share_of_the_steps_is_averaged() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 3)
    adam = RowAdam(layer.parameters(), averaged=0.25, lr=0.1)
    with adam.settled():
        assert torch.equal(
            adam.row, torch.cat([layer.weight.flatten(), layer.bias])
        )  # nothing to average yet
    expected = torch.zeros(0)
    for step in range(1, 13):
        adam.descend(layer(torch.ones(4, 8)).square().sum(), 0.5)
        row = adam.row.detach()
        expected = row.clone() if step <= 4 else expected + (row - expected) / (0.25 * step)
    latest = layer.weight.detach().clone()
    with suppress(KeyError), adam.settled():
        torch.testing.assert_close(torch.cat([layer.weight.flatten(), layer.bias]), expected)
        assert not torch.equal(layer.weight, latest)
        raise KeyError
    assert torch.equal(layer.weight, latest)
    again = RowAdam(torch.nn.Linear(8, 3).parameters(), averaged=0.25)
    again.load_state_dict(adam.state_dict())
    with again.settled():
        torch.testing.assert_close(again.row.detach(), expected)


def test_it_does_not_import_the_compiler() -> None:
    probe = (
        "import sys, torch; from agent.training.algorithms.adam import Adam\n"
        "p = torch.nn.Linear(2, 2); o = Adam(p.parameters()); p(torch.ones(1, 2)).sum().backward(); o.step()\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
