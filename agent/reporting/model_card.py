"""A model's page on the Hugging Face Hub: what it is, how it scored and how it is driven.

The front matter is YAML, of which JSON is a part: every value in it is written as JSON. Its
``model-index`` has the scores in the form that the hub shows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.config import files
from agent.config.plain import is_finite
from agent.reporting.measures import NOTHING, measure_values
from agent.reporting.style import number
from agent.trials.record import task_names
from agent.worlds.base import DEFAULT_WORLD

LIBRARY = "stable-baselines3"
TAGS = ("reinforcement-learning", "deep-reinforcement-learning", LIBRARY)
DONKEYCAR = "donkeycar"  # tag of drivers of the default world
TFLITE_TAG = "tflite"
MEAN = "mean_reward"
STD = "std_reward"
TRAINED = "trained"  # the model among the drivers of a race
# The 97.5 % quantiles of Student's t for 1 to 9 degrees of freedom, and of the normal distribution.
# Beyond nine the tangent 2.5 / freedom is within 0.01 of the table.
T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
NORMAL_QUANTILE = 1.960
T_EXCESS = 2.5


@dataclass(frozen=True)
class Result:
    """Numbers of the model on one task, from an evaluation's episodes or a race.

    :param task: where it drove
    :param numbers: by their names; an evaluation's has ``mean_reward``, and ``std_reward`` if known
    """

    task: str
    numbers: dict[str, float]


@dataclass(frozen=True)
class Card:
    """All that a model's page says.

    :param name: of the model on the hub, ``USER/NAME``
    :param manifest: of the model
    :param results: of evaluations; the first is of its training's tasks
    :param races: of races
    :param film: name of a film's file beside the page, ``None`` without one
    :param has_tflite: a ``champion.tflite`` lies there too
    """

    name: str
    manifest: Mapping[str, Any]
    results: Sequence[Result]
    races: Sequence[Result]
    film: str | None
    has_tflite: bool


def result_of(task: str, found: Mapping[str, Any]) -> Result | None:
    """Reads a result off a record, a trial's result or an evaluation; ``None`` without a reward."""
    if not is_finite(found.get("mean_reward")):
        return None
    own = {name: found.get(name) for name in (MEAN, STD)}
    score = found.get("score")
    if isinstance(score, Mapping):
        own |= dict(measure_values(score))
    return Result(task, {name: value for name, value in own.items() if is_finite(value)})


def race_result_of(task: str, found: Mapping[str, Any]) -> Result | None:
    """Reads a result off a line of ``races.jsonl``; ``None`` if the model is not in it."""
    races = found.get("races")
    driven = races.get(TRAINED) if isinstance(races, Mapping) else None
    if not isinstance(driven, Mapping):
        return None
    lap_times = driven.get("lap_times")
    own = {name: driven.get(name) for name in ("laps", "crashes", "total_sec")}
    if isinstance(lap_times, list):
        own["best_lap_sec"] = min(filter(is_finite, lap_times), default=None)
    return Result(task, {name: value for name, value in own.items() if is_finite(value)})


def confidence_interval(scores: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean of scores by Student's t; ``None`` for fewer than two."""
    freedom = len(scores) - 1
    if freedom < 1:
        return None
    mean = math.fsum(scores) / len(scores)
    variance = math.fsum((score - mean) ** 2 for score in scores) / freedom
    quantile = NORMAL_QUANTILE + T_EXCESS / freedom
    if freedom <= len(T_QUANTILES):
        quantile = T_QUANTILES[freedom - 1]
    half = quantile * math.sqrt(variance / len(scores))
    return mean - half, mean + half


def write_card(card: Card) -> str:
    """Returns the page as Markdown."""
    parts = [
        *_front_matter(card),
        f"# {card.name.partition('/')[2]}",
        "",
        *_description(card),
        *_scores(card),
        *_confirmation(card.manifest),
        *_usage(card),
        *_parameters(card.manifest),
    ]
    return "\n".join(parts) + "\n"


def _front_matter(card: Card) -> Iterator[str]:
    world = _world(card.manifest)
    tags = [*TAGS, DONKEYCAR if world == DEFAULT_WORLD else world]
    if card.has_tflite:
        tags.append(TFLITE_TAG)
    results = [
        {
            "task": {"type": "reinforcement-learning", "name": "reinforcement-learning"},
            "dataset": {"type": result.task, "name": result.task},
            "metrics": list(_metrics(result)),
        }
        for result in (*card.results, *card.races)
    ]
    interval = confidence_interval(_confirmed_scores(card.manifest))
    if interval and card.results:
        value = f"{number(interval[0])} to {number(interval[1])}"
        name = "mean_reward, 95 % interval over seeds"
        results[0]["metrics"].append(  # type: ignore[attr-defined]
            {"type": "mean_reward_interval", "value": value, "name": name, "verified": False}
        )
    index = [{"name": card.name.partition("/")[2], "results": results}]
    yield "---"
    yield f"library_name: {json.dumps(LIBRARY)}"
    yield f"tags: {json.dumps(tags)}"
    yield f"model-index: {json.dumps(index, allow_nan=False)}"
    yield "---"
    yield ""


def _metrics(result: Result) -> Iterator[dict[str, Any]]:
    for name, value in result.numbers.items():
        shown: float | str = value
        if name == MEAN and STD in result.numbers:  # as the hub's own tables have it
            shown = f"{value:.2f} +/- {result.numbers[STD]:.2f}"
        if name != STD:
            yield {"type": name, "value": shown, "name": name, "verified": False}


def _description(card: Card) -> Iterator[str]:
    params = card.manifest.get("params") or {}
    agent = str(params.get("agent", "")).upper().replace("_", " ")
    tasks = ", ".join(dict.fromkeys(task_names(params)))
    steps = params.get("timesteps")
    length = f" for {steps:,} steps" if is_finite(steps) else ""
    if _world(card.manifest) == DEFAULT_WORLD:
        yield f"A {agent} policy that drives a DonkeyCar by its camera, trained on {tasks}{length}."
        yield "It was trained in a simulator; what it does on a car has not been measured."
    else:
        yield f"A {agent} policy that sees pictures, trained on {tasks}{length}."
    yield ""
    if card.film and card.film.endswith(".gif"):
        yield f"![A lap]({card.film})"
        yield ""


def _scores(card: Card) -> Iterator[str]:
    for title, results in (("Scores", card.results), ("Races", card.races)):
        if results:
            yield from (f"## {title}", "", *_table(results), "")
    if not card.results:
        yield "Nobody has written down a score of it."
        yield ""


def _table(results: Sequence[Result]) -> Iterator[str]:
    names = list(dict.fromkeys(name for result in results for name in result.numbers))
    yield f"| task | {' | '.join(names)} |"
    yield f"|{'---|' * (1 + len(names))}"
    for result in results:
        values = [result.numbers.get(name) for name in names]
        cells = [NOTHING if value is None else number(value) for value in values]
        yield f"| {' | '.join([result.task, *cells])} |"


def _confirmed_scores(manifest: Mapping[str, Any]) -> list[float]:
    """Scores of the trainings on fresh seeds that confirmed the configuration."""
    confirmation = manifest.get("confirmation")
    scores = confirmation.get("scores") if isinstance(confirmation, Mapping) else None
    return [score for score in scores or [] if is_finite(score)]


def _confirmation(manifest: Mapping[str, Any]) -> Iterator[str]:
    scores = _confirmed_scores(manifest)
    interval = confidence_interval(scores)
    yield "## Confirmation"
    yield ""
    if interval is None:
        yield "The configuration was not trained again on other seeds: the score may be luck."
    else:
        mean = number(math.fsum(scores) / len(scores))
        ends = f"{number(interval[0])} to {number(interval[1])}"
        yield f"The configuration was trained again on {len(scores)} fresh seeds: mean reward"
        yield f"{mean}, 95 % interval {ends} (Student's t), single trainings from"
        yield f"{number(min(scores))} to {number(max(scores))}."
    yield ""


def _world(manifest: Mapping[str, Any]) -> str:
    return str((manifest.get("params") or {}).get("world", DEFAULT_WORLD))


def _usage(card: Card) -> Iterator[str]:
    yield "## Use"
    yield ""
    yield "With donkeycar-rl-autoresearch installed and this folder downloaded as `DIR`:"
    if _world(card.manifest) != DEFAULT_WORLD:
        yield f"`autoresearch evaluate --model DIR` judges it. Loading `{files.MODEL}` runs code"
        yield "that is in it (a pickle), so load only what you trust."
        yield ""
        return
    yield ""
    yield "```python"
    yield "from agent.deployment import Pilot"
    yield ""
    yield f'pilot = Pilot("DIR/{files.MODEL}")'
    yield "steering, throttle = pilot.run(image)  # (120, 160, 3) uint8, 20 pictures a second"
    yield "```"
    yield ""
    yield f"`autoresearch race --model DIR` races it. Loading `{files.MODEL}` runs code that is in"
    yield "it (a pickle), so load only what you trust."
    if card.has_tflite:
        yield "`champion.tflite` is the same driver for a stock DonkeyCar: `--type tflite_rnn`."
    yield ""


def _parameters(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "## Parameters"
    yield ""
    yield "```json"
    yield json.dumps(manifest.get("params") or {}, indent=2)
    yield "```"
