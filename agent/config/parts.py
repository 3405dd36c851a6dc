"""Settings of every trial, whatever its algorithm: task, length of training, evaluation."""

from __future__ import annotations

from agent.config.algorithms import ALGORITHMS
from agent.config.errors import UserError, unknown_text
from agent.config.memory import parse_memory
from agent.config.settings import Part, part, setting
from agent.worlds.base import DEFAULT_WORLD, WORLDS

# Shares of its training at which the runner evaluates and the controller looks, whatever
# --evaluations says.
RUNGS = (0.25, 0.5, 1.0)

NO_TRACKER = "none"
TRACKERS = (NO_TRACKER, "mlflow", "wandb", "trackio")
AUGMENTATIONS = ("flip", "blur", "crop", "brightness", "noise")


@part
class Trial(Part):
    """Settings of every trial, whatever its world and algorithm."""

    agent: str = setting("ppo", "learning algorithm", choices=tuple(ALGORITHMS), common=True)
    world: str = setting(
        DEFAULT_WORLD, f"world to train in: {', '.join(WORLDS)}", metavar="NAME", common=True
    )
    env: list[str] = setting(
        [],
        "task of the world, its short name or a file of your own that has one, with @[HOST:]PORT in"
        " the simulator there; repeat for several at once",
        metavar="ID",
        names_file=True,
        common=True,
    )
    timesteps: int = setting(10_000, "environment steps of training", low=1, common=True)
    eval_episodes: int = setting(5, "episodes of the final evaluation", low=1)
    seed: int = setting(
        0,
        "seed of everything random in the trial",
        low=0,
        high=2**31 - 1,
        hyperparameter=False,
        common=True,
    )
    evaluations: int = setting(4, "intermediate evaluations that choose the best checkpoint", low=1)
    choosing_episodes: int = setting(
        3, "episodes of each of them, at most 64, in the looks of training", low=1, high=64
    )
    augment: list[str] = setting(
        [],
        f"{'|'.join(AUGMENTATIONS)}: change training pictures so, anew in every episode;"
        " repeat for several",
        metavar="KIND",
    )
    warm_start: str = setting(
        "",
        "model.zip whose policy training begins with, none by default",
        metavar="ZIP",
        names_file=True,
    )
    device: str = setting(
        "auto", "where the network trains", choices=("auto", "cpu", "cuda"), hyperparameter=False
    )
    deterministic: bool = setting(
        False,
        "refuse kernels that do not repeat to the last digit on one machine",
        hyperparameter=False,
    )
    mixed_precision: bool = setting(
        False,
        "the network's layers compute in bfloat16 in training, which needs CUDA",
        hyperparameter=False,
    )
    memory_limit: str = setting(
        "8G",
        "memory the trial may plan for, such as 8G or 900M",
        metavar="SIZE",
        hyperparameter=False,
    )
    tracker: str = setting(
        NO_TRACKER,
        "experiment tracker that gets the trial's curves, parameters and score too",
        choices=TRACKERS,
        hyperparameter=False,
    )

    def check(self) -> None:
        """Refuse impossible values and such as do not go together.

        :raises UserError: the first of them
        """
        super().check()
        if unknown := [kind for kind in self.augment if kind not in AUGMENTATIONS]:
            raise UserError(f"augment {unknown_text(unknown[0], AUGMENTATIONS)}", "augment")
        if not self.env:
            raise UserError("env is empty; name at least one task of the world", "env")
        if self.mixed_precision and self.agent == "recurrent_ppo":
            raise UserError(
                "mixed_precision and agent 'recurrent_ppo', whose gradient steps are not ours,"
                " do not go together; drop one",
                "mixed_precision",
                "agent",
            )
        try:
            parse_memory(self.memory_limit)
        except UserError as error:
            raise UserError(f"memory_limit {error}", "memory_limit") from None


@part
class Imitation(Part):
    """Settings of learning from an expert that labels what the learner meets."""

    imitation_share: float = setting(
        0.0,
        "share of training, at its beginning, spent learning from an expert who knows the way",
        low=0.0,
        high=1.0,
        old_names=("taught",),
    )
    imitation_epochs: int = setting(
        0,
        "passes over as many labels as a rollout has while nothing else is learned, 0 for half of"
        " n_epochs",
        low=0,
        high=1000,
    )
    imitation_weight: float = setting(
        0.0,
        "weight of the expert's labels beside the reward in the rest of training, 0 for none",
        low=0.0,
        old_names=("lesson_weight",),
    )

    def check(self) -> None:
        """Refuse impossible values and such as do not go together.

        :raises UserError: the first of them
        """
        super().check()
        if self.imitation_weight and not self.imitation_share:
            raise UserError(
                f"imitation_weight {self.imitation_weight} needs labels to weigh;"
                " give --imitation-share 0.5",
                "imitation_weight",
            )
