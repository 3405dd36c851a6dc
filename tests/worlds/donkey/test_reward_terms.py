"""Reward terms: each formula by hand, their order, their ends; no evaluation knows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.worlds.base import Purpose
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.reward_terms import TERMS, parse_terms
from agent.worlds.donkey.reward_wrappers import with_reward
from agent.worlds.donkey.world import WORLD

MAX_CTE = 8.0
BASE = 2.0
STILL = np.zeros(2, dtype=np.float32)


class Drive(gymnasium.Env[Any, Any]):
    """Steps as written: deviation (50 at max_cte), km/h, progress in laps.

    The reward is BASE, -1 in a crash.
    """

    observation_space = gymnasium.spaces.Discrete(1)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,))

    def __init__(self, steps: Sequence[tuple[float, float, float]], crash: bool = False) -> None:
        self.steps, self.crash = list(steps), crash

    def reset(self, **_: Any) -> tuple[int, dict[str, Any]]:
        self._left = list(self.steps)
        return 0, {}

    def step(self, _: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        deviation, kmh, progress = self._left.pop(0)
        crashed = self.crash and not self._left
        info = {
            "cte": -deviation / 50.0 * MAX_CTE,
            "speed": kmh / 50.0,
            "progress": progress,
            "end_reason": None,
        }
        return 0, -1.0 if crashed else BASE, crashed, False, info


def rewards(
    terms: Sequence[str],
    steps: Sequence[tuple[float, float, float]],
    steering: Sequence[float] = (),
    **drive: Any,
) -> list[float]:
    env = with_reward(Drive(steps, **drive), "sim", MAX_CTE, terms)
    env.reset()
    commands = [*steering, *[0.0] * (len(steps) - len(steering))]
    return [float(env.step(np.array([command, 0.0]))[1]) for command in commands]


def test_progress_pays_a_lap_100_and_nothing_twice() -> None:
    driven = [(0.0, 50.0, progress) for progress in (0.25, 0.2, 0.24, 0.26)]
    assert rewards(["progress"], driven) == pytest.approx([25.0, 0.0, 0.0, 1.0])
    assert rewards(["progress=10"], driven, crash=True)[-1] == -1.0  # the crash's own


@pytest.mark.parametrize(
    ("term", "deviation", "kmh", "change"),
    [
        ("constant", 0.0, 0.0, -0.0005),
        ("speed_bonus", 7.5, 60.0, 0.0008 * 60.0),
        ("speed_bonus,above=20", 7.5, 60.0, 0.0008 * 40.0),
        ("speed_bonus", 7.6, 60.0, 0.0),
        ("reckless", 35.0, 50.0, -0.006 * 5.0 * 2.0),
        ("reckless", 35.0, 45.0, 0.0),
        ("reckless", 17.5, 90.0, 0.0),
        ("deviation", 17.5, 50.0, 0.0),
        ("deviation", 27.5, 50.0, -(2.0 / (1.0 + math.exp(-1.5)) - 1.0)),
        ("deviation=3,spacing=2", 27.5, 50.0, -3.0 * (2.0 / (1.0 + math.exp(-0.75)) - 1.0)),
        ("off_track_speed", 15.0, 100.0, -0.005 * 0.5 * 2.0 * 2.0),
        ("off_track_speed", 15.0, 5.0, 0.0),
        ("off_track_speed", 7.5, 100.0, 0.0),
        ("scale", 0.0, 0.0, 2.0 * BASE),
        ("tanh", 0.0, 0.0, math.tanh(BASE) - BASE),
        ("tanh=4", 0.0, 0.0, 4.0 * math.tanh(BASE / 4.0) - BASE),
    ],
)
def test_terms_of_one_step(term: str, deviation: float, kmh: float, change: float) -> None:
    assert rewards([term], [(deviation, kmh, 0.0)]) == pytest.approx([BASE + change])


@pytest.mark.parametrize(
    ("deviation", "share"),
    [(7.5, 1.0), (7.5 + 4.25, 0.9), (7.5 + 17.0, 0.6), (40.0, 0.5), (50.0, 0.5)],
)
def test_proximity_takes_up_to_half_of_a_reward_and_lessens_no_penalty(
    deviation: float, share: float
) -> None:
    assert rewards(["proximity"], [(deviation, 50.0, 0.0)]) == pytest.approx([share * BASE])
    assert rewards(["proximity"], [(deviation, 50.0, 0.0)], crash=True) == [-1.0]


def test_hugging_a_wall_costs_more_with_every_step_and_is_forgotten_slowly() -> None:
    wall, line, ahead = (15.0, 20.0, 0.0), (0.0, 20.0, 0.0), (15.0, 20.0, 0.1)
    costs = [
        BASE - reward
        for reward in rewards(
            ["wall_hug"], [wall, wall, wall, line, wall, ahead, (15.0, 20.0, 0.1)]
        )
    ]
    # Twice the safe deviation, counters 1 2 3, then 2 3 on the line and off it,
    # then 1 with progress and 2 without.
    assert costs == pytest.approx([0.01, 0.02, 0.03, 0.0, 0.03, 0.0, 0.02])
    assert rewards(["wall_hug"], [(15.0, 10.0, 0.0)]) == [BASE]  # too slow to count


@pytest.mark.parametrize(
    ("term", "step", "ends_at", "reason"),
    [
        ("wall_hug", (15.0, 20.0, 0.0), 71, "wall_hug"),
        ("wall_hug,after=0", (15.0, 20.0, 0.0), 28, "wall_hug"),
        ("wall_hug,after=0,end=0", (15.0, 20.0, 0.0), None, None),
        ("stall", (0.0, 4.9, 0.0), 71, "stall"),
        ("stall=12,after=0", (0.0, 4.9, 0.0), 12, "stall"),
        ("stall", (0.0, 5.0, 0.0), None, None),
    ],
)
def test_ends_and_their_reasons(
    term: str, step: tuple[float, float, float], ends_at: int | None, reason: str
) -> None:
    env = with_reward(Drive([step] * 100), "sim", MAX_CTE, [term])
    env.reset()
    env.reset()  # the count begins anew
    for number in range(1, 101):
        _, _, terminated, _, info = env.step(STILL)
        if terminated:
            assert (number, info["end_reason"]) == (ends_at, reason)
            return
    assert ends_at is None


def test_steering_costs_what_it_changes() -> None:
    driven = [(0.0, 50.0, 0.0)] * 3
    assert rewards(["steering=0.1"], driven, steering=[0.5, 0.5, -0.5]) == pytest.approx(
        [BASE - 0.05, BASE, BASE - 0.1]
    )


def test_floor_holds_where_there_is_progress_and_before_scale_and_tanh() -> None:
    terms = ["tanh", "constant=5", "scale=3", "floor=0.1"]
    gained, stood = rewards(terms, [(0.0, 50.0, 0.1), (0.0, 50.0, 0.1)])
    assert gained == pytest.approx(math.tanh(3.0 * 0.1))
    assert stood == pytest.approx(math.tanh(3.0 * (BASE - 5.0)))
    assert rewards(["floor"], [(0.0, 50.0, 0.1)], crash=True) == [-1.0]


def test_terms_are_off_unless_asked_and_unknown_to_the_yardstick() -> None:
    bare = Drive([(0.0, 50.0, 0.0)])
    assert with_reward(bare, "sim", MAX_CTE) is bare
    assert "RewardTerms" not in str(with_reward(bare, "yardstick", MAX_CTE, ["constant"]))


@pytest.mark.parametrize(
    ("purpose", "ended"),
    [(Purpose.TRAIN, True), (Purpose.CHOOSE, False), (Purpose.JUDGE, False)],
)
def test_only_training_environments_have_the_terms(purpose: Purpose, ended: bool) -> None:
    options = DonkeyOptions(reward_term=["stall=1,speed=1000,after=0"])
    vec_env = WORLD.make_vec(["donkey-generated-track-v0"], options, 1, purpose, 0)
    vec_env.reset()
    _, _, done, infos = vec_env.step(np.zeros((1, 2), dtype=np.float32))
    assert bool(done[0]) is ended
    assert infos[0].get("end_reason") == ("stall" if ended else None)
    vec_env.close()


def test_terms_act_on_the_driven_command_in_the_real_world() -> None:
    left = np.array([-1.0, -1.0], dtype=np.float32)
    paid = []
    for terms in ([], ["steering=1"]):
        env = make_env("donkey-generated-track-v0", reward_terms=terms, steer_limit=0.5)
        env.reset(seed=3)
        paid.append([float(env.step(left)[1]) for _ in range(2)])
    assert paid[0][0] - paid[1][0] == pytest.approx(0.5)  # the command, half a turn of the wheel
    assert paid[0][1] == pytest.approx(paid[1][1])


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (["wallhug"], r"'wallhug' is unknown; did you mean wall_hug\? choose from progress"),
        (["constant", "constant=1"], "given twice"),
        (
            ["reckless,spede=3"],
            r"no setting 'spede'; did you mean speed\? choose from reckless, speed, beyond",
        ),
        (["reckless=fast"], "reckless: reckless 'fast' is impossible; give a number from 0"),
        (["tanh=0"], "give a positive number"),
        (["constant=-1"], "give a number from 0"),
        (["constant=nan"], "give a number from 0"),
    ],
)
def test_bad_terms_are_one_line(terms: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        TrialConfig.of(reward_term=terms)
    assert "\n" not in str(caught.value)


def test_every_term_has_its_own_number_first() -> None:
    assert [next(iter(term.settings)) for term in TERMS.values()] == list(TERMS)
    asked = parse_terms(["scale=2", "wall_hug,end=5"])
    assert list(asked) == ["wall_hug", "scale"]
    assert asked["wall_hug"] == TERMS["wall_hug"].settings | {"end": 5.0}
