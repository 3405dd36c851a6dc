"""Capabilities of some worlds: protocols that are asked for by ``isinstance``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agent.worlds.base import Learner, Purpose

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

    from agent.config.trial import TrialConfig


class Expert(Protocol):
    """Labels of an expert for every step of training environments (DAgger, Ross et al. 2011).

    A label is the expert's action (k,) followed by m auxiliary numbers that help a network to see.

    ``label_weights`` (k + m,) weigh their errors; ``mirror_signs`` (k + m,) turn a label into the
    mirrored scene's, and are empty where left and right differ.
    """

    @property
    def label_weights(self) -> Sequence[float]:
        """Weights of the errors of a label's numbers."""

    @property
    def mirror_signs(self) -> Sequence[float]:
        """Signs of a label's numbers in the mirrored scene."""

    def take_labels(self) -> NDArray[np.float32]:
        """Labels (steps, n_envs, k + m) of the steps since the last call."""

    def dismiss(self) -> None:
        """Stop labelling."""


class Curriculum(Protocol):
    """Chooses what training episodes are like, by how training goes.

    It is pickled with a kept state.
    """

    def note_scores(self, scores: NDArray[np.float32]) -> None:
        """Take note of how much there was to learn from each step (steps, n_envs) so far."""

    def advance_to(self, timesteps: int) -> None:
        """Be as after so many steps of training, when a training is resumed."""

    def state(self) -> Any:
        """All that ``restore`` needs, None for nothing; can be pickled."""

    def restore(self, state: Any) -> None:
        """Go on from a ``state``."""


@runtime_checkable
class SharesSimulator(Protocol):
    """A world that may have one simulator for all.

    Training and evaluation then take turns in it.
    """

    def connect(self, tasks: Sequence[str], options: Any) -> AbstractContextManager[Connection]:
        """Open the simulators of the tasks until the context ends.

        :raises Exception: the world's own error for a simulator that is lost
        """


class Connection(Protocol):
    """A world whose simulators are open.

    ``takes_turns``: its environments are one and the same simulator's, so each use begins new
    episodes.
    """

    takes_turns: bool

    def make_vec(
        self,
        tasks: Sequence[str],
        options: Any,
        n: int,
        purpose: Purpose,
        seed: int,
        learner: Learner = Learner(),
    ) -> VecEnv:
        """As ``World.make_vec``, in the simulators that are open.

        :param tasks: those that were connected to
        :param options: of the world's ``Options``
        :param n: how many, at most
        :param purpose: training, choosing or judging
        :param seed: the trial's
        :param learner: facts about who learns in them
        """


@runtime_checkable
class HasExpert(Protocol):
    """A world with an expert that knows more than the learner sees."""

    def expert(self, vec_env: VecEnv) -> Expert:
        """The expert of training environments that were made for a labelled learner."""


@runtime_checkable
class HasCurriculum(Protocol):
    """A world that chooses training episodes."""

    def curriculum(self, vec_env: VecEnv) -> Curriculum | None:
        """The curriculum of training environments, None where all episodes are drawn alike."""


class Sight(NamedTuple):
    """An environment at work, for people who look.

    :param picture: of its camera now (rows, columns, 3) uint8
    :param gauges: numbers of this moment by name, units in it
    """

    picture: NDArray[np.uint8]
    gauges: Mapping[str, float]


@runtime_checkable
class HasCamera(Protocol):
    """A world in which one can look over a learner's shoulder."""

    def sight(self, vec_env: VecEnv) -> Sight:
        """The first of environments that ``make_vec`` made; looking changes nothing in it."""


@runtime_checkable
class HasMirror(Protocol):
    """A world in which left and right are alike."""

    def mirrored_actions(self, options: Any, discrete: bool) -> NDArray[Any]:
        """Signs (k,) of the actions in the mirrored scene.

        Of discrete ones their numbers there (n,).
        """


@runtime_checkable
class HasDemonstrations(Protocol):
    """A world whose drives can be recorded and replayed."""

    def demonstrations(self, path: Path, config: TrialConfig) -> Demonstrations:
        """The recorded drive at ``path`` as the configuration's learner would have met it."""


class Demonstrations(Protocol):
    """Transitions of a recorded drive."""

    @property
    def steps(self) -> int:
        """Largest number of transitions."""

    def transitions(self) -> Iterable[Transition]:
        """The transitions in order."""


@dataclass(frozen=True)
class Transition:
    """One step of a recorded drive, as a learner's replay buffer keeps it.

    :param observation: (channels, rows, columns) uint8, before the step
    :param next_observation: after it
    :param action: (k,) from -1 to 1, or the number of a discrete action (1,)
    :param reward: under the trial's training reward
    :param terminated: the episode ended there by its own fault
    :param truncated: the episode was cut off there
    """

    observation: NDArray[np.uint8]
    next_observation: NDArray[np.uint8]
    action: NDArray[Any]
    reward: float
    terminated: bool
    truncated: bool


@runtime_checkable
class HasOldRecords(Protocol):
    """A world whose records are older than today's parameters."""

    def modern_params(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters of a record, of any version, as today's version has them."""


class StartedProcess(Protocol):
    """A process that was started beside the trials."""

    def is_running(self) -> bool:
        """True until it has ended."""

    def stop(self, grace_sec: float) -> object:
        """End it: SIGTERM, ``grace_sec``, SIGKILL."""


# Starts a command whose output goes to a file; it ends with the controller at the latest.
StartProcess = Callable[[list[str], Path], StartedProcess]
# Tasks of a slot, each with its simulator's address; True once a trial has lost them.
AssignEnvs = Callable[[int, bool], list[str]]


class ServerProcess(Protocol):
    """A server that was started."""

    def is_running(self) -> bool:
        """True until it has ended."""

    def stop(self, grace_sec: float) -> object:
        """Ends it: SIGTERM, ``grace_sec``, SIGKILL."""


@runtime_checkable
class HasServers(Protocol):
    """A world whose simulators can be started, or run already, beside the controller."""

    def check_servers(self, where: str, tasks: Sequence[str], workers: int) -> None:
        """Refuse a ``--sim`` that cannot be followed.

        :param where: ``embedded``, ``spawn`` or addresses
        :param tasks: of every trial
        :param workers: trials side by side
        :raises UserError: it cannot
        """

    def serve(
        self, where: str, tasks: Sequence[str], workers: int, folder: Path, start: StartProcess
    ) -> AbstractContextManager[AssignEnvs]:
        """Simulators for trials, ended when the context ends.

        :param where: as ``check_servers``
        :param tasks: of every trial
        :param workers: trials side by side
        :param folder: of the servers' logs
        :param start: starts a server's process
        :raises ChildProcessError: a server that does not start
        """
