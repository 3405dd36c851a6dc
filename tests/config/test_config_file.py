"""Files of parameters: what is written is read back, and of whatever kind and age they are."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.config_file import read_file, to_toml, todays_params
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from tests.config.configurations import CONFIGS

FIXTURES = Path(__file__).parents[1] / "fixtures"


def todays(path: Path) -> dict[str, Any]:
    return todays_params(read_file(path), "donkey", path)


@given(CONFIGS)
def test_a_configuration_written_as_toml_is_read_back(config: TrialConfig) -> None:
    params = tomllib.loads(to_toml(config.to_params()))
    assert TrialConfig.of(**params) == config


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"]))
        | st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
    )
)
def test_any_flat_values_survive_toml(params: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(params)) == params


def test_none_is_left_out_of_toml() -> None:
    assert to_toml({"demos": None, "seed": 1}) == "seed = 1"


def test_a_config_json_a_manifest_and_a_record_are_read_in_todays_words(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    lines = (FIXTURES / "old_ledger.jsonl").read_text().splitlines()
    record.write_text(lines[5])
    assert todays(record)["imitation_weight"] == 3.0
    champion = FIXTURES / "old_champion" / "manifest.json"
    assert todays(champion)["narrow_crossing_share"] == 0.5
    old_trial = FIXTURES / "old_trial" / "config.json"
    assert todays(old_trial)["frame_stack"] == 4
    for path in (record, champion, old_trial):
        document = json.loads(path.read_text())
        expected = TrialConfig.from_params(document.get("params", document))
        assert TrialConfig.of(**todays(path)) == expected


def test_a_few_parameters_are_not_taken_for_an_old_record(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('agent = "dqn"\nn_steer = 5\nn_throttle = 3\n')
    assert todays(path) == {"agent": "dqn", "n_steer": 5, "n_throttle": 3}


def test_a_whole_number_and_a_single_text_are_taken_as_they_are_meant(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('env = "donkey-warren-track-v0"\nmax_cte = 5\ntaught = 1\n')
    params = todays(path)
    assert params == {"env": ["donkey-warren-track-v0"], "max_cte": 5.0, "imitation_share": 1.0}
    assert isinstance(params["max_cte"], float)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"gamma = ", "is neither TOML nor JSON"),
        (b'{"gamma": 0.9', "is neither TOML nor JSON"),
        (b"\xff\xfe\x00", "is neither TOML nor JSON"),
        (b'{"gamma": 0.9}\n{"gamma": 0.8}\n', "more than one record, keep the one that is meant"),
        (b'[{"gamma": 0.9}]', "holds no parameters by name"),
        (b'{"params": 3}', "holds no parameters by name"),
        (b'world = ["donkey"]', "has a world .*; name one"),
        (b"gama = 0.9", "has an unknown parameter 'gama'; write gamma"),
        (b"zzzz = 0.9", "has an unknown parameter 'zzzz'; drop it"),
        (b"[ppo]\ngamma = 0.9", "has an unknown parameter 'ppo'"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        todays(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_file(path)
