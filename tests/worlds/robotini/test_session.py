"""Free practice: spawns, crashes and returns, laps, bumps, and what the fork does otherwise."""

from __future__ import annotations

import math

import pytest

from agent.worlds.robotini.simulator.commands import Refused
from agent.worlds.robotini.simulator.events import Event
from agent.worlds.robotini.simulator.parameters import Parameters
from agent.worlds.robotini.simulator.session import Session
from agent.worlds.robotini.simulator.track import load_track
from tests.worlds.robotini.racing import kinds, login, run

TRACK = load_track("stadium")


def session(fork: bool = False, seed: int = 0, **parameters: int) -> Session:
    return Session(TRACK, Parameters(**parameters), has_fork_fields=fork, seed=seed)  # type: ignore[arg-type]


def test_a_car_is_put_behind_those_that_are_there() -> None:
    practice = session()
    for i in range(1, 4):
        vehicle = practice.join(login(f"car{i}")).vehicle
        assert vehicle is not None
        tenth = TRACK.length_m / 10
        assert i * tenth - 0.02 <= TRACK.length_m - vehicle.distance_m <= (i + 0.5) * tenth + 0.02
    told = kinds(practice.take_events())
    assert told == ["FreePracticeStart", *(["CarConnected", "CarAdded"] * 3)]


def test_a_name_is_there_once() -> None:
    practice = session()
    first = practice.join(login("ann"))
    with pytest.raises(Refused, match="car 'ann' is there already"):
        practice.join(login("ann"))
    practice.leave(first)
    practice.join(login("ann"))


def test_it_drives_laps_and_they_are_told() -> None:
    practice = session()
    racer = practice.join(login("ann"))
    told = run(practice, 40, [racer])
    assert "CarCrashed" not in kinds(told)
    laps = [each for each in told if each["type"] == "LapCompleted"]
    assert [lap["lapCount"] for lap in laps] == [1, 2]
    assert laps[0]["lastLap"] == pytest.approx(TRACK.length_m / 0.86, rel=0.03)
    assert kinds(told).count("CurrentStandings") == 3  # at the line alone
    assert told[-1]["standings"][0]["type"] == "LapCompleted"
    assert list(told[-1]) == ["type", "timestamp", "standings", "qualifying"]


@pytest.mark.parametrize(("fork", "seconds"), [(False, 2.0), (True, 0.2)])
def test_a_car_in_a_wall_is_returned(fork: bool, seconds: float) -> None:
    practice = session(fork)
    racer = practice.join(login("ann"))
    vehicle = racer.vehicle
    assert vehicle is not None
    vehicle.heading_rad += math.pi / 2
    happened: dict[str, float] = {}
    where = vehicle.distance_m
    while "CarReturnedToTrack" not in happened:
        vehicle.command("forward", 0.05)
        practice.frame()
        for each in practice.take_events():
            happened.setdefault(each["type"], practice.time_sec)
        assert practice.time_sec < 10
    assert happened["CarReturnedToTrack"] - happened["CarCrashed"] == pytest.approx(
        seconds, abs=0.05
    )
    assert vehicle.speed == 0.0 and vehicle.angle_rad == 0.0 and vehicle.offset_m == 0.0
    assert (abs(vehicle.distance_m - where) < 0.5) is not fork


def test_a_car_that_stops_is_returned_only_after_it_moved() -> None:
    practice = session()
    racer = practice.join(login("ann"))
    assert "CarReturnedToTrack" not in kinds(run(practice, 4))
    run(practice, 1, [racer])
    told = run(practice, 4)
    assert kinds(told) == ["CarReturnedToTrack"]


def test_bumps_are_told_of_both_and_once() -> None:
    practice = session()
    front = practice.join(login("front"))
    back = practice.join(login("back"))
    practice.place(front, 0.0)
    practice.place(back, TRACK.length_m - 0.5)
    practice.take_events()
    told = run(practice, 1.5, [back])
    bumps = [each for each in told if each["type"] == "CarBumped"]
    assert {(each["car"]["name"], each["other"]["name"]) for each in bumps[:2]} == {
        ("front", "back"),
        ("back", "front"),
    }
    assert len(bumps) < 40
    assert front.vehicle is not None and front.vehicle.distance_m > 0.05


def status(practice: Session) -> dict[str, object]:
    practice.frame()
    (told,) = [each for each in practice.take_events() if each["type"] == "GameStatus"]
    car: dict[str, object] = told["cars"][0]
    return car


def test_the_forks_fields_are_there_when_asked_for() -> None:
    practice = session()
    practice.join(login("ann"))
    assert list(status(practice)) == ["name", "position", "velocity", "rotation"]
    fork = session(True, numSegments=30)
    racer = fork.join(login("ann"))
    told = status(fork)
    assert (told["trackAngle"], told["trackSegment"]) == (0.0, -1)
    assert racer.vehicle is not None
    racer.vehicle.heading_rad += math.pi
    assert status(fork)["trackAngle"] == pytest.approx(180.0, abs=0.1)
    fork.place(racer, 0.2)
    segments = set()
    for _ in range(240):
        run(fork, 1 / 60, [racer])
        segments.add(racer.laps.last_met)
    assert segments >= {0, 1, 2, 3, 4}


def test_parameters_tell_the_forks_only_to_the_fork() -> None:
    assert "numSegments" not in session().greeting()[0]
    told = session(True, numSegments=30).greeting()[0]
    assert (told["type"], told["numSegments"], told["track"]) == ("RaceParameters", 30, "stadium")


def test_the_same_seed_and_commands_are_the_same_to_the_digit() -> None:
    def places(seed: int) -> list[Event]:
        practice = session(True, seed=seed)
        racers = [practice.join(login(name)) for name in ("ann", "bea")]
        told = []
        for i in range(300):
            for racer in racers:
                if racer.vehicle is not None:
                    racer.vehicle.command("forward", 0.1)
                    racer.vehicle.command("turn", math.sin(i / 9))
            practice.frame()
            told += practice.take_events()
        return told

    assert places(3) == places(3)
    assert places(3) != places(4)


def test_a_spectators_words_stop_motors_and_put_cars_back() -> None:
    practice = session()
    racer = practice.join(login("ann"))
    run(practice, 20, [racer])
    practice.toggle_motors()
    run(practice, 2, [racer])
    assert racer.vehicle is not None and abs(racer.vehicle.speed) < 0.01
    practice.reset()
    assert racer.laps.lap.count == -1
    assert TRACK.length_m - racer.vehicle.distance_m == pytest.approx(0.4, abs=0.02)
