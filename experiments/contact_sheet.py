"""Picture: what the camera sees on every scene, one row each, from the start and five places round the track.

A scene that is drawn from the seed shows six seeds instead. Writes docs/results/scenes.png.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from agent.simulator.tracks import scene_names  # noqa: E402
from agent.simulator.world import World  # noqa: E402

Image = NDArray[np.uint8]
PLACES = (0.0, 0.1, 0.27, 0.45, 0.63, 0.82)  # shares of a lap; the first is the start pose
LABEL_ROWS = 14


def labelled(frame: Image, label: str) -> Image:
    """The frame under a strip with the label."""
    strip = np.full((LABEL_ROWS, frame.shape[1], 3), 24, dtype=np.uint8)
    cv2.putText(
        strip,
        label,
        (3, LABEL_ROWS - 4),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.33,
        (235, 235, 235),
        1,
        cv2.LINE_AA,
    )
    return np.vstack([strip, frame])


def row(scene: str) -> Image:
    """One scene's six pictures side by side."""
    world = World(scene)
    tiles = []
    for k, place in enumerate(PLACES):
        seed = k if world.scene.is_random else None
        world.reset(seed, arc_u=place * world.track.length_u if k else None)
        frame = np.zeros((120, 160, 3), dtype=np.uint8)
        world.render(frame)
        where = f"{place:.0%}" if k else "start"
        tiles.append(
            labelled(frame, f"{scene} {where}" + (f" seed {seed}" if seed is not None else ""))
        )
    return np.hstack(tiles)


def main() -> None:
    sheet = np.vstack([row(scene) for scene in scene_names()])
    target = REPOSITORY / "docs" / "results" / "scenes.png"
    cv2.imwrite(str(target), sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(
        f"{target.relative_to(REPOSITORY)}: {len(scene_names())} scenes, {target.stat().st_size / 1024:.0f} KB"
    )


if __name__ == "__main__":
    main()
