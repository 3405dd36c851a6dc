"""Lap times of the two drivers written by hand, on every named track with laps: docs/results/reference-laps.md.

    python experiments/reference_laps.py

The first is the line follower's; the others are reference laps, with the whole throttle and with less. They are written
to agent/worlds/donkey/judging/reference_laps.json as well, where the judge looks them up. The last column is the mean of three laps
that the reference races from a standing start, as drivers do in a race, with the generalist's throttle.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.config.trial import TrialConfig
from agent.simulator.world import UNITS_PER_METRE, World
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.experts.line_follower import (
    LineFollower,
    drive_laps,
    line_follower,
    reference_line,
)
from agent.worlds.donkey.experts.race_line import Line
from agent.worlds.donkey.judging.baselines import (
    KNOWN_LAPS,
    REFERENCE_LAPS,
    ScriptedPolicy,
    scripted_config,
)
from agent.worlds.donkey.judging.race import race, race_env
from agent.worlds.donkey.tasks import SCENE_OF_ENV

THROTTLES = (1.0, 0.5, 0.45, 0.35)
RACED = 0.45


def main() -> None:
    head = " | ".join(f"reference lap, throttle up to {throttle:g}" for throttle in THROTTLES)
    print(
        f"| track | centre line, m | line follower | {head} | fastest, m/s | raced, throttle up to {RACED:g} |"
    )
    print("|---|---|---|" + "---|" * (len(THROTTLES) + 2))
    known: dict[str, dict[str, float]] = {f"{throttle:g}": {} for throttle in THROTTLES}
    for env_id, scene in SCENE_OF_ENV.items():
        world = World(scene)
        if not world.track.closed or world.scene.is_random:
            continue
        cells = [best(drive_laps(world, line_follower(world), REFERENCE_LAPS))]
        lines = [reference_line(scene, throttle=throttle) for throttle in THROTTLES]
        for throttle, line in zip(THROTTLES, lines, strict=True):
            times = drive_laps(world, LineFollower(line), REFERENCE_LAPS)
            cells.append(best(times))
            if len(times) == REFERENCE_LAPS:
                known[f"{throttle:g}"][scene] = min(times)
        length_m, fastest = (
            world.track.length_u / UNITS_PER_METRE,
            lines[0].speed_u.max() / UNITS_PER_METRE,
        )
        cells += [f"{fastest:.1f}", raced(env_id, lines[THROTTLES.index(RACED)])]
        print(f"| {scene} | {length_m:.1f} | {' | '.join(cells)} |", flush=True)
    KNOWN_LAPS.write_text(json.dumps(known, indent=2) + "\n")


def raced(env_id: str, line: Line) -> str:
    """The mean lap of a race along ``line``."""
    with closing(race_env(scripted_config(TrialConfig(throttle_max=RACED), env_id), env_id)) as env:
        by_line = ScriptedPolicy([cast(DonkeyEnv, env.unwrapped)], lambda _: LineFollower(line))
        mean_sec = race(env, by_line, REFERENCE_LAPS, 1).mean_lap_sec
    return f"{mean_sec:.2f}" if mean_sec else "lost"


def best(times: list[float]) -> str:
    """The quickest of all laps, which must all have been driven; the first starts from rest."""
    return f"{min(times):.2f}" if len(times) == REFERENCE_LAPS else "lost"


if __name__ == "__main__":
    main()
