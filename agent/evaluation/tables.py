"""What the judge prints: tables per track, the trained driver beside the floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.evaluation.episodes import Episode, Score
from agent.worlds.donkey.judging.race import Race

UNHURT = ("time_limit", "finished")
TRAINED, REFERENCE = "trained", "reference lap"


def verdict(score: Score) -> str:
    """``drives``: a whole lap, or an open road to its end, in every episode; ``partly``: in some; else as it ended.

    ``slow`` ran out of time in every episode, ``crashes`` left the road or hit something.
    """
    whole = [episode.laps >= 1 or episode.end_reason == "finished" for episode in score.episodes]
    if any(whole):
        return "drives" if all(whole) else "partly"
    return "slow" if all(episode.end_reason in UNHURT for episode in score.episodes) else "crashes"


def show_score(
    title: str,
    score: Score,
    floors: Mapping[str, Score],
    reference_sec: float | None,
    gap: float | None,
) -> None:
    """Print a track's episodes, what they amount to, and the floors.

    :param reference_sec: the reference lap, None if there is none to show
    :param gap: the generalisation gap, None on a training track
    """
    print(f"\n{title}")
    _show(
        ("episode", "reward", "laps", "progress", "steering", "ended by", "lap times [s] (sectors)"),
        [
            (
                str(number), f"{episode.reward:.2f}", str(episode.laps), f"{episode.progress:.3f}",
                f"{episode.steering_change:.3f}", episode.end_reason, _laps(episode),
            )
            for number, episode in enumerate(score.episodes, start=1)
        ],
    )  # fmt: skip
    best = "-" if score.best_lap_sec is None else f"{score.best_lap_sec:.2f} s"
    print(
        f"mean_reward {score.mean_reward:.2f} +- {score.std_reward:.2f}  best lap {best}  verdict {verdict(score)}"
    )
    rows = [
        (
            name, f"{row.mean_reward:.2f}", f"{row.std_reward:.2f}", str(sum(row.laps)), str(row.off_track),
            f"{row.steering_change:.3f}", _seconds(row.mean_lap_sec), _seconds(row.best_lap_sec),
            _sectors(row.best_sectors_sec),
        )
        for name, row in {TRAINED: score, **floors}.items()
    ]  # fmt: skip
    if reference_sec is not None:
        rows.append((REFERENCE, *"-" * 6, f"{reference_sec:.2f}", "-"))
    head = (
        "driver",
        "mean reward",
        "std",
        "laps",
        "off track",
        "steering",
        "mean lap",
        "best lap",
        "best sectors",
    )
    _show(head, rows)
    if gap is not None:
        print(f"generalisation gap {gap:.2f} (training-track reward minus this track's)")


def show_race(title: str, races: Mapping[str, Race], reference_sec: float | None) -> None:
    """Print how they raced on a track, and how many reference laps a lap took them.

    :param reference_sec: the reference lap, None if there is none to show
    """
    rows = []
    for name, race in races.items():
        finished = race.total_sec is not None
        total = f"{race.total_sec:.2f}" if finished else "out"
        share = race.mean_lap_sec / reference_sec if race.mean_lap_sec and reference_sec else None
        rows.append(
            (
                name, total, str(race.laps) if finished else f"{race.progress:.2f}", str(race.crashes),
                _seconds(race.mean_lap_sec), _seconds(race.best_lap_sec), _seconds(share),
                f"{race.steering_change:.3f}", _sectors(race.best_sectors_sec),
            )
        )  # fmt: skip
    if reference_sec is not None:
        rows.append((REFERENCE, *"-" * 4, f"{reference_sec:.2f}", "1.00", "-", "-"))
    print(f"\n{title}")
    head = (
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
    _show(head, rows)


def _show(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with columns as wide as their widest cell, the last one as it comes."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        print("  ".join((row[0].ljust(widths[0]), *cells, row[-1])))


def _laps(episode: Episode) -> str:
    laps = zip(episode.lap_times, episode.sectors, strict=True)
    return " ".join(f"{seconds:.2f} ({_sectors(sectors)})" for seconds, sectors in laps) or "-"


def _sectors(sectors: Sequence[float] | None) -> str:
    return "-" if sectors is None else " ".join(f"{seconds:.2f}" for seconds in sectors)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"
