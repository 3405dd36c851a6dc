"""The 180 sweeps over the joints of a step, without those that bring nothing new.

After some ten sweeps the velocities mostly repeat to the bit, or take two values by turns. Then all
that the sweeps to come do to them is known, as long as the motors add the same to their impulses;
only the sums of the impulses still grow, and are added up here in the same float32 steps.
"""

from __future__ import annotations

from agent.worlds.car_racing.exact.arrays import Floats, Ints
from agent.worlds.car_racing.exact.car import WHEELS
from agent.worlds.car_racing.exact.joint_rows import (
    ADDED,
    ADDED_X,
    ADDED_Y,
    HULL_ROW,
    MOTOR_IMPULSE,
    NOTES,
    PIN_X,
    PIN_Y,
    RATE,
    VX,
    VY,
    WANTED,
)
from agent.worlds.car_racing.exact.joints import limited, solve_joint
from agent.worlds.car_racing.exact.kinds import routine

SWEEPS = 180
REPEATED = 4  # columns: velocities and the impulse of the stop
MOST_PERIOD = 2  # longer ones are one in a hundred
LOG = (4, *NOTES)  # a power of two, and more than the longest period


@routine
def _sweep(rows: Floats, notes: Floats) -> None:  # pragma: no cover - compiled
    """Solves the joints from the last to the first, and notes what it did.

    :param rows: (5, 18) of joints and hull
    :param notes: (5, 8) to write
    """
    vx, vy, rate = rows[HULL_ROW, VX], rows[HULL_ROW, VY], rows[HULL_ROW, RATE]
    for wheel in range(WHEELS - 1, -1, -1):
        vx, vy, rate = solve_joint(rows[wheel], notes[wheel], vx, vy, rate)
    rows[HULL_ROW, VX] = vx
    rows[HULL_ROW, VY] = vy
    rows[HULL_ROW, RATE] = rate
    for row in range(rows.shape[0]):
        for column in range(REPEATED):
            notes[row, column] = rows[row, column]


@routine
def _is_same(bits: Ints, one: int, other: int) -> bool:  # pragma: no cover - compiled
    """True if two sweeps left the same velocities.

    :param bits: (4, 5, 8) of the log
    :param one: number of a sweep
    :param other: number of another
    """
    one %= LOG[0]
    other %= LOG[0]
    for row in range(HULL_ROW, -1, -1):
        for column in range(REPEATED):
            if bits[one, row, column] != bits[other, row, column]:
                return False
    return True


@routine
def _find_period(bits: Ints, count: int) -> int:  # pragma: no cover - compiled
    """Returns after how many sweeps the velocities come back, 0 if that is not known.

    :param bits: (4, 5, 8) of the log
    :param count: sweeps noted
    """
    for period in range(1, min(MOST_PERIOD, count - 1) + 1):
        if _is_same(bits, count - 1, count - 1 - period):
            return period
    return 0


@routine
def _motors_repeat(rows: Floats, notes: Floats) -> bool:  # pragma: no cover - compiled
    """True if every motor would add to its impulse what it added in a noted sweep."""
    for wheel in range(WHEELS):
        before = rows[wheel, MOTOR_IMPULSE]
        if limited(before + notes[wheel, WANTED]) - before != notes[wheel, ADDED]:
            return False
    return True


@routine
def _add_up(rows: Floats, notes: Floats) -> bool:  # pragma: no cover - compiled
    """Adds the impulses of a noted sweep once more; returns if any sum changed."""
    changed = False
    for wheel in range(WHEELS):
        motor, x, y = rows[wheel, MOTOR_IMPULSE], rows[wheel, PIN_X], rows[wheel, PIN_Y]
        rows[wheel, MOTOR_IMPULSE] = limited(motor + notes[wheel, WANTED])
        rows[wheel, PIN_X] = x + notes[wheel, ADDED_X]
        rows[wheel, PIN_Y] = y + notes[wheel, ADDED_Y]
        changed |= motor != rows[wheel, MOTOR_IMPULSE]
        changed |= x != rows[wheel, PIN_X]
        changed |= y != rows[wheel, PIN_Y]
    return changed


@routine
def _coast(
    rows: Floats, log: Floats, count: int, period: int, left: int
) -> int:  # pragma: no cover - compiled
    """Repeats noted sweeps while they repeat; returns how many it did.

    :param rows: (5, 18) of joints and hull
    :param log: (4, 5, 8)
    :param count: sweeps noted
    :param period: after how many of them the velocities come back
    :param left: sweeps still to do
    """
    done = 0
    unchanged = 0
    while done < left and unchanged < period:
        notes = log[(count - period + done % period) % LOG[0]]
        if not _motors_repeat(rows, notes):
            break
        unchanged = 0 if _add_up(rows, notes) else unchanged + 1
        done += 1
    if unchanged == period:
        done = left
    if done > 0:
        last = log[(count - period + (done - 1) % period) % LOG[0]]
        for row in range(rows.shape[0]):
            for column in range(REPEATED):
                rows[row, column] = last[row, column]
    return done


@routine
def sweep_all(rows: Floats, log: Floats, bits: Ints) -> None:  # pragma: no cover - compiled
    """Does what 180 sweeps do.

    :param rows: (5, 18) of joints and hull
    :param log: (4, 5, 8) room for notes
    :param bits: the same memory as integers
    """
    done = 0
    count = 0
    while done < SWEEPS:
        _sweep(rows, log[count % LOG[0]])
        count += 1
        done += 1
        period = _find_period(bits, count)
        if period > 0:
            done += _coast(rows, log, count, period, SWEEPS - done)
            count = 0
