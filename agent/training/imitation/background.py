"""Gradients of the imitation loss on a second thread.

A trial's own work runs on one thread, and half of it is gradient steps. Imitation may act with a
policy that is one rollout old, so its gradient steps run beside the next rollout. Both of a
laptop's cores are then busy, with one hand-over a rollout. Threads inside torch hand over in every
layer: they gain less, and lose on busy cores.
"""

from __future__ import annotations

import copy
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import torch

from agent.training.imitation.dataset import AggregatedDataset, ImitationBatch
from agent.training.imitation.loss import ImitationLoss

if TYPE_CHECKING:
    from agent.training.algorithms.adam import RowAdam

# Python lets a thread run for 5 ms before another may go on; layers of a small network are quicker.
SWITCH_SEC = 1e-4
LONGEST_SEC = (
    3600.0  # longest wait for a thread, chosen: a rollout's minibatches take less than a second
)
LOGGED = ("imitation_loss", "value_loss")


class AuxiliaryGradient:
    """Gradient of ``weight`` times the imitation loss, found while the first thread finds PPO's.

    :param policy: of both losses
    :param loss: imitation loss
    :param weight: of the loss
    :param dataset: of labels
    """

    def __init__(
        self, policy: Any, loss: ImitationLoss, weight: float, dataset: AggregatedDataset
    ) -> None:
        self.policy = policy
        self.loss = loss
        self.weight = weight
        self.dataset = dataset
        self.error = 0.0  # of the actions, in the latest minibatch
        sys.setswitchinterval(SWITCH_SEC)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="auxiliary-gradient")

    def begin(self, n: int) -> None:
        """Draws ``n`` steps and begins with them; the policy must not move before ``result``."""
        batch = self.dataset.draw(n, self.policy.device)
        self._found = self._thread.submit(self._find, batch)

    def result(self) -> torch.Tensor:
        """Waits for the gradient, a row of the policy's optimiser.

        :raises TimeoutError: after ``LONGEST_SEC``
        """
        gradient, self.error = self._found.result(LONGEST_SEC)
        return gradient

    def _find(self, batch: ImitationBatch) -> tuple[torch.Tensor, float]:
        loss, numbers = self.loss(self.policy, batch)
        return self.policy.optimizer.gradient_of(self.weight * loss), float(numbers[0])


class BackgroundLearner:
    """A copy of a policy that learns while the policy acts.

    Nothing is drawn at random on the second thread, so the same minibatches make the same copy to
    the digit.

    :param policy: to copy
    :param loss: imitation loss
    :param max_grad_norm: longest gradient
    """

    def __init__(self, policy: Any, loss: ImitationLoss, max_grad_norm: float) -> None:
        self.loss = loss
        self.max_grad_norm = max_grad_norm
        self.copy = type(policy)(**policy._get_constructor_parameters()).to(policy.device)
        self.copy.optimizer.lay_out()
        sys.setswitchinterval(SWITCH_SEC)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imitation")
        self._learned: Future[dict[str, float]] | None = None

    def begin(self, policy: Any, dataset: AggregatedDataset) -> None:
        """Begins to learn the queued minibatches from where ``policy`` is.

        The dataset must not be written to before ``end``.
        """
        _copy_weights(policy, self.copy)
        self._learned = self._thread.submit(self._learn, dataset)

    def end(self, policy: Any, dataset: AggregatedDataset) -> dict[str, float]:
        """Waits, and moves ``policy`` to what was learned. Returns means of ``LOGGED``, by name.

        :raises TimeoutError: after ``LONGEST_SEC``
        """
        assert self._learned is not None
        means = self._learned.result(LONGEST_SEC)
        _copy_weights(self.copy, policy)
        dataset.queued = None
        return means

    def _learn(self, dataset: AggregatedDataset) -> dict[str, float]:
        assert dataset.queued is not None
        seen = []
        for rows in dataset.queued:
            loss, numbers = self.loss(self.copy, dataset.batch(rows, self.copy.device))
            self.copy.optimizer.descend(loss, self.max_grad_norm)
            seen.append(numbers)
        return dict(zip(LOGGED, torch.stack(seen).mean(0).tolist(), strict=True))


def _copy_weights(source: Any, target: Any) -> None:
    """Copies weights and the state of the optimiser from a policy to another of its kind."""
    here: RowAdam = source.optimizer
    there: RowAdam = target.optimizer
    there.row.data.copy_(here.row.data)
    # A copy, for load_state_dict keeps the tensors that it is given.
    there.load_state_dict(copy.deepcopy(here.state_dict()))
