"""One champion for each task of an experiment, and each experiment's trials its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.config import files
from agent.config.trial import TrialConfig
from agent.study.champion_selection import champion_replicates
from agent.trials.folders import Folders
from agent.trials.promotion import Promotion
from agent.trials.record import Record
from agent.trials.titles import title_folders

WARREN = {"env": ["donkey-warren-track-v0"]}
SHORT = {"max_episode_steps": 50}
MakeRecord = Callable[..., Record]


class House:
    """Trials with models in one folder, which several ledgers may share."""

    def __init__(self, tmp_path: Path, make: MakeRecord) -> None:
        self.models = tmp_path / "models"
        self.make = make

    def folders(self, results: str = "results") -> Folders:
        return Folders(self.models, "trial", self.models.parent / results / "ledger.jsonl")

    def trial(self, number: int, score: float, params: dict[str, Any], **more: Any) -> Record:
        config = TrialConfig.of(**params)
        folder = self.models / f"trial-{number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / files.MODEL).write_bytes(f"weights {number}".encode())
        return self.make(number, score, params=config.to_params(), **more)

    def considered(
        self, number: int, score: float, params: dict[str, Any], results: str = "results"
    ) -> bool:
        return Promotion(self.folders(results)).consider(self.trial(number, score, params), [])

    def champions(self) -> dict[str, int]:
        """Names of the champions' folders, without digests, and the trials in them."""
        found = {}
        for folder in title_folders(self.models):
            manifest = json.loads((folder / files.MANIFEST).read_text())
            assert manifest["model_path"] == files.shown_path(folder / files.MODEL)
            found[folder.name.rpartition("-v0-")[0] or folder.name] = manifest["trial"]
        return found


@pytest.fixture
def house(tmp_path: Path, record: MakeRecord) -> House:
    return House(tmp_path, record)


@pytest.mark.parametrize("other", [WARREN, SHORT, WARREN | SHORT])
def test_scores_of_different_tasks_never_meet(house: House, other: dict[str, Any]) -> None:
    assert house.considered(1, 2795.0, {})
    assert house.considered(2, 2814.0, other)
    assert not house.considered(3, 2800.0, other)
    assert house.considered(4, 2796.0, {})
    kept = house.champions()
    assert kept.pop("champion") == 4
    assert list(kept.values()) == [2]


def test_the_default_task_has_the_specifications_path_whoever_came_first(house: House) -> None:
    assert house.considered(1, 90.0, WARREN)
    assert house.champions() == {"champion": 1}
    assert house.considered(2, 10.0, {})
    assert house.champions() == {"champion": 2, "champion-donkey-warren-track": 1}
    assert house.considered(3, 91.0, WARREN)
    assert house.champions() == {"champion": 2, "champion-donkey-warren-track": 3}


def test_a_first_trial_without_a_score_moves_no_champion(house: House) -> None:
    house.considered(1, 90.0, WARREN)
    failed = house.trial(2, 1.0, {}, run_status="crashed")
    assert not Promotion(house.folders()).consider(failed, [])
    assert house.champions() == {"champion": 1}


def test_a_champion_of_before_keeps_its_place_and_title(house: House) -> None:
    house.considered(1, 90.0, {})
    path = house.models / "champion" / files.MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["ledger"], manifest["params"]["max_cte"]
    path.write_text(json.dumps(manifest))
    assert not house.considered(2, 80.0, {})
    assert house.considered(3, 91.0, {})
    assert house.champions() == {"champion": 3}


def test_experiments_that_share_models_have_titles_of_their_own(house: House) -> None:
    house.considered(1, 90.0, {})
    assert house.considered(2, 10.0, {}, "elsewhere")
    assert not house.considered(3, 5.0, {}, "elsewhere")
    assert house.champions() == {"champion": 1, "champion-donkey-generated-track": 2}
    assert [folder.name for folder in house.folders().titles.folders()] == ["champion"]


def test_a_confirmed_champion_outlives_its_ledger(house: House) -> None:
    """No single score takes its title, and no configuration with a worse mean."""
    promotion = Promotion(house.folders(), lambda records: champion_replicates(records, 2), 2)
    rate = {"learning_rate": 0.001}
    replicates = [
        house.trial(n, 50.0, rate | {"seed": seed}, kind="replicate", seed=seed)
        for n, seed in ((1, 1_000_003), (2, 2_000_006))
    ]
    assert promotion.consider(replicates[1], replicates[:1])
    assert (
        "confirmed"
        in json.loads((house.models / "champion" / files.MANIFEST).read_text())["confirmation"][
            "standing"
        ]
    )
    assert not promotion.consider(house.trial(7, 99.0, {}), [])
    for score, wins in ((40.0, False), (60.0, True)):
        later = [
            house.trial(n, score, {"seed": seed}, kind="replicate", seed=seed)
            for n, seed in ((8, 1_000_003), (9, 2_000_006))
        ]
        assert promotion.consider(later[1], later[:1]) is wins
