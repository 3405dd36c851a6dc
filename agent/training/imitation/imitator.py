"""Imitation of an expert by PPO: labels alone at first, labels beside the reward later.

In the first part of training the policy moves towards what the expert would have done where the
learner went (DAgger, Ross et al. 2011). After it, the labels' loss may go on beside PPO's own
(Kickstarting, Schmitt et al. 2018), so that what pays is found near to what the expert would do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from agent.training.imitation.background import AuxiliaryGradient, BackgroundLearner
from agent.training.imitation.dataset import AggregatedDataset
from agent.training.imitation.loss import ImitationLoss

if TYPE_CHECKING:
    from agent.training.algorithms.fast_policy import FastPolicy
    from agent.training.algorithms.fast_ppo import FastPPO
    from agent.worlds.capabilities import Expert


class Imitator:
    """Owns the dataset of labels, the schedule and the threads; ``FastPPO.train`` calls it.

    ``dataset`` is None until the first rollout is labelled, and again once nobody reads it.

    :param model: that learns
    :param expert: labels every step of the training environments
    :param share: of training, at its beginning, in which the labels are all that is learned from
    :param weight: of the labels' loss beside PPO's in the rest, 0 for none
    :param epochs: passes over as many labels as a rollout has, while they are all that is learned
        from; 0 for half of PPO's
    """

    def __init__(
        self, model: FastPPO, expert: Expert, share: float, weight: float, epochs: int = 0
    ) -> None:
        self.model = model
        self.expert = expert
        self.share = share
        self.weight = weight
        self.epochs = epochs or 0.5 * model.n_epochs
        self.dataset: AggregatedDataset | None = None
        self.background: BackgroundLearner | None = None
        self._gradient: AuxiliaryGradient | None = None

    @property
    def is_alone(self) -> bool:
        """True while the policy learns from the labels alone."""
        return 1.0 - self.model._current_progress_remaining <= self.share

    def begin(self) -> None:
        """Begins to learn from all labels so far, in as many minibatches as ``epochs`` say.

        That runs beside the next rollout and serves the one after it.
        """
        model = self.model
        dataset = self._with_rollout()
        steps = model.rollout_buffer.returns.size
        count = max(1, int(self.epochs * steps) // model.batch_size)
        dataset.queue_minibatches(count, model.batch_size)
        self.go_on(dataset)
        if model.num_timesteps >= model._total_timesteps:
            self.finish()

    def go_on(self, dataset: AggregatedDataset) -> None:
        """Takes ``dataset`` for its own, and begins with what is queued there, if anything."""
        self.dataset = dataset
        if dataset.queued is None:
            return
        model = self.model
        if self.background is None:
            loss = self._loss(model.vf_coef)
            self.background = BackgroundLearner(model.policy, loss, model.max_grad_norm)
        self.background.begin(model.policy, dataset)

    def finish(self) -> None:
        """Waits for what was begun, and has the policy act by it from now on."""
        if self.background is None or self.dataset is None or self.dataset.queued is None:
            return
        means = self.background.end(self.model.policy, self.dataset)
        for name, value in means.items():
            self.model.logger.record(f"train/{name}", value)

    def gradient_beside_ppo(self) -> AuxiliaryGradient | None:
        """Gradient of the labels to add to PPO's of this rollout; None where they count no more."""
        self.background = None
        if not self.weight:
            self.expert.dismiss()
            self.dataset = None  # hundreds of megabytes
            return None
        if self.dataset is None:
            return None
        self._with_rollout()
        if self._gradient is None:
            loss = self._loss(0.0)
            self._gradient = AuxiliaryGradient(self.model.policy, loss, self.weight, self.dataset)
        return self._gradient

    def _loss(self, vf_coef: float) -> ImitationLoss:
        mixed = cast("FastPolicy", self.model.policy).mixed_precision
        return ImitationLoss(self.expert.label_weights, vf_coef, mixed)

    def _with_rollout(self) -> AggregatedDataset:
        """The dataset with the rollout's steps and their labels in it."""
        buffer = self.model.rollout_buffer
        labels = self.expert.take_labels()
        dataset = self.dataset
        if dataset is None:
            dataset = AggregatedDataset(buffer.obs_shape, labels.shape[-1])
        dataset.add(
            buffer.observations.reshape(-1, *buffer.obs_shape),
            labels.reshape(-1, labels.shape[-1]),
            buffer.returns.reshape(-1),
        )
        return dataset
