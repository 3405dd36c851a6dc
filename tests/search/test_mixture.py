"""Two readings of the same scores, and what they say together."""

from __future__ import annotations

import numpy as np

from agent.search.gp import BOTH_STARTS, TinyGP
from agent.search.kernel import Hyperparameters
from agent.search.likelihood import Repeats
from agent.search.mixture import Mixture

GROUPS = np.arange(1)
AT = np.linspace(0.0, 1.0, 7)[:, None]


def _ambiguous(n: int = 12) -> tuple[Mixture, np.ndarray, np.ndarray]:
    """Scores that are either rough and exact or smooth and noisy."""
    rng = np.random.default_rng(3)
    X = rng.random((n, 1))
    y = np.sin(3.0 * X[:, 0]) + 0.7 * rng.standard_normal(n)
    return Mixture.fit(X, y, GROUPS, Repeats.none(n)), X, y


def test_both_readings_are_kept_each_as_much_as_it_is_likely() -> None:
    mixture, X, y = _ambiguous()
    (least, first), (more, second) = TinyGP.modes(X, y)
    assert least < more
    assert first.noise < 0.1 < 0.5 < second.noise
    assert first.lengthscales[0] < 0.1 < 0.5 < second.lengthscales[0]
    np.testing.assert_allclose(mixture.weights, np.array([1.0, np.exp(least - more)]) / (1.0 + np.exp(least - more)))
    assert [gp.hyperparameters.noise for gp in mixture.processes] == [first.noise, second.noise]


def test_mean_and_deviation_are_those_of_its_draws() -> None:
    mixture, _, _ = _ambiguous()
    mean, std = mixture.predict(AT)
    draws = mixture.draw(AT, np.random.default_rng(0), 40_000)
    assert draws.shape == (40_000, 7)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.03)
    np.testing.assert_allclose(draws.std(axis=0), std, rtol=0.03)
    assert (std > mixture.weights @ np.array([gp.predict(AT)[1] for gp in mixture.processes])).all()  # they disagree


def test_one_reading_is_the_plain_process() -> None:
    mixture, X, y = _ambiguous(BOTH_STARTS + 1)
    assert mixture.weights.tolist() == [1.0]
    for mixed, plain in zip(mixture.predict(AT), TinyGP.fit(X, y).predict(AT), strict=True):
        np.testing.assert_allclose(mixed, plain, rtol=1e-12)


def test_given_other_outcomes_the_beliefs_stay() -> None:
    mixture, X, y = _ambiguous()
    other = mixture.given(X[:5], y[:5], Repeats.none(5), noise=3.0)
    assert other.weights.tolist() == mixture.weights.tolist()
    for before, after in zip(mixture.processes, other.processes, strict=True):
        expected = Hyperparameters(
            before.hyperparameters.lengthscales, before.hyperparameters.signal, 3.0 * before.hyperparameters.noise
        )
        plain = TinyGP(X[:5], y[:5], expected)
        np.testing.assert_array_equal(after.predict(AT), plain.predict(AT))
