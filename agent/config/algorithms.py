"""Settings of every learning algorithm, with their defaults, limits and search ranges.

The module is light to import. The defaults were tuned for the fast observation on two cores;
docs/training.md has a table of their scores. Order matters: search spaces list their parameters as
the fields stand here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from agent.config.command_name import to_run
from agent.config.errors import UserError
from agent.config.settings import (
    Part,
    SearchChoices,
    SearchRange,
    inherited,
    part,
    setting,
)


def minibatch(timesteps: int) -> int:
    """PPO's minibatch, a power of two: 64 for 10,000 steps of training, growing with their root.

    A short training needs many gradient steps, a long one needs them to be quick.
    """
    wanted = 64 * math.sqrt(max(timesteps, 0) / 10_000)
    return int(2 ** round(math.log2(min(max(wanted, 32), 512))))


@part
class Algorithm(Part):
    """Settings that every algorithm has.

    ``traits`` are abilities that only some have: ``discrete`` actions, ``imitation``,
    ``level_replay`` (its advantages say how much there was to learn), ``action_repeat``,
    ``demonstrations``. ``world_defaults`` are defaults of the world's options that suit it.
    """

    traits: ClassVar[frozenset[str]] = frozenset()
    world_defaults: ClassVar[Mapping[str, Any]] = {"frame_stack": 2, "n_envs": 8}

    learning_rate: float = setting(
        1e-3,
        "optimiser step size",
        above=0.0,
        high=1.0,
        search=SearchRange(1e-4, 3e-3, log=True),
        in_spec=True,
        common=True,
    )
    gamma: float = setting(
        0.98,
        "discount of the next step's worth",
        low=0.0,
        below=1.0,
        search=SearchRange(0.95, 0.995),
    )
    batch_size: int = setting(
        128,
        "transitions in a gradient step, in rollouts about that many",
        low=2,
        search=SearchChoices((32, 64, 128, 256, 512)),
    )
    conv_layers: int = setting(
        1,
        "layers that see a picture; 2 are sharper and half as fast, 3 a quarter",
        low=1,
        high=3,
        search=SearchChoices((1, 2, 3)),
    )
    features_dim: int = setting(
        64, "features that they make of it", low=1, high=4096, search=SearchChoices((64, 128, 256))
    )
    net_width: int = setting(
        64,
        "units of the layer between features and output",
        low=1,
        high=4096,
        search=SearchChoices((32, 64, 128, 256)),
    )
    max_grad_norm: float = setting(10.0, "longest gradient, 0 for any", low=0.0)


@part
class StochasticPolicy(Part):
    """Settings of policies that draw their actions, beside those of ``Algorithm``."""

    ent_coef: float = setting(
        0.0,
        "weight of the entropy, or its beginning where it is learned",
        low=0.0,
        search=SearchRange(1e-5, 0.1, log=True),
    )
    log_std_init: float = setting(
        -0.7,
        "logarithm of the exploration's spread at first",
        low=-20.0,
        high=2.0,
        search=SearchRange(-3.0, 0.0),
    )
    sde_freq: int = setting(
        16,
        "steps between draws of state-dependent noise, 0 for plain noise",
        low=0,
        search=SearchChoices((0, 4, 16, 64)),
    )


@part
class OnPolicy(Algorithm):
    """Settings of algorithms that learn from a rollout and forget it."""

    n_steps: int = setting(
        16,
        "steps of a rollout in each world, fewer so that whole ones add up",
        low=2,
        search=SearchRange(16, 256, log=True),
    )
    n_epochs: int = setting(2, "passes over a rollout", low=1, high=1000, search=SearchRange(2, 10))
    gae_lambda: float = setting(
        0.95, "lambda of the advantages", low=0.0, high=1.0, search=SearchRange(0.8, 0.99)
    )
    clip_range: float = setting(
        0.2, "how far a pass may move the policy", above=0.0, search=SearchRange(0.1, 0.4)
    )
    vf_coef: float = setting(
        0.5, "weight of the value's loss", low=0.0, search=SearchRange(0.25, 1.0)
    )
    lr_end: float = setting(
        1.0, "share of the step size that is left at the end", low=0.0, high=1.0
    )
    max_grad_norm: float = inherited(Algorithm, "max_grad_norm", 0.5)


@part
class PPO(StochasticPolicy, OnPolicy):
    """Proximal policy optimisation (Schulman et al. 2017).

    Two layers that see one picture do better than one layer that sees two; three passes then pay,
    with smaller steps.
    """

    traits = frozenset({"imitation", "level_replay", "action_repeat"})
    world_defaults: ClassVar[Mapping[str, Any]] = {"frame_stack": 1, "n_envs": 32}

    learning_rate: float = inherited(Algorithm, "learning_rate", 7e-4)
    batch_size: int = inherited(Algorithm, "batch_size", 64, by_timesteps=minibatch)
    conv_layers: int = inherited(Algorithm, "conv_layers", 2)
    n_epochs: int = inherited(OnPolicy, "n_epochs", 3)
    averaged: float = setting(
        0.0,
        "share of the steps so far, the latest, whose weights' average drives and is kept",
        low=0.0,
        high=1.0,
    )
    symmetric: bool = setting(
        False, "mirrored pictures are answered with mirrored actions; each costs twice as much"
    )


@part
class RecurrentPPO(StochasticPolicy, OnPolicy):
    """PPO whose policy has an LSTM."""

    world_defaults: ClassVar[Mapping[str, Any]] = {"frame_stack": 2, "n_envs": 16}

    n_steps: int = inherited(OnPolicy, "n_steps", 64)
    n_epochs: int = inherited(OnPolicy, "n_epochs", 4)
    lstm_size: int = setting(
        64, "units of the memory", low=1, high=4096, search=SearchChoices((32, 64, 128))
    )


@part
class OffPolicy(Algorithm):
    """Settings of algorithms that learn from a replay buffer."""

    buffer_size: int = setting(
        100_000,
        "most transitions kept, fewer if training is shorter or memory less",
        low=1,
        search=SearchRange(5_000, 100_000, log=True),
    )
    learning_starts: int = setting(
        1000,
        "random steps before learning, at most a tenth of training",
        low=0,
        search=SearchRange(200, 2_000, log=True),
    )
    train_freq: int = setting(
        4, "steps of each world between updates", low=1, search=SearchRange(1, 16, log=True)
    )
    gradient_steps: int = setting(
        8, "gradient steps of an update", low=1, search=SearchRange(1, 16, log=True)
    )
    tau: float = setting(
        0.01,
        "share of the new weights in the target network's",
        above=0.0,
        high=1.0,
        search=SearchRange(0.002, 0.1, log=True),
    )
    return_steps: int = setting(
        3,
        "rewards summed before the target network is asked",
        low=1,
        high=100,
        search=SearchRange(1, 8),
    )
    target_clip: float = setting(0.0, "largest size of a target, 0 for any", low=0.0)
    shift: int = setting(
        2,
        "pixels by which training pictures are shifted at random",
        low=0,
        high=20,
        search=SearchChoices((0, 2, 4)),
    )
    demos: str | None = setting(
        None,
        f"recorded drive of {to_run('record_drive.py', 'record')} to learn from as well",
        metavar="FILE",
        names_file=True,
    )
    demo_weight: float = setting(
        1.0, "how much likelier it is drawn than an own transition", low=0.0
    )
    demo_repeat: int = setting(1, "how many times each of its transitions counts", low=1)
    demo_decay: int = setting(200_000, "transitions at which that weight is 1, 0 to keep it", low=0)


@part
class DQN(OffPolicy):
    """Deep Q-learning on discretised actions (Mnih et al. 2015).

    It is doubled (van Hasselt et al. 2016).
    """

    traits = frozenset({"discrete", "action_repeat", "demonstrations"})

    exploration_fraction: float = setting(
        0.4,
        "part of training with falling epsilon",
        low=0.0,
        high=1.0,
        search=SearchRange(0.1, 0.6),
    )
    exploration_final: float = setting(
        0.05, "epsilon after that", low=0.0, high=1.0, search=SearchRange(0.01, 0.1, log=True)
    )


@part
class SAC(OffPolicy, StochasticPolicy):
    """Soft actor-critic (Haarnoja et al. 2018)."""

    traits = frozenset({"action_repeat", "demonstrations"})

    ent_coef: float = inherited(StochasticPolicy, "ent_coef", 0.01)
    log_std_init: float = inherited(StochasticPolicy, "log_std_init", -2.0)
    entropy_rate: float = setting(
        1e-3,
        "step size of the learned entropy weight, 0 to fix it",
        low=0.0,
        search=SearchRange(1e-5, 1e-3, log=True),
    )
    target_entropy: float | None = setting(
        None,
        "entropy that the learned weight aims at, by default minus the number of actions",
        search=SearchRange(-4.0, 0.0),
    )
    n_critics: int = setting(2, "critics, of which the lowest counts", low=1, high=10)


@part
class TQC(SAC):
    """Truncated quantile critics (Kuznetsov et al. 2020)."""

    n_quantiles: int = setting(25, "quantiles of each critic", low=1, high=200)
    drop_quantiles: int = setting(
        2, "highest quantiles of each critic to drop", low=0, search=SearchRange(0, 8)
    )

    def check(self) -> None:
        """Refuse impossible values and such as do not go together.

        :raises UserError: the first of them
        """
        super().check()
        if self.drop_quantiles >= self.n_quantiles:
            raise UserError(
                f"drop_quantiles {self.drop_quantiles} leaves none of {self.n_quantiles}; lower it",
                "drop_quantiles",
            )


@part
class DDPG(OffPolicy):
    """Deep deterministic policy gradient (Lillicrap et al. 2016)."""

    traits = frozenset({"action_repeat", "demonstrations"})

    noise_std: float = setting(
        0.2,
        "spread of the noise on actions in [-1, 1]",
        low=0.0,
        search=SearchRange(0.05, 0.5, log=True),
    )


@part
class TD3(DDPG):
    """Twin delayed DDPG (Fujimoto et al. 2018)."""

    n_critics: int = inherited(SAC, "n_critics", 2)
    policy_delay: int = setting(
        2, "critic steps for one of the policy", low=1, search=SearchRange(1, 4)
    )


# One line an algorithm; training/algorithms has the file that builds it.
ALGORITHMS: dict[str, type[Algorithm]] = {
    "ppo": PPO,
    "dqn": DQN,
    "sac": SAC,
    "td3": TD3,
    "ddpg": DDPG,
    "tqc": TQC,
    "recurrent_ppo": RecurrentPPO,
}
SEARCHED_AGENTS = ("ppo", "dqn")  # the specification's, among which the search chooses
