"""Rewards: what driving, straying, circling and crashing are paid under each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.reward_wrappers import with_reward
from agent.worlds.donkey.rewards import (
    CRASH_M,
    CRASH_REWARD,
    FORMULAS,
    STRAYING_M,
    RewardMeter,
    evaluation_return,
    race_reward,
    simulator_reward,
    straightness_gate,
)

TRACK = "donkey-generated-track-v0"
FULL_LOCK = np.array([1.0, -0.4], dtype=np.float32)
STRAIGHT = np.array([0.0, -0.4], dtype=np.float32)


@pytest.mark.parametrize(
    ("cte", "price"),
    [(0.0, 0.0), (5.6, 0.0), (6.8, 0.5 * STRAYING_M), (-6.8, 0.5 * STRAYING_M), (8.0, STRAYING_M)],
)
def test_straying_costs_nothing_where_it_is_safe_and_then_more_and_more(
    cte: float, price: float
) -> None:
    assert race_reward(0.2, cte, 8.0) == pytest.approx(0.2 - price)


def test_the_simulators_reward_is_upstreams_with_the_absolute_cte() -> None:
    forward_vel, cte = np.array([2.0, 2.0, -1.5]), np.array([4.0, -4.0, 4.0])
    assert simulator_reward(forward_vel, cte, 8.0).tolist() == [1.0, 1.0, -1.5]


def test_the_evaluation_reward_is_capped_by_net_progress() -> None:
    earned, net_m = np.array([5.0, 50.0, 0.5]), np.array([1.0, 1.0, -2.0])
    assert evaluation_return(earned, net_m) == pytest.approx([5.0, 30.0, -30.0])


@pytest.mark.parametrize(
    ("displacement_m", "driven_m", "gate"),
    [(0.0, 2.4, 1.0), (1.0, 5.0, 0.0), (2.0, 5.0, 0.5), (2.5, 5.0, 1.0), (5.0, 5.0, 1.0)],
)
def test_the_gate_opens_with_straightness(
    displacement_m: float, driven_m: float, gate: float
) -> None:
    assert straightness_gate(displacement_m, driven_m) == pytest.approx(gate)


@pytest.mark.parametrize("name", FORMULAS)
def test_many_cars_are_paid_as_each_by_itself(name: str) -> None:
    rng = np.random.default_rng(0)
    n, steps = 5, 12
    many = RewardMeter(name, n, 8.0)
    single = [RewardMeter(name, 1, 8.0) for _ in range(n)]
    for step in range(steps):
        crashed = rng.random(n) < 0.2
        simulator = np.where(crashed, CRASH_REWARD, rng.normal(size=n))
        columns = (simulator, crashed, *rng.normal(scale=3.0, size=(3, n)))
        paid = many.rewards(*columns)
        alone = [
            meter.rewards(*(column[k : k + 1] for column in columns))
            for k, meter in enumerate(single)
        ]
        assert np.array_equal(paid, np.concatenate(alone)), step
        for k in np.flatnonzero(crashed).tolist():
            many.restart(k)
            single[k].restart(0)


def driven(action: Any, steps: int) -> tuple[list[float], dict[str, Any]]:
    """Race rewards of an episode of at most so many steps, and its last info."""
    limits: dict[str, Any] = {"throttle_max": 1.0, "max_episode_steps": steps}
    env = make_env(TRACK, reward="race", **limits)
    paid = []
    _, info = env.reset(seed=3)
    while info["end_reason"] is None:
        _, reward, _, _, info = env.step(action)
        paid.append(float(reward))
    return paid, info


def test_a_drive_earns_its_metres_and_a_crash_costs() -> None:
    paid, info = driven(STRAIGHT, 10)
    assert info["end_reason"] == "time_limit"
    assert sum(paid) == pytest.approx(info["net_progress_m"])
    paid, info = driven(STRAIGHT, 1000)
    assert info["end_reason"] == "off_track"
    assert paid[-1] == -CRASH_M
    assert sum(paid[:-1]) < info["net_progress_m"], "the way out was not free"


def test_circling_earns_nothing() -> None:
    paid, info = driven(FULL_LOCK, 1000)
    assert info["end_reason"] in ("no_progress", "off_track", "hit")
    assert sum(paid) < 0.0


def circle(reward: str) -> list[float]:
    """Rewards of the tightest circle inside the road until the episode ends."""
    env: Any = make_env("donkey-mountain-track-v0", reward=reward)
    env.reset(seed=0)
    env.unwrapped.world.reset(arc_u=20.0, lateral_u=-5.5)
    rewards = []
    ended = False
    while not ended:
        action = np.array([1.0, -0.6], dtype=np.float32)
        _, reward_of_step, terminated, truncated, info = env.step(action)
        rewards.append(reward_of_step)
        ended = terminated or truncated
    assert info["end_reason"] == "no_progress"
    return rewards


def test_circling_pays_under_the_simulators_reward_but_not_under_ours() -> None:
    assert sum(circle("sim")) > 50.0
    assert sum(circle("yardstick")) < 0.45 * sum(circle("sim"))
    assert circle("speed")[-2] > 0.5
    assert circle("efficiency")[-2] == 0.0


def test_efficiency_leaves_honest_driving_alone() -> None:
    totals = {}
    for name in ("speed", "efficiency"):
        env: Any = make_env(TRACK, reward=name, random_look=False)
        env.reset(seed=0)
        world = env.unwrapped.world
        world.reset()
        totals[name] = 0.0
        for _ in range(250):
            here = world.telemetry()
            x, z = here.pos[0] * 8, here.pos[2] * 8
            _, _, heading = world.track.pose_at(world.track.arc_of(x, z) + 3.0)
            off = np.angle(np.exp(1j * (heading - np.radians(here.car[2]))))
            steer = np.clip(3.0 * off - 0.5 * here.cte, -1, 1)
            totals[name] += env.step(np.array([steer, -0.6], dtype=np.float32))[1]
    assert totals["efficiency"] > 0.97 * totals["speed"] > 100.0


def test_the_evaluation_reward_is_the_simulators_for_honest_driving() -> None:
    env: Any = make_env(TRACK, reward="yardstick")
    env.reset(seed=0)
    for _ in range(30):
        _, reward, _, _, info = env.step(np.array([0.0, 0.0], dtype=np.float32))
        assert reward == pytest.approx((1 - abs(info["cte"]) / 8.0) * info["forward_vel"], abs=1e-9)


def test_an_unknown_reward_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'fun' is unknown; choose from sim, speed"):
        with_reward(make_env(TRACK), "fun", 8.0)
