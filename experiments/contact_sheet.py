"""Picture: views of the camera, one row a scene, from the start and five places round the track.

    python experiments/contact_sheet.py

A scene that is drawn from the seed shows six seeds instead. Writes docs/results/scenes.png.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.tracks import scene_names
from agent.simulator.world import World

Image = NDArray[np.uint8]
TARGET = files.REPO_ROOT / "docs" / "results" / "scenes.png"
PLACES = (0.0, 0.1, 0.27, 0.45, 0.63, 0.82)  # shares of a lap; the first is the start pose
# Look of the label above a picture, chosen; rows are pixels, colours grey levels.
LABEL_ROWS = 14
LABEL_SCALE = 0.33
GROUND = 24
INK = (235, 235, 235)


def main() -> None:
    """Draws the sheet."""
    sheet = np.vstack([scene_row(scene) for scene in scene_names()])
    cv2.imwrite(str(TARGET), sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    size = f"{TARGET.stat().st_size / 1024:.0f} KB"
    print(f"{files.shown_path(TARGET)}: {len(scene_names())} scenes, {size}")


def scene_row(scene: str) -> Image:
    """One scene's six pictures side by side."""
    world = World(scene)
    tiles = []
    for k, place in enumerate(PLACES):
        label = f"{scene} start"
        arc_u = None
        if k:
            label = f"{scene} {place:.0%}"
            # Of a road drawn anew the length is that of the one before: a place as good as any.
            arc_u = place * world.track.length_u
        seed = None
        if world.scene.is_random:
            seed = k
            label += f" seed {seed}"
        world.reset(seed, arc_u=arc_u)
        tiles.append(labelled(picture(world), label))
    return np.hstack(tiles)


def picture(world: World) -> Image:
    """The camera's view (rows, columns, 3)."""
    frame: Image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    world.render(frame)
    return frame


def labelled(frame: Image, label: str) -> Image:
    """The frame under a strip with the label."""
    strip: Image = np.full((LABEL_ROWS, frame.shape[1], 3), GROUND, dtype=np.uint8)
    baseline = (3, LABEL_ROWS - 4)
    cv2.putText(strip, label, baseline, cv2.FONT_HERSHEY_SIMPLEX, LABEL_SCALE, INK, 1, cv2.LINE_AA)
    return np.vstack([strip, frame])


if __name__ == "__main__":
    main()
