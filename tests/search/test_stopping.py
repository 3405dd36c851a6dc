"""Stopping: only a search that found the best, and knows it, may end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.search import stopping
from agent.search.parameter import Choice, Range
from agent.search.space import Space
from agent.search.stopping import MIN_OUTCOMES, MIN_TRIALS, Convergence, assess

SPACE = Space((Range("x", 0.0, 1.0), Choice("side", ("left", "right"))))
History = list[tuple[dict[str, Any], float]]


def score(params: dict[str, Any]) -> float:
    return float(-10.0 * (params["x"] - 0.3) ** 2 - (params["side"] == "left"))


def history(n: int, noise: float) -> History:
    rng = np.random.default_rng(0)
    tried = [SPACE.sample(rng) for _ in range(n)]
    return [(params, score(params) + noise * rng.standard_normal()) for params in tried]


def assessed(entries: History) -> Convergence:
    return assess(SPACE, entries, np.random.default_rng(0))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer candidates, for what does not depend on their number."""
    for name, fewer in (("CANDIDATES", 300), ("MOVES", 100), ("JOINT_POINTS", 60)):
        monkeypatch.setattr(stopping, name, fewer)


def test_a_smooth_known_function_converges() -> None:
    found = assessed(history(40, noise=0.02))
    assert found.converged, found.reason
    assert found.probability >= 0.95
    assert found.recommended["side"] == "right"
    assert abs(found.recommended["x"] - 0.3) < 0.1
    assert 0.0 <= found.regret_bound < 0.5
    assert 0.0 < found.largest_std < 0.5


def test_never_before_thirty_trials() -> None:
    found = assessed(history(MIN_TRIALS - 1, noise=0.01))
    assert not found.converged
    assert found.reason == "29 trials with a result, never before 30"


def test_never_before_three_times_the_parameters() -> None:
    space = Space(tuple(Range(f"x{i}", 0.0, 1.0) for i in range(12)))
    rng = np.random.default_rng(0)
    tried = [space.sample(rng) for _ in range(25)]
    found = assess(space, [(params, sum(params.values())) for params in tried], rng)
    assert "never before 36" in found.reason


def test_a_search_that_was_not_sure_a_few_trials_ago_goes_on(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = history(40, noise=0.02)
    monkeypatch.setattr(stopping, "TRIALS_AGO", 32)
    found = assessed(entries)
    assert not found.converged
    earlier = float(found.reason.partition("but ")[2].removesuffix(" 32 trials ago"))
    assert earlier == pytest.approx(assessed(entries[:8]).probability, abs=0.05)
    assert earlier < 0.95


def test_a_rougher_landscape_than_learned_must_not_matter(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "LENGTHSCALE_DEFLATION", 0.05)
    found = assessed(history(40, noise=0.02))
    assert not found.converged
    assert found.reason.endswith("if the landscape were rougher")


def test_more_noise_than_learned_must_not_matter_until_replicates_show_it(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "NOISE_INFLATION", 1e4)
    entries = history(40, noise=0.02)
    found = assessed(entries)
    assert not found.converged
    assert found.reason.endswith("if the noise were underrated; replicates tell")
    replicate = (found.recommended, score(found.recommended))
    fewer = entries + [replicate] * (MIN_OUTCOMES - 2)
    assert not assessed(fewer).converged
    assert assessed([*fewer, replicate]).converged


def test_a_space_that_was_hardly_explored_goes_on() -> None:
    rng = np.random.default_rng(1)
    space = Space(tuple(Range(f"x{i}", 0.0, 1.0) for i in range(4)))
    tried = [space.sample(rng) for _ in range(35)]
    entries = [(params, float(np.sin(9.0 * sum(params.values())))) for params in tried]
    found = assess(space, entries, rng)
    assert not found.converged
    assert found.regret_bound > 0.1


def test_the_same_seed_gives_the_same_answer(quick: None) -> None:
    assert assessed(history(25, 0.3)) == assessed(history(25, 0.3))


def test_a_flat_landscape_is_finite() -> None:
    found = assessed([(params, 5.0) for params, _ in history(25, 0.0)])
    numbers = [found.probability, found.regret_bound, found.largest_std, found.residual_variance]
    assert np.isfinite(numbers).all()


def test_the_recommendation_comes_with_its_believed_score(quick: None) -> None:
    found = assessed(history(30, noise=0.02))
    assert found.mean == pytest.approx(score(found.recommended), abs=0.1)
    assert 0.0 < found.std < 0.1


def test_without_a_score_there_is_nothing_to_assess() -> None:
    with pytest.raises(ValueError, match="propose at random"):
        assessed([])


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_impossible_shares_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="epsilon"):
        assess(SPACE, history(3, 0.1), np.random.default_rng(0), epsilon=share)
    with pytest.raises(ValueError, match="delta"):
        assess(SPACE, history(3, 0.1), np.random.default_rng(0), delta=share)
