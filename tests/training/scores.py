"""Scripted scores, where a test decides what an evaluation comes to."""

from __future__ import annotations

from agent.evaluation.episodes import Score
from agent.worlds.base import DEFAULT_WORLD, Episode, world_named

NOTHING = {"laps": 0, "progress": 0.0, "lap_times": [], "sectors": [], "steering_change": 0.0}


def score_of(reward: float) -> Score:
    """The score of one episode with this return."""
    return Score(world_named(DEFAULT_WORLD), [Episode(reward, 1, measures=NOTHING)])
