"""The trials for TensorBoard's HParams tab: one run per trial, its parameters, its score and how it ended.

Event files are written record by record, so that no torch or tensorflow is loaded and every time in them is the
ledger's. Trials that differ in the seed only share a session group, whose score TensorBoard averages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from agent.config.trial import UserError
from agent.reporting.history import Trial
from agent.reporting.surface import active_names, searched_space
from agent.search.space import Space
from agent.trials.record import is_finite

FOLDER = "tensorboard"
FILE_NAME = "events.out.tfevents.0.report"  # TensorBoard looks for "tfevents"


def write_hparams(trials: Sequence[Trial], out: Path) -> Path:
    """Write a run per trial into ``out/tensorboard``, in place of an earlier report's; returns that folder.

    Of the params only the algorithm and what was searched become columns.

    :raises UserError: the folder cannot be written
    """
    folder, space = out / FOLDER, searched_space(trials)
    try:
        for old in folder.glob(f"*/{FILE_NAME}"):
            old.unlink()
        for trial in trials:
            run = folder / f"{trial.place:04d}-{trial.name.replace(' ', '-')}"
            run.mkdir(parents=True, exist_ok=True)
            with (run / FILE_NAME).open("wb") as file:
                writer = RecordWriter(file)
                for event in _events(trial, space):
                    writer.write(event.SerializeToString(deterministic=True))
    except OSError as error:
        raise UserError(
            f"out {folder} cannot be written ({error.strerror}); choose another folder"
        ) from None
    return folder


def _events(trial: Trial, space: Space | None) -> Iterator[Event]:
    began, ended = (time.timestamp() if time else 0.0 for time in (trial.began, trial.ended))
    names = {"agent"} | active_names(space, trial.params)
    searched = {name: trial.params[name] for name in sorted(names)}
    yield Event(wall_time=began, file_version="brain.Event:2")
    yield Event(wall_time=began, summary=hparams_pb(searched, start_time_secs=began))
    for tag, value in (("score", trial.score), ("seconds", trial.record.elapsed_sec)):
        if is_finite(value):
            yield Event(
                wall_time=ended, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            )
    status = api_pb2.STATUS_FAILURE if trial.score is None else api_pb2.STATUS_SUCCESS
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=ended)
    data = plugin_data_pb2.HParamsPluginData(
        session_end_info=end, version=metadata.PLUGIN_DATA_VERSION
    )
    plugin = SummaryMetadata.PluginData(
        plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString()
    )
    told = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG, metadata=SummaryMetadata(plugin_data=plugin)
    )
    yield Event(wall_time=ended, summary=Summary(value=[told]))
