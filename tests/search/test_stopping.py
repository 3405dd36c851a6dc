"""Stopping: only a search that found the best and knows it may end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.search import stopping
from agent.search.space import Choice, Range, Space
from agent.search.stopping import FEWEST_TRIALS, Convergence, assess
from agent.search.surrogate import Surrogate

SPACE = Space((Range("x", 0.0, 1.0), Choice("side", ("left", "right"))))
History = list[tuple[dict[str, Any], float]]


def _history(n: int, noise: float, seed: int = 0) -> History:
    rng = np.random.default_rng(seed)
    tried = [SPACE.sample(rng) for _ in range(n)]
    return [
        (p, -10.0 * (p["x"] - 0.3) ** 2 - (p["side"] == "left") + noise * rng.standard_normal())
        for p in tried
    ]


def _assess(history: History) -> Convergence:
    return assess(SPACE, history, np.random.default_rng(0))


def test_a_smooth_known_function_converges() -> None:
    found = assess(SPACE, _history(40, noise=0.02), np.random.default_rng(0))
    assert found.converged, found.reason
    assert found.probability >= 0.95
    assert found.recommended["side"] == "right" and abs(found.recommended["x"] - 0.3) < 0.1
    assert 0.0 <= found.regret_bound < 0.5
    assert 0.0 < found.largest_std < 0.5


def test_never_before_thirty_trials() -> None:
    found = assess(SPACE, _history(FEWEST_TRIALS - 1, noise=0.01), np.random.default_rng(0))
    assert not found.converged
    assert found.reason == "29 trials with a result, never before 30"


def test_never_before_three_times_the_parameters() -> None:
    space = Space(tuple(Range(f"x{i}", 0.0, 1.0) for i in range(12)))
    rng = np.random.default_rng(0)
    history = [(params, sum(params.values())) for params in (space.sample(rng) for _ in range(25))]
    assert "never before 36" in assess(space, history, rng).reason


def test_what_was_not_sure_five_trials_ago_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    history = _history(40, noise=0.02)
    monkeypatch.setattr(
        stopping, "_earlier", lambda space, before, rng, epsilon: 0.5 if len(before) == 35 else 1.0
    )
    found = _assess(history)
    assert not found.converged
    assert found.reason.endswith("but 0.500 5 trials ago")


def test_a_much_rougher_landscape_must_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    history = _history(40, noise=0.02)
    assert _assess(history).converged
    monkeypatch.setattr(stopping, "ROUGHER", 0.05)
    found = _assess(history)
    assert not found.converged
    assert found.reason.endswith("if the landscape were rougher")


def test_without_replicates_more_luck_than_believed_must_not_matter() -> None:
    """The same scores, but once the recommended was run five times: only then is the learned noise trusted."""
    history = _history(40, noise=0.3)
    surrogate = Surrogate.fit(SPACE, history)
    best = int(surrogate.merits().argmax())
    doubted = stopping._doubted(surrogate, best, np.random.default_rng(0), 0.02)
    assert doubted < stopping._probability(
        surrogate, surrogate.visited.codes, best, 0.02, np.random.default_rng(0)
    )
    again = [(SPACE.params(surrogate.visited.codes[best]), 0.0)] * (stopping.SEEDS - 1)
    fewer, enough = (
        Surrogate.fit(SPACE, history + again[:count]) for count in (len(again) - 1, len(again))
    )
    assert stopping._doubted(fewer, best, np.random.default_rng(0), 0.02) < 1.0
    assert stopping._doubted(enough, best, np.random.default_rng(0), 0.02) == 1.0


def test_the_earlier_probability_is_that_of_the_shorter_history() -> None:
    history = _history(40, noise=0.02)
    found = stopping._earlier(SPACE, history[:25], np.random.default_rng(0), 0.02)
    assert found == pytest.approx(_assess(history[:25]).probability, abs=0.05)


def test_what_was_hardly_explored_goes_on() -> None:
    rng = np.random.default_rng(1)
    space = Space(tuple(Range(f"x{i}", 0.0, 1.0) for i in range(4)))
    history = [
        (params, float(np.sin(9.0 * sum(params.values()))))
        for params in (space.sample(rng) for _ in range(25))
    ]
    found = assess(space, history, rng)
    assert not found.converged
    assert found.regret_bound > 0.1


def test_the_same_seed_gives_the_same_answer() -> None:
    assert _assess(_history(25, 0.3)) == _assess(_history(25, 0.3))


def test_a_flat_landscape_is_finite() -> None:
    found = assess(
        SPACE, [(params, 5.0) for params, _ in _history(25, 0.0)], np.random.default_rng(0)
    )
    assert np.isfinite(
        [found.probability, found.regret_bound, found.largest_std, found.residual_variance]
    ).all()


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_impossible_shares_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="epsilon"):
        assess(SPACE, _history(3, 0.1), np.random.default_rng(0), epsilon=share)
    with pytest.raises(ValueError, match="delta"):
        assess(SPACE, _history(3, 0.1), np.random.default_rng(0), delta=share)
