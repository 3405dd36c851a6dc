"""Average of a network's weights over the last part of its training, of whatever length."""

from __future__ import annotations

from typing import Any

import torch


class PowerLawAverage:
    """Exponential moving average whose horizon grows with training.

    After step t it moves towards the weights by 1 / max(1, share * t), so it spans about the latest
    ``share`` of the steps so far (Karras et al. 2024, "Analyzing and Improving the Training
    Dynamics of Diffusion Models", power-law EMA). It lives in the state of Adam, which is saved
    with the model.

    :param share: of the steps so far, above 0
    """

    KEY = "average"

    def __init__(self, share: float) -> None:
        self.share = share

    def update(self, state: dict[str, Any], weights: torch.Tensor) -> None:
        """Adds the weights after a step to the average; ``state`` is Adam's, of these weights."""
        average = state.setdefault(self.KEY, weights.detach().clone())
        average.lerp_(weights, 1.0 / max(1.0, self.share * float(state["step"])))

    def read(self, state: dict[str, Any]) -> torch.Tensor | None:
        """The average in Adam's ``state``; None before the first step."""
        return state.get(self.KEY)
