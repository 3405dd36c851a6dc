"""Laps at a throttle that is held, along the centre line, beside those of the real simulator.

    python experiments/held_throttle.py

Tyres scrub in bends: people who held 0.10 there lost a tenth of the straight's speed in the
warehouse and a seventh on mini_monaco. ``vehicle.SCRUB`` is fitted to both.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.simulator.world import World
from agent.worlds.donkey.experts.line_follower import line_follower

THROTTLE = 0.10
REAL_LAP_SEC = {"warehouse": 38.3, "mini_monaco": 56.9}


def flying_lap_sec(scene: str, throttle: float = THROTTLE) -> float:
    """Returns the seconds of the second lap of a car that steers along the centre line."""
    world = World(scene)
    driver = line_follower(world)
    telemetry = world.telemetry()
    while len(telemetry.lap_times) < 2:
        steering, _ = driver.command(telemetry)
        telemetry = world.step(steering, throttle)
        if telemetry.stalled_sec > 10.0:
            raise RuntimeError(f"the car stands still on {scene}")
    return telemetry.lap_times[1]


def main() -> None:
    """Prints the table."""
    print(f"| track | real lap at throttle {THROTTLE:g}, s | ours, s | difference |")
    print("|---|---|---|---|")
    for scene, real_sec in REAL_LAP_SEC.items():
        lap_sec = flying_lap_sec(scene)
        print(f"| {scene} | {real_sec} | {lap_sec:.1f} | {lap_sec / real_sec - 1:+.1%} |")


if __name__ == "__main__":
    main()
