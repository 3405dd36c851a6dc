"""Adam without torch's compiler: importing that takes seconds of every trial, and nothing here is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer


def _plain(method: Any) -> Any:
    """What torch has wrapped for its compiler's sake; the wrapper imports it on the first call."""
    return getattr(method, "__wrapped__", method)


class Adam(torch.optim.Adam):
    """``torch.optim.Adam``, to the digit."""

    zero_grad = _plain(Optimizer.zero_grad)
    add_param_group = _plain(Optimizer.add_param_group)
    state_dict = _plain(Optimizer.state_dict)
    load_state_dict = _plain(Optimizer.load_state_dict)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step with the gradients that the parameters have."""
        loss: float | None = _plain(torch.optim.Adam.step)(self, closure)
        return loss
