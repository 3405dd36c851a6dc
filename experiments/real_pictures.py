"""Pictures: what our scenes look like, and what drivers make of real ones, as figures.

    python experiments/real_pictures.py [--real DIR] [--model ZIP]

Our side is printed without anything from outside: means and spreads of six bands of rows over a
lap in several looks, and frames a second; a sheet of pictures goes to docs/results/real.png. DIR
holds recordings of the real simulator: colour_profiles.csv, frames with the human's steering
(RECORDING/labels.csv) and frames with poses (paired_*/poses.csv). They are measured, never kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.errors import EXIT_BAD_ARGUMENTS, EXIT_OK, UserError
from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.tracks import look_names, scene_names
from agent.simulator.world import World
from experiments.contact_sheet import labelled, picture
from experiments.real_recordings import (
    Band,
    Driver,
    compare_bands,
    compare_labelled,
    compare_paired,
    grey_bands,
)

Image = NDArray[np.uint8]
TARGET = files.REPO_ROOT / "docs" / "results" / "real.png"
SEEDS = 5  # looks over which a lap's figures are taken
PLACES = 40  # of a lap in each look
SHOWN = (0.05, 0.3, 0.55, 0.8)  # shares of a lap on the sheet
ASIDE_U = 0.6  # chosen: people do not keep to the middle
TURNED_RAD = 0.08
FRAMES = 1500  # of a round of the speed
ROUNDS = 3
LEAST_FPS = {"slowest": 7_000, "median": 10_000}


def main(argv: list[str]) -> int:
    """Prints the figures and draws the sheet; returns an exit code of ``config.errors``."""
    parser = argparse.ArgumentParser(description="Our pictures and real ones, as figures.")
    parser.add_argument("--real", type=Path, metavar="DIR", help="recordings to compare with")
    parser.add_argument("--model", type=Path, default=files.BUNDLED_DIR / files.MODEL)
    arguments = parser.parse_args(argv)
    try:
        if arguments.real is not None:
            compare(arguments.real, arguments.model)
        else:
            show_ours()
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    return EXIT_OK


def scenes() -> list[str]:
    """Names of the scenes that the real simulator has, and of their other looks."""
    return [name for name in [*scene_names(), *look_names()] if name != "random_track"]


def show_ours() -> None:
    """Prints our bands and speeds, and draws the sheet."""
    print("| scene | 0-15 | 15-30 | 30-44 | 44-60 | 60-90 | 90-120 | frames/s |")
    print("|---|---|---|---|---|---|---|---|")
    speeds = []
    for scene in scenes():
        speeds.append(frames_per_sec(scene))
        bands = " | ".join(f"{band.mean:.0f} ± {band.spread:.0f}" for band in our_bands(scene))
        print(f"| {scene} | {bands} | {speeds[-1]:,.0f} |", flush=True)
    slowest = f"slowest {min(speeds):,.0f} (must: {LEAST_FPS['slowest']:,})"
    median = f"median {np.median(speeds):,.0f} (must: {LEAST_FPS['median']:,})"
    print(f"frames/s, 160x120 RGB, one core: {slowest}, {median}")
    sheet = np.vstack([scene_row(scene) for scene in scenes()])
    cv2.imwrite(str(TARGET), sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{files.shown_path(TARGET)}: {TARGET.stat().st_size / 1024:.0f} KB")


def our_bands(scene: str, random_look: bool = True) -> list[Band]:
    """Means and spreads of the six bands over a lap in ``SEEDS`` looks.

    :param scene: name of it
    :param random_look: with what the simulator draws at random
    """
    world = World(scene, random_look=random_look)
    rng = np.random.default_rng(0)
    frames = []
    for seed in range(SEEDS):
        world.reset(seed)
        for place in (np.arange(PLACES) + rng.random()) / PLACES:
            world.reset(
                arc_u=float(place) * world.track.length_u,
                lateral_u=world.scene.middle_u + rng.normal(0.0, ASIDE_U),
                yaw_offset_rad=rng.normal(0.0, TURNED_RAD),
            )
            frames.append(picture(world))
    return grey_bands(frames)


def frames_per_sec(scene: str) -> float:
    """Best of some rounds of physics and camera, in seconds of CPU time."""
    world = World(scene)
    world.reset(0)
    frame: Image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    best = 0.0
    for _ in range(ROUNDS + 1):  # the first one compiles
        started = time.process_time()
        for k in range(FRAMES):
            if k % 50 == 0:
                world.reset(arc_u=0.8 * k / FRAMES * world.track.length_u)
            world.step(0.0, 0.3)
            world.render(frame)
        best = max(best, FRAMES / (time.process_time() - started))
    return best


def scene_row(scene: str) -> Image:
    """One scene's pictures side by side, each in another look."""
    world = World(scene)
    tiles = []
    for seed, place in enumerate(SHOWN):
        world.reset(seed)
        world.reset(arc_u=place * world.track.length_u, lateral_u=world.scene.middle_u)
        tiles.append(labelled(picture(world), f"{scene} {place:.0%}"))
    return np.hstack(tiles)


def compare(real: Path, model: Path) -> None:
    """Prints the comparison with recordings.

    :param real: their folder
    :param model: the driver that is shown both sides
    :raises UserError: a folder without recordings, or a model that is none
    """
    if not (real / "colour_profiles.csv").is_file():
        raise UserError(f"--real {real}: holds no colour_profiles.csv; give recordings")
    driver = Driver.load(model)
    compare_bands(real / "colour_profiles.csv", our_bands)
    for folder in sorted(path.parent for path in real.glob("paired_*/poses.csv")):
        compare_paired(folder, driver)
    for folder in sorted(path.parent for path in real.glob("*/labels.csv")):
        compare_labelled(folder, driver)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
