"""Bundle a trial's model with the repository, small and without a title.

    python experiments/bundle_champion.py DIR

DIR is the trial's folder. The model goes to agent/bundled, one of another world than the first to
agent/bundled/WORLD: ``--model bundled`` and ``--model bundled/WORLD``. The optimiser's memory and
the last pictures stay behind; the model drives alike without them. The manifest says that it is
bundled, so it is no champion of a study.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.algorithms import OnPolicy
from agent.config.errors import EXIT_BAD_ARGUMENTS, EXIT_OK, UserError
from agent.config.provenance import git_commit
from agent.config.trial import TrialConfig
from agent.training.algorithms.ppo import falling
from agent.training.checkpoints import save_model, write_json
from agent.training.saved_model import load_model, read_config
from agent.trials.champion import bundled_model, sha256

if TYPE_CHECKING:
    from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm


def main(argv: list[str]) -> int:
    """Bundles the model of the folder in ``argv``; returns an exit code of ``config.errors``."""
    if len(argv) != 1 or not (Path(argv[0]) / files.RESULT).is_file():
        print(__doc__, file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    try:
        champion = bundle(Path(argv[0]))
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    print(f"{files.shown_path(champion)}: {champion.stat().st_size / 1e6:.1f} MB")
    return EXIT_OK


def bundle(trial: Path) -> Path:
    """Writes the trial's model and a manifest to where its world's belongs; returns the model.

    :raises UserError: a model that is none, or not of an algorithm with rollouts
    """
    config = read_config(trial / files.MODEL)
    if not isinstance(config.algorithm, OnPolicy):
        raise UserError(f"agent {config.trial.agent!r} has no rollouts; bundle a model of ppo")
    model: Any = load_model(trial / files.MODEL, config, "cpu")
    slim(model, config.algorithm)
    champion = bundled_model(config.trial.world)
    champion.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, champion)
    result = json.loads((trial / files.RESULT).read_text(encoding="utf-8"))
    write_json(champion.with_name(files.MANIFEST), manifest_of(config, result, champion))
    return champion


def slim(model: OnPolicyAlgorithm, settings: OnPolicy) -> None:
    """Drops from a model what it does not need to drive."""
    model.policy.optimizer.state.clear()
    model.learning_rate = falling(settings.learning_rate, settings.lr_end)
    model._setup_lr_schedule()
    model._last_obs = None
    model._last_original_obs = None
    model._last_episode_starts = None


def manifest_of(config: TrialConfig, result: dict[str, Any], champion: Path) -> dict[str, Any]:
    """The manifest of a bundled model.

    :param config: the configuration that trained it
    :param result: the trial's result.json
    :param champion: the model's file
    """
    return {
        "trial": 0,
        "kind": "search",
        "bundled": True,
        "timestamp": "",
        # A warm start's path is of the machine that trained it.
        "params": config.to_params() | {"warm_start": ""},
        "mean_reward": result["mean_reward"],
        "model_path": files.shown_path(champion),
        "sha256": sha256(champion),
        "confirmation": None,
        "simulator": result["simulator"],
        "git_commit": git_commit(),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
