"""A world: something that can be driven, trained in and measured, behind one object.

Training, evaluation and the controller know this file and no world. ``WORLDS`` names every world
and the module that holds it; a module is imported when its world is first asked for, and importing
it loads neither torch nor the world's own library: those are loaded by the methods that need them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from agent.config.errors import UserError, unknown_text
from agent.config.settings import Part, SearchChoices, part, setting
from agent.config.task_of import task_of as task_of

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

    from agent.config.trial import TrialConfig

LOCALHOST = "127.0.0.1"
LAST_PORT = 65535
ADDRESS = re.compile(
    r"(?:(?:\[(?P<bracketed>[^\s/@\[\]]+)\]|(?P<name>[^\s:/@\[\]]*)):)?(?P<port>[0-9]{1,9})"
)
EMBEDDED = "embedded"  # tasks that run in the process of the trial
# Seeds of environments: one band per purpose, so that no road, opponent or start is met for two
# purposes.
SEED_BAND = 2**29
SEED_MARGIN = 2**16  # more than the environments that any purpose opens side by side


class SimulatorLost(RuntimeError):
    """The simulator cannot be reached, fell silent, talks nonsense or drives another scene.

    The text says which.
    """


class Purpose(IntEnum):
    """Use that environments are opened for."""

    TRAIN = 0
    CHOOSE = 1  # between checkpoints
    JUDGE = 2

    def first_seed(self, seed: int) -> int:
        """First of the consecutive environment seeds of a trial with this ``seed``.

        Bands are disjoint.
        """
        sequence = np.random.SeedSequence([seed, int(self)])
        offset = np.random.default_rng(sequence).integers(SEED_BAND - SEED_MARGIN)
        return self * SEED_BAND + int(offset)


@part
class WorldOptions(Part):
    """Options that every world has; a world's own dataclass adds to them."""

    frame_stack: int = setting(
        1,
        "pictures in an observation, the newest last",
        low=1,
        high=16,
        search=SearchChoices((1, 2, 4)),
    )
    frame_gap: int = setting(1, "decisions from one of these pictures to the next", low=1, high=20)
    action_repeat: int = setting(
        1,
        "control steps that a decision is held for; training counts decisions",
        low=1,
        high=10,
        needs="action_repeat",
    )
    n_envs: int = setting(
        8,
        "environments stepped side by side in training",
        low=1,
        high=64,
        search=SearchChoices((8, 16, 32, 64)),
    )


class Learner(NamedTuple):
    """Facts about a learner that its training environments depend on.

    :param discrete: it chooses among numbered actions
    :param labelled: an expert is to label what it meets, see ``HasExpert``
    :param timesteps: length of its training
    """

    discrete: bool = False
    labelled: bool = False
    timesteps: int = 0


class Episode(NamedTuple):
    """One episode of a deterministic policy.

    :param reward: sum of the evaluation reward
    :param steps: control steps
    :param end_reason: the environment's word for its end
    :param measures: the world's numbers about it, by name
    :param cut_off: it ended by no fault of the policy's, at its time limit or at the way's end
    """

    reward: float
    steps: int
    end_reason: str = "time_limit"
    measures: Mapping[str, Any] = MappingProxyType({})
    cut_off: bool = False


class Measure(NamedTuple):
    """One number about an evaluation, beside its return.

    :param name: its key in the ledger's ``score`` and in ``Episode.measures``
    :param title: head of its column in tables
    :param combine: its value over episodes, as JSON has it; None keeps it out of the score
    :param text: a combined value in a table or a log line; None shows it in neither
    :param episode_text: an episode's own value in a table; None shows none
    :param headline: a trial's line in the log shows it
    """

    name: str
    title: str = ""
    combine: Callable[[Sequence[Episode]], Any] | None = None
    text: Callable[[Any], str] | None = None
    episode_text: Callable[[Any], str] | None = None
    headline: bool = False


def mean_measure(name: str, title: str, digits: int = 2, *, headline: bool = False) -> Measure:
    """A measure that is a number of every episode, of which the mean counts.

    :param name: its key
    :param title: head of its column
    :param digits: decimals shown
    :param headline: a trial's line in the log shows it
    """

    def combine(episodes: Sequence[Episode]) -> float:
        return sum(float(each.measures[name]) for each in episodes) / len(episodes)

    def text(value: Any) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    return Measure(name, title, combine, text, text, headline)


class World(Protocol):
    """All that training, evaluation and the controller ask of a world.

    ``n_actions`` is the number of continuous actions, ``default_task`` what is driven where no task
    is named. ``requires`` is the module without which it does not run, empty for none, and
    ``extra`` the extra of this package that installs it.
    """

    name: str
    requires: str
    extra: str
    n_actions: int
    default_task: str

    @property
    def Options(self) -> type[WorldOptions]:  # noqa: N802 - a class
        """Dataclass of its options."""

    @property
    def measures(self) -> Sequence[Measure]:
        """Numbers of an evaluation beside its return, in the order of a table's columns."""

    def tasks(self) -> Sequence[str]:
        """Names of its tasks."""

    def check(self, config: TrialConfig) -> None:
        """Refuse a configuration whose values do not go together; opens nothing.

        :raises UserError: they do not
        """

    def check_ready(self, config: TrialConfig) -> None:
        """Refuse a configuration that cannot be run here, for a missing file or an old library.

        :raises UserError: it cannot
        """

    def make_vec(
        self,
        tasks: Sequence[str],
        options: Any,
        n: int,
        purpose: Purpose,
        seed: int,
        learner: Learner = Learner(),
    ) -> VecEnv:
        """Environments side by side, the tasks dealt in turn, seeded from the purpose's band.

        Observations are a Box of uint8 (channels, rows, columns). Actions are a Box from -1 to 1 of
        shape (k,), or Discrete for a discrete learner. Under ``Purpose.CHOOSE`` and ``JUDGE`` the
        reward is the world's evaluation reward, which no option changes. An episode's last info has
        ``end_reason``, and an episode's infos have what ``measure`` needs.

        :param tasks: names of ``tasks``, with @[HOST:]PORT for a simulator there
        :param options: of the world's ``Options``
        :param n: how many, at most; a world with one simulator has fewer
        :param purpose: training, choosing or judging
        :param seed: the trial's
        :param learner: facts about who learns in them
        :raises UserError: options that this machine cannot serve
        """

    def measure(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The measures of one episode from the infos of its steps."""

    def task_key(self, params: Mapping[str, Any]) -> Hashable:
        """Key of flat parameters; scores with equal keys compare."""

    def location(self, tasks: Sequence[str]) -> str:
        """Place where the tasks run, for the record.

        ``embedded``, or the addresses of simulators.
        """


# Every world: its name and the module and attribute that hold it. A new world is one line here.
WORLDS: dict[str, str] = {
    "donkey": "agent.worlds.donkey.world:WORLD",
    "car_racing": "agent.worlds.car_racing.world:WORLD",
}
DEFAULT_WORLD = "donkey"


def world_named(name: str) -> World:
    """The world of this name, imported when it is first asked for.

    :raises UserError: an unknown name
    """
    if name not in WORLDS:
        raise UserError(f"world {unknown_text(name, WORLDS)}", "world")
    module, _, attribute = WORLDS[name].partition(":")
    world: World = getattr(importlib.import_module(module), attribute)
    return world


def split_task(task: str) -> tuple[str, tuple[str, int] | None]:
    """A task's name and its simulator's address in ``TASK[@[HOST:]PORT]``; None for no address.

    :raises UserError: no port after the @
    """
    name = task_of(task)
    if name == task:
        return name, None
    try:
        return name, parse_address(task[len(name) + 1 :])
    except UserError as error:
        raise UserError(f"env {task!r}: {error}", "env") from None


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``[HOST:]PORT``; without a host this machine's.

    An IPv6 address stands in brackets, ``[::1]:9091``: without them its end looks like a port.

    :raises UserError: no host, or no port from 1 to 65535
    """
    found = ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= LAST_PORT:
        raise UserError(
            f"address {text!r} is not [HOST:]PORT; write it as 9091, 127.0.0.1:9091 or [::1]:9091"
        )
    return found["bracketed"] or found["name"] or LOCALHOST, int(found["port"])


def shown_address(host: str, port: int) -> str:
    """``HOST:PORT`` as ``parse_address`` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def headline(world: World, score: Mapping[str, Any] | None) -> str:
    """Measures of a record's ``score`` that a line about a trial shows, such as `` laps 3``."""
    shown = [measure for measure in world.measures if measure.headline and measure.text]
    return "".join(
        f" {measure.title} {measure.text(score[measure.name])}"
        for measure in shown
        if measure.text and score and score.get(measure.name) is not None
    )
