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
