"""SB3's PPO with the same loss, and less round it.

Around a network as small as ours stock PPO spends most of its time on what surrounds it: distribution objects, numbers
read out at every minibatch, a list of parameters clipped and moved one by one. Here a rollout becomes tensors once,
the loss is a dozen operations, and the optimiser moves all parameters as one row.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.utils import explained_variance

from agent.training.algorithms.adam import RowAdam
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.training.imitation.background import AuxiliaryGradient, BackgroundLearner
from agent.training.imitation.dataset import AggregatedDataset

LOG_SQRT_TAU = 0.5 * math.log(2.0 * math.pi)
MIRROR = (-1.0, 1.0)  # steering has a side, throttle has none
LOGGED = (
    "loss",
    "policy_gradient_loss",
    "value_loss",
    "entropy_loss",
    "approx_kl",
    "clip_fraction",
)


def having(worlds: Any, method: str) -> Any:
    """The outermost of wrapped worlds that has ``method`` itself; SB3's wrappers pass no name on that two have."""
    while not hasattr(type(worlds), method):
        worlds = worlds.venv
    return worlds


class Steps(NamedTuple):
    """Steps of a rollout, (n, ...) each, on the policy's device; ``patches`` are those of the pictures."""

    patches: torch.Tensor
    actions: torch.Tensor
    log_probs: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor

    def minibatch(self, indices: torch.Tensor) -> Steps:
        """The steps at ``indices``, advantages normalised among themselves."""
        chosen = Steps(*(values.index_select(0, indices) for values in self))
        if len(indices) == 1:
            return chosen
        advantages = chosen.advantages
        return chosen._replace(
            advantages=(advantages - advantages.mean()) / (advantages.std() + 1e-8)
        )


class FastPolicy(ActorCriticCnnPolicy):
    """Hands its network the pictures as bytes: as floats they would be four times as much to sort into patches.

    :param pointing: numbers of the road ahead that it also learns to tell from its features, while it is taught
    :param mirrored: a deterministic decision is the mean of what it would do and of the mirror image of what it would
        do in the mirrored picture: for drivers of the middle of the road, which knows no left and right
    """

    def __init__(
        self, *args: Any, pointing: int = 0, mirrored: bool = False, **options: Any
    ) -> None:
        self.pointing, self.mirrored = pointing, mirrored
        super().__init__(*args, **options)

    def _build(self, lr_schedule: Any) -> None:
        if self.pointing:
            self.ahead_net = torch.nn.Linear(self.features_dim, self.pointing)
        super()._build(lr_schedule)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return super()._get_constructor_parameters() | {
            "pointing": self.pointing,
            "mirrored": self.mirrored,
        }

    @torch.no_grad()
    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], Any]:
        """SB3's ``predict``; for pictures and the policy's mean a decision is little else than the network."""
        if not deterministic or np.shape(observation)[-3:] != self.observation_space.shape:
            return super().predict(observation, state, episode_start, deterministic)
        pictures = (
            torch.from_numpy(observation).to(self.device).view(-1, *np.shape(observation)[-3:])
        )
        actions = self._mean(pictures)
        if self.mirrored:
            actions = 0.5 * (actions + self._mean(pictures.flip(-1)) * actions.new_tensor(MIRROR))
        limits: Any = self.action_space
        clipped = np.clip(actions.cpu().numpy(), limits.low, limits.high)
        return clipped.reshape(*np.shape(observation)[:-3], -1), state

    def _mean(self, pictures: torch.Tensor) -> torch.Tensor:
        actions: torch.Tensor = self.action_net(
            self.mlp_extractor.forward_actor(self.features_extractor(pictures))
        )
        return actions

    def extract_features(
        self, obs: Any, features_extractor: BaseFeaturesExtractor | None = None
    ) -> torch.Tensor:
        """Features (batch, features_dim) of pictures (batch, frames, rows, columns)."""
        features: torch.Tensor = self.features_extractor(obs)
        return features


class FastPPO(PPO):
    """PPO for continuous actions and pictures. What ``build`` never asks for (``clip_range_vf``, ``target_kl``) lacks.

    Its policy's optimiser is a ``RowAdam``.

    :param taught: for this share of training the policy does not find out what pays but learns what a teacher would
        have done where it went; for worlds that can ``take_lessons`` (``training.worlds``)
    :param lesson_weight: of the lessons' loss beside PPO's own in the rest of training (Schmitt et al. 2018,
        Kickstarting): what pays is found near to what the teacher would do
    """

    def __init__(
        self, *args: Any, taught: float = 0.0, lesson_weight: float = 0.0, **options: Any
    ) -> None:
        self.taught, self.lesson_weight = taught, lesson_weight
        self.lessons: AggregatedDataset | None = None
        self.study: BackgroundLearner | None = None
        self.reminder: AuxiliaryGradient | None = None
        super().__init__(*args, **options)

    def _setup_model(self) -> None:
        super()._setup_model()
        cast(RowAdam, self.policy.optimizer).lay()  # anew: the policy has gone to its device

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "lessons", "study", "reminder"]

    def train(self) -> None:
        """Update the policy from the rollout that was gathered."""
        if hasattr(self.env, "score_roads"):  # worlds on the wire have their own roads
            cast(Any, self.env).score_roads(np.abs(self.rollout_buffer.advantages))
        self.policy.set_training_mode(True)
        self._take_in()  # with the step size that it was learned with, so before there is a new one
        self._update_learning_rate(self.policy.optimizer)
        if self.taught and 1.0 - self._current_progress_remaining <= self.taught:
            self._learn_lessons()
        else:
            if self.lessons is not None and not self.lesson_weight:
                having(self.env, "dismiss_teacher").dismiss_teacher()
                self.lessons = None
            self.study = None
            self._find_what_pays()

    def _find_what_pays(self) -> None:
        """Update as ``PPO.train`` does, and log the last epoch."""
        optimizer = cast(RowAdam, self.policy.optimizer)
        clip_range = cast(Any, self.clip_range)(self._current_progress_remaining)
        rollout = self._rollout()
        book = None if self.lessons is None else self._write_down()
        reminder = self.reminder = self.reminder or (
            AuxiliaryGradient(self.policy, self.lesson_weight) if book else None
        )
        for _ in range(self.n_epochs):
            seen = []
            for indices in torch.from_numpy(np.random.permutation(len(rollout.returns))).split(
                self.batch_size
            ):
                if book is not None and reminder is not None:
                    reminder.begin(book.draw(len(indices), self.device))
                loss, numbers = self.loss(rollout.minibatch(indices.to(self.device)), clip_range)
                optimizer.descend(loss, self.max_grad_norm, reminder.slope if reminder else None)
                seen.append(numbers)
            self._n_updates += 1
        if reminder:
            self.logger.record("train/lesson_loss", reminder.error)
        for name, value in zip(LOGGED, torch.stack(seen).mean(0).tolist(), strict=True):
            self.logger.record(f"train/{name}", value)
        buffer = self.rollout_buffer
        explained = explained_variance(buffer.values.flatten(), buffer.returns.flatten())
        self.logger.record("train/explained_variance", explained)
        self.logger.record("train/std", float(cast(Any, self.policy).log_std.detach().exp().mean()))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", clip_range)

    def _learn_lessons(self) -> None:
        """Move the policy towards its teacher, and the critic to what the learner gets, as often as an epoch would.

        That is done while the next rollout is driven, and serves the one after.
        """
        book = self._write_down()
        steps = self.rollout_buffer.returns.size
        book.set_homework(max(1, self.n_epochs * steps // (2 * self.batch_size)), self.batch_size)
        self.take_up_lessons(book)
        if self.num_timesteps >= self._total_timesteps:
            self._take_in()

    def _write_down(self) -> AggregatedDataset:
        """What the teacher said of the rollout, in the book."""
        buffer = self.rollout_buffer
        book = self.lessons or AggregatedDataset(buffer.obs_shape)
        own = (buffer.observations, having(self.env, "take_lessons").take_lessons(), buffer.returns)
        book.write(*(values.reshape(-1, *values.shape[2:]) for values in own))
        return book

    def take_up_lessons(self, lessons: AggregatedDataset) -> None:
        """BackgroundLearner what ``lessons`` has set, if anything, on a thread of its own."""
        self.lessons = lessons
        if lessons.homework is not None:
            self.study = self.study or BackgroundLearner(
                self.policy, self.vf_coef, self.max_grad_norm
            )
            self.study.begin(self.policy, lessons)

    def _take_in(self) -> None:
        """Wait until what was begun is learned, and drive by it from now on."""
        if (
            self.study is not None
            and self.lessons is not None
            and self.lessons.homework is not None
        ):
            for name, value in self.study.end(self.policy, self.lessons).items():
                self.logger.record(f"train/{name}", value)

    def _rollout(self) -> Steps:
        buffer = self.rollout_buffer
        values = (buffer.actions, buffer.log_probs, buffer.advantages, buffer.returns)
        tensors = (
            torch.from_numpy(buffer.swap_and_flatten(value)).to(self.device) for value in values
        )
        pictures = torch.from_numpy(buffer.swap_and_flatten(buffer.observations)).to(self.device)
        actions, *others = tensors
        return Steps(
            cast(PatchEncoder, self.policy.features_extractor).as_patches(pictures),
            actions,
            *(each.flatten() for each in others),
        )

    def loss(self, steps: Steps, clip_range: float) -> tuple[torch.Tensor, torch.Tensor]:
        """PPO's loss of a minibatch, and the numbers of it that are logged, in the order of ``LOGGED``."""
        policy = cast(Any, self.policy)
        latent, latent_value = policy.mlp_extractor(policy.features_extractor(steps.patches))
        mean, values = policy.action_net(latent), policy.value_net(latent_value).flatten()
        variance = torch.exp(2.0 * policy.log_std)
        if isinstance(policy.action_dist, StateDependentNoiseDistribution):
            variance = latent.detach().square() @ variance + policy.action_dist.epsilon
        log_std = 0.5 * torch.log(variance)
        log_probs = -(
            0.5 * (steps.actions - mean).square() / variance + (log_std + LOG_SQRT_TAU)
        ).sum(1)
        log_ratio = log_probs - steps.log_probs
        ratio = torch.exp(log_ratio)
        clipped = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
        policy_loss = -torch.min(steps.advantages * ratio, steps.advantages * clipped).mean()
        value_loss = torch.nn.functional.mse_loss(values, steps.returns)
        entropy_loss = -(log_std + (0.5 + LOG_SQRT_TAU)).expand_as(mean).sum(1).mean()
        loss = policy_loss + self.vf_coef * value_loss
        if self.ent_coef:
            loss = loss + self.ent_coef * entropy_loss
        with torch.no_grad():
            kl = (ratio - 1.0 - log_ratio).mean()
            numbers = (
                loss,
                policy_loss,
                value_loss,
                entropy_loss,
                kl,
                (ratio != clipped).float().mean(),
            )
            return loss, torch.stack(numbers)
