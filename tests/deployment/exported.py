"""Models to export: untrained ones whose weights are shaken, so that pictures matter to them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from agent.config import files
from agent.config.export_formats import EXPORT_FORMATS
from agent.config.trial import TrialConfig
from agent.deployment.pilot import Pilot
from tests.deployment.models import saved_model


def skip_without_libraries(name: str) -> None:
    """Skips a test of a format that cannot be written here."""
    for module in EXPORT_FORMATS[name].needs:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed; pip install -e '.[export]'")


def shaken_model(config: TrialConfig, folder: Path, seed: int = 0) -> Path:
    """Writes such a model and its configuration.

    :param config: of the model
    :param folder: for both
    :param seed: of the noise
    """
    saved_model(config, folder)
    pilot = Pilot(folder, trust=True)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in pilot.model.policy.parameters():
            size = 0.3 / weights[0].numel() ** 0.5
            weights.add_(size * torch.randn(weights.shape, generator=random))
    pilot.model.save(folder / files.MODEL)
    return folder
