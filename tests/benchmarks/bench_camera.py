"""Figure: frames of 160x120 RGB a second, physics and camera together, on one core."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.simulator.tracks import scene_names
from agent.simulator.world import World

FRAMES, ROUNDS = 2000, 7


def frames_per_second(world: World) -> float:
    """One round of driving round the track, in frames per second of CPU time."""
    frame = np.zeros((120, 160, 3), dtype=np.uint8)
    started = time.process_time()
    for k in range(FRAMES):
        if k % 50 == 0:
            world.reset(arc_u=0.8 * k / FRAMES * world.track.length_u)
        world.step(0.0, 0.3)
        world.render(frame)
    return FRAMES / (time.process_time() - started)


def main() -> None:
    figures = {}
    for scene in scene_names():
        world = World(scene)
        frames_per_second(world)
        rounds = [frames_per_second(world) for _ in range(ROUNDS)]
        figures[scene] = f"{statistics.median(rounds):.0f} (best {max(rounds):.0f})"
    print(
        "world + camera 160x120 RGB, one core, frames/s: "
        + ", ".join(f"{k} {v}" for k, v in figures.items())
    )


if __name__ == "__main__":
    main()
