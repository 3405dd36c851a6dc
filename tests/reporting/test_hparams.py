from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import api_pb2, metadata

from agent.reporting.history import load_trials
from agent.reporting.hparams import FILE_NAME, write_hparams
from tests.reporting.synthetic_study import records_of, write_ledger


def test_tensorboard_reads_back_params_score_and_end(tmp_path: Path) -> None:
    trials = load_trials(write_ledger(tmp_path / "results", records_of(20)))
    folder = write_hparams(trials, tmp_path / "out")
    runs = sorted(folder.iterdir())
    assert len(runs) == 20
    assert runs[0].name == "0001-search-1"
    for trial, run in zip(trials, runs, strict=True):
        values: dict[str, Any] = {}
        for event in EventFileLoader(str(run / FILE_NAME)).Load():
            values |= {value.tag: value for value in event.summary.value}
        start = metadata.parse_session_start_info_plugin_data(
            values[metadata.SESSION_START_INFO_TAG].metadata.plugin_data.content
        )
        assert ("n_steer" in start.hparams) == (trial.agent == "dqn")
        assert start.hparams["learning_rate"].number_value == trial.params["learning_rate"]
        end = metadata.parse_session_end_info_plugin_data(
            values[metadata.SESSION_END_INFO_TAG].metadata.plugin_data.content
        )
        assert (end.status == api_pb2.STATUS_SUCCESS) == (trial.score is not None)
        assert ("score" in values) == (trial.score is not None)


def test_trials_of_one_configuration_share_a_group_and_a_second_report_leaves_no_rest(
    tmp_path: Path,
) -> None:
    records = records_of(3, failing=0.0, repeated=1.0)
    trials = load_trials(write_ledger(tmp_path / "results", records))
    folder = write_hparams(trials, tmp_path / "out")
    groups = set()
    for file in folder.glob(f"*/{FILE_NAME}"):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.tag == metadata.SESSION_START_INFO_TAG:
                    content = value.metadata.plugin_data.content
                    groups.add(metadata.parse_session_start_info_plugin_data(content).group_name)
    assert len(groups) == 1
    write_hparams(trials[:1], tmp_path / "out")
    assert len(list(folder.glob(f"*/{FILE_NAME}"))) == 1
