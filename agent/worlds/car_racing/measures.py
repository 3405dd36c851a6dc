"""Measures of an episode besides its return: tiles, the lap and its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.worlds.base import Episode, Measure, mean_measure
from agent.worlds.car_racing.backend import FRAMES_PER_SEC

SOLVED = 900.0  # mean return at which CarRacing is said to be solved


def measure_episode(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Measures of one episode from the infos of its steps.

    ``tiles_missed`` were never touched, ``frames`` are 50 a second, ``lap_time_sec`` is None where
    a tile was missed.
    """
    last = infos[-1]
    missed = int(last["tiles"]) - int(last["tiles_visited"])
    seconds = None
    if missed == 0:
        seconds = last["frames"] / FRAMES_PER_SEC
    return {"tiles_missed": missed, "frames": int(last["frames"]), "lap_time_sec": seconds}


def verdict(episodes: Sequence[Episode]) -> str:
    """One word for the episodes.

    ``solved``: a mean return of 900. ``drives``: a whole lap in every episode. ``partly``: in some.
    Otherwise ``fails``.
    """
    if sum(episode.reward for episode in episodes) >= SOLVED * len(episodes):
        return "solved"
    whole = [episode.measures["tiles_missed"] == 0 for episode in episodes]
    if all(whole):
        return "drives"
    return "partly" if any(whole) else "fails"


def _laps(episodes: Sequence[Episode]) -> int:
    return sum(episode.measures["tiles_missed"] == 0 for episode in episodes)


def _worst(episodes: Sequence[Episode]) -> float:
    return min(episode.reward for episode in episodes)


def _mean_time(episodes: Sequence[Episode]) -> float | None:
    times = [episode.measures["lap_time_sec"] for episode in episodes]
    known = [seconds for seconds in times if seconds is not None]
    return sum(known) / len(known) if known else None


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"


MEASURES = (
    Measure("worst_reward", "worst", _worst, _text),
    Measure("laps", "laps", _laps, str, headline=True),
    mean_measure("tiles_missed", "tiles missed"),
    Measure("lap_time_sec", "lap s", _mean_time, _text, _text),
    mean_measure("frames", "frames", 0),
)
