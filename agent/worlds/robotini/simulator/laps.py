"""Triggers along the road, and the laps that they count.

A lap counts when its triggers were met in order. Upstream has three; its fork has as many as the
race's parameters say, and tells which was met last, whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agent.worlds.robotini.simulator.events import Lap

UPSTREAM = (0.0, 0.33, 0.67)  # shares of the length
FORK_SEGMENTS = 3  # the fork's default


@dataclass(frozen=True)
class Trigger:
    """A place that tells when a car passes it.

    :param distance_m: from the finish line
    :param segment: that it reports
    """

    distance_m: float
    segment: int


def triggers(length_m: float, fork_segments: int | None) -> tuple[Trigger, ...]:
    """Returns the triggers of a track: upstream's, or the fork's with so many segments."""
    if fork_segments is None:
        return tuple(Trigger(share * length_m, i) for i, share in enumerate(UPSTREAM))
    between = length_m / (fork_segments + 1)
    inner = (Trigger((i + 1) * between, i) for i in range(fork_segments))
    return (Trigger(0.0, 0), *inner)


def passed(
    places: tuple[Trigger, ...], before_m: float, after_m: float, length_m: float
) -> Iterator[int]:
    """Segments of the triggers between two places of a car, in the order of its way.

    :param places: of the triggers
    :param before_m: where the car was, from the finish line
    :param after_m: where it is; it took the shorter way
    :param length_m: of a lap
    """
    moved_m = (after_m - before_m + length_m / 2) % length_m - length_m / 2
    met = []
    for trigger in places:
        # From 0 to 1 lap ahead of the car; behind it where it drives backwards.
        if moved_m >= 0.0:
            away_m = (trigger.distance_m - before_m) % length_m or length_m
        else:
            away_m = (before_m - trigger.distance_m) % length_m
        if away_m <= abs(moved_m) and moved_m != 0.0:
            met.append((away_m, trigger.segment))
    return (segment for _, segment in sorted(met))


class LapCounter:
    """Laps and segments of one car.

    :param n_segments: of a lap
    """

    def __init__(self, n_segments: int) -> None:
        self._n_segments = n_segments
        self.reset()

    def reset(self) -> None:
        """Forget all laps."""
        self.lap = Lap()
        self.in_order = -1
        self.last_met = -1
        self._line_sec = 0.0

    def meet(self, segment: int, session_sec: float) -> str:
        """Note that a trigger was passed.

        :param segment: that it reports
        :param session_sec: time since the session began
        :returns: ``lap`` at the end of one, ``line`` at the first crossing of the finish line,
            ``segment`` at another trigger in order, else nothing
        """
        self.last_met = segment
        if segment != (self.in_order + 1) % self._n_segments:
            return ""
        self.in_order = segment
        if segment != 0:
            return "segment"
        took_sec = session_sec - self._line_sec
        self._line_sec = session_sec
        if self.lap.count < 0:
            self.lap = Lap(0, total_sec=session_sec)
            return "line"
        best_sec = took_sec
        if self.lap.best_sec > 0.0:
            best_sec = min(best_sec, self.lap.best_sec)
        self.lap = Lap(self.lap.count + 1, took_sec, best_sec, session_sec)
        return "lap"

    def leave(self) -> None:
        """Note that the car is gone."""
        self.lap = replace(self.lap, is_out=True)
