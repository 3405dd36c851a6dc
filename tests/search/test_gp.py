"""The Gaussian process against independent formulas, and on input that is hard to factor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.search.gp import FIT_POINTS, TinyGP, standardise, thinned
from agent.search.kernel import Hyperparameters, matern52
from tests.search.gp_data import HYPERPARAMETERS, data


def test_posterior_matches_linear_algebra() -> None:
    X, y = data(15)
    at = data(7, seed=3)[0]
    mean, std = TinyGP(X, y, HYPERPARAMETERS).predict(at)
    K_inverse = np.linalg.inv(matern52(X, X, HYPERPARAMETERS) + HYPERPARAMETERS.noise * np.eye(15))
    cross = matern52(X, at, HYPERPARAMETERS)
    expected_mean = y.mean() + cross.T @ K_inverse @ (y - y.mean())
    covariance = matern52(at, at, HYPERPARAMETERS) - cross.T @ K_inverse @ cross
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-8)
    np.testing.assert_allclose(std, y.std() * np.sqrt(np.diag(covariance)), rtol=1e-6)


def test_without_noise_it_interpolates_and_is_sure() -> None:
    X, y = data(10)
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
    X, y = data(FIT_POINTS + 60)
    gp = TinyGP.fit(X, y)
    assert len(gp.X) == len(X)
    assert np.abs(gp.predict(X)[0] - y).mean() < 0.15


def test_the_mean_alone_is_the_prediction_s_to_the_digit() -> None:
    rng = np.random.default_rng(4)
    gp = TinyGP.fit(rng.random((40, 3)), rng.random(40))
    X = rng.random((600, 3))
    assert (gp.predict_mean(X) == gp.predict(X)[0]).all()


def test_thinning_keeps_the_extremes_and_no_index_twice() -> None:
    y = np.random.default_rng(0).standard_normal(300)
    kept = thinned(y, 100)
    assert len(set(kept)) == 100
    assert {int(y.argmin()), int(y.argmax())} <= set(kept.tolist())
    assert sorted(thinned(y[:50], 100)) == list(range(50))


def test_prediction_follows_the_unit_of_the_outcomes() -> None:
    X, y = data(20)
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


def test_leave_one_out_is_what_leaving_out_gives() -> None:
    X, y = data(12)
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
    X, y = data(12)
    gp = TinyGP(X, y, HYPERPARAMETERS)
    at = np.random.default_rng(5).random((4, 3))
    draws = gp.draw(at, np.random.default_rng(0), 20_000)
    mean, std = gp.predict(at)
    assert draws.shape == (20_000, 4)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(draws.std(axis=0), std, rtol=0.03)


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
