"""Measures of an episode besides its return: laps, sectors, progress and steering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agent.worlds.base import Episode, Measure

LAPS_SHOWN = 2  # in an episode's row; the ledger has them all
SECTORS = 3  # of a lap, alike in length along the centre line
CRASHES = ("off_track", "hit")
UNHURT = ("time_limit", "finished")


def measure_episode(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Measures of one episode from the infos of its steps.

    ``laps`` are whole laps, ``progress`` net laps along the centre line, which may be negative.
    ``lap_times`` are seconds, ``sectors`` the seconds of each lap's thirds. ``steering_change`` is
    the mean \\|change\\| of the steering command (-1 to 1) from step to step.
    """
    last = infos[-1]
    progress = [info["progress"] for info in infos]
    return {
        "laps": int(last["laps"]),
        "progress": float(last["progress"]),
        "lap_times": [float(seconds) for seconds in last["lap_times"]],
        "sectors": lap_sectors(progress, last["line_ahead"], last["lap_times"]),
        "steering_change": mean_change([info["steering"] for info in infos]),
    }


def lap_sectors(
    progress: Sequence[float], line_ahead: float, lap_times: Sequence[float]
) -> list[list[float]]:
    """Seconds of the ``SECTORS`` of each lap, which add up to its time.

    :param progress: net laps since the start, after every step
    :param line_ahead: progress at which the start line is first crossed
    :param lap_times: seconds, start line to start line
    """
    if not lap_times:
        return []
    farthest = np.maximum.accumulate([0.0, *progress])
    gates = line_ahead + np.arange(SECTORS * len(lap_times) + 1) / SECTORS
    after = np.searchsorted(farthest, gates).clip(1, len(progress))
    before = farthest[after - 1]
    passed = after - 1 + (gates - before) / np.maximum(farthest[after] - before, 1e-9)
    steps = np.diff(passed).reshape(len(lap_times), SECTORS)
    seconds = steps / steps.sum(axis=1, keepdims=True) * np.array(lap_times)[:, None]
    return [[round(float(time), 3) for time in lap] for lap in seconds]


def quickest(sectors: Sequence[Sequence[float]]) -> list[float] | None:
    """Least seconds of each sector over laps; None without any."""
    return [min(times) for times in zip(*sectors, strict=True)] if sectors else None


def mean_change(steering: Sequence[float]) -> float:
    """Mean \\|change\\| of the steering command from step to step; 0 for fewer than two."""
    return float(np.abs(np.diff(steering)).mean()) if len(steering) > 1 else 0.0


def verdict(episodes: Sequence[Episode]) -> str:
    """One word for a drive.

    ``drives``: a whole lap, or an open road to its end, in every episode; ``partly``: in some.
    Otherwise ``slow`` ran out of time in every episode, and ``crashes`` left the road or hit
    something.
    """
    whole = [
        episode.measures["laps"] >= 1 or episode.end_reason == "finished" for episode in episodes
    ]
    if all(whole):
        return "drives"
    if any(whole):
        return "partly"
    if all(episode.end_reason in UNHURT for episode in episodes):
        return "slow"
    return "crashes"


def seconds_text(seconds: float | None) -> str:
    """Seconds with two decimals, a dash for none."""
    return "-" if seconds is None else f"{seconds:.2f}"


def sectors_text(sectors: Sequence[float] | None) -> str:
    """Seconds of sectors, a dash for none."""
    return "-" if sectors is None else " ".join(f"{seconds:.2f}" for seconds in sectors)


def _lap_times(episodes: Sequence[Episode]) -> list[float]:
    return [seconds for episode in episodes for seconds in episode.measures["lap_times"]]


def _mean_lap_sec(episodes: Sequence[Episode]) -> float | None:
    times = _lap_times(episodes)
    return float(np.mean(times)) if times else None


def _best_lap_sec(episodes: Sequence[Episode]) -> float | None:
    return min(_lap_times(episodes), default=None)


def _best_sectors_sec(episodes: Sequence[Episode]) -> list[float] | None:
    return quickest([lap for episode in episodes for lap in episode.measures["sectors"]])


def _off_track(episodes: Sequence[Episode]) -> int:
    return sum(episode.end_reason in CRASHES for episode in episodes)


def _steering_change(episodes: Sequence[Episode]) -> float:
    changes = [episode.measures["steering_change"] for episode in episodes]
    return float(np.average(changes, weights=[episode.steps for episode in episodes]))


def _laps_text(laps: Sequence[int]) -> str:
    return str(sum(laps))


def _three_digits(value: float) -> str:
    return f"{value:.3f}"


def _list_of(name: str) -> Any:
    return lambda episodes: [episode.measures[name] for episode in episodes]


def _times_text(lap_times: Sequence[float]) -> str:
    shown = " ".join(f"{seconds:.2f}" for seconds in lap_times[:LAPS_SHOWN]) or "-"
    if len(lap_times) > LAPS_SHOWN:
        shown += f" .. best {min(lap_times):.2f}"
    return shown


def _all_sectors_text(sectors: Sequence[Sequence[float]]) -> str:
    if len(sectors) > LAPS_SHOWN:
        return f"best ({sectors_text(quickest(sectors))})"
    return " ".join(f"({sectors_text(lap)})" for lap in sectors) or "-"


# The score's keys in the ledger are these names; columns stand in this order.
MEASURES = (
    Measure("laps", "laps", _list_of("laps"), _laps_text, str, headline=True),
    Measure("progress", "progress", _list_of("progress"), None, _three_digits),
    Measure("off_track", "off track", _off_track, str),
    Measure("steering_change", "steering", _steering_change, _three_digits, _three_digits),
    Measure("mean_lap_sec", "mean lap", _mean_lap_sec, seconds_text),
    Measure("best_lap_sec", "best lap", _best_lap_sec, seconds_text),
    Measure("best_sectors_sec", "best sectors", _best_sectors_sec, sectors_text),
    Measure("lap_times", "lap times [s]", None, None, _times_text),
    Measure("sectors", "(sectors)", None, None, _all_sectors_text),
)
