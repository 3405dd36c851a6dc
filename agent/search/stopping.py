"""When to stop: once the recommended configuration is probably within ε of the best there is.

The probability comes from joint draws of the posterior over candidates and visited points (Wilson
2024, *Stopping Bayesian optimization with probabilistic regret bounds*). It trusts the Gaussian
process, so the rule asks for more before it fires:

1. The standardised leave-one-out residuals have a variance near 1.
2. The probability was as high five trials ago.
3. It stays as high with 20 times the noise, until the recommended has five outcomes.
4. It stays above 0.8 with shorter lengthscales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.search.acquisition import ucb
from agent.search.arrays import Array
from agent.search.candidates import MAX_CELLS, anywhere, around
from agent.search.proposer import TOP
from agent.search.space import Space
from agent.search.surrogate import Entry, Surrogate

EPSILON = 0.02  # of the range of the scores seen
DELTA = 0.05
# Chosen with bench_search.py --stopping: docs/results/experiments.jsonl, topic stopping-rule.
MIN_TRIALS = 30
MIN_TRIALS_PER_PARAMETER = 3
RESIDUAL_VARIANCE = (0.7, 2.0)  # of the leave-one-out residuals, 1 for a model that is right
TRIALS_AGO = 5  # the probability must have been as high then: asked often, chance makes it high
MIN_OUTCOMES = 5  # of the recommended, from which its noise is known
NOISE_INFLATION = 20.0  # factor on the learned noise variance while it has fewer
LENGTHSCALE_DEFLATION = 0.7  # factor on the lengthscales: the landscape may be rougher than learned
PESSIMISTIC_PROBABILITY = 0.8  # of being good enough, with these lengthscales
BOUND_STDS = 2.0  # of the upper and lower bounds
CANDIDATES = 2000  # drawn anywhere in a space that is not searched whole
MOVES = 1000  # and around its best visited points
JOINT_POINTS = 300  # of these, and of the visited: those in the joint draws, by their upper bounds
PROBES = 100  # further candidates in the joint draws, at random
DRAWS = 1000


@dataclass(frozen=True)
class Convergence:
    """State of the search; means, stds and ``regret_bound`` are in the unit of the scores.

    :param recommended: the visited params to keep, see ``Surrogate.recommendation_scores``
    :param mean: their believed score
    :param std: its standard deviation
    :param probability: that they are within ε of the best
    :param regret_bound: highest upper bound anywhere minus highest lower bound of a visited point
        (Makarova et al. 2022)
    :param largest_std: of the believed score, anywhere
    :param residual_variance: of the standardised leave-one-out residuals
    :param converged: the search may stop
    :param reason: in words, why it may or may not
    """

    recommended: dict[str, Any]
    mean: float
    std: float
    probability: float
    regret_bound: float
    largest_std: float
    residual_variance: float
    converged: bool
    reason: str


def assess(
    space: Space,
    history: Sequence[Entry],
    rng: np.random.Generator,
    epsilon: float = EPSILON,
    delta: float = DELTA,
    surrogate: Surrogate | None = None,
) -> Convergence:
    """Assesses after ``history`` if the search may stop.

    Equal arguments and an equal state of ``rng`` give an equal answer.

    :param space: that is searched
    :param history: of its trials, as for ``propose``
    :param rng: source of candidates and draws
    :param epsilon: share of the range of the scores seen that counts as equally good
    :param delta: accepted probability that the recommended is worse than that
    :param surrogate: fitted to ``history``; by default it is fitted here
    :raises ValueError: no trial has a score, or ``epsilon`` or ``delta`` is not between 0 and 1
    """
    _check_share("epsilon", epsilon)
    _check_share("delta", delta)
    surrogate = surrogate or Surrogate.fit(space, history)
    visited = surrogate.visited.codes
    candidates = _candidates(surrogate, rng)
    mean, std = _predict_both(surrogate, candidates)
    score, spread = surrogate.to_scores(mean, std)
    best = surrogate.recommended_row()
    probability = _probability(surrogate, candidates, best, epsilon, rng)
    residual_variance = float(np.square(surrogate.gp.leave_one_out()).mean())
    converged, reason = _verdict(surrogate, probability, residual_variance, delta)
    if converged:
        doubt = _doubt(surrogate, history, rng, epsilon, delta)
        if doubt is not None:
            converged = False
            reason = f"probability {probability:.3f} of being good enough, but {doubt}"
    return Convergence(
        recommended=space.params(visited[best]),
        mean=float(score[best]),
        std=float(spread[best]),
        probability=probability,
        regret_bound=_regret_bound(surrogate, mean, std),
        largest_std=float(spread.max()),
        residual_variance=residual_variance,
        converged=converged,
        reason=reason,
    )


def _check_share(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(
            f"{name} {value} is not usable; give a share between 0 and 1, such as 0.02"
        )


def _candidates(surrogate: Surrogate, rng: np.random.Generator) -> Array:
    """Codes (m, parameters) with the highest upper bounds, and ``PROBES`` random ones."""
    space = surrogate.space
    codes = space.cells(MAX_CELLS)
    if codes is None:
        centres = surrogate.best_visited(TOP)
        codes = np.vstack([anywhere(space, rng, CANDIDATES), around(space, centres, rng, MOVES)])
    order = np.argsort(-ucb(*surrogate.predict(codes), BOUND_STDS), kind="stable")
    probes = rng.permutation(order[JOINT_POINTS:])[:PROBES]
    return codes[np.append(order[:JOINT_POINTS], probes)]


def _predict_both(surrogate: Surrogate, candidates: Array) -> tuple[Array, Array]:
    """Mean and std of the visited points (n,), and then of the candidates (m,)."""
    mean, std = surrogate.at_visited
    candidate_mean, candidate_std = surrogate.predict(candidates)
    return np.append(mean, candidate_mean), np.append(std, candidate_std)


def _regret_bound(surrogate: Surrogate, mean: Array, std: Array) -> float:
    """Highest upper bound minus highest lower bound of a visited point.

    :param mean: transformed, of the visited points and then of candidates
    :param std: of these
    """
    n_visited = len(surrogate.visited.codes)
    highest = ucb(mean, std, BOUND_STDS).max()
    lowest_best = ucb(mean, std, -BOUND_STDS)[:n_visited].max()
    inverse = surrogate.transform.inverse
    return float(inverse(highest) - inverse(lowest_best))


def _probability(
    surrogate: Surrogate, candidates: Array, best: int, epsilon: float, rng: np.random.Generator
) -> float:
    """Probability that the visited row ``best`` is within ``epsilon`` of the best candidate."""
    visited = surrogate.visited.codes
    points = np.vstack([visited[best], surrogate.best_visited(JOINT_POINTS), candidates])
    features = surrogate.space.features(points)
    scores = surrogate.transform.inverse(surrogate.gp.draw(features, rng, DRAWS))
    seen = surrogate.visited.imputed
    good_enough = scores.max(axis=1) - epsilon * (seen.max() - seen.min())
    return float((scores[:, 0] >= good_enough).mean())


def _probability_under(
    surrogate: Surrogate, best: int, epsilon: float, rng: np.random.Generator
) -> float:
    """Probability, with its own candidates, if ``surrogate`` were right."""
    return _probability(surrogate, _candidates(surrogate, rng), best, epsilon, rng)


def _verdict(
    surrogate: Surrogate, probability: float, residual_variance: float, delta: float
) -> tuple[bool, str]:
    """Tells if the rule would fire without the doubts, and the reason."""
    trials = len(surrogate.visited.row)
    fewest = max(MIN_TRIALS, MIN_TRIALS_PER_PARAMETER * len(surrogate.space.parameters))
    if trials < fewest:
        return False, f"{trials} trials with a result, never before {fewest}"
    low, high = RESIDUAL_VARIANCE
    if not low <= residual_variance <= high:
        return False, (
            f"the process misjudges its own data: variance {residual_variance:.2f}, "
            f"not {low:g} to {high:g}"
        )
    if probability < 1.0 - delta:
        return False, f"probability {probability:.3f} of being good enough, below {1.0 - delta:g}"
    return True, f"probability {probability:.3f} of being good enough, at least {1.0 - delta:g}"


def _doubt(
    surrogate: Surrogate,
    history: Sequence[Entry],
    rng: np.random.Generator,
    epsilon: float,
    delta: float,
) -> str | None:
    """Returns, in words, the last assumption under which the probability is too low."""
    noisier = _probability_if_noisier(surrogate, epsilon, rng)
    earlier = _probability_earlier(surrogate.space, history[:-TRIALS_AGO], epsilon, rng)
    rougher = _probability_if_rougher(surrogate, epsilon, rng)
    if rougher < min(PESSIMISTIC_PROBABILITY, 1.0 - delta):
        return f"{rougher:.3f} if the landscape were rougher"
    if earlier < 1.0 - delta:
        return f"{earlier:.3f} {TRIALS_AGO} trials ago"
    if noisier < 1.0 - delta:
        return f"{noisier:.3f} if the noise were underrated; replicates tell"
    return None


def _probability_if_noisier(
    surrogate: Surrogate, epsilon: float, rng: np.random.Generator
) -> float:
    """Probability with ``NOISE_INFLATION`` times the noise; 1 once replicates show how much it is.

    One outcome per configuration does not separate noise from a rough landscape, and the
    likelihood may take either for the other.
    """
    best = surrogate.recommended_row()
    if surrogate.repeats.count[best] >= MIN_OUTCOMES:
        return 1.0
    noisier = surrogate.with_noise_times(NOISE_INFLATION)
    return _probability_under(noisier, best, epsilon, rng)


def _probability_if_rougher(
    surrogate: Surrogate, epsilon: float, rng: np.random.Generator
) -> float:
    """Probability with ``LENGTHSCALE_DEFLATION`` times the lengthscales."""
    best = surrogate.recommended_row()
    rougher = surrogate.with_lengthscales_times(LENGTHSCALE_DEFLATION)
    return _probability_under(rougher, best, epsilon, rng)


def _probability_earlier(
    space: Space, history: Sequence[Entry], epsilon: float, rng: np.random.Generator
) -> float:
    """Probability after a shorter history."""
    surrogate = Surrogate.fit(space, history)
    return _probability_under(surrogate, surrogate.recommended_row(), epsilon, rng)
