"""Dashed lines: where along the path they are painted, and how much of a pixel's length is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from agent.simulator.kernels import fast_part
from agent.simulator.tracks import Scene

# What a run of columns looks at.
PAINTED, GAP, BOTH = range(3)
FOREVER = 1e6  # columns; more than any picture has


class Dashes(NamedTuple):
    """A scene's pattern: lengths along the path, u; 0 where no line is dashed."""

    period_u: float
    painted_u: float


class Seen(NamedTuple):
    """A run of columns over dashed lines: ``PAINTED``, ``GAP`` or ``BOTH``, and where they are."""

    state: int
    arc: float  # place along the path in column 0, u
    arc_step: float
    half: float  # of a pixel's footprint along the path, u


SOLID = Seen(PAINTED, 0.0, 0.0, 0.0)


def dashes_of(scene: Scene) -> Dashes:
    """Returns the pattern of the first dashed line, which is that of all."""
    for strip in scene.cross_section:
        if "dash_u" in strip:
            painted_u, gap_u = strip["dash_u"]
            return Dashes(float(painted_u + gap_u), float(painted_u))
    return Dashes(0.0, 0.0)


def dashed_place_u(scene: Scene) -> float:
    """Returns where the first dashed line lies, u right of the path; 0 where there is none."""
    for strip in scene.cross_section:
        if "dash_u" in strip:
            return 0.5 * float(strip["from_u"] + strip["to_u"])
    return 0.0


@fast_part
def dash_state(
    dashes: Dashes, arc: float, arc_step: float, half: float
) -> Any:  # pragma: no cover - compiled
    """Returns what a row looks at from here on, and for how many columns.

    :param dashes: the pattern
    :param arc: place along the path, u
    :param arc_step: its growth from column to column
    :param half: half a pixel's footprint along the path, u
    """
    painted, period = dashes.painted_u, dashes.period_u
    if half >= 0.5 * min(painted, period - painted):
        return BOTH, FOREVER
    place = arc - math.floor(arc / period) * period
    state = BOTH
    if place <= half:
        low, high = -half, half
    elif place < painted - half:
        state = PAINTED
        low, high = half, painted - half
    elif place <= painted + half:
        low, high = painted - half, painted + half
    elif place < period - half:
        state = GAP
        low, high = painted + half, period - half
    else:
        low, high = period - half, period + half
    room = high - place if arc_step > 0.0 else place - low
    return state, min(room / max(abs(arc_step), 1e-9), FOREVER)


@fast_part
def painted_share(dashes: Dashes, arc: float, half: float) -> Any:  # pragma: no cover - compiled
    """Returns the share of a footprint along the path that is painted, exact for any footprint.

    :param dashes: the pattern
    :param arc: the footprint's middle, u
    :param half: half its length, u
    """
    painted = _painted_before(dashes, arc + half) - _painted_before(dashes, arc - half)
    return min(max(painted / (2.0 * half), 0.0), 1.0)


@fast_part
def _painted_before(dashes: Dashes, arc: float) -> Any:  # pragma: no cover - compiled
    """Returns how much of the line is painted from the path's beginning on, u."""
    periods = math.floor(arc / dashes.period_u)
    within = min(arc - periods * dashes.period_u, dashes.painted_u)
    return periods * dashes.painted_u + within
