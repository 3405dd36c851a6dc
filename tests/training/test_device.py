from __future__ import annotations

import pytest
import torch

from agent.config.errors import UserError
from agent.training.algorithms.device import check_device


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="--device cpu"):
        check_device("cuda")
    check_device("auto")


@pytest.mark.parametrize(
    ("device", "found", "fits"),
    [("auto", True, True), ("cuda", True, True), ("cpu", True, False), ("auto", False, False)],
)
def test_mixed_precision_is_refused_where_the_network_would_train_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, device: str, found: bool, fits: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    check_device(device)
    if fits:
        check_device(device, mixed_precision=True)
        return
    with pytest.raises(UserError, match="--mixed-precision needs CUDA"):
        check_device(device, mixed_precision=True)
