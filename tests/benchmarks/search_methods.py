"""Searches to compare: each is asked for params, told the score, and recommends in the end.

Those that are not installed are left out; ``pip install -e '.[peers]'`` installs them.
"""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from agent.search.arrays import Array
from agent.search.parameter import Choice, Range
from agent.search.proposer import propose
from agent.search.space import Space
from agent.search.surrogate import Surrogate
from tests.benchmarks.search_problems import Params, Problem

KAPPA = 2.0  # the controller's --explore


class Method(Protocol):
    """One search of one problem."""

    def ask(self, history: list[tuple[Params, float]]) -> Params: ...

    def tell(self, params: Params, score: float) -> None: ...

    def recommend(self, history: list[tuple[Params, float]]) -> tuple[Params, float]:
        """The tried params to keep, and the score to report of them."""


class Random:
    """Uniform; recommends the highest score seen. The others fall back on both."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.rng = problem, np.random.default_rng(seed)

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        if self.problem.cells is None:
            return self.problem.space.sample(self.rng)
        return self.problem.cells[self.rng.choice(self.problem.untried(history))]

    def tell(self, params: Params, score: float) -> None:
        pass

    def recommend(self, history: list[tuple[Params, float]]) -> tuple[Params, float]:
        return max(history, key=lambda entry: entry[1])


@dataclass(frozen=True)
class Table(Space):
    """A space of which only some configurations exist: codes (cells, parameters)."""

    rows: Array = field(default_factory=lambda: np.empty((0, 0)), compare=False)

    def cells(self, limit: int) -> Array:
        return self.rows


class Ours(Random):
    """Proposals over the table's cells, or over the whole space."""

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self.space = problem.space
        if problem.cells is not None and not problem.whole:
            rows = np.array([self.space.codes(cell) for cell in problem.cells])
            self.space = Table(self.space.parameters, self.space.context, rows)

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        proposal = propose(self.space, history, self.rng, KAPPA)
        return self.problem.nearest(proposal.params, history)

    def recommend(self, history: list[tuple[Params, float]]) -> tuple[Params, float]:
        surrogate = Surrogate.fit(self.problem.space, history)
        row = surrogate.recommended_row()
        codes = surrogate.visited.codes
        score, _ = surrogate.to_scores(*surrogate.predict(codes))
        recommended = self.problem.space.params(codes[row])
        nearest = min(
            (params for params, _ in history),
            key=lambda params: _distance(self.problem.space, params, recommended),
        )
        return nearest, float(score[row])


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
                found[parameter.name] = self.asked.suggest_categorical(
                    parameter.name, parameter.choices
                )
            elif parameter.integer:
                found[parameter.name] = self.asked.suggest_int(
                    parameter.name, int(parameter.low), int(parameter.high), log=parameter.log
                )
            else:
                found[parameter.name] = self.asked.suggest_float(
                    parameter.name, parameter.low, parameter.high, log=parameter.log
                )
        return self.problem.nearest(found, history)

    def tell(self, params: Params, score: float) -> None:
        if self.asked is not None and self.asked.params == params:
            self.study.tell(self.asked, score)
        else:
            if self.asked is not None:  # another cell was charged instead
                self.study.tell(self.asked, state=self.optuna.trial.TrialState.FAIL)
            shapes = {
                p.name: self._distribution(p)
                for p in self.problem.space.parameters
                if p.name in params
            }
            self.study.add_trial(
                self.optuna.create_trial(params=params, distributions=shapes, value=score)
            )
        self.asked = None

    def _distribution(self, parameter: Range | Choice) -> Any:
        shapes = self.optuna.distributions
        if isinstance(parameter, Choice):
            return shapes.CategoricalDistribution(parameter.choices)
        if parameter.integer:
            return shapes.IntDistribution(
                int(parameter.low), int(parameter.high), log=parameter.log
            )
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
        return self.problem.nearest(from_flat(self.problem.space, point), history)

    def tell(self, params: Params, score: float) -> None:
        flat = dict(zip(self.problem.space.names, flatten(self.problem.space, params), strict=True))
        self.optimiser.register(params=flat, target=score)


class Smac(Random):
    """SMAC3's hyperparameter facade (random forest, log EI), every configuration run once."""

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        smac, self.configspace = (
            importlib.import_module("smac"),
            importlib.import_module("ConfigSpace"),
        )
        warnings.simplefilter("ignore")
        self.smac = smac
        self.folder = tempfile.TemporaryDirectory()
        space = self.configspace.ConfigurationSpace(seed=seed)
        for parameter in problem.space.parameters:
            space.add(self._hyperparameter(parameter))
            if parameter.when:
                parent, choice = parameter.when
                space.add(
                    self.configspace.EqualsCondition(space[parameter.name], space[parent], choice)
                )
        scenario = smac.Scenario(
            space, deterministic=True, n_trials=1000, seed=seed, output_directory=self.folder.name
        )
        facade = smac.HyperparameterOptimizationFacade
        # Its initial design is the first of the common starts, whose score it hears first.
        first = self._configuration(space, problem.start(seed, 1)[0])
        self.facade = facade(
            scenario,
            lambda config, seed=0: 0.0,
            initial_design=facade.get_initial_design(
                scenario, n_configs=0, additional_configs=[first]
            ),
            logging_level=False,
            overwrite=True,
        )
        self.asked: Any = None

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        self.asked = self.facade.ask()
        return self.problem.nearest(
            {name: _plain(value) for name, value in dict(self.asked.config).items()}, history
        )

    def tell(self, params: Params, score: float) -> None:
        value = self.smac.runhistory.TrialValue(cost=-score)
        if self.asked is not None:
            self.facade.tell(
                self.asked, value
            )  # of another cell too, or it would ask the same again
        if self.asked is None or dict(self.asked.config) != params:
            config = self._configuration(self.facade.scenario.configspace, params)
            self.facade.tell(self.smac.runhistory.TrialInfo(config, seed=0), value)
        self.asked = None

    def _configuration(self, space: Any, params: Params) -> Any:
        """SMAC rounds the ends of a range to nine places, and refuses what lies outside."""
        values = {
            name: min(max(value, space[name].lower), space[name].upper)
            if hasattr(space[name], "lower")
            else value
            for name, value in params.items()
        }
        return self.configspace.Configuration(space, values=values)

    def _hyperparameter(self, parameter: Range | Choice) -> Any:
        if isinstance(parameter, Choice):
            return self.configspace.CategoricalHyperparameter(
                parameter.name, list(parameter.choices)
            )
        ends = (parameter.low, parameter.high)
        if parameter.low == parameter.high:
            return self.configspace.Constant(parameter.name, parameter.low)
        if parameter.integer:
            return self.configspace.UniformIntegerHyperparameter(
                parameter.name, *map(int, ends), log=parameter.log
            )
        return self.configspace.UniformFloatHyperparameter(parameter.name, *ends, log=parameter.log)


class BoTorch(Random):
    """qLogNEI on a SingleTaskGP over the flattened unit cube."""

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        names = ("torch", "botorch", "gpytorch")
        self.torch, self.botorch, self.gpytorch = (importlib.import_module(name) for name in names)
        self.torch.set_num_threads(1)
        warnings.simplefilter("ignore")

    def ask(self, history: list[tuple[Params, float]]) -> Params:
        self.torch.manual_seed(int(self.rng.integers(2**31)))
        model, X = self._model(history)
        acquisition = self.botorch.acquisition.qLogNoisyExpectedImprovement(model, X)
        box = self.torch.tensor([[0.0] * X.shape[1], [1.0] * X.shape[1]], dtype=self.torch.float64)
        found, _ = self.botorch.optim.optimize_acqf(
            acquisition, box, q=1, num_restarts=4, raw_samples=128
        )
        return self.problem.nearest(
            from_flat(self.problem.space, found[0].detach().numpy()), history
        )

    def _model(self, history: list[tuple[Params, float]]) -> tuple[Any, Any]:
        X = self.torch.tensor(
            np.array([flatten(self.problem.space, params) for params, _ in history])
        )
        y = self.torch.tensor([[score] for _, score in history], dtype=self.torch.float64)
        model = self.botorch.models.SingleTaskGP(
            X, (y - y.mean()) / (y.std() if float(y.std()) > 0.0 else 1.0)
        )
        self.botorch.fit_gpytorch_mll(
            self.gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model)
        )
        return model, X


def _plain(value: Any) -> Any:
    """A number or text of Python's own from numpy's."""
    return value.item() if isinstance(value, np.generic) else value


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
            blocks.append(
                np.eye(parameter.width)[min(int(u * parameter.width), parameter.width - 1)]
            )
    return space.decode(np.concatenate(blocks))


def _distance(space: Space, a: Params, b: Params) -> float:
    return float(np.square(space.encode(a) - space.encode(b)).sum())


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


METHODS: dict[
    str, tuple[str, Callable[[Problem, int], Method]]
] = {  # name -> package it needs, maker
    "random": ("numpy", Random),
    "ours": ("numpy", Ours),
    "optuna-tpe": ("optuna", lambda problem, seed: Optuna(problem, seed, "TPESampler")),
    "optuna-gp": ("optuna", lambda problem, seed: Optuna(problem, seed, "GPSampler")),
    "bayes-opt": ("bayes_opt", BayesianOptimization),
    "smac": ("smac", Smac),
    "botorch": ("botorch", BoTorch),
}
