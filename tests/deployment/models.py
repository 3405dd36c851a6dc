"""Untrained models of every kind, saved as the runner saves trained ones."""

from __future__ import annotations

import json
from pathlib import Path

from agent.config import files
from agent.config.trial import TrialConfig
from agent.training.algorithms import build, prepare_torch
from agent.training.vec_envs import make_training_envs


def saved_model(config: TrialConfig, folder: Path) -> Path:
    """Writes an untrained model of the configuration, and the configuration beside it."""
    prepare_torch(0)
    training = make_training_envs(config)
    try:
        build(config, training).save(folder / files.MODEL)
    finally:
        training.vec_env.close()
    (folder / files.CONFIG).write_text(json.dumps(config.to_params()))
    return folder
