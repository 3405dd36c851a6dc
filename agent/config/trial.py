"""The configuration of one trial, made of parts by owner and flat on disk and on the command line.

``TrialConfig`` is the runner's command line, the ``params`` of a ledger record and of the
champion's manifest. The parser (``command_line``), its ``--help``, the argument list that the
controller builds and the JSON are derived from the fields of its parts. So a new hyperparameter is
one field in one of them (``settings``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from agent import PRODUCT
from agent.config.algorithms import ALGORITHMS, Algorithm, OffPolicy
from agent.config.cuda import NO_CUDA, NO_MIXED_PRECISION, can_have_cuda
from agent.config.errors import UserError
from agent.config.flat import (
    applies,
    arguments_of,
    build_part,
    defaults_of,
    facts_in,
    modern,
    refuse_strangers,
    refuse_unknown,
    with_new_names,
)
from agent.config.parts import Imitation, Trial
from agent.config.settings import facts_of
from agent.worlds.base import DEFAULT_WORLD, Learner, World, WorldOptions, split_task, world_named
from agent.worlds.capabilities import HasExpert, SharesSimulator
from agent.worlds.comparisons import check_task


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """Everything that decides the outcome of one trial; make it with ``of``.

    ``imitation`` is None for an algorithm that cannot imitate.

    :raises UserError: values that do not go together
    """

    trial: Trial
    world: WorldOptions
    algorithm: Algorithm
    imitation: Imitation | None

    def __post_init__(self) -> None:
        self._check_pairs()
        self.the_world.check(self)

    @classmethod
    def of(cls, **params: Any) -> Self:
        """A configuration from flat parameters by name; the others have their default.

        A parameter that does not apply to the algorithm may be None or at its default.

        :raises UserError: an unknown name, an impossible value, or a setting of another algorithm
        """
        world = world_named(params.get("world", DEFAULT_WORLD))
        params = {"env": [world.default_task]} | with_new_names(params, world)
        refuse_strangers(params, world)
        kind = ALGORITHMS[params.get("agent", Trial.agent)]
        defaults = defaults_of(kind, world, params)
        imitation = build_part(Imitation, params, defaults, kind)
        return cls(
            trial=build_part(Trial, params, defaults, kind),
            world=build_part(world.Options, params, defaults, kind),
            algorithm=build_part(kind, params, defaults, kind),
            imitation=imitation if "imitation" in kind.traits else None,
        )

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """Rebuild from a record or a manifest, of an older version too.

        :raises UserError: an unknown name or an impossible value
        """
        return cls.of(**modern(params))

    @classmethod
    def for_driving(cls, params: Mapping[str, Any]) -> Self:
        """The configuration of a driver from those of its training, which may be of any version.

        How it senses and acts is what it was trained with, and where it drives are the tasks of
        training, in no simulator elsewhere. All that only training is about is left out, so that
        nothing of it can stand in the way.

        :raises UserError: an unknown name or an impossible value
        """
        params = modern(params)
        world = world_named(params.get("world", DEFAULT_WORLD))
        refuse_unknown(params, world)
        agent = params.get("agent", Trial.agent)
        facts_of(Trial)["agent"].check("agent", agent)
        kind = ALGORITHMS[agent]
        tasks = params.get("env") or [world.default_task]
        names = [split_task(task)[0] for task in tasks]
        kept: dict[str, Any] = {"agent": agent, "world": world.name, "env": names}
        # Pictures of a size may ask for a kind of network.
        kept["conv_layers"] = params.get("conv_layers")
        for name, facts in facts_of(world.Options).items():
            if not applies(facts, kind):
                continue
            if facts.judged is not None:
                kept[name] = facts.judged
            elif facts.hyperparameter:
                kept[name] = params.get(name)
        return cls.of(**kept)

    def changed(self, **params: Any) -> Self:
        """The same configuration with some flat parameters changed.

        :raises UserError: as ``of``
        """
        return type(self).of(**{**self.to_params(), **with_new_names(params, self.the_world)})

    @property
    def the_world(self) -> World:
        """The world that the trial drives in."""
        return world_named(self.trial.world)

    @property
    def learner(self) -> Learner:
        """Facts about the learner, for the world's environments."""
        return Learner(
            discrete="discrete" in self.algorithm.traits,
            labelled=self.imitates,
            timesteps=self.trial.timesteps,
        )

    @property
    def imitates(self) -> bool:
        """True if an expert labels what the learner meets."""
        return self.imitation is not None and self.imitation.imitation_share > 0.0

    @property
    def simulator(self) -> str:
        """The record's ``simulator``: ``embedded``, or where it runs."""
        return self.the_world.location(self.trial.env)

    @property
    def input_files(self) -> list[str]:
        """Paths of the files that its parameters name, as they name them, each once."""
        texts: list[str] = []
        for name, value in self.to_params().items():
            if value and facts_in(self.trial.world)[name].names_file:
                texts += value if isinstance(value, list) else [value]
        paths = dict.fromkeys(text.partition("#")[0] for text in texts)
        # A name of a task has no ending, whatever files the working directory has.
        return [path for path in paths if Path(path).suffix and Path(path).is_file()]

    def check_ready(self) -> None:
        """Refuse a configuration that cannot be run here; opens nothing.

        :raises UserError: an unknown task, a library or a file that is missing
        """
        world = self.the_world
        if world.requires and find_spec(world.requires) is None:
            raise UserError(
                f"world {world.name!r} needs {world.requires}, which is not installed;"
                f" install it with: pip install '{PRODUCT}[{world.extra}]'"
            )
        for task in self.trial.env:
            name, address = split_task(task)
            check_task(world, name)
            if address and not isinstance(world, SharesSimulator):
                raise UserError(
                    f"env {task!r} has an address, and world {world.name!r} no simulators;"
                    f" give {name}",
                    "env",
                )
        if self.trial.warm_start:
            _check_model(Path(self.trial.warm_start))
        if self.trial.device == "cuda" and not can_have_cuda():
            raise UserError(NO_CUDA)
        if self.trial.mixed_precision and (self.trial.device == "cpu" or not can_have_cuda()):
            raise UserError(NO_MIXED_PRECISION)
        world.check_ready(self)

    def to_params(self) -> dict[str, Any]:
        """The record's and the manifest's ``params``: flat, only what applies."""
        params = asdict(self.trial) | asdict(self.world) | asdict(self.algorithm)
        if self.imitation is not None:
            params |= asdict(self.imitation)
        return params

    def to_argv(self) -> list[str]:
        """The runner's argument list that parses back to this very configuration."""
        return arguments_of(self.to_params())

    def _check_pairs(self) -> None:
        """Refuse settings of two owners that do not go together."""
        shown = isinstance(self.algorithm, OffPolicy) and self.algorithm.demos
        if shown and self.world.action_repeat != 1:
            raise UserError(
                f"action_repeat {self.world.action_repeat} and demos, recorded step by step,"
                " do not go together; drop one",
                "action_repeat",
                "demos",
            )
        if self.imitates and not isinstance(self.the_world, HasExpert):
            raise UserError(
                "imitation_share needs an expert, and world"
                f" {self.trial.world!r} has none; drop it",
                "imitation_share",
            )


def _check_model(path: Path) -> None:
    """Refuse what cannot be a saved model, without loading it.

    :raises UserError: no file, or no zip file
    """
    from zipfile import is_zipfile  # only where a model is given

    if not path.is_file():
        raise UserError(f"warm_start {path} does not exist; give a model.zip", "warm_start")
    if not is_zipfile(path):
        raise UserError(f"warm_start {path} is no saved model; give a model.zip", "warm_start")
