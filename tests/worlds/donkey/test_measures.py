from __future__ import annotations

import numpy as np
import pytest

from agent.worlds.base import Episode
from agent.worlds.donkey.measures import lap_sectors, mean_change, verdict


@pytest.mark.parametrize(
    ("progress", "line_ahead", "lap_times", "expected"),
    [
        (
            [0.25, 0.5, 0.75, 1.0, 1.5, 2.0],
            0.0,
            [4.0, 2.0],
            [[4 / 3, 4 / 3, 4 / 3], [2 / 3, 2 / 3, 2 / 3]],
        ),
        ([0.25, 0.5, 0.75, 1.0, 1.5, 2.0], 0.5, [3.0], [[4 / 3, 1.0, 2 / 3]]),
        # going back costs the sector it happens in
        ([0.5, 0.25, 0.5, 1.0], 0.0, [4.0], [[2 / 3, 8 / 3, 2 / 3]]),
        ([0.5, 0.9], 0.0, [], []),
    ],
)
def test_sectors_are_the_thirds_of_a_lap(
    progress: list[float], line_ahead: float, lap_times: list[float], expected: list[list[float]]
) -> None:
    assert np.allclose(lap_sectors(progress, line_ahead, lap_times), expected, atol=1e-3)


def test_the_change_of_steering_is_a_mean_over_steps() -> None:
    assert mean_change([0.5, -0.5, 0.0]) == 0.75
    assert mean_change([0.3]) == mean_change([]) == 0.0


@pytest.mark.parametrize(
    ("episodes", "word"),
    [
        ([(1, "time_limit"), (0, "finished")], "drives"),
        ([(1, "time_limit"), (0, "off_track")], "partly"),
        ([(0, "time_limit")], "slow"),
        ([(0, "time_limit"), (0, "hit")], "crashes"),
    ],
)
def test_a_verdict_is_one_word(episodes: list[tuple[int, str]], word: str) -> None:
    driven = [Episode(0.0, 1, end, {"laps": laps}) for laps, end in episodes]
    assert verdict(driven) == word
