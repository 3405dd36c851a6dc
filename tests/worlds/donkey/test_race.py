"""The race protocol: laps against the clock, ten seconds a crash, out at the third."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from agent.config import files
from agent.simulator.world import CONTROL_HZ
from agent.training.saved_model import load_model, read_config
from agent.trials.champion import check_trust
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.judging.baselines import ScriptedPolicy, scripted_options
from agent.worlds.donkey.judging.race import CRASH_SEC, CRASHES_OUT, Race, race, race_env
from agent.worlds.donkey.options import DonkeyOptions

QUICK, OPEN, RANDOM = "donkey-waveshare-v0", "donkey-generated-roads-v0", "donkey-random-track-v0"
OFF = np.array([[1.0, 0.0]], dtype=np.float32)  # full lock and half the throttle


class Clumsy(ScriptedPolicy):
    """Goes off the road at each of the first ``crashes`` starts, then follows the line."""

    def __init__(self, env: DonkeyEnv, crashes: int) -> None:
        super().__init__([env])
        self.left = crashes

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> Any:
        if episode_start[0]:
            self.left -= 1
        action, _ = super().predict(observation, state, episode_start, deterministic)
        return (OFF if self.left >= 0 else action), None


def raced(
    env_id: str, laps: int, crashes: int = 0, seed: int = 4, watch: Any = None, **limits: Any
) -> Race:
    env = race_env(scripted_options(DonkeyOptions(**limits)), False, env_id)
    return race(env, Clumsy(cast(DonkeyEnv, env.unwrapped), crashes), laps, seed, watch)


def test_who_drives_all_laps_has_a_time() -> None:
    drive = raced(QUICK, laps=2)
    assert drive == raced(QUICK, laps=2), "the same seed is the same race"
    assert drive != raced(QUICK, laps=2, seed=5)
    assert (drive.crashes, len(drive.lap_times)) == (0, 2)
    assert drive.total_sec == drive.driven_sec
    assert sum(drive.lap_times) <= drive.driven_sec < sum(drive.lap_times) + 3.0, (
        "the way to the start line counts"
    )
    assert [sum(lap) for lap in drive.sectors] == pytest.approx(drive.lap_times, abs=2e-3)
    assert drive.best_sectors_sec == [min(times) for times in zip(*drive.sectors, strict=True)]
    assert 0.0 < drive.steering_change < 0.5


def test_a_crash_costs_ten_seconds_and_puts_the_car_back_at_rest() -> None:
    seen: list[tuple[int, float, float, float]] = []

    def watch(car: DonkeyEnv, crashes: int) -> None:
        now = car.world.telemetry()
        seen.append((crashes, now.speed, now.cte, now.progress))

    drive = raced(QUICK, laps=1, crashes=2, watch=watch, max_cte=4.0)
    assert drive.crashes == 2
    assert drive.total_sec == pytest.approx(len(seen) / CONTROL_HZ + 2 * CRASH_SEC)
    for count in (1, 2):
        first = next(k for k, row in enumerate(seen) if row[0] == count)
        (_, _, off_u, where), (_, speed, cte, progress) = seen[first], seen[first + 1]
        assert abs(off_u) > 4.0 or seen[first][1] == 0.0
        assert speed < 0.3 and abs(cte) < 0.1
        assert progress == pytest.approx(where, abs=0.02), "the lap goes on where it was left"


def test_the_third_crash_is_the_end() -> None:
    drive = raced(QUICK, laps=1, crashes=9)
    assert drive.crashes == CRASHES_OUT
    assert drive.total_sec is None and drive.mean_lap_sec is None and drive.best_sectors_sec is None
    assert drive.to_json()["total_sec"] is None


def test_a_car_that_stands_still_is_out_too() -> None:
    env = race_env(scripted_options(DonkeyOptions()), False, QUICK)

    class Asleep(ScriptedPolicy):
        def predict(self, *_: Any, **__: Any) -> Any:
            return np.array([[0.0, -1.0]], dtype=np.float32), None

    drive = race(env, Asleep([cast(DonkeyEnv, env.unwrapped)]), 1, 0)
    assert (drive.crashes, drive.total_sec) == (CRASHES_OUT, None)
    assert drive.driven_sec == pytest.approx(3 * 5.0, abs=0.1)


def test_a_lap_of_an_open_road_is_the_road_and_the_next_is_another() -> None:
    drive = raced(OPEN, laps=2)
    assert len(set(drive.lap_times)) == 2 == len(drive.sectors)
    assert drive.total_sec == pytest.approx(sum(drive.lap_times))
    assert drive.progress == 2.0
    assert [sum(road) for road in drive.sectors] == pytest.approx(drive.lap_times, abs=2e-3)


def test_a_random_track_is_the_seeds_own() -> None:
    assert raced(RANDOM, laps=1).lap_times != raced(RANDOM, laps=1, seed=5).lap_times


def test_a_driver_of_random_looks_races_in_the_tracks_own() -> None:
    options = DonkeyOptions(appearance="random", max_episode_steps=600)
    env = race_env(options, False, "donkey-warren-track-v0")
    conf: Any = env.unwrapped.conf  # type: ignore[attr-defined]
    assert conf["appearance"] == "plain"
    assert conf["max_episode_steps"] > 10**8


def test_the_bundled_champion_laps_a_track_that_it_never_saw() -> None:
    bundled = files.BUNDLED_DIR / files.MODEL
    check_trust(bundled)
    assert bundled.stat().st_size < 5e6
    config = read_config(bundled)
    assert set(config.trial.env) <= {"donkey-random-track-v0", "donkey-generated-roads-v0"}
    model = load_model(bundled, config, "cpu")
    assert isinstance(config.world, DonkeyOptions)
    env = race_env(config.world, False, "donkey-warren-track-v0")
    driven = race(env, model, 1, seed=3)
    assert driven.crashes == 0
    assert driven.mean_lap_sec is not None and driven.mean_lap_sec < 20.0
