"""Scripted drivers: the line follower's race, and the reference lap with a policy's own limits."""

from __future__ import annotations

import json

import pytest

from agent.simulator.world import World
from agent.worlds.donkey.experts.line_follower import LineFollower, drive_laps, reference_line
from agent.worlds.donkey.judging.baselines import (
    KNOWN_LAPS,
    REFERENCE_LAPS,
    race_reference,
    reference_lap,
    scripted_options,
    scripted_race,
)
from agent.worlds.donkey.options import DonkeyOptions

QUICK, OPEN, LOOP = (
    "donkey-waveshare-v0",
    "donkey-generated-roads-v0",
    "donkey-random-track-v0",
)


def test_the_line_follower_races_without_a_crash() -> None:
    race = scripted_race(DonkeyOptions(max_episode_steps=300), QUICK, laps=1, seed=3)
    assert race.crashes == 0 and race.total_sec is not None


def test_a_scripted_driver_has_the_policys_limits_but_may_let_go() -> None:
    own = scripted_options(DonkeyOptions(throttle_min=0.1, throttle_max=0.3, max_cte=5.0))
    assert (own.throttle_min, own.throttle_max, own.max_cte) == (0.0, 0.3, 5.0)


@pytest.mark.parametrize("scene", ["waveshare", "generated_track"])
def test_a_known_reference_lap_is_what_the_reference_drives(scene: str) -> None:
    known = json.loads(KNOWN_LAPS.read_text())["0.35"][scene]
    driver = LineFollower(reference_line(scene, throttle=0.35))
    assert min(drive_laps(World(scene), driver, REFERENCE_LAPS)) == known


def test_the_reference_lap_is_driven_with_the_policys_own_limits() -> None:
    slow = reference_lap(QUICK, 8.0, 0.2)
    known = reference_lap(QUICK, 8.0, 0.35)
    strict = reference_lap(QUICK, 4.0, 0.35)
    assert slow and known and strict
    assert known < slow and known < strict


def test_roads_of_the_seed_have_a_reference_in_a_race_only() -> None:
    assert reference_lap(OPEN, 8.0, 0.35) is None
    assert reference_lap(LOOP, 8.0, 0.35) is None
    options = DonkeyOptions()
    first, second = (race_reference(options, OPEN, 1, seed) for seed in (3, 4))
    assert first and second and first != second
    loop = race_reference(options, LOOP, 1, 3)
    assert loop and loop < first
