"""Capabilities of some worlds for evaluation: names, verdicts, baselines, races and films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from agent.config.errors import UserError, did_you_mean
from agent.worlds.base import Episode, World, task_of

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor
    from stable_baselines3.common.vec_env import VecEnv

    from agent.config.trial import TrialConfig


@runtime_checkable
class HasShortNames(Protocol):
    """A world whose tasks have short names, alone or in groups."""

    def short_names(self) -> Mapping[str, Sequence[str]]:
        """Tasks by the short name of one or several."""


@runtime_checkable
class HasOwnTasks(Protocol):
    """A world that has more tasks than it lists: those in files of the user's, and their like."""

    def own_task(self, name: str) -> str | None:
        """The full name of such a task, for records; None for a name of none.

        :param name: without an address
        """

    def check_own_task(self, name: str) -> None:
        """Refuse a task whose file is gone, changed or none; quick.

        :param name: of such a task, in full
        :raises UserError: such a file
        """


def full_task(world: World, task: str) -> str:
    """The task that is meant by its own or by its short name, with its address.

    One that is unknown stays as it is; ``check_task`` refuses it.
    """
    name = task_of(task)
    address = task[len(name) :]
    if name in world.tasks():
        return task
    if isinstance(world, HasOwnTasks):
        own = world.own_task(name)
        if own is not None:
            return own + address
    if isinstance(world, HasShortNames):
        meant = world.short_names().get(name, ())
        if len(meant) == 1:
            return meant[0] + address
    return task


def check_task(world: World, name: str) -> None:
    """Refuse a task that the world has not.

    :param world: whose task it is to be
    :param name: of a task, without an address
    :raises UserError: such a task
    """
    known = list(world.tasks())
    if name in known:
        return
    if isinstance(world, HasOwnTasks) and world.own_task(name) is not None:
        world.check_own_task(name)
        return
    if isinstance(world, HasShortNames):
        known += [short for short, meant in world.short_names().items() if len(meant) == 1]
    raise UserError(
        f"env {name!r} is no task of world {world.name!r};{did_you_mean(name, known)}"
        f" choose from {', '.join(known)}",
        "env",
    )


@runtime_checkable
class HasVerdict(Protocol):
    """A world that can say in a word how episodes went."""

    def verdict(self, episodes: Sequence[Episode]) -> str:
        """One word for all of the episodes."""


@runtime_checkable
class HasBaselines(Protocol):
    """A world with scripted policies and a reference to compare a trained policy with."""

    reference_title: str
    reference_key: str  # of its value in the ledger of evaluations

    def scripted_policies(
        self, task: str, config: TrialConfig, n: int
    ) -> AbstractContextManager[Mapping[str, tuple[PolicyPredictor, VecEnv]]]:
        """Policies that know more than they see, each with evaluation environments of its own.

        :param task: one that needs no simulator elsewhere
        :param config: of the trained policy
        :param n: environments for each
        """

    def reference(self, task: str, config: TrialConfig) -> tuple[str, float] | None:
        """The measure and the value of the best that is known; None for none.

        :param task: one that needs no simulator elsewhere
        :param config: of the trained policy
        """


@runtime_checkable
class HasRaces(Protocol):
    """A world in which policies can race."""

    def check_races(self, tasks: Sequence[str]) -> None:
        """Refuse tasks that cannot be raced or filmed.

        :raises UserError: such a task
        """

    def race(
        self,
        policies: Mapping[str, PolicyPredictor],
        task: str,
        config: TrialConfig,
        rounds: int,
        options: RaceOptions,
    ) -> dict[str, Any]:
        """Race on a task, print how it went, and return what the ledger keeps.

        :param policies: who races, by name, the trained one first
        :param task: one that needs no simulator elsewhere
        :param config: the configuration that trained the first
        :param rounds: how often the way is to be driven
        :param options: of the comparison
        """


@dataclass(frozen=True)
class RaceOptions:
    """Options of a race.

    :param seed: of its first environment
    :param scripted: the world's scripted policies and its reference race as well
    :param films: folder for a film of the first policy, None for no film
    """

    seed: int
    scripted: bool = True
    films: Path | None = None


@runtime_checkable
class HasFilms(Protocol):
    """A world that can film a policy."""

    def film(
        self, policy: PolicyPredictor, task: str, config: TrialConfig, seed: int, folder: Path
    ) -> None:
        """Film a first lap, or what stands for one, and print the files' names.

        :param policy: a trained model
        :param task: one that needs no simulator elsewhere
        :param config: the configuration that trained it
        :param seed: of the environment
        :param folder: for the files
        """
