"""TensorBoard's HParams tab: one run per trial with its parameters, score and outcome.

Event files are written record by record, so no torch or tensorflow is loaded and every time in
them is the ledger's. Trials that differ in the seed only share a session group, whose score
TensorBoard averages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from agent.config.errors import UserError
from agent.config.plain import is_finite
from agent.reporting.history import Trial
from agent.reporting.searched_space import active_names, searched_space
from agent.search.space import Space

FOLDER = "tensorboard"
FILE_NAME = "events.out.tfevents.0.report"  # TensorBoard looks for "tfevents"


def write_hparams(trials: Sequence[Trial], out: Path) -> Path:
    """Writes a run per trial into ``out/tensorboard``, in place of an earlier report's.

    Of the params only the algorithm and what was searched become columns. Returns that folder.

    :raises UserError: the folder cannot be written
    """
    folder = out / FOLDER
    space = searched_space(trials)
    try:
        for old in folder.glob(f"*/{FILE_NAME}"):
            old.unlink()
        for trial in trials:
            run = folder / f"{trial.index:04d}-{trial.name.replace(' ', '-')}"
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
    began = _seconds(trial.began)
    ended = _seconds(trial.ended)
    names = {"agent"} | active_names(space, trial.params)
    searched = {name: trial.params[name] for name in sorted(names)}
    yield Event(wall_time=began, file_version="brain.Event:2")
    yield Event(wall_time=began, summary=hparams_pb(searched, start_time_secs=began))
    for tag, value in (("score", trial.score), ("seconds", trial.record.elapsed_sec)):
        if is_finite(value):
            scalar = Summary.Value(tag=tag, simple_value=value)
            yield Event(wall_time=ended, summary=Summary(value=[scalar]))
    yield Event(wall_time=ended, summary=Summary(value=[_session_end(trial, ended)]))


def _session_end(trial: Trial, ended: float) -> Summary.Value:
    status = api_pb2.STATUS_SUCCESS
    if trial.score is None:
        status = api_pb2.STATUS_FAILURE
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=ended)
    data = plugin_data_pb2.HParamsPluginData(
        session_end_info=end, version=metadata.PLUGIN_DATA_VERSION
    )
    plugin = SummaryMetadata.PluginData(
        plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString()
    )
    return Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG, metadata=SummaryMetadata(plugin_data=plugin)
    )


def _seconds(time: datetime | None) -> float:
    """Seconds since 1970, 0 for a time that is unknown or that no clock can have shown."""
    if time is None:
        return 0.0
    with suppress(ValueError, OverflowError, OSError):
        return time.timestamp()
    return 0.0
