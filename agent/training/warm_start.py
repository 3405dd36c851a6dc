"""Beginning with a trained driver's policy instead of chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zipfile import BadZipFile

from stable_baselines3.common.save_util import load_from_zip_file

from agent.config.trial import UserError

AID = "ahead_net."  # serves a taught policy's features and not its driving: one may have it and the other not

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


def begin_with(model: BaseAlgorithm, path: Path) -> None:
    """Give ``model`` the policy saved at ``path``; optimiser, counters and everything random are its own.

    :raises UserError: no model, or one whose network has other layers or other shapes
    """
    try:
        weights: dict[str, Any] = cast(Any, load_from_zip_file(path, device=model.device)[1])[
            "policy"
        ]
    except (OSError, BadZipFile, ValueError, KeyError, EOFError) as error:
        raise UserError(
            f"warm_start {path} is no saved model ({error}); give a model.zip"
        ) from error
    own = model.policy.state_dict()
    weights = {
        name: values for name, values in weights.items() if name in own or not name.startswith(AID)
    }
    weights |= {
        name: values for name, values in own.items() if name not in weights and name.startswith(AID)
    }
    for name in sorted(own.keys() | weights.keys()):
        theirs, ours = (
            list(state[name].shape) if name in state else "missing" for state in (weights, own)
        )
        if theirs != ours:
            raise UserError(
                f"warm_start {path} does not fit: its {name} is {theirs}, this trial's is {ours};"
                " give the agent, observation and network that it was trained with"
            )
    model.policy.load_state_dict(weights)
