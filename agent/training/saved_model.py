"""A saved model and the configuration that trained it, found beside each other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent.config import files
from agent.config.errors import UserError
from agent.config.flat import modern
from agent.config.plain import read_object
from agent.config.trial import TrialConfig

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

Made = TypeVar("Made")


def read_config(model_path: Path) -> TrialConfig:
    """The configuration that trained the model, from the file beside it.

    :raises UserError: no such file, or one that does not hold a configuration
    """
    return _made_beside(model_path, TrialConfig.from_params)


def read_driver(model_path: Path) -> tuple[dict[str, Any], TrialConfig]:
    """Parameters that trained the model, and its configuration as a driver of those tasks.

    :raises UserError: no file with them, or one that does not hold how the model drives
    """
    return _made_beside(
        model_path, lambda params: (modern(params), TrialConfig.for_driving(params))
    )


def _made_beside(model_path: Path, make: Callable[[Mapping[str, Any]], Made]) -> Made:
    """Made from the parameters of the trial that trained the model.

    :param model_path: a model.zip
    :param make: from these parameters
    :raises UserError: no such file, or one of which nothing can be made
    """
    for name in (files.CONFIG, files.MANIFEST):
        path = model_path.with_name(name)
        if path.exists():
            return _made_in(path, make)
    raise UserError(
        f"no {files.CONFIG} or {files.MANIFEST} beside {model_path};"
        " put the one that trained it there"
    )


def _made_in(path: Path, make: Callable[[Mapping[str, Any]], Made]) -> Made:
    try:
        document = read_object(path)
        return make(document["params"] if path.name == files.MANIFEST else document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} does not hold a trial's configuration ({error}); restore it"
        ) from error


def check_drives_in(driver: TrialConfig, model: Path, world: str) -> None:
    """Refuse a model of another world.

    :param driver: see ``read_driver``
    :param model: a model.zip
    :param world: name of the one that is to be driven in
    :raises UserError: it is of another
    """
    own = driver.trial.world
    if own != world:
        raise UserError(f"model {model} drives in world {own!r}; give one of world {world!r}")


def load_model(path: Path, config: TrialConfig, device: str) -> BaseAlgorithm:
    """The model saved at ``path``, by the algorithm of its configuration.

    :param path: a model.zip
    :param config: the configuration that trained it
    :param device: ``auto``, ``cpu`` or ``cuda``
    :raises UserError: the file is not a model of that algorithm
    """
    from agent.training.algorithms import ALGORITHMS, check_device

    check_device(device)
    agent = config.trial.agent
    try:
        with warnings.catch_warnings(action="ignore"):
            return ALGORITHMS[agent].model.load(path, device=device)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path} is not a {agent} model ({reason}); give a model.zip of the runner"
        ) from error
