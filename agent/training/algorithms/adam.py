"""Adam without torch's compiler: importing that takes seconds of every trial, and nothing here is compiled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
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


class RowAdam(Adam):
    """Adam over all parameters laid end to end in one row: one operation where there were as many as layers.

    The parameters become views of the row, and stay so for whoever reads or loads them.

    :param averaged: share of the steps so far, the latest, whose parameters are averaged besides; an average that
        forgets at a rate of 1 / (share * steps), so there is no length to know beforehand (Karras et al. 2024, the
        power-law average of "Analyzing and Improving the Training Dynamics of Diffusion Models")
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], averaged: float = 0.0, **options: Any
    ) -> None:
        self.averaged = averaged
        self.members = list(parameters)
        self.row = torch.nn.Parameter(torch.empty(0))
        self.lay()
        super().__init__([self.row], **options)

    def lay(self) -> None:
        """Lay the parameters into the row, on the device where they are by now."""
        self.row.data = torch.cat([member.detach().flatten() for member in self.members])
        parts = self.row.data.split([member.numel() for member in self.members])
        for member, part in zip(self.members, parts, strict=True):
            member.data = part.view(member.shape)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients."""
        for member in self.members:
            member.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step with the gradients that the parameters have, as other optimisers take it."""
        self._move(
            _row(
                [
                    torch.zeros_like(each) if each.grad is None else each.grad
                    for each in self.members
                ]
            )
        )
        return None

    def descend(
        self, loss: torch.Tensor, max_norm: float, beside: Callable[[], torch.Tensor] | None = None
    ) -> None:
        """A step down ``loss``, its gradient shortened to ``max_norm`` where it is longer; not all need be in it.

        :param beside: gives a row to add to the gradient, once that of the loss is there
        """
        row = self.slope(loss)
        self._move(row if beside is None else row + beside(), max_norm)

    def slope(self, loss: torch.Tensor) -> torch.Tensor:
        """The gradient of ``loss`` as a row."""
        return _row(torch.autograd.grad(loss, self.members, materialize_grads=True))

    @torch.no_grad()
    def _move(self, row: torch.Tensor, max_norm: float = math.inf) -> None:
        if math.isfinite(max_norm):
            row.mul_((max_norm / (row.norm() + 1e-6)).clamp_(max=1.0))
        self.row.grad = row
        super().step()
        if self.averaged:
            own = self.state[self.row]
            average = own.setdefault("average", self.row.detach().clone())
            average.lerp_(self.row, 1.0 / max(1.0, self.averaged * float(own["step"])))

    @contextmanager
    def settled(self) -> Iterator[None]:
        """While this lasts the parameters are their average, once there is one."""
        latest = self.row.detach().clone()
        self.row.data.copy_(self.state[self.row].get("average", latest))
        try:
            yield
        finally:
            self.row.data.copy_(latest)


def settled(policy: Any) -> AbstractContextManager[None]:
    """While this lasts the parameters of ``policy`` are their average, if its optimiser keeps one."""
    optimizer = getattr(policy, "optimizer", None)
    return (
        optimizer.settled()
        if isinstance(optimizer, RowAdam) and optimizer.averaged
        else nullcontext()
    )


def _row(gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([gradient.flatten() for gradient in gradients])
