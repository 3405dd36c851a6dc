"""The average of the weights spans the latest share of the steps, and is saved with Adam."""

from __future__ import annotations

from contextlib import suppress

import torch

from agent.training.algorithms.adam import RowAdam


def test_the_latest_share_of_the_steps_is_averaged() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 3)
    adam = RowAdam(layer.parameters(), averaged=0.25, lr=0.1)
    with adam.averaged_weights():  # nothing to average yet
        assert torch.equal(adam.row, torch.cat([layer.weight.flatten(), layer.bias]))
    expected = torch.zeros(0)
    for step in range(1, 13):
        adam.descend(layer(torch.ones(4, 8)).square().sum(), 0.5)
        row = adam.row.detach()
        expected = row.clone() if step <= 4 else expected + (row - expected) / (0.25 * step)
    latest = layer.weight.detach().clone()
    with suppress(KeyError), adam.averaged_weights():
        torch.testing.assert_close(torch.cat([layer.weight.flatten(), layer.bias]), expected)
        assert not torch.equal(layer.weight, latest)
        raise KeyError
    assert torch.equal(layer.weight, latest)
    again = RowAdam(torch.nn.Linear(8, 3).parameters(), averaged=0.25)
    again.load_state_dict(adam.state_dict())
    with again.averaged_weights():
        torch.testing.assert_close(again.row.detach(), expected)


def test_without_a_share_there_is_no_average() -> None:
    layer = torch.nn.Linear(8, 3)
    adam = RowAdam(layer.parameters(), lr=0.1)
    adam.descend(layer(torch.ones(4, 8)).square().sum(), 0.5)
    latest = layer.weight.detach().clone()
    with adam.averaged_weights():
        assert torch.equal(layer.weight, latest)
