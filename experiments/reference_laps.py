"""Lap times of the two scripted experts on every named track with laps.

    python experiments/reference_laps.py

The table is in docs/results/reference-laps.md. The first time is the line follower's. The others
are reference laps, with all of the throttle and with less; they are also written to
agent/worlds/donkey/judging/reference_laps.json, where evaluations look them up. The last column is
the mean of three laps that the reference races from a standing start, as policies do, with the
generalist's throttle.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.simulator.telemetry import UNITS_PER_METRE
from agent.simulator.world import World
from agent.worlds.donkey.experts.line import Line
from agent.worlds.donkey.experts.line_follower import (
    LineFollower,
    drive_laps,
    line_follower,
    reference_line,
)
from agent.worlds.donkey.judging.baselines import (
    KNOWN_LAPS,
    REFERENCE_LAPS,
    ScriptedPolicy,
    donkey_env,
    scripted_options,
)
from agent.worlds.donkey.judging.race import race, race_env
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.tasks import SCENE_OF_ENV

THROTTLES = (1.0, 0.5, 0.45, 0.35)
RACED = 0.45  # throttle of the race, the generalist's
SEED = 1  # of the race
Times = list[float]  # seconds of laps


def main() -> None:
    """Prints the table and writes the file."""
    print_head()
    known: dict[str, dict[str, float]] = {f"{throttle:g}": {} for throttle in THROTTLES}
    for env_id, scene in SCENE_OF_ENV.items():
        world = World(scene)
        if not world.track.closed or world.scene.is_random:
            continue
        lines = {throttle: reference_line(scene, throttle=throttle) for throttle in THROTTLES}
        times = {
            throttle: drive_laps(world, LineFollower(line), REFERENCE_LAPS)
            for throttle, line in lines.items()
        }
        for throttle, laps in times.items():
            if len(laps) == REFERENCE_LAPS:
                known[f"{throttle:g}"][scene] = min(laps)
        print(table_row(env_id, world, lines, times), flush=True)
    KNOWN_LAPS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def print_head() -> None:
    """Print the head of the table."""
    reference = [f"reference lap, throttle up to {throttle:g}" for throttle in THROTTLES]
    raced = f"raced, throttle up to {RACED:g}"
    columns = [
        "track", "centre line, m", "line follower", *reference, "fastest, m/s", raced
    ]  # fmt: skip
    print(f"| {' | '.join(columns)} |")
    print("|" + "---|" * len(columns))


def table_row(
    env_id: str, world: World, lines: Mapping[float, Line], times: Mapping[float, Times]
) -> str:
    """One track's line of the table.

    :param env_id: of the track
    :param world: on the track
    :param lines: reference lines by throttle
    :param times: laps driven along them, by throttle
    """
    fastest = lines[THROTTLES[0]].speed_u.max() / UNITS_PER_METRE
    cells = [
        SCENE_OF_ENV[env_id],
        f"{world.track.length_u / UNITS_PER_METRE:.1f}",
        best(drive_laps(world, line_follower(world), REFERENCE_LAPS)),
        *(best(laps) for laps in times.values()),
        f"{fastest:.1f}",
        raced(env_id, lines[RACED]),
    ]
    return f"| {' | '.join(cells)} |"


def raced(env_id: str, line: Line) -> str:
    """Mean lap of a race along a line."""
    options = scripted_options(DonkeyOptions(throttle_max=RACED))
    with closing(race_env(options, False, env_id)) as env:
        policy = ScriptedPolicy([donkey_env(env)], lambda _: LineFollower(line))
        mean_sec = race(env, policy, REFERENCE_LAPS, SEED).mean_lap_sec
    return f"{mean_sec:.2f}" if mean_sec else "lost"


def best(times: Sequence[float]) -> str:
    """The quickest of all laps, which must all have been driven; the first starts from rest."""
    return f"{min(times):.2f}" if len(times) == REFERENCE_LAPS else "lost"


if __name__ == "__main__":
    main()
