"""A trial's model bundled for its world: small, vouched for, without a title, as good a driver."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.config import files
from agent.trials.champion import check_trust, find_model, read_manifest
from agent.worlds.base import WORLDS
from experiments import bundle_champion


def test_a_model_is_bundled_for_its_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent import donkeycar_sb3_runner
    from agent.training.saved_model import load_model, read_config

    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    monkeypatch.setattr(files, "BUNDLED_DIR", tmp_path / "box")
    trial = tmp_path / "trial"
    argv = ["--world", "line", "--n-envs", "2", "--eval-episodes", "2", "--device", "cpu"]
    argv += ["--conv-layers", "1", "--features-dim", "64", "--net-width", "8"]
    argv += ["--timesteps", "64", "--evaluations", "1", "--save-dir", str(trial)]
    assert donkeycar_sb3_runner.main(argv) == 0
    assert bundle_champion.main([str(trial)]) == 0
    champion = find_model(Path("bundled/line"), tmp_path / "models")
    assert champion == tmp_path / "box" / "line" / files.MODEL
    assert str(champion) in capsys.readouterr().out
    check_trust(champion)
    assert read_manifest(champion.parent) is None, "it has no title to defend"
    manifest = json.loads(champion.with_name(files.MANIFEST).read_text(encoding="utf-8"))
    assert manifest["params"]["world"] == "line"
    assert champion.stat().st_size < 0.6 * (trial / files.MODEL).stat().st_size
    config = read_config(champion)
    pictures = np.random.default_rng(0).integers(0, 255, (5, 1, 48, 48), dtype=np.uint8)
    small, whole = (
        load_model(path, config, "cpu").predict(pictures, deterministic=True)[0]
        for path in (champion, trial / files.MODEL)
    )
    assert np.array_equal(small, whole)
    assert len(np.unique(small)) > 3


def test_what_is_no_trial_is_told_how_to_call_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle_champion.main([str(tmp_path)]) == 2
    assert "bundle_champion.py DIR" in capsys.readouterr().err
