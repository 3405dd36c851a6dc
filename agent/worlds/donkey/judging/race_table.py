"""The table of a race on the console."""

from __future__ import annotations

from collections.abc import Mapping

from agent.worlds.donkey.judging.race import Race
from agent.worlds.donkey.measures import seconds_text, sectors_text
from agent.worlds.text_table import show_table

HEAD = (
    "driver",
    "total [s]",
    "laps",
    "crashes",
    "mean lap",
    "best lap",
    "x reference",
    "steering",
    "best sectors",
)
REFERENCE = "reference lap"


def show_race(title: str, races: Mapping[str, Race], reference_sec: float | None) -> None:
    """Print how they raced on a track, and how many reference laps a lap took them.

    :param title: above the table
    :param races: by the driver's name
    :param reference_sec: the reference lap, None if there is none to show
    """
    rows = [_row(name, race, reference_sec) for name, race in races.items()]
    if reference_sec is not None:
        rows.append((REFERENCE, *"-" * 4, f"{reference_sec:.2f}", "1.00", "-", "-"))
    print(f"\n{title}")
    show_table(HEAD, rows)


def _row(name: str, race: Race, reference_sec: float | None) -> tuple[str, ...]:
    total = race.total_sec
    share = None
    if race.mean_lap_sec and reference_sec:
        share = race.mean_lap_sec / reference_sec
    return (
        name,
        "out" if total is None else f"{total:.2f}",
        f"{race.progress:.2f}" if total is None else str(race.laps),
        str(race.crashes),
        seconds_text(race.mean_lap_sec),
        seconds_text(race.best_lap_sec),
        seconds_text(share),
        f"{race.steering_change:.3f}",
        sectors_text(race.best_sectors_sec),
    )
