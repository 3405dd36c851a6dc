"""A race from the lobby to the result."""

from __future__ import annotations

from typing import Any

import pytest

from agent.worlds.robotini.simulator.commands import Refused
from agent.worlds.robotini.simulator.events import CarInfo
from agent.worlds.robotini.simulator.parameters import Parameters
from agent.worlds.robotini.simulator.race import Phase, Race
from agent.worlds.robotini.simulator.track import load_track
from tests.worlds.robotini.racing import kinds, login, run, steer

TRACK = load_track("stadium")
TEAMS = tuple(CarInfo(name, f"the {name}", "#0000ff") for name in ("ann", "bea", "cat"))


def race(**parameters: Any) -> Race:
    values: dict[str, Any] = {
        "mode": "race",
        "cars": TEAMS,
        "lapCount": 1,
        "autoStartQualifyingSeconds": 3,
        "qualifyingDurationSeconds": 45,
        "autoStartRaceSeconds": 4,
    }
    return Race(TRACK, Parameters(**(values | parameters)))


def test_only_the_races_teams_may_join_and_only_in_the_lobby() -> None:
    lobby = race()
    with pytest.raises(Refused, match="team 'dan' is not one of the race's cars"):
        lobby.join(login("dan"))
    racer = lobby.join(login("ann"))
    assert (racer.info.name, racer.info.colour) == ("the ann", "#0000ff")
    assert lobby.picture(racer) is None
    lobby.proceed()
    assert lobby.phase is Phase.QUALIFYING
    assert lobby.picture(racer) is not None
    with pytest.raises(Refused, match="the lobby has closed, it is qualifying now"):
        lobby.join(login("bea"))


def test_who_leaves_the_lobby_is_forgotten() -> None:
    lobby = race()
    lobby.leave(lobby.join(login("ann")))
    assert lobby.racers == {}
    lobby.join(login("ann"))


def test_a_whole_race() -> None:
    match = race()
    ann, bea, cat = (match.join(login(team.team_id)) for team in TEAMS)
    told = match.take_events()
    for _ in range(60 * 200):
        steer(ann, 0.05)
        steer(bea, 0.045)
        match.frame()
        told += match.take_events()
        if match.phase is Phase.GRID and cat.is_connected:
            match.leave(cat)
        if match.is_over:
            break
    assert match.is_over
    said = [kind for kind in kinds(told) if kind not in ("GameStatus", "SecondsRemaining")]
    order = [
        "RaceLobbyInit",
        "QualifyingStart",
        "QualifyingResults",
        "StartingGridInit",
        "RaceStart",
        "RaceWon",
        "RaceFinished",
    ]
    assert [kind for kind in said if kind in order] == order
    # Phases last a second less than asked for, as upstream counts them.
    seconds = [each["secondsRemaining"] for each in told if each["type"] == "SecondsRemaining"]
    assert seconds[:3] == [2, 1, 0]
    by_kind = {each["type"]: each for each in told}
    grid = [car["name"] for car in by_kind["StartingGridInit"]["cars"]]
    assert grid == ["the ann", "the bea", "the cat"]
    assert by_kind["RaceWon"]["car"]["name"] == "the ann"
    outcome = match.result
    assert outcome is not None and outcome["type"] == "RaceFinished"
    rows = {row["car"]["name"]: row for row in outcome["standings"]}
    assert list(rows) == ["the ann", "the bea", "the cat"]
    assert [row["dnf"] for row in rows.values()] == [False, False, True]
    assert [row["lapCount"] for row in rows.values()] == [1, 1, -1]
    assert 0.0 < rows["the ann"]["totalTime"] < rows["the bea"]["totalTime"]
    assert said.count("CarFinished") == 2


def test_a_race_ends_when_its_time_is_over() -> None:
    match = race(raceTimeoutSeconds=5)
    match.join(login("ann"))
    for _ in range(3):
        match.proceed()
    assert match.phase is Phase.RACE
    assert "RaceFinished" in kinds(run(match, 6))
    assert match.result is not None
    assert not match.is_over
    run(match, 2)
    assert match.is_over


def test_the_grid_stands_still_until_the_start() -> None:
    match = race()
    racers = [match.join(login(team.team_id)) for team in TEAMS]
    match.proceed()
    match.proceed()
    vehicles = [racer.vehicle for racer in racers if racer.vehicle is not None]
    before = [(vehicle.distance_m, vehicle.offset_m) for vehicle in vehicles]
    back = [TRACK.length_m - distance_m for distance_m, _ in before]
    assert back == pytest.approx([0.4, 0.8, 1.2], abs=0.02)
    assert [offset_m for _, offset_m in before] == [-0.1, 0.1, -0.1]
    run(match, 1, racers)
    assert [(v.distance_m, v.offset_m) for v in vehicles] == [
        pytest.approx(place, abs=0.02) for place in before
    ]


def test_a_phase_of_0_seconds_waits_for_a_word() -> None:
    match = race(autoStartQualifyingSeconds=0)
    run(match, 5)
    assert match.phase is Phase.LOBBY
    match.proceed()
    assert match.phase is not Phase.LOBBY
