from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.trials.champion import (
    check_trust,
    describe,
    promote_if_better,
    read_manifest,
    recover,
)
from agent.trials.record import Record


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "trial-001" / "model.zip"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path


def test_the_manifest_describes_the_copied_model(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    champion_dir = tmp_path / "champion"
    assert promote_if_better(record(4, 61.5), model, champion_dir)
    manifest = json.loads((champion_dir / "manifest.json").read_text())
    assert (champion_dir / "model.zip").read_bytes() == b"weights"
    assert manifest["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert (manifest["trial"], manifest["mean_reward"]) == (4, 61.5)
    assert TrialConfig.from_params(manifest["params"]) == TrialConfig.of()
    assert sorted(path.name for path in champion_dir.iterdir()) == ["manifest.json", "model.zip"]
    assert "trial 4 mean_reward 61.50" in describe(champion_dir)


def test_an_equal_score_is_not_promoted(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    champion_dir = tmp_path / "champion"
    assert promote_if_better(record(1, 50.0), model, champion_dir)
    assert not promote_if_better(record(2, 50.0), model, champion_dir)
    assert promote_if_better(record(3, 50.001), model, champion_dir)


@pytest.mark.parametrize("status", ["timeout", "diverged", "interrupted", "pruned"])
def test_only_a_trial_that_ended_well_competes(
    tmp_path: Path, model: Path, record: Callable[..., Record], status: str
) -> None:
    assert not promote_if_better(record(1, 99.0, run_status=status), model, tmp_path / "champion")
    assert describe(tmp_path / "champion") == "champion: none yet"


def test_a_negative_first_score_is_a_champion(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    assert promote_if_better(record(1, -3.0), model, tmp_path / "champion")


def test_a_trial_without_a_model_is_not_promoted(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 50.0), model, champion_dir)
    with pytest.raises(UserError, match="no model at"):
        promote_if_better(record(2, 60.0), tmp_path / "absent.zip", champion_dir)
    manifest = read_manifest(champion_dir)
    assert manifest is not None
    assert manifest["trial"] == 1


def test_a_manifest_without_its_model_is_no_champion(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 90.0), model, champion_dir)
    (champion_dir / "model.zip").unlink()
    assert promote_if_better(record(2, 10.0), model, champion_dir)


@pytest.mark.parametrize("key", ["bundled", "boxed"])
def test_the_bundled_champion_gives_way_to_any_trial_and_is_kept(
    tmp_path: Path, model: Path, record: Callable[..., Record], key: str
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 9000.0), model, champion_dir)
    manifest = json.loads((champion_dir / "manifest.json").read_text())
    (champion_dir / "manifest.json").write_text(json.dumps(manifest | {key: True}))
    assert describe(champion_dir) == "champion: none yet"
    model.write_bytes(b"other weights")
    assert promote_if_better(record(2, 10.0), model, champion_dir)
    assert json.loads((champion_dir / "previous" / "manifest.json").read_text())[key]
    assert (champion_dir / "previous" / "model.zip").read_bytes() == b"weights"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"mean_reward": NaN}', '{"mean_reward": "high"}']
)
def test_an_unreadable_manifest_is_never_overwritten(
    tmp_path: Path, model: Path, record: Callable[..., Record], text: str
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 50.0), model, champion_dir)
    (champion_dir / "manifest.json").write_text(text)
    with pytest.raises(UserError, match="mend it or move it away"):
        promote_if_better(record(2, 60.0), model, champion_dir)
    assert (champion_dir / "manifest.json").read_text() == text


def test_a_failed_copy_leaves_the_old_champion(
    tmp_path: Path, model: Path, record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 50.0), model, champion_dir)
    better = tmp_path / "better.zip"
    better.write_bytes(b"better weights")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        promote_if_better(record(2, 60.0), better, champion_dir)
    assert (champion_dir / "model.zip").read_bytes() == b"weights"
    assert sorted(path.name for path in champion_dir.iterdir()) == ["manifest.json", "model.zip"]


def test_a_change_cut_short_at_any_step_leaves_one_champion_or_the_other(
    tmp_path: Path, model: Path, record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before the k-th change of the folder; the next start recovers it."""
    better = tmp_path / "better.zip"
    better.write_bytes(b"better weights")

    class Killed(BaseException):
        pass

    outcomes = []
    for step in range(16):
        champion_dir = tmp_path / f"champion-{step}"
        promote_if_better(record(1, 50.0), model, champion_dir)
        calls = 0

        def count(real: Callable[..., object], step: int = step) -> Callable[..., object]:
            def wrapped(*arguments: object, **options: object) -> object:
                nonlocal calls
                calls += 1
                if calls > step:
                    raise Killed
                return real(*arguments, **options)

            return wrapped

        with monkeypatch.context() as patch:
            patch.setattr("os.replace", count(os.replace))
            patch.setattr("os.fsync", count(os.fsync))
            patch.setattr("shutil.copyfile", count(shutil.copyfile))
            with suppress(Killed):
                promote_if_better(record(2, 60.0), better, champion_dir)
        recover(champion_dir)
        check_trust(champion_dir / "model.zip")
        manifest = read_manifest(champion_dir)
        assert manifest is not None and manifest["trial"] in (1, 2)
        outcomes.append(manifest["trial"])
        assert sorted(path.name for path in champion_dir.iterdir() if path.name != "previous") == [
            "manifest.json",
            "model.zip",
        ]
        assert promote_if_better(record(3, 70.0), better, champion_dir)
    assert outcomes[0] == 1 and outcomes[-1] == 2 and outcomes == sorted(outcomes)


def test_the_previous_champion_is_kept(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 50.0), model, champion_dir)
    better = tmp_path / "better.zip"
    better.write_bytes(b"better weights")
    promote_if_better(record(2, 60.0), better, champion_dir)
    check_trust(champion_dir / "previous" / "model.zip")
    assert json.loads((champion_dir / "previous" / "manifest.json").read_text())["trial"] == 1


def test_a_model_that_is_not_the_manifests_is_refused(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    champion_dir = tmp_path / "champion"
    promote_if_better(record(1, 50.0), model, champion_dir)
    check_trust(champion_dir / "model.zip")
    (champion_dir / "model.zip").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"is in no manifest\.json or result\.json beside it"):
        check_trust(champion_dir / "model.zip")
