"""Learning what a teacher said, on a second thread, while the learner drives on.

A trial's own work is one thread's, and half of it is gradient steps. Those of lessons need not be over before the next
rollout: whoever imitates a teacher may drive by what it knew a moment ago. So both of a laptop's cores have their work,
with one hand-over a rollout; threads inside torch, which hand over in every layer, gain less and lose on busy cores.
"""

from __future__ import annotations

import copy
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import torch

from agent.training.algorithms.adam import RowAdam
from agent.training.imitation.dataset import LARGE, WEIGHTS, AggregatedDataset, ImitationBatch

# Layers of a small network are quicker than python's usual 5 ms before it lets another thread go on.
SWITCH_SEC = 1e-4
LONGEST_SEC = 3600.0  # that a rollout's lessons may take; they take less than one
NUMBERS = ("lesson_loss", "value_loss")


def lesson_loss(
    policy: Any, page: ImitationBatch, vf_coef: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of a page of lessons, and what is logged of it: the errors of the policy's mean and of the critic.

    The teacher's are Huber's: up to ``LARGE`` an error counts squared, beyond by its size. Where pictures leave two
    answers the likelier is then learned, and not the mean of both, which drives straight on between two roads.

    What is seen in a picture is learned from the teacher alone: from what it would do, and from where it knows the
    road to lie. The critic only watches.
    """
    features = policy.features_extractor(page.pictures)
    mean = policy.action_net(policy.mlp_extractor.forward_actor(features))
    values = policy.value_net(policy.mlp_extractor.forward_critic(features.detach())).flatten()
    told = torch.cat((mean, policy.ahead_net(features)), dim=1)
    errors = torch.nn.functional.smooth_l1_loss(
        told, page.lessons, reduction="none", beta=LARGE
    ).mean(0)
    errors = errors * (2.0 * LARGE) * told.new_tensor(WEIGHTS)
    value_loss = torch.nn.functional.mse_loss(values, page.returns)
    return errors.sum() + vf_coef * value_loss, torch.stack((errors[:2].sum(), value_loss)).detach()


class AuxiliaryGradient:
    """The slope of ``weight`` times the lessons' loss, found on a second thread while a first finds a reward's."""

    def __init__(self, policy: Any, weight: float) -> None:
        self.policy, self.weight = policy, weight
        sys.setswitchinterval(SWITCH_SEC)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reminder")

    def begin(self, page: ImitationBatch) -> None:
        """Begin with a page; the policy is not to be moved before ``slope`` was asked for."""
        self._found = self._thread.submit(self._find, page)

    def slope(self) -> torch.Tensor:
        """Wait for the slope, as a row of the policy's optimiser; ``error`` is the lessons' from now on.

        :raises TimeoutError: after ``LONGEST_SEC``
        """
        slope, self.error = self._found.result(LONGEST_SEC)
        return slope

    def _find(self, page: ImitationBatch) -> tuple[torch.Tensor, float]:
        loss, numbers = lesson_loss(self.policy, page, 0.0)
        return self.policy.optimizer.slope(self.weight * loss), float(numbers[0])


class BackgroundLearner:
    """A copy of a policy that learns while the policy drives.

    The same lessons make the same copy to the digit, whatever the other thread does meanwhile: nothing is drawn here.
    """

    def __init__(self, policy: Any, vf_coef: float, max_grad_norm: float) -> None:
        self.vf_coef, self.max_grad_norm = vf_coef, max_grad_norm
        self.copy = type(policy)(**policy._get_constructor_parameters()).to(policy.device)
        self.copy.optimizer.lay()
        sys.setswitchinterval(SWITCH_SEC)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="study")
        self._learned: Future[dict[str, float]] | None = None

    def begin(self, policy: Any, book: AggregatedDataset) -> None:
        """Learn the homework of ``book``, which is not to be written to before ``end``, from where ``policy`` is."""
        _move(policy, self.copy)
        self._learned = self._thread.submit(self._learn, book)

    def end(self, policy: Any, book: AggregatedDataset) -> dict[str, float]:
        """Wait, and move ``policy`` to what was learned. Returns the mean of ``NUMBERS``, by name.

        :raises TimeoutError: after ``LONGEST_SEC``
        """
        assert self._learned is not None
        learned = self._learned.result(LONGEST_SEC)
        _move(self.copy, policy)
        book.homework = None
        return learned

    def _learn(self, book: AggregatedDataset) -> dict[str, float]:
        seen = []
        assert book.homework is not None
        for at in book.homework:
            loss, numbers = lesson_loss(self.copy, book.page(at, self.copy.device), self.vf_coef)
            self.copy.optimizer.descend(loss, self.max_grad_norm)
            seen.append(numbers)
        return dict(zip(NUMBERS, torch.stack(seen).mean(0).tolist(), strict=True))


def _move(policy: Any, other: Any) -> None:
    """Weights and optimiser of a policy to another of its kind."""
    here, there = cast(RowAdam, policy.optimizer), cast(RowAdam, other.optimizer)
    there.row.data.copy_(here.row.data)
    there.load_state_dict(
        copy.deepcopy(here.state_dict())
    )  # which keeps the tensors that it is given
