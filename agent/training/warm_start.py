"""Training that begins with a saved model's policy instead of a random one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from stable_baselines3.common.save_util import load_from_zip_file

from agent.config.errors import UserError
from agent.training.old_names import modern_weights

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

# It serves the features of a policy that imitates, not its actions: a policy may have it or not.
OPTIONAL = "auxiliary_net."


def begin_with(model: BaseAlgorithm, path: Path) -> None:
    """Gives ``model`` the policy saved at ``path``; optimiser and random state stay its own.

    :raises UserError: no model, or one whose network has other layers or other shapes
    """
    saved = _saved_weights(model, path)
    own = model.policy.state_dict()
    weights = {name: values for name, values in saved.items() if name in own or _counts(name)}
    for name, values in own.items():
        if name not in weights and not _counts(name):
            weights[name] = values
    for name in sorted(own.keys() | weights.keys()):
        theirs = _shape(weights, name)
        ours = _shape(own, name)
        if theirs != ours:
            raise UserError(
                f"warm_start {path} does not fit: its {name} is {theirs}, this trial's is {ours};"
                " give the agent, observation and network that it was trained with"
            )
    model.policy.load_state_dict(weights)


def _saved_weights(model: BaseAlgorithm, path: Path) -> dict[str, Any]:
    """The policy's weights in a saved model, by name.

    :raises UserError: it is none
    """
    try:
        _, parameters, _ = load_from_zip_file(path, device=model.device)
        policy: Any = parameters["policy"]
        return modern_weights(policy)
    except (OSError, BadZipFile, ValueError, KeyError, EOFError) as error:
        raise UserError(
            f"warm_start {path} is no saved model ({error}); give a model.zip"
        ) from error


def _counts(name: str) -> bool:
    """True for weights that decide the actions."""
    return not name.startswith(OPTIONAL)


def _shape(weights: Mapping[str, Any], name: str) -> list[int] | str:
    return list(weights[name].shape) if name in weights else "missing"
