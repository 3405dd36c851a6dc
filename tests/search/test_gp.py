"""The Gaussian process against independent formulas, and on input that is hard to factor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.search.bfgs import minimise
from agent.search.gp import FIT_POINTS, TinyGP, standardise, thinned
from agent.search.kernel import (
    Hyperparameters,
    cholesky,
    inverse_of_lower,
    matern52,
    squared_differences,
)
from agent.search.likelihood import (
    ALIKE,
    LENGTHSCALE_PRIOR,
    NOISE_PRIOR,
    SIGNAL_PRIOR,
    Repeats,
    negative_log_posterior,
)

Array = NDArray[np.float64]
HYPERPARAMETERS = Hyperparameters(np.array([0.4, 1.3, 0.8]), 1.7, 0.05)


def _data(n: int, d: int = 3, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, np.sin(5.0 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * rng.standard_normal(n)


def _matern52_of_a_pair(a: Array, b: Array, hyperparameters: Hyperparameters) -> float:
    r = math.sqrt(
        sum(
            ((p - q) / scale) ** 2
            for p, q, scale in zip(a, b, hyperparameters.lengthscales, strict=True)
        )
    )
    return (
        hyperparameters.signal
        * (1 + math.sqrt(5) * r + 5 * r * r / 3)
        * math.exp(-math.sqrt(5) * r)
    )


def _log_density(theta: Array, X: Array, y: Array) -> float:
    """log N(y | 0, K) by determinant and solve, from the pairwise kernel."""
    hyperparameters = Hyperparameters.from_log(theta)
    K = np.array([[_matern52_of_a_pair(a, b, hyperparameters) for b in X] for a in X])
    K += hyperparameters.noise * np.eye(len(X))
    _, log_determinant = np.linalg.slogdet(2.0 * np.pi * K)
    return float(-0.5 * y @ np.linalg.solve(K, y) - 0.5 * log_determinant)


def test_kernel_matches_the_pairwise_formula() -> None:
    A, B = _data(6)[0], _data(4, seed=1)[0]
    expected = [[_matern52_of_a_pair(a, b, HYPERPARAMETERS) for b in B] for a in A]
    np.testing.assert_allclose(matern52(A, B, HYPERPARAMETERS), expected, rtol=1e-10)


def test_log_likelihood_matches_the_normal_density() -> None:
    X, y = _data(12)
    thetas = np.log([[0.3, 0.5, 2.0, 1.2, 0.1], [1.0, 0.2, 0.7, 0.4, 0.02]])
    mean, std = np.array([LENGTHSCALE_PRIOR] * 3 + [SIGNAL_PRIOR, NOISE_PRIOR]).T
    covariance = np.diag(np.square(std))
    covariance[:3, :3] = LENGTHSCALE_PRIOR[1] ** 2 + ALIKE**2 * (np.eye(3) - 1.0 / 3.0)
    for theta in thetas:
        value, _ = negative_log_posterior(theta, squared_differences(X), y)
        log_prior = -0.5 * (theta - mean) @ np.linalg.solve(covariance, theta - mean)
        assert -value == pytest.approx(_log_density(theta, X, y) + log_prior, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_matches_finite_differences(seed: int) -> None:
    X, y = _data(20, seed=seed)
    squares = squared_differences(X)
    theta = np.random.default_rng(seed).normal(-0.5, 0.7, size=5)
    _, gradient = negative_log_posterior(theta, squares, y)
    h = 1e-5
    numeric = [
        (
            negative_log_posterior(theta + e, squares, y)[0]
            - negative_log_posterior(theta - e, squares, y)[0]
        )
        / (2 * h)
        for e in h * np.eye(5)
    ]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6)


def test_posterior_matches_linear_algebra() -> None:
    X, y = _data(15)
    at = _data(7, seed=3)[0]
    mean, std = TinyGP(X, y, HYPERPARAMETERS).predict(at)
    K_inverse = np.linalg.inv(matern52(X, X, HYPERPARAMETERS) + HYPERPARAMETERS.noise * np.eye(15))
    cross = matern52(X, at, HYPERPARAMETERS)
    expected_mean = y.mean() + cross.T @ K_inverse @ (y - y.mean())
    covariance = matern52(at, at, HYPERPARAMETERS) - cross.T @ K_inverse @ cross
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-8)
    np.testing.assert_allclose(std, y.std() * np.sqrt(np.diag(covariance)), rtol=1e-6)


def test_without_noise_it_interpolates_and_is_sure() -> None:
    X, y = _data(10)
    gp = TinyGP(X, y, Hyperparameters(np.array([0.5, 0.5, 0.5]), 1.0, 1e-10))
    mean, std = gp.predict(X)
    np.testing.assert_allclose(mean, y, atol=1e-6)
    assert std.max() < 1e-3
    _, far_std = gp.predict(np.full((1, 3), 50.0))
    assert far_std[0] == pytest.approx(y.std())


def test_fit_finds_the_dimension_that_matters() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((60, 3))
    y = np.sin(6.0 * X[:, 1]) + 0.05 * rng.standard_normal(60)
    gp = TinyGP.fit(X, y)
    relevant = gp.hyperparameters.lengthscales[1]
    assert 0.1 < relevant < 1.5
    assert gp.hyperparameters.lengthscales[[0, 2]].min() > 2.0 * relevant
    at = rng.random((200, 3))
    mean, std = gp.predict(at)
    assert np.abs(mean - np.sin(6.0 * at[:, 1])).mean() < 0.1
    assert (np.abs(mean - np.sin(6.0 * at[:, 1])) < 4.0 * std + 0.02).mean() > 0.9


def test_fit_tells_noise_from_signal() -> None:
    rng = np.random.default_rng(2)
    X = rng.random((80, 2))
    smooth = TinyGP.fit(X, X.sum(axis=1)).hyperparameters
    noisy = TinyGP.fit(X, rng.standard_normal(80)).hyperparameters
    assert smooth.noise < 0.01 < 0.4 < noisy.noise


def test_fit_of_many_points_predicts_from_all_of_them() -> None:
    X, y = _data(FIT_POINTS + 60)
    gp = TinyGP.fit(X, y)
    assert len(gp.X) == len(X)
    assert np.abs(gp.predict(X)[0] - y).mean() < 0.15


def test_thinning_keeps_the_extremes_and_no_index_twice() -> None:
    y = np.random.default_rng(0).standard_normal(300)
    kept = thinned(y, 100)
    assert len(set(kept)) == 100
    assert {int(y.argmin()), int(y.argmax())} <= set(kept.tolist())
    assert sorted(thinned(y[:50], 100)) == list(range(50))


def test_prediction_follows_the_unit_of_the_outcomes() -> None:
    X, y = _data(20)
    mean, std = TinyGP.fit(X, y).predict(X)
    scaled_mean, scaled_std = TinyGP.fit(X, 1000.0 * y + 7.0).predict(X)
    np.testing.assert_allclose(scaled_mean, 1000.0 * mean + 7.0, rtol=1e-4)
    np.testing.assert_allclose(scaled_std, 1000.0 * std, rtol=1e-3)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 1), st.floats(-1e300, 1e300)),
        min_size=1,
        max_size=12,
    )
)
def test_no_finite_history_breaks_the_fit(rows: list[tuple[int, int, float]]) -> None:
    data = np.array(rows)
    mean, std = TinyGP.fit(data[:, :2] / 3.0, data[:, 2]).predict(
        np.array([[0.5, 0.5], [0.0, 0.0]])
    )
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
    assert (std >= 0.0).all()


@pytest.mark.parametrize("outcome", [0.0, 5.0, -3e200, 1e-310])
@pytest.mark.parametrize("n", [1, 2, 150])
def test_duplicate_points_of_constant_outcome(n: int, outcome: float) -> None:
    mean, std = TinyGP.fit(np.full((n, 4), 0.5), np.full(n, outcome)).predict(np.full((1, 4), 0.5))
    assert mean[0] == pytest.approx(outcome, rel=1e-6)
    assert np.isfinite(std).all()


def test_zero_noise_duplicates_need_jitter() -> None:
    X = np.zeros((5, 1))
    gp = TinyGP(X, np.array([1.0, 2.0, 3.0, 4.0, 5.0]), Hyperparameters(np.ones(1), 1.0, 0.0))
    assert gp.predict(X)[0] == pytest.approx(np.full(5, 3.0), abs=1e-3)


def test_cholesky_mends_what_is_not_definite_and_leaves_the_rest_alone() -> None:
    definite = np.array([[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(cholesky(definite) @ cholesky(definite).T, definite)
    for should_prune in (np.array([[1.0, 9.0], [9.0, 1.0]]), -np.eye(3), np.zeros((2, 2))):
        L = cholesky(should_prune)
        assert np.isfinite(L).all()
        assert (np.diag(L) > 0.0).all()
    with pytest.raises(ValueError, match="finite"):
        cholesky(np.full((2, 2), np.nan))


@pytest.mark.parametrize("n", [1, 64, 65, 200])
def test_a_lower_factor_is_inverted_by_halves(n: int) -> None:
    L = np.tril(np.random.default_rng(n).standard_normal((n, n))) / n + np.eye(n)
    np.testing.assert_allclose(inverse_of_lower(L) @ L, np.eye(n), atol=1e-12)


def test_leave_one_out_is_what_leaving_out_gives() -> None:
    X, y = _data(12)
    gp = TinyGP(X, y, HYPERPARAMETERS)
    z, noise = gp.targets, HYPERPARAMETERS.noise
    for i, found in enumerate(gp.leave_one_out()):
        kept = np.arange(12) != i
        K = matern52(X[kept], X[kept], HYPERPARAMETERS) + noise * np.eye(11)
        cross = matern52(X[kept], X[[i]], HYPERPARAMETERS)[:, 0]
        mean = cross @ np.linalg.solve(K, z[kept])
        variance = HYPERPARAMETERS.signal + noise - cross @ np.linalg.solve(K, cross)
        assert found == pytest.approx((z[i] - mean) / math.sqrt(variance), rel=1e-8)


def test_draws_have_the_posterior_s_moments() -> None:
    X, y = _data(12)
    gp = TinyGP(X, y, HYPERPARAMETERS)
    at = np.random.default_rng(5).random((4, 3))
    draws = gp.draw(at, np.random.default_rng(0), 20_000)
    mean, std = gp.predict(at)
    assert draws.shape == (20_000, 4)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(draws.std(axis=0), std, rtol=0.03)


def test_repeats_count_as_often_as_they_were_measured() -> None:
    """Likelihood and gradient of pooled rows: those of all single outcomes, up to a constant."""
    rng = np.random.default_rng(0)
    X, count = rng.random((5, 2)), np.array([1, 3, 1, 2, 4])
    row = np.repeat(np.arange(5), count)
    y = rng.standard_normal(len(row))
    mean = np.bincount(row, y) / count
    repeats = Repeats(
        count.astype(float), np.zeros(5), np.bincount(row, np.square(y - mean[row])).astype(float)
    )
    gaps = []
    for theta in rng.normal(-0.5, 0.5, size=(3, 4)):
        pooled, slope = negative_log_posterior(theta, squared_differences(X), mean, repeats)
        single, single_slope = negative_log_posterior(theta, squared_differences(X[row]), y)
        gaps.append(pooled - single)
        np.testing.assert_allclose(slope, single_slope, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-9)


def test_standardise_round_trip() -> None:
    y = np.array([3.0, 4.0, 9.0])
    z, mean, std = standardise(y)
    assert z.mean() == pytest.approx(0.0, abs=1e-12)
    assert z.std() == pytest.approx(1.0)
    np.testing.assert_allclose(mean + std * z, y)


def test_bad_observations_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        TinyGP.fit(np.ones((2, 1)), np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="do not match"):
        TinyGP.fit(np.ones((2, 1)), np.ones(3))
    with pytest.raises(ValueError, match="do not match"):
        TinyGP.fit(np.ones((0, 1)), np.ones(0))


def test_bfgs_reaches_the_minimum_of_rosenbrock() -> None:
    def rosenbrock(x: Array) -> tuple[float, Array]:
        a, b = 1.0 - x[0], x[1] - x[0] ** 2
        return float(a**2 + 100.0 * b**2), np.array([-2.0 * a - 400.0 * x[0] * b, 200.0 * b])

    x, value = minimise(rosenbrock, np.array([-1.2, 1.0]), iterations=200, tolerance=1e-8)
    assert x == pytest.approx([1.0, 1.0], abs=1e-6)
    assert value < 1e-12
