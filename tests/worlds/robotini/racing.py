"""Logins, and a driver that follows the middle of the road, for the tests of this world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.worlds.robotini.simulator.commands import Login
from agent.worlds.robotini.simulator.events import CarInfo, Event
from agent.worlds.robotini.simulator.session import Racer, Session


def login(name: str, **fields: Any) -> Login:
    return Login(CarInfo(name, name, "#ffc800", **fields), 128)


def steer(racer: Racer, throttle: float = 0.05) -> None:
    """Follow the middle of the road."""
    if racer.vehicle is not None:
        vehicle = racer.vehicle
        vehicle.command("forward", throttle)
        vehicle.command("turn", 1.5 * vehicle.angle_rad + 3.0 * vehicle.offset_m)


def run(
    session: Session, seconds: float, drivers: Iterable[Racer] = (), throttle: float = 0.05
) -> list[Event]:
    """Lets time pass; returns what was told, without GameStatus and SecondsRemaining."""
    told: list[Event] = []
    drivers = list(drivers)
    for _ in range(round(seconds * 60)):
        for racer in drivers:
            steer(racer, throttle)
        session.frame()
        told += session.take_events()
    return [each for each in told if each["type"] not in ("GameStatus", "SecondsRemaining")]


def kinds(told: Iterable[Event]) -> list[str]:
    return [each["type"] for each in told]
