"""When to stop: once the recommended configuration is probably within ε of the best there is.

Joint draws of the posterior over candidates and visited points say how probable that is (Wilson 2024,
*Stopping Bayesian optimization with probabilistic regret bounds*). That trusts the Gaussian process, so
its leave-one-out residuals must look like it says before the rule may fire, it must have said the same a few
trials ago, more noise than it believes in must not matter until replicates tell how much there is, and a rougher
landscape than it believes in must not matter much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.search.acquisition import ucb
from agent.search.candidates import anywhere, around
from agent.search.proposer import CELLS, TOP
from agent.search.space import Space
from agent.search.surrogate import Entry, Surrogate

Array = NDArray[np.float64]

EPSILON = 0.02  # of the range of the scores seen
DELTA = 0.05
FEWEST_TRIALS = 30
FEWEST_PER_PARAMETER = 3
SEEDS = 5  # outcomes of the recommended that tell how much luck there is
DOUBT = 20.0  # times the learned noise variance, which must not matter as long as it has fewer
ROUGHER = 0.7  # times the learned lengthscales: the landscape may be rougher than the scores say
LEAST = 0.8  # probability that it must be good enough then
STEADY = 5  # trials ago the probability must have been as high
CALIBRATED = (0.7, 2.0)  # variance of the leave-one-out residuals, 1 for a model that is right
CANDIDATES = 2000
MOVES = 1000
CONTENDERS = 300  # candidates, and visited points, in the joint draws: those of the highest bounds
PROBES = 100  # further candidates anywhere
DRAWS = 1000
BOUND = 2.0  # standard deviations of the bounds


@dataclass(frozen=True)
class Convergence:
    """How far the search has come; ``regret_bound`` and ``largest_std`` in the unit of the scores.

    :param recommended: the visited params to keep (``recommend``), whose believed score is ``mean`` with ``std``
    :param probability: that they are within ε of the best
    :param regret_bound: highest upper bound anywhere minus highest lower bound of a visited point (Makarova 2022)
    :param largest_std: of the believed score, anywhere
    :param residual_variance: of the standardised leave-one-out residuals
    :param converged: the search may stop
    :param reason: in words, why or why not
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
) -> Convergence:
    """Whether the search may stop after ``history``; the same arguments and state of ``rng`` give the same answer.

    :param epsilon: share of the range of the scores seen, which counts as equally good
    :param delta: accepted probability that the recommended is worse than that
    :raises ValueError: no trial has a score, or ``epsilon`` or ``delta`` is not between 0 and 1
    """
    for name, value in (("epsilon", epsilon), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise ValueError(
                f"{name} {value} is not usable; give a share between 0 and 1, such as 0.02"
            )
    surrogate = Surrogate.fit(space, history)
    visited = surrogate.visited.codes
    candidates = _candidates(surrogate, rng)
    mean, std = surrogate.predict(visited)
    free_mean, free_std = surrogate.predict(candidates)
    best = int(surrogate.merits().argmax())
    inverse = surrogate.outcome.inverse
    highest = max(ucb(mean, std, BOUND).max(), ucb(free_mean, free_std, BOUND).max())
    regret_bound = inverse(highest) - inverse((mean - BOUND * std).max())
    score, spread = surrogate.in_scores(np.append(mean, free_mean), np.append(std, free_std))
    probability = _probability(surrogate, candidates, best, epsilon, rng)
    residual_variance = float(np.square(surrogate.gp.leave_one_out()).mean())
    converged, reason = _verdict(
        space, len(surrogate.visited.row), probability, residual_variance, delta
    )
    if converged:
        doubted, earlier = (
            _doubted(surrogate, best, rng, epsilon),
            _earlier(space, history[:-STEADY], rng, epsilon),
        )
        rougher = _if(surrogate.doubting(lengthscales=ROUGHER), best, rng, epsilon)
        for chance, least, doubt in (
            (doubted, 1.0 - delta, "if luck were underrated; replicates tell"),
            (earlier, 1.0 - delta, f"{STEADY} trials ago"),
            (rougher, min(LEAST, 1.0 - delta), "if the landscape were rougher"),
        ):
            if chance < least:
                converged, reason = (
                    False,
                    f"probability {probability:.3f} of being good enough, but {chance:.3f} {doubt}",
                )
    return Convergence(
        recommended=space.params(visited[best]),
        mean=float(score[best]),
        std=float(spread[best]),
        probability=probability,
        regret_bound=float(regret_bound),
        largest_std=float(spread.max()),
        residual_variance=residual_variance,
        converged=converged,
        reason=reason,
    )


def _candidates(surrogate: Surrogate, rng: np.random.Generator) -> Array:
    """Codes (m, parameters): where the upper bound is highest, and ``PROBES`` random ones."""
    space, visited = surrogate.space, surrogate.visited.codes
    codes = space.cells(CELLS)
    if codes is None:
        mean, _ = surrogate.predict(visited)
        best = visited[np.argsort(-mean, kind="stable")[:TOP]]
        codes = np.vstack([anywhere(space, rng, CANDIDATES), around(space, best, rng, MOVES)])
    order = np.argsort(-ucb(*surrogate.predict(codes), BOUND), kind="stable")
    probes = rng.permutation(order[CONTENDERS:])[:PROBES]
    return codes[np.append(order[:CONTENDERS], probes)]


def _probability(
    surrogate: Surrogate, candidates: Array, best: int, epsilon: float, rng: np.random.Generator
) -> float:
    visited = surrogate.visited.codes
    mean, _ = surrogate.predict(visited)
    kept = np.argsort(-mean, kind="stable")[:CONTENDERS]
    points = np.vstack([visited[best], visited[kept], candidates])
    scores = surrogate.outcome.inverse(
        surrogate.gp.draw(surrogate.space.features(points), rng, DRAWS)
    )
    seen = surrogate.visited.filled
    good_enough = scores.max(axis=1) - epsilon * (seen.max() - seen.min())
    return float((scores[:, 0] >= good_enough).mean())


def _doubted(surrogate: Surrogate, best: int, rng: np.random.Generator, epsilon: float) -> float:
    """The probability with ``DOUBT`` times the noise, if the recommended has fewer than ``SEEDS`` outcomes.

    One outcome per configuration does not tell noise from a rough landscape, and the likelihood may take either side.
    """
    if surrogate.repeats.count[best] >= SEEDS:
        return 1.0
    return _if(surrogate.doubting(noise=DOUBT), best, rng, epsilon)


def _if(believed: Surrogate, best: int, rng: np.random.Generator, epsilon: float) -> float:
    """The probability if ``believed`` were right."""
    return _probability(believed, _candidates(believed, rng), best, epsilon, rng)


def _earlier(
    space: Space, history: Sequence[Entry], rng: np.random.Generator, epsilon: float
) -> float:
    """The probability after ``history``: what is asked after every trial would sooner or later be high by chance."""
    surrogate = Surrogate.fit(space, history)
    best = int(surrogate.merits().argmax())
    return _if(surrogate, best, rng, epsilon)


def _verdict(
    space: Space, trials: int, probability: float, residual_variance: float, delta: float
) -> tuple[bool, str]:
    fewest = max(FEWEST_TRIALS, FEWEST_PER_PARAMETER * len(space.parameters))
    if trials < fewest:
        return False, f"{trials} trials with a result, never before {fewest}"
    if not CALIBRATED[0] <= residual_variance <= CALIBRATED[1]:
        low, high = CALIBRATED
        return (
            False,
            f"the process misjudges its own data: variance {residual_variance:.2f}, not {low:g} to {high:g}",
        )
    if probability < 1.0 - delta:
        return False, f"probability {probability:.3f} of being good enough, below {1.0 - delta:g}"
    return True, f"probability {probability:.3f} of being good enough, at least {1.0 - delta:g}"
