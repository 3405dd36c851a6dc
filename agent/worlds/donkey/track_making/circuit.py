"""A circuit: a closed line in u, evenly sampled and smoothed, from a line as it was read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.config.errors import UserError
from agent.simulator.paths import periodic_spline
from agent.worlds.donkey.track_making.line_read import FEWEST_POINTS, LineRead, Points

SAMPLE_U = 1.0  # chosen: between points of a circuit, and nodes of its scene
NEAREST_U = 0.05  # chosen: points nearer to the one before say nothing
# All chosen. The line may be open by so many times its longest other step, or by this share of its
# length; a step of more than the second share is no part of a circuit that somebody has written
# down.
CLOSING_STEPS = 3.0
CLOSING_SHARE = 0.02
LONGEST_STEP_SHARE = 0.35
SHORTEST_U = 40.0  # once round the car's smallest circle is 35 u
LONGEST_U = 25_000.0
FARTHEST_U = 3900.0  # of a place in a scene; see ``scene_keys``
STRAIGHT_U = 20.0
MOST_SPLINE_POINTS = 1500  # a spline's system of equations grows with their square


@dataclass(frozen=True)
class Circuit:
    """A closed line.

    :param points: (n, 2) of x and z in u, ``SAMPLE_U`` apart, the last before the first
    :param labels: n names of the places in the file that it was read from
    :param right_u: half of the road to the right (n,), None where the file has no widths
    :param left_u: the same to the left
    """

    points: Points
    labels: Sequence[str]
    right_u: Points | None = None
    left_u: Points | None = None

    def started_at(self, along_u: float) -> Circuit:
        """The circuit with its first point so far along."""
        shift = -round(along_u / SAMPLE_U) % len(self.points)
        labels = [*self.labels[-shift:], *self.labels[:-shift]] if shift else self.labels
        widths = [
            each if each is None else np.roll(each, shift, axis=0) for each in self.half_widths_u
        ]
        return Circuit(np.roll(self.points, shift, axis=0), labels, *widths)

    @property
    def straightest_u(self) -> float:
        """Place along it where it turns least within ``STRAIGHT_U`` of there."""
        heading = np.arctan2(*(np.roll(self.points, -1, axis=0) - self.points).T)
        turn = (heading - np.roll(heading, 1) + math.pi) % (2.0 * math.pi) - math.pi
        reach = min(round(STRAIGHT_U / SAMPLE_U), len(turn) // 4)
        around = np.zeros(len(turn))
        for shift in range(-reach, reach + 1):
            around += np.roll(np.abs(turn), shift)
        return float(np.argmin(around)) * SAMPLE_U

    @property
    def half_widths_u(self) -> tuple[Points | None, Points | None]:
        """Those to the right and to the left."""
        return self.right_u, self.left_u

    @property
    def length_u(self) -> float:
        """Its length."""
        return float(np.hypot(*(np.roll(self.points, -1, axis=0) - self.points).T).sum())


def make_circuit(
    path: Path, line: LineRead, scale: float, smooth_u: float, *, centred: bool
) -> Circuit:
    """Closes, scales, samples and smooths a line.

    :param path: that it was read from, for complaints
    :param line: as read
    :param scale: u for a unit of the line
    :param smooth_u: see ``smoothed``
    :param centred: move it so that the middle of its bounds is at 0, 0
    :raises UserError: a gap, or a length with which it is no circuit
    """
    points, widths, labels = _distinct(line, scale)
    if len(points) < FEWEST_POINTS:
        raise UserError(
            f"{path} has {len(points)} points that differ; give at least {FEWEST_POINTS} all round"
        )
    steps = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    _check_length(path, float(steps.sum()), scale)
    _check_gaps(path, line, steps, labels)
    if centred:
        points = points - 0.5 * (points.min(axis=0) + points.max(axis=0))
    farthest_u = float(np.abs(points).max())
    if farthest_u > FARTHEST_U:
        raise UserError(
            f"{path} reaches {farthest_u:.0f} u from the middle; give --scale"
            f" {_rounded(0.9 * scale * FARTHEST_U / farthest_u)} or less"
        )
    rows = np.arange(len(points), dtype=float)[:, None]
    if widths is None:
        widths = np.zeros((len(points), 2))
    table = np.hstack([points, widths])
    if len(table) <= MOST_SPLINE_POINTS:
        table = periodic_spline(table, SAMPLE_U)
    else:
        table = evenly_sampled(table)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    sampled = table
    if smooth_u:
        sampled = evenly_sampled(smoothed(table, smooth_u))
    if line.widths is None:
        sampled = sampled[:, :2]
    share = np.arange(len(sampled)) / len(sampled) * arc[-1]
    nearest = np.round(np.interp(share, arc, np.append(rows, len(points)))).astype(int)
    return Circuit(
        sampled[:, :2],
        [labels[k % len(labels)] for k in nearest],
        *np.maximum(sampled[:, 2:], 0.0).T,
    )


def _distinct(line: LineRead, scale: float) -> tuple[Points, Points | None, list[str]]:
    """Returns points in u that differ from the one before, the last from the first too."""
    points = line.points * scale
    kept = [0]
    for k in range(1, len(points)):
        if math.dist(points[k], points[kept[-1]]) >= NEAREST_U:
            kept.append(k)
    while len(kept) > 1 and math.dist(points[kept[-1]], points[kept[0]]) < NEAREST_U:
        kept.pop()
    widths = None if line.widths is None else line.widths[kept] * scale
    return points[kept], widths, [line.labels[k] for k in kept]


def _check_length(path: Path, length_u: float, scale: float) -> None:
    if length_u < SHORTEST_U:
        least = math.ceil(scale * 2.0 * SHORTEST_U / max(length_u, 1e-9) * 100) / 100
        raise UserError(
            f"{path} is {length_u:.3g} u long, and the car's smallest circle 35 u; give --scale"
            f" {least:g} or more"
        )
    if length_u > LONGEST_U:
        most = _rounded(0.2 * scale * LONGEST_U / length_u)
        raise UserError(
            f"{path} is {length_u:.0f} u long; give --scale {most}, which makes it"
            f" {0.2 * LONGEST_U:.0f} u"
        )


def _rounded(value: float) -> str:
    return f"{value:.2g}"


def _check_gaps(path: Path, line: LineRead, steps: Points, labels: Sequence[str]) -> None:
    length_u = float(steps.sum())
    closing_u = float(steps[-1])
    most_u = CLOSING_STEPS * float(steps[:-1].max())
    if not line.is_loop:
        most_u = 0.0
    if closing_u > max(most_u, CLOSING_SHARE * length_u):
        raise UserError(
            f"{path} is open: {closing_u:.1f} u from its last point, {labels[-1]}, to its first;"
            " close the line"
        )
    k = int(np.argmax(steps))
    if steps[k] > LONGEST_STEP_SHARE * length_u:
        raise UserError(
            f"{path} has a gap of {steps[k]:.1f} u after {labels[k]}, {steps[k] / length_u:.0%} of"
            " its length; give points in between"
        )


def smoothed(table: Points, smooth_u: float) -> Points:
    """Returns the columns as the periodic smoothing spline has them.

    It damps waves of the angular frequency w along the line to 1 / (1 + (w ``smooth_u``)^4).

    :param table: (n, k), evenly sampled along a closed line
    :param smooth_u: waves of 2 pi times this are halved; 0 for none
    """
    n = len(table)
    frequency = 2.0 * math.pi * np.fft.rfftfreq(n, d=SAMPLE_U)
    damping = 1.0 / (1.0 + (frequency * smooth_u) ** 4)
    return np.asarray(np.fft.irfft(np.fft.rfft(table, axis=0) * damping[:, None], n=n, axis=0))


def evenly_sampled(table: Points) -> Points:
    """Returns points ``SAMPLE_U`` apart on the line of a table whose first columns are x and z.

    Between two points it is the cubic whose tangent at each is that of the parabola through it and
    its neighbours.

    :param table: (n, k), along a closed line
    """
    ahead = np.roll(table, -1, axis=0)
    h = np.hypot(*(ahead - table)[:, :2].T)
    slope = (ahead - table) / h[:, None]
    before = np.roll(h, 1)
    weight = (before / (before + h))[:, None]
    tangent = (1.0 - weight) * np.roll(slope, 1, axis=0) + weight * slope
    arc = np.concatenate([[0.0], np.cumsum(h)])
    wanted = np.linspace(0.0, arc[-1], max(round(arc[-1] / SAMPLE_U), 4), endpoint=False)
    i = np.searchsorted(arc, wanted, side="right") - 1
    hi = h[i][:, None]
    t = ((wanted - arc[i]) / h[i])[:, None]
    u = 1.0 - t
    here = u * u * ((1.0 + 2.0 * t) * table[i] + t * hi * tangent[i])
    there = t * t * ((1.0 + 2.0 * u) * ahead[i] - u * hi * np.roll(tangent, -1, axis=0)[i])
    return np.asarray(here + there)
