"""Adam without torch's compiler, and Adam over all parameters as one row.

torch wraps the methods of its optimisers for its compiler, and a wrapper imports the compiler when
it is first called. Construction and first step of ``torch.optim.Adam`` take 1.2 s for that reason,
ours 5 ms (torch 2.13.0, one core, five lines in a fresh process). Nothing here is compiled. Measure
again with each new torch, and drop ``Adam`` when torch no longer imports the compiler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import Optimizer

from agent.training.algorithms.weight_average import PowerLawAverage

NORM_EPSILON = 1e-6  # beside a gradient's norm, as in torch.nn.utils.clip_grad_norm_


def _unwrapped(method: Any) -> Any:
    """The method inside torch's wrapper; the method itself where torch has not wrapped it."""
    return getattr(method, "__wrapped__", method)


class Adam(torch.optim.Adam):
    """``torch.optim.Adam``, to the digit."""

    zero_grad = _unwrapped(Optimizer.zero_grad)
    add_param_group = _unwrapped(Optimizer.add_param_group)
    state_dict = _unwrapped(Optimizer.state_dict)
    load_state_dict = _unwrapped(Optimizer.load_state_dict)

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Takes one step with the gradients that the parameters have."""
        loss: float | None = _unwrapped(torch.optim.Adam.step)(self, closure)
        return loss


class RowAdam(Adam):
    """Adam over all parameters laid end to end in one row, which takes one operation for all.

    The parameters become views of the row, and stay so for whoever reads or loads them.

    :param parameters: of the network
    :param averaged: share of the steps so far, the latest, over which the parameters are averaged
        besides; 0 for no average
    :param options: of ``torch.optim.Adam``
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], averaged: float = 0.0, **options: Any
    ) -> None:
        self.average = PowerLawAverage(averaged) if averaged else None
        self.members = list(parameters)
        self.row = torch.nn.Parameter(torch.empty(0))
        self.lay_out()
        super().__init__([self.row], **options)

    def lay_out(self) -> None:
        """Lays the parameters into the row, on the device where they are now."""
        self.row.data = torch.cat([member.detach().flatten() for member in self.members])
        parts = self.row.data.split([member.numel() for member in self.members])
        for member, part in zip(self.members, parts, strict=True):
            member.data = part.view(member.shape)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the parameters' gradients."""
        for member in self.members:
            member.grad = None

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Takes one step with the gradients that the parameters have, as other optimisers do."""
        gradients = []
        for member in self.members:
            gradients.append(torch.zeros_like(member) if member.grad is None else member.grad)
        self._step(_as_row(gradients))
        return None

    def descend(
        self,
        loss: torch.Tensor,
        max_norm: float,
        added_gradient: Callable[[], torch.Tensor] | None = None,
    ) -> None:
        """Takes one step down a loss in which not all parameters need be.

        :param loss: scalar
        :param max_norm: a longer gradient is shortened to this
        :param added_gradient: gives a row to add to the gradient; asked after that of the loss is
            known
        """
        gradient = self.gradient_of(loss)
        if added_gradient is not None:
            gradient = gradient + added_gradient()
        self._step(gradient, max_norm)

    def gradient_of(self, loss: torch.Tensor) -> torch.Tensor:
        """Gradient of ``loss`` as a row."""
        return _as_row(torch.autograd.grad(loss, self.members, materialize_grads=True))

    @torch.no_grad()
    def _step(self, gradient: torch.Tensor, max_norm: float = math.inf) -> None:
        if math.isfinite(max_norm):
            gradient.mul_((max_norm / (gradient.norm() + NORM_EPSILON)).clamp_(max=1.0))
        self.row.grad = gradient
        super().step()
        if self.average:
            self.average.update(self.state[self.row], self.row)

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Gives the parameters their average, where there is one, until the context ends."""
        average = self.average.read(self.state[self.row]) if self.average else None
        if average is None:
            yield
            return
        latest = self.row.detach().clone()
        self.row.data.copy_(average)
        try:
            yield
        finally:
            self.row.data.copy_(latest)


def _as_row(gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([gradient.flatten() for gradient in gradients])
