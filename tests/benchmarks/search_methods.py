"""The searches that are compared: ask each for params, tell it the score, and let it recommend.

Those that are not installed are left out; ``pip install -e '.[peers]'`` installs them.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.search.proposer import propose, recommend
from agent.search.space import Choice, Range, Space
from tests.benchmarks.search_problems import Params, Problem

Array = NDArray[np.float64]
KAPPA = 2.0  # the controller's --explore


class Method(Protocol):
    """One search of one problem."""

    def ask(self, history: list[tuple[Params, float]]) -> Params: ...

    def tell(self, params: Params, score: float) -> None: ...

    def recommend(self, history: list[tuple[Params, float]]) -> Params: ...


class Random:
    """Uniform; recommends the highest score seen. The others fall back on both."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.rng = problem, np.random.default_rng(seed)

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        left = self.left(history)
        return left[self.rng.integers(len(left))] if left else self.problem.space.sample(self.rng)

    def tell(self, params: Params, score: float) -> None:
        pass

    def recommend(self, history: list[tuple[Params, float]]) -> Params:
        return max(history, key=lambda entry: entry[1])[0]

    def left(self, history: list[tuple[Params, float]]) -> list[Params]:
        """The cells that were not tried."""
        return [cell for cell in self.problem.cells or [] if all(cell != params for params, _ in history)]

    def nearest(self, params: Params, history: list[tuple[Params, float]]) -> Params:
        """Of a table the nearest cell that was not tried: nobody pays for a cell twice."""
        if not (left := self.left(history)):
            return params
        encode = self.problem.space.encode
        return min(left, key=lambda cell: float(np.square(encode(cell) - encode(params)).sum()))


class Ours(Random):
    """Proposals over the table's cells, or over the whole space."""

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        among = self.left(history) if self.problem.cells else None
        return self.nearest(propose(self.problem.space, history, self.rng, KAPPA, among=among).params, history)

    def recommend(self, history: list[tuple[Params, float]]) -> Params:
        found = recommend(self.problem.space, history).params
        return min((params for params, _ in history), key=lambda params: _distance(self.problem.space, params, found))


class Optuna(Random):
    """A study of ask and tell; conditional parameters are defined by run."""

    def __init__(self, problem: Problem, seed: int, sampler: str) -> None:
        super().__init__(problem, seed)
        optuna = importlib.import_module("optuna")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        options = {"multivariate": True, "group": True} if sampler == "TPESampler" else {}
        self.optuna = optuna
        chosen = getattr(optuna.samplers, sampler)(seed=seed, **options)
        self.study = optuna.create_study(direction="maximize", sampler=chosen)
        self.asked: Any = None

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        self.asked = self.study.ask()
        found: Params = {}
        for parameter in self.problem.space.parameters:
            if parameter.when and found.get(parameter.when[0]) != parameter.when[1]:
                continue
            if isinstance(parameter, Choice):
                found[parameter.name] = self.asked.suggest_categorical(parameter.name, parameter.choices)
            elif parameter.integer:
                found[parameter.name] = self.asked.suggest_int(
                    parameter.name, int(parameter.low), int(parameter.high), log=parameter.log
                )
            else:
                found[parameter.name] = self.asked.suggest_float(
                    parameter.name, parameter.low, parameter.high, log=parameter.log
                )
        return self.nearest(found, history)

    def tell(self, params: Params, score: float) -> None:
        if self.asked is not None and self.asked.params == params:
            self.study.tell(self.asked, score)
        else:
            if self.asked is not None:  # another cell was charged instead
                self.study.tell(self.asked, state=self.optuna.trial.TrialState.FAIL)
            shapes = {p.name: self._distribution(p) for p in self.problem.space.parameters if p.name in params}
            self.study.add_trial(self.optuna.create_trial(params=params, distributions=shapes, value=score))
        self.asked = None

    def _distribution(self, parameter: Range | Choice) -> Any:
        shapes = self.optuna.distributions
        if isinstance(parameter, Choice):
            return shapes.CategoricalDistribution(parameter.choices)
        if parameter.integer:
            return shapes.IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
        return shapes.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


class BayesianOptimization(Random):
    """Package bayesian-optimization, UCB with its default kappa, on the flattened unit cube."""

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        package = importlib.import_module("bayes_opt")
        warnings.simplefilter("ignore")
        self.optimiser = package.BayesianOptimization(
            f=None,
            pbounds=dict.fromkeys(problem.space.names, (0.0, 1.0)),
            acquisition_function=package.acquisition.UpperConfidenceBound(),
            random_state=seed,
            verbose=0,
            allow_duplicate_points=True,
        )
        if problem.noise or problem.cells:  # its own advice: alpha is the noise variance
            self.optimiser.set_gp_params(alpha=max(1e-6, problem.noise**2))

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        suggested = self.optimiser.suggest()
        point = np.array([suggested[name] for name in self.problem.space.names])
        return self.nearest(from_flat(self.problem.space, point), history)

    def tell(self, params: Params, score: float) -> None:
        flat = dict(zip(self.problem.space.names, flatten(self.problem.space, params), strict=True))
        self.optimiser.register(params=flat, target=score)


class BoTorch(Random):
    """qLogNEI on a SingleTaskGP over the flattened unit cube."""

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        torch, botorch, gpytorch = map(importlib.import_module, ("torch", "botorch", "gpytorch"))
        torch.set_num_threads(1)
        torch.manual_seed(int(self.rng.integers(2**31)))
        warnings.simplefilter("ignore")
        X = torch.tensor(np.array([flatten(self.problem.space, params) for params, _ in history]))
        y = torch.tensor([[score] for _, score in history], dtype=torch.float64)
        model = botorch.models.SingleTaskGP(X, (y - y.mean()) / (y.std() if float(y.std()) > 0.0 else 1.0))
        botorch.fit_gpytorch_mll(gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model))
        acquisition = botorch.acquisition.qLogNoisyExpectedImprovement(model, X)
        box = torch.tensor([[0.0] * X.shape[1], [1.0] * X.shape[1]], dtype=torch.float64)
        found, _ = botorch.optim.optimize_acqf(acquisition, box, q=1, num_restarts=4, raw_samples=128)
        return self.nearest(from_flat(self.problem.space, found[0].detach().numpy()), history)


def flatten(space: Space, params: Params) -> Array:
    """One unit coordinate per parameter: choices in equal parts, inactive ones in the middle."""
    codes = np.array([space.codes(params)])
    columns = []
    for i, parameter in enumerate(space.parameters):
        column = codes[:, i]
        if isinstance(parameter, Range):
            columns.append(np.nan_to_num(parameter.to_unit(column)[:, 0], nan=0.5))
        else:
            columns.append(np.nan_to_num((column + 0.5) / parameter.width, nan=0.5))
    return np.concatenate(columns)


def from_flat(space: Space, point: Array) -> Params:
    """The params of unit coordinates, one per parameter."""
    blocks = []
    for parameter, u in zip(space.parameters, np.clip(point, 0.0, 1.0), strict=True):
        if isinstance(parameter, Range):
            blocks.append(np.array([u]))
        else:
            blocks.append(np.eye(parameter.width)[min(int(u * parameter.width), parameter.width - 1)])
    return space.decode(np.concatenate(blocks))


def _distance(space: Space, a: Params, b: Params) -> float:
    return float(np.square(space.encode(a) - space.encode(b)).sum())


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


METHODS: dict[str, tuple[str, Callable[[Problem, int], Method]]] = {  # name -> package it needs, maker
    "random": ("numpy", Random),
    "ours": ("numpy", Ours),
    "optuna-tpe": ("optuna", lambda problem, seed: Optuna(problem, seed, "TPESampler")),
    "optuna-gp": ("optuna", lambda problem, seed: Optuna(problem, seed, "GPSampler")),
    "bayes-opt": ("bayes_opt", BayesianOptimization),
    "botorch": ("botorch", BoTorch),
}
