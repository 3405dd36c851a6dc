"""Terms of the reward, to switch on one by one: each has a purpose, numbers and a formula.

They come from a project that learned to drive in TrackMania (docs/donkeycar.md), and keep its
numbers by keeping its units. Deviation 50 is ``max_cte`` (its MAX_STRAY). Speeds are km/h, of which
50 are 1 m/s of our car, which is so much smaller. Rewards are about 0.1 a step where a lap pays
100. Nothing heavy is imported here, so that a command line can check terms before a simulator is
loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from agent.config.errors import did_you_mean, unknown_text

STRAY = 50.0  # the deviation at max_cte
KMH_OF_MPS = 50.0
# Numbers that several terms share, all of them that project's.
SAFE = 0.15  # share of STRAY
BEYOND = 17.5  # deviation that is taken seriously
SPACING = 1.0  # of the line's points, in which slopes are measured
MIN_STEPS = 70  # before an episode may be ended
SLOPE = 0.15  # of the deviation's cost at BEYOND
HUGGING_FORGIVEN = 2  # steps at the wall that a step with net progress makes up for

Settings = dict[str, float]


@dataclass
class Ride:
    """One episode as the terms see it: the last step, and what they remember of those before.

    :param steps: driven
    :param deviation: ``STRAY`` times \\|cte\\|/max_cte
    :param kmh: speed
    :param gain: laps gained beyond the farthest so far
    :param turned: change of the steering command
    :param crashed: the environment has ended the episode
    :param hugging: steps at the wall
    :param slow: steps at walking pace
    :param end_reason: of a term that ends the episode
    """

    steps: int = 0
    deviation: float = 0.0
    kmh: float = 0.0
    gain: float = 0.0
    turned: float = 0.0
    crashed: bool = False
    hugging: int = 0
    slow: int = 0
    end_reason: str | None = None

    def beyond_safe(self, settings: Settings) -> float:
        """The deviation in safe ones where it is more than that, else 0."""
        safe = settings["safe"] * STRAY
        return self.deviation / max(safe, 1.0) if self.deviation > safe else 0.0


class Term(NamedTuple):
    """One term of the reward.

    :param purpose: a few words for ``--help``
    :param settings: its numbers with their defaults, its own first
    :param formula: from one reward to the next
    """

    purpose: str
    settings: Settings
    formula: Callable[[float, Ride, Settings], float]


def _progress(reward: float, ride: Ride, at: Settings) -> float:
    return reward if ride.crashed else at["progress"] * ride.gain


def _proximity(reward: float, ride: Ride, at: Settings) -> float:
    safe = at["safe"] * STRAY
    if ride.deviation <= safe or reward <= 0.0:
        return reward
    nearness = 1.0 - min(1.0, (ride.deviation - safe) / max(STRAY - safe, 1.0))
    return reward * max(1.0 - at["proximity"], nearness)


def _wall_hug(reward: float, ride: Ride, at: Settings) -> float:
    if ride.gain > 0.0:
        ride.hugging = max(0, ride.hugging - HUGGING_FORGIVEN)
        return reward
    beyond = ride.beyond_safe(at)
    if ride.kmh <= at["speed"] or not beyond:
        ride.hugging = max(0, ride.hugging - 1)
        return reward
    ride.hugging += 1
    if 0 < at["end"] < ride.hugging and ride.steps > at["after"]:
        ride.end_reason = "wall_hug"
    return reward - at["wall_hug"] * ride.hugging * beyond


def _constant(reward: float, ride: Ride, at: Settings) -> float:
    return reward - at["constant"]


def _speed_bonus(reward: float, ride: Ride, at: Settings) -> float:
    if ride.deviation > at["safe"] * STRAY:
        return reward
    return reward + at["speed_bonus"] * max(ride.kmh - at["above"], 0.0)


def _reckless(reward: float, ride: Ride, at: Settings) -> float:
    if ride.deviation <= at["beyond"]:
        return reward
    excess_kmh = max(ride.kmh - at["speed"], 0.0)
    return reward - at["reckless"] * excess_kmh * ride.deviation / max(at["beyond"], 1.0)


def _deviation(reward: float, ride: Ride, at: Settings) -> float:
    if ride.deviation <= at["beyond"]:
        return reward
    slope = SLOPE * (ride.deviation - at["beyond"]) / max(at["spacing"], 1.0)
    return reward - at["deviation"] * (2.0 / (1.0 + math.exp(-slope)) - 1.0)


def _off_track_speed(reward: float, ride: Ride, at: Settings) -> float:
    if ride.kmh <= at["speed"]:
        return reward
    return reward - at["off_track_speed"] * (ride.kmh / KMH_OF_MPS) * ride.beyond_safe(at)


def _steering(reward: float, ride: Ride, at: Settings) -> float:
    return reward - at["steering"] * abs(ride.turned)


def _stall(reward: float, ride: Ride, at: Settings) -> float:
    ride.slow = ride.slow + 1 if ride.kmh < at["speed"] else 0
    if ride.slow >= at["stall"] and ride.steps > at["after"]:
        ride.end_reason = "stall"
    return reward


def _floor(reward: float, ride: Ride, at: Settings) -> float:
    if ride.crashed or ride.gain <= 0.0:
        return reward
    return max(reward, at["floor"])


def _scale(reward: float, ride: Ride, at: Settings) -> float:
    return at["scale"] * reward


def _tanh(reward: float, ride: Ride, at: Settings) -> float:
    return at["tanh"] * math.tanh(reward / at["tanh"])


# Every term, in the order in which they act.
TERMS: dict[str, Term] = {
    "progress": Term(
        "a lap's pay for net advance, instead of the reward", {"progress": 100.0}, _progress
    ),
    "proximity": Term(
        "share of the reward lost at the edge of the road",
        {"proximity": 0.5, "safe": SAFE},
        _proximity,
    ),
    "wall_hug": Term(
        "cost of moving off the line without net progress, growing with the steps,"
        " and the steps that end it",
        {"wall_hug": 0.005, "safe": SAFE, "speed": 10.0, "end": 27, "after": MIN_STEPS},
        _wall_hug,
    ),
    "constant": Term("cost of every step", {"constant": 0.0005}, _constant),
    "speed_bonus": Term(
        "pay for a km/h on the line",
        {"speed_bonus": 0.0008, "above": 0.0, "safe": SAFE},
        _speed_bonus,
    ),
    "reckless": Term(
        "cost of a km/h too fast far off the line",
        {"reckless": 0.006, "speed": 45.0, "beyond": BEYOND},
        _reckless,
    ),
    "deviation": Term(
        "cost of being far off the line",
        {"deviation": 1.0, "beyond": BEYOND, "spacing": SPACING},
        _deviation,
    ),
    "off_track_speed": Term(
        "cost of 50 km/h off the line",
        {"off_track_speed": 0.0025, "safe": SAFE, "speed": 5.0},
        _off_track_speed,
    ),
    "steering": Term(
        "cost of turning the wheel from 0 to 1 in a step", {"steering": 0.02}, _steering
    ),
    "stall": Term(
        "steps at walking pace that end an episode",
        {"stall": 9, "speed": 5.0, "after": MIN_STEPS},
        _stall,
    ),
    "floor": Term("least reward of a step with net progress", {"floor": 0.0}, _floor),
    "scale": Term("factor of the whole", {"scale": 3.0}, _scale),
    "tanh": Term("squash the whole softly within +-VALUE", {"tanh": 1.0}, _tanh),
}
# A number that is divided by, or that counts, must not be nothing.
POSITIVE = ("tanh", "scale", "progress", "stall")


def parse_terms(texts: Iterable[str]) -> dict[str, Settings]:
    """Settings of the terms in ``NAME[=VALUE][,SETTING=VALUE...]``, in the order of ``TERMS``.

    :raises ValueError: an unknown or repeated term or setting, or an impossible value
    """
    asked: dict[str, Settings] = {}
    for text in texts:
        name, settings = _parse_term(text)
        if name in asked:
            raise ValueError(f"reward_term {name!r} is given twice; drop one")
        asked[name] = settings
    return {name: asked[name] for name in TERMS if name in asked}


def _parse_term(text: str) -> tuple[str, Settings]:
    head, *pairs = text.split(",")
    name, equals, value = head.partition("=")
    if name not in TERMS:
        raise ValueError(f"reward_term {unknown_text(name, TERMS)}")
    if equals:
        pairs.insert(0, f"{name}={value}")
    settings = dict(TERMS[name].settings)
    for pair in pairs:
        setting, _, number = pair.partition("=")
        if setting not in settings:
            raise ValueError(
                f"reward_term {name} has no setting {setting!r};{did_you_mean(setting, settings)}"
                f" choose from {', '.join(settings)}"
            )
        settings[setting] = _number(name, setting, number)
    return name, settings


def _number(name: str, setting: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    zero_refused = setting in POSITIVE and value == 0.0
    if not math.isfinite(value) or value < 0.0 or zero_refused:
        least = "a positive number" if setting in POSITIVE else "a number from 0"
        raise ValueError(f"reward_term {name}: {setting} {text!r} is impossible; give {least}")
    return value


def describe_terms() -> str:
    """Every term with its numbers, for ``--help``."""
    described = []
    for term in TERMS.values():
        numbers = ",".join(f"{setting}={value:g}" for setting, value in term.settings.items())
        described.append(f"{numbers} ({term.purpose})")
    return "; ".join(described)
