"""The expert of CarRacing: its score on fresh tracks, and the search for its manner.

    python experiments/car_racing_expert.py [--tracks 100] [--repeat 1]
    python experiments/car_racing_expert.py --search 45 [--seed 0]

Nothing is drawn. The search changes some numbers at a time and keeps what scores better; it prints
how many frames it drove.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.backend import MOST_FRAMES
from agent.worlds.car_racing.exact_backend import ExactBackend
from agent.worlds.car_racing.observation import WHOLE
from agent.worlds.car_racing.teacher import MANNER, PATIENT, Manner, Teacher

SEARCH_SEED = 30_000  # of the first track, as the next
CHECK_SEED = 50_000
SEARCH_TRACKS = 10
SPREAD_COST = 0.3  # points that a candidate loses for one of standard deviation
# The numbers that are searched, and how far they are moved at a time.
LIMITS = {"offset": 0.15, "lateral": 0.08, "braking": 0.1}
OWN = {
    "ahead": 0.12,
    "ahead_sec": 0.12,
    "steer_gain": 0.08,
    "gas_gain": 0.08,
    "gas_steer": 0.2,
    "brake_gain": 0.2,
}
CHANGED = 0.5  # share of the numbers that change at a time
FINE_FROM = 25  # candidates, after which moves are half as far
BEGIN = MANNER._replace(
    limits=MANNER.limits._replace(offset=4.5, lateral=140.0, braking=107.0),
    ahead=7.0,
    ahead_sec=0.15,
    steer_gain=1.3,
    gas_gain=1.56,
    gas_steer=0.6,
    brake_gain=0.025,
)


class Drive(NamedTuple):
    """Laps on several tracks: returns, frames and tiles missed, (tracks,) each."""

    returns: NDArray[np.float64]
    frames: NDArray[np.int64]
    missed: NDArray[np.int64]

    def text(self) -> str:
        """One line."""
        returns = self.returns
        return (
            f"{returns.mean():.2f} +- {returns.std():.2f}, worst {returns.min():.1f},"
            f" {self.frames.mean():.0f} frames, {int((self.missed == 0).sum())} of"
            f" {len(returns)} laps whole"
        )


def drive(manner: Manner, seeds: Sequence[int], repeat: int = 1) -> Drive:
    """Drives one lap on each track.

    :param manner: of the expert
    :param seeds: of the tracks
    :param repeat: frames that a decision is held for
    """
    n = len(seeds)
    backend = ExactBackend(n, WHOLE)
    teacher = Teacher(n, manner, steer_limit=1.0)
    for k, seed in enumerate(seeds):
        backend.restart(k, seed)
        teacher.restart(k, backend.centre_line(k))
    returns = np.zeros(n)
    frames = np.zeros(n, dtype=np.int64)
    over = np.zeros(n, dtype=np.bool_)
    while not over.all():
        due = np.where(over, 0, np.minimum(repeat, MOST_FRAMES - frames))
        moved = backend.advance(teacher.commands(backend.cars), due)
        returns += np.where(over, 0.0, moved.rewards)
        frames += moved.frames
        over |= moved.terminated | (frames >= MOST_FRAMES)
    return Drive(returns, frames, backend.cars["tiles"] - backend.cars["visited"])


def changed(manner: Manner, rng: np.random.Generator, scale: float) -> Manner:
    """A manner with some numbers moved at random.

    :param manner: to begin with
    :param rng: draws
    :param scale: of the moves
    """
    limits = manner.limits._asdict()
    own = {name: getattr(manner, name) for name in OWN}
    for numbers, spreads in ((limits, LIMITS), (own, OWN)):
        for name, spread in spreads.items():
            if rng.random() < CHANGED:
                numbers[name] *= float(np.exp(scale * spread * rng.normal()))
    return manner._replace(limits=manner.limits._replace(**limits), **own)


def search(candidates: int, seed: int) -> None:
    """Searches, and prints each improvement.

    :param candidates: how many are driven
    :param seed: of the moves
    """
    rng = np.random.default_rng(seed)
    seeds = range(SEARCH_SEED, SEARCH_SEED + SEARCH_TRACKS)
    best = -np.inf
    kept = BEGIN
    frames = 0
    for number in range(candidates):
        tried = kept if number == 0 else changed(kept, rng, 1.0 if number < FINE_FROM else 0.5)
        found = drive(tried, seeds)
        frames += int(found.frames.sum())
        score = float(found.returns.mean() - SPREAD_COST * found.returns.std())
        if score > best:
            best = score
            kept = tried
            print(
                f"candidate {number}, {frames} frames so far: {found.text()}\n  {kept}", flush=True
            )
    print(f"{candidates} candidates, {frames} frames", flush=True)


def main() -> None:
    """Checks the expert, or searches for its manner."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100, metavar="N")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--search", type=int, default=0, metavar="CANDIDATES")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    if arguments.search:
        search(arguments.search, arguments.seed)
        return
    seeds = range(CHECK_SEED, CHECK_SEED + arguments.tracks)
    for name, manner in (("expert", MANNER), ("expert to copy", PATIENT)):
        found = drive(manner, seeds, arguments.repeat)
        print(f"{name:<16}{found.text()}", flush=True)


if __name__ == "__main__":
    main()
