from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agent.trials.champion import consider, describe, read_manifest, settle, verify
from agent.trials.config import TrialConfig, UserError
from agent.trials.record import Record


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "trial-001" / "model.zip"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path


def test_the_manifest_describes_the_copied_model(tmp_path: Path, model: Path, record: Callable[..., Record]) -> None:
    throne = tmp_path / "champion"
    assert consider(record(4, 61.5), model, throne)
    manifest = json.loads((throne / "manifest.json").read_text())
    assert (throne / "model.zip").read_bytes() == b"weights"
    assert manifest["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert (manifest["trial"], manifest["mean_reward"]) == (4, 61.5)
    assert TrialConfig.from_params(manifest["params"]) == TrialConfig()
    assert sorted(path.name for path in throne.iterdir()) == ["manifest.json", "model.zip"]
    assert "trial 4 mean_reward 61.50" in describe(throne)


def test_an_equal_score_does_not_take_the_title(tmp_path: Path, model: Path, record: Callable[..., Record]) -> None:
    throne = tmp_path / "champion"
    assert consider(record(1, 50.0), model, throne)
    assert not consider(record(2, 50.0), model, throne)
    assert consider(record(3, 50.001), model, throne)


@pytest.mark.parametrize("status", ["timeout", "diverged", "interrupted", "pruned"])
def test_only_a_trial_that_ended_well_competes(
    tmp_path: Path, model: Path, record: Callable[..., Record], status: str
) -> None:
    assert not consider(record(1, 99.0, run_status=status), model, tmp_path / "champion")
    assert describe(tmp_path / "champion") == "champion: none yet"


def test_a_negative_first_score_is_a_champion(tmp_path: Path, model: Path, record: Callable[..., Record]) -> None:
    assert consider(record(1, -3.0), model, tmp_path / "champion")


def test_no_model_no_title(tmp_path: Path, model: Path, record: Callable[..., Record]) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 50.0), model, throne)
    with pytest.raises(UserError, match="no model at"):
        consider(record(2, 60.0), tmp_path / "absent.zip", throne)
    manifest = read_manifest(throne)
    assert manifest is not None
    assert manifest["trial"] == 1


def test_a_manifest_without_its_model_is_a_vacancy(tmp_path: Path, model: Path, record: Callable[..., Record]) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 90.0), model, throne)
    (throne / "model.zip").unlink()
    assert consider(record(2, 10.0), model, throne)


def test_the_champion_in_the_box_holds_no_title_and_is_kept_aside(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 9000.0), model, throne)
    manifest = json.loads((throne / "manifest.json").read_text())
    (throne / "manifest.json").write_text(json.dumps(manifest | {"boxed": True}))
    assert describe(throne) == "champion: none yet"
    model.write_bytes(b"other weights")
    assert consider(record(2, 10.0), model, throne)
    assert json.loads((throne / "previous" / "manifest.json").read_text())["boxed"]
    assert (throne / "previous" / "model.zip").read_bytes() == b"weights"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mean_reward": NaN}', '{"mean_reward": "high"}'])
def test_an_unreadable_manifest_is_never_overwritten(
    tmp_path: Path, model: Path, record: Callable[..., Record], text: str
) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 50.0), model, throne)
    (throne / "manifest.json").write_text(text)
    with pytest.raises(UserError, match="mend it or move it away"):
        consider(record(2, 60.0), model, throne)
    assert (throne / "manifest.json").read_text() == text


def test_a_failed_copy_leaves_the_old_champion(
    tmp_path: Path, model: Path, record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 50.0), model, throne)
    better = tmp_path / "better.zip"
    better.write_bytes(b"better weights")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        consider(record(2, 60.0), better, throne)
    assert (throne / "model.zip").read_bytes() == b"weights"
    assert sorted(path.name for path in throne.iterdir()) == ["manifest.json", "model.zip"]


def test_a_change_cut_short_at_any_step_leaves_one_champion_or_the_other(
    tmp_path: Path, model: Path, record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before the k-th change of the folder, whatever it is; the next start settles it."""
    better = tmp_path / "better.zip"
    better.write_bytes(b"better weights")

    class Killed(BaseException):
        pass

    outcomes = []
    for step in range(12):
        throne = tmp_path / f"champion-{step}"
        consider(record(1, 50.0), model, throne)
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
                consider(record(2, 60.0), better, throne)
        settle(throne)
        verify(throne)
        manifest = read_manifest(throne)
        assert manifest is not None and manifest["trial"] in (1, 2)
        outcomes.append(manifest["trial"])
        assert sorted(path.name for path in throne.iterdir() if path.name != "previous") == [
            "manifest.json",
            "model.zip",
        ]
        assert consider(record(3, 70.0), better, throne)
    assert outcomes[0] == 1 and outcomes[-1] == 2 and outcomes == sorted(outcomes)


def test_the_previous_champion_is_kept(tmp_path: Path, model: Path, record: Callable[..., Record]) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 50.0), model, throne)
    better = tmp_path / "better.zip"
    better.write_bytes(b"better weights")
    consider(record(2, 60.0), better, throne)
    verify(throne / "previous")
    assert json.loads((throne / "previous" / "manifest.json").read_text())["trial"] == 1


def test_a_model_that_is_not_the_manifests_is_refused(
    tmp_path: Path, model: Path, record: Callable[..., Record]
) -> None:
    throne = tmp_path / "champion"
    consider(record(1, 50.0), model, throne)
    verify(throne)
    (throne / "model.zip").write_bytes(b"something else")
    with pytest.raises(UserError, match="is not the model of its manifest"):
        verify(throne)
