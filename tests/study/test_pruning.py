"""Median pruning: only what is behind is stopped, and only where a rung predicts the end."""

from __future__ import annotations

from agent.study.pruning import MIN_TRIALS, is_predictive, should_prune
from agent.trials.progress import Rung


def at(share: float, *scores: float) -> list[tuple[tuple[Rung, ...], float | None]]:
    """Trials that had these scores at a rung, and at the end twice that."""
    return [((Rung(share, 1000, score),), 2 * score) for score in scores]


def test_below_the_median_of_five_it_ends_and_not_before() -> None:
    earlier = at(0.25, 10, 20, 30, 40, 50)
    assert len(earlier) == MIN_TRIALS
    assert should_prune((Rung(0.25, 1000, 30.0),), earlier) is None
    cause = should_prune((Rung(0.25, 1000, 29.0),), earlier)
    assert cause == (
        "stopped at 25% of its training (1000 steps): "
        "29.00 is below 30.00, the median of 5 trials there"
    )
    assert should_prune((Rung(0.25, 1000, -99.0),), earlier[1:]) is None
    assert should_prune((), earlier) is None


def test_each_rung_has_its_own_median_and_the_end_none() -> None:
    earlier = at(0.25, 10, 20, 30, 40, 50) + at(0.5, 100, 200, 300, 400, 500) + at(1.0, *[900] * 5)
    first = Rung(0.25, 1000, 45.0)
    assert should_prune((first, Rung(0.5, 2000, 299.0)), earlier) is not None
    assert should_prune((first, Rung(0.5, 2000, 301.0)), earlier) is None
    assert should_prune((first, Rung(0.5, 2000, 301.0), Rung(1.0, 4000, 0.0)), earlier) is None


def test_a_rung_that_predicts_nothing_stops_nothing() -> None:
    """Five PPO trials on generated_track: at a quarter the coming champion still crashes too."""
    quarter, end = (78.0, 74.0, 73.0, 81.0, 70.0), (75.0, 74.8, 2522.0, 2228.0, 2380.0)
    seen = [((Rung(0.25, 5000, score),), final) for score, final in zip(quarter, end, strict=True)]
    assert should_prune((Rung(0.25, 5000, 48.0),), seen) is None
    stopped = [((Rung(0.25, 5000, 10.0),), None)] * 9
    assert should_prune((Rung(0.25, 5000, 5.0),), stopped) is None, "none of them ran to its end"
    assert should_prune((Rung(0.25, 5000, 5.0),), at(0.25, *[50.0] * 9)) is None, (
        "all the same say nothing"
    )


def test_the_more_trials_the_less_luck_is_in_a_correlation() -> None:
    def pairs(*ends: float) -> list[tuple[float, float]]:
        return [(float(k), end) for k, end in enumerate(ends)]

    assert is_predictive(pairs(1, 2, 3, 4, 5))
    assert not is_predictive(pairs(1, 5, 2, 3, 4)), "0.4"
    assert not is_predictive(pairs(1, 2, 3, 4))
    assert not is_predictive(pairs(3, 1, 2, 5, 4)), "0.6, of five"
    assert is_predictive(pairs(4, 1, 7, 2, 5, 9, 3, 10, 6, 8)), "0.56, of ten"
    assert not is_predictive(pairs(6, 1, 7, 2, 5, 9, 3, 10, 4, 8)), "0.37, of ten"
    assert not is_predictive(pairs(5, 4, 3, 2, 1))
