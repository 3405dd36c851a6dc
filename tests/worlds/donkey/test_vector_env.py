"""The vector environment is the environments one by one, to the digit."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import numpy as np
import pytest

from agent.simulator.fleet import Fleet
from agent.simulator.world import World
from agent.worlds.donkey.experts.line_follower import line_follower
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.observation import FAST_VIEW
from agent.worlds.donkey.vec_env import DonkeyVecEnv, SideBySide
from agent.worlds.donkey.vector_env import DonkeyVectorEnv

TRACKS = (
    "donkey-generated-roads-v0",
    "donkey-mountain-track-v0",
    "donkey-warren-track-v0",
    "donkey-random-track-v0",
)


def both(
    frames: int, reward: str, bins: tuple[int, int] | None, cap: float = 1.0, **conf: Any
) -> tuple[DonkeyVecEnv, SideBySide]:
    """The same environments in one and one by one, seeded alike."""
    options: dict[str, Any] = {
        "observation": "fast" if frames else "raw",
        "reward": reward,
        "discretize": bins,
        **conf,
    }
    options |= {"frames": frames, "throttle_min": 0.1, "throttle_max": 0.6, "max_cte": 5.0}
    drivers = [make_env(track, bare=True, **options) for track in TRACKS]
    batch = DonkeyVecEnv(
        DonkeyVectorEnv(
            drivers, frames, reward, gap=options.get("gap", 1), repeat=options.get("repeat", 1)
        )
    )
    single = SideBySide([partial(make_env, track, **options) for track in TRACKS])
    for vec_env in (batch, single):
        vec_env.seed(7)
        for env in vec_env.get_attr("unwrapped"):
            env.throttle_cap = min(env.throttle_cap, cap)
    return batch, single


@pytest.mark.parametrize(
    ("frames", "reward", "bins", "conf"),
    [
        (4, "sim", None, {"appearance": "random"}),
        (3, "speed", None, {"gap": 5, "max_episode_steps": 40}),
        (1, "speed", None, {"cap": 0.25}),
        (1, "race", None, {"max_episode_steps": 60}),
        (2, "yardstick", (7, 3), {"max_episode_steps": 45}),
        (0, "sim", (5, 2), {"steer_limit": 0.5}),
        (2, "speed", None, {"repeat": 3, "gap": 2, "max_episode_steps": 50}),
        (1, "race", (5, 2), {"repeat": 4}),
        (2, "yardstick", None, {"repeat": 3, "max_episode_steps": 50}),
    ],
)
def test_environments_in_one_are_the_single_ones(
    frames: int, reward: str, bins: tuple[int, int] | None, conf: dict[str, Any]
) -> None:
    batch, single = both(frames, reward, bins, **conf)
    assert batch.observation_space == single.observation_space
    assert batch.action_space == single.action_space
    first: Any = batch.reset()
    assert np.array_equal(first, cast(Any, single.reset()))
    rng = np.random.default_rng(0)
    ends = set()
    for _ in range(150):
        actions: Any = (
            rng.integers(bins[0] * bins[1], size=4) if bins else rng.uniform(-1.2, 1.2, (4, 2))
        )
        seen, rewards, dones, infos = cast(Any, batch.step(actions))
        expected: Any = single.step(actions)
        assert np.array_equal(seen, expected[0])
        assert np.array_equal(rewards, expected[1])
        assert np.array_equal(dones, expected[2])
        for info, full in zip(infos, expected[3], strict=True):
            assert info["TimeLimit.truncated"] == full["TimeLimit.truncated"]
            assert all(info[name] == full[name] for name in ("cte", "progress", "steering"))
            assert info["speed"] == pytest.approx(full["speed"], rel=1e-15)
        for k in np.flatnonzero(dones):
            assert np.array_equal(
                infos[k].pop("terminal_observation"), expected[3][k].pop("terminal_observation")
            )
            assert infos[k] == expected[3][k]
            ends.add(infos[k]["end_reason"])
    assert ends


def test_a_fleet_counts_laps_as_a_world_does() -> None:
    single = World("warehouse")
    follower = line_follower(World("warehouse"))
    fleet = Fleet([World("warehouse"), World("warren")], FAST_VIEW, grey=True)
    while single.telemetry().lap_count < 1 and single.telemetry().progress < 3.0:
        command = follower.command(single.telemetry())
        single.step(*command)
        fleet.step(np.array([command, (0.0, 0.0)]))
    assert single.lap_times
    assert fleet.worlds[0].lap_times == single.lap_times
    assert fleet.worlds[1].lap_times == []
    assert fleet.worlds[0].telemetry().pos == single.telemetry().pos
