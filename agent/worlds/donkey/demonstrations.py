"""Recorded drives: what somebody did at the wheel, as a file that a learner can be shown.

A file is NumPy's compressed ``.npz`` (docs/donkeycar.md lists its arrays). It holds commands, not
actions, and the car's telemetry beside the simulator's reward. So a trial with other action bins or
another reward can still use it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.config.atomic import replacing
from agent.config.command_name import to_run
from agent.config.errors import UserError
from agent.worlds.donkey.options import DonkeyOptions

FORMAT = 2
RECORDER = to_run("record_drive.py", "record")
# Arrays with one row a step, and with one more an episode: the last row is the state at its end.
STEPS = ("commands", "rewards", "terminated")
MOMENTS = ("observations", "speed", "cte", "progress", "net_progress_m", "pos")
TELEMETRY = MOMENTS[1:]
ARRAYS = ("lengths", *STEPS, *MOMENTS)

Episode = dict[str, list[Any]]


@dataclass(frozen=True)
class Demonstration:
    """Episodes one after another, n steps in k episodes.

    The arrays of (n + k,) have a row for every moment, the last of an episode after its last step.

    :param header: the environment's id, the observation, the driver, the seed and the conf
    :param lengths: (k,) steps of the episodes
    :param commands: (n, 2) float32, steering and throttle
    :param rewards: (n,) the simulator's own
    :param terminated: (n,) bool, False at an end by the step limit or the road's
    :param observations: (n + k, ...) uint8
    :param speed: (n + k,) m/s
    :param cte: (n + k,) u
    :param progress: (n + k,) laps
    :param net_progress_m: (n + k,) metres
    :param pos: (n + k, 3) metres
    """

    header: dict[str, Any]
    lengths: NDArray[np.int64]
    commands: NDArray[np.float32]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    observations: NDArray[np.uint8]
    speed: NDArray[np.float64]
    cte: NDArray[np.float64]
    progress: NDArray[np.float64]
    net_progress_m: NDArray[np.float64]
    pos: NDArray[np.float64]

    @property
    def steps(self) -> int:
        """Steps of all episodes."""
        return len(self.commands)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        :raises OSError: it cannot be written
        """
        arrays = {name: getattr(self, name) for name in ARRAYS}
        header = np.array(json.dumps({"format": FORMAT, **self.header}))
        with replacing(path) as scratch, scratch.open("wb") as file:
            np.savez_compressed(file, header=header, **arrays)

    @classmethod
    def load(cls, path: Path) -> Demonstration:
        """Read a file.

        :raises ValueError: it is missing or no recorded drive
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                read = cls(header=header, **{name: file[name] for name in ARRAYS})
        except FileNotFoundError:
            raise ValueError(
                f"demonstrations {path} do not exist; record them with {RECORDER}"
            ) from None
        except Exception as error:  # whatever numpy, zip and JSON find wrong with it
            raise ValueError(
                f"{path} is no recorded drive ({error}); record one with {RECORDER}"
            ) from error
        if header.get("format") != FORMAT or not read._is_whole():
            raise ValueError(
                f"{path} is a recorded drive of another format or torn; record it with {RECORDER}"
            )
        return read

    def _is_whole(self) -> bool:
        """True if every array has the rows that the episodes' lengths ask for."""
        steps = int(self.lengths.sum())
        rows = dict.fromkeys(STEPS, steps) | dict.fromkeys(MOMENTS, steps + len(self.lengths))
        return all(len(getattr(self, name)) == count for name, count in rows.items())


def demonstration(header: dict[str, Any], episodes: list[Episode]) -> Demonstration:
    """The episodes that a ``Recorder`` has recorded.

    :raises ValueError: there is none
    """
    if not episodes:
        raise ValueError("no episode was driven to its end; nothing is recorded")
    arrays = {
        name: np.array([row for episode in episodes for row in episode[name]])
        for name in (*STEPS, *MOMENTS)
    }
    arrays["rewards"] = arrays["rewards"].astype(np.float32)
    lengths = np.array([len(episode["commands"]) for episode in episodes])
    return Demonstration(header=header, lengths=lengths, **arrays)


def check_drive(path: Path, options: DonkeyOptions) -> None:
    """Refuse a recorded drive that is missing, or recorded otherwise than the trial drives.

    :raises UserError: any of it
    """
    try:
        drive = Demonstration.load(path)
    except ValueError as error:
        raise UserError(f"demos: {error}") from error
    header = drive.header
    wanted = {"observation": options.observation, "max_cte": options.max_cte}
    recorded = {"observation": header["observation"], "max_cte": header["conf"]["max_cte"]}
    if options.observation == "fast":
        wanted |= {"frame_stack": options.frame_stack, "frame_gap": options.frame_gap}
        frames = drive.observations.shape[1]
        recorded |= {"frame_stack": frames, "frame_gap": header.get("frame_gap", 1)}
    for name, value in wanted.items():
        if recorded[name] != value:
            raise UserError(
                f"demos {path} were recorded with {name} {recorded[name]}, the trial has {value};"
                " record them so or change the trial"
            )


def rescaled(commands: NDArray[np.float32], low: Any, high: Any) -> NDArray[np.float32]:
    """Commands as actions in [-1, 1].

    :param commands: steering and throttle (..., 2), clipped to the limits
    :param low: least commands (2,)
    :param high: largest commands (2,)
    """
    low = np.asarray(low, dtype=np.float32)
    high = np.asarray(high, dtype=np.float32)
    actions = 2.0 * (np.clip(commands, low, high) - low) / (high - low) - 1.0
    return np.asarray(actions, dtype=np.float32)
