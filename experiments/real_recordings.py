"""Recordings of the real simulator: their colours beside ours, and how a driver steers on them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.config.errors import UserError
from agent.simulator.lens import HEIGHT, WIDTH
from agent.simulator.pixels import LUMA
from agent.simulator.vehicle import STEER_MAX, WHEELBASE_U
from agent.simulator.world import World
from agent.training.saved_model import load_model, read_driver
from agent.worlds.donkey.observation import shrink
from agent.worlds.donkey.options import DonkeyOptions

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

BANDS = ((0, 15), (15, 30), (30, 44), (44, 60), (60, 90), (90, 120))  # rows
MEAN_WITHIN = 15.0  # grey levels
SPREAD_WITHIN = 0.4  # as a share of the real one
# Our scene of each set of ``colour_profiles.csv``.
SCENES = {
    "mini_monaco_2": "mini_monaco",
    "warehouse_1": "warehouse",
    "warehouse_2": "warehouse",
    "warehouse_3": "warehouse",
    "generated_track_palms": "generated_track_2020",
    "generated_track_flat": "generated_track",
    "generated_track_flat2": "generated_track",
    "generated_track_trees": "generated_track",
    "mountain_2020-06": "mountain_track_2020",
    "mountain_2020-07": "mountain_track_2020",
}
# Sets without what the simulator draws at random; they are older than that.
PLAIN = ("generated_track_flat", "generated_track_flat2")
# Looks of builds that no scene of ours has.
WITHOUT_SCENE = ("warehouse_grey",)

CONTROL_MS = 50.0
TURNING = 0.15  # chosen: who steers less is taken to go straight on
LOOK_U = 7.0  # chosen: pure pursuit of the road's middle aims so far ahead
SMOOTHED = 5  # frames of a human's steering
CHORD = 3  # recorded steps before and after, between which the heading is taken
CHORD_U = (1.0, 12.0)  # such a chord's length, else the car stood still or was put elsewhere
CHORD_MS = 500.0
FARTHEST_CTE_U = 6.0
EVERY = 3  # of the paired poses, one is shown to the driver
PAIRED_SCENE = "generated_track_2020"


class Band(NamedTuple):
    """Grey levels of a band of rows over many frames."""

    mean: float
    spread: float


class Driver(NamedTuple):
    """A trained driver: its steering on stacks of small frames, their number and steps between."""

    steer: Callable[[Sequence[Image]], Array]
    frames: int
    gap: int

    @classmethod
    def load(cls, path: Path) -> Driver:
        """Returns the driver of a model.

        :raises UserError: there is none, or it drives something else
        """
        config = read_driver(path)[1]
        model = load_model(path, config, "cpu")

        def steer(stacks: Sequence[Image]) -> Array:
            seen = np.array(stacks)
            parts = [seen[k : k + 256] for k in range(0, len(seen), 256)]
            answers = [model.predict(part, deterministic=True)[0][:, 0] for part in parts]
            return np.concatenate(answers)

        options = config.world
        if not isinstance(options, DonkeyOptions):
            raise UserError(f"{path}: drives no DonkeyCar; give a model that does")
        return cls(steer, options.frame_stack, options.frame_gap)


def grey_bands(frames: Sequence[Image]) -> list[Band]:
    """Returns mean and spread of each of the ``BANDS``, over all pixels of all frames."""
    grey = np.array(frames) @ LUMA
    parts = [grey[:, first:stop] for first, stop in BANDS]
    return [Band(float(part.mean()), float(part.std())) for part in parts]


def correlation(a: Array, b: Array) -> float:
    """Returns Pearson's r."""
    return float(np.corrcoef(a, b)[0, 1])


def sign_agreement(answers: Array, truth: Array) -> float:
    """Returns how often the side is that of ``truth``, where that turns."""
    turning = np.abs(truth) > TURNING
    return float(np.mean(np.sign(answers[turning]) == np.sign(truth[turning])))


def compare_bands(profiles: Path, our_bands: Callable[[str, bool], list[Band]]) -> None:
    """Prints the bands of every recorded set beside ours.

    :param profiles: the sets' bands, a file
    :param our_bands: of a scene, with what is random or without
    """
    ours: dict[tuple[str, bool], list[Band]] = {}
    print("| recorded | ours | " + " | ".join(f"{a}-{b}" for a, b in BANDS) + " | within |")
    print("|---" * (len(BANDS) + 3) + "|")
    for name, real in recorded_bands(profiles).items():
        if name in WITHOUT_SCENE:
            continue
        scene = SCENES.get(name, name)
        which = (scene, name not in PLAIN)
        if which not in ours:
            ours[which] = our_bands(*which)
        pairs = list(zip(real, ours[which], strict=True))
        cells = [f"{a.mean:.0f} ± {a.spread:.0f}, {b.mean:.0f} ± {b.spread:.0f}" for a, b in pairs]
        means = sum(abs(a.mean - b.mean) <= MEAN_WITHIN for a, b in pairs)
        spreads = sum(abs(b.spread / a.spread - 1.0) <= SPREAD_WITHIN for a, b in pairs)
        row = " | ".join([name, scene, *cells, f"{means} means, {spreads} spreads"])
        print(f"| {row} |", flush=True)


def recorded_bands(profiles: Path) -> dict[str, list[Band]]:
    """Returns the bands of every recorded set."""
    sets: dict[str, list[Band]] = {}
    for row in _rows(profiles):
        rgb = [float(row[name]) for name in ("meanR", "meanG", "meanB")]
        band = Band(float(np.dot(rgb, LUMA)), float(row["std_gray"]))
        sets.setdefault(row["set"], []).append(band)
    return sets


def compare_labelled(folder: Path, driver: Driver) -> None:
    """Prints a driver's steering beside a human's on the same frames.

    The human is no truth: who races, weaves or keeps a lane steers otherwise.
    """
    rows = _rows(folder / "labels.csv")
    step_ms = float(np.median(np.diff([float(row["ms"]) for row in rows])))
    gap = max(1, round(driver.gap * CONTROL_MS / step_ms))
    past = gap * (driver.frames - 1)
    small = [shrink(_frame(folder, row)) for row in rows]
    stacks = [np.stack(small[i - past : i + 1 : gap]) for i in range(past, len(rows))]
    human = np.array([float(row["steering"]) for row in rows])
    human = np.convolve(human, np.full(SMOOTHED, 1.0 / SMOOTHED), "same")[past:]
    mine = driver.steer(stacks)
    print(
        f"{folder.name}: {len(mine)} frames, driver and human r {correlation(mine, human):.2f}"
        f" sign {sign_agreement(mine, human):.2f}",
        flush=True,
    )


def compare_paired(folder: Path, driver: Driver) -> None:
    """Prints a driver's steering on real frames beside that on ours of the same poses."""
    rows = _rows(folder / "poses.csv")
    poses = _poses(rows)
    past = driver.gap * (driver.frames - 1)
    kept = [
        i
        for i in range(past + CHORD, len(rows) - CHORD, EVERY)
        if np.isfinite(poses[i - past : i + 1]).all()
        and abs(float(rows[i]["cte_u"])) < FARTHEST_CTE_U
    ]
    world = World(PAIRED_SCENE)
    wanted = sorted({j for i in kept for j in range(i - past, i + 1, driver.gap)})
    real = {j: shrink(_frame(folder, rows[j])) for j in wanted}
    ours = {j: shrink(_drawn(world, poses[j])) for j in wanted}
    answers = [
        driver.steer(
            [np.stack([side[j] for j in range(i - past, i + 1, driver.gap)]) for i in kept]
        )
        for side in (real, ours)
    ]
    middle = world.track.parallel_line(world.scene.middle_u)[:, :2]
    truth = np.array([_pursuit(middle, poses[i]) for i in kept])
    on_real, on_ours = answers
    print(
        f"{folder.name}: {len(kept)} poses, real and ours r {correlation(on_real, on_ours):.3f}"
        f" sign {sign_agreement(on_real, on_ours):.3f}"
        f" mean gap {np.abs(on_real - on_ours).mean():.3f};"
        f" real and geometry r {correlation(on_real, truth):.3f},"
        f" ours and geometry r {correlation(on_ours, truth):.3f}",
        flush=True,
    )


def _poses(rows: Sequence[dict[str, str]]) -> Array:
    """Returns x, z and heading (n, 3); the heading is that of a chord, NaN where there is none."""
    x, z, ms = (np.array([float(row[name]) for row in rows]) for name in ("x_u", "z_u", "ms"))
    heading = np.full(len(rows), np.nan)
    for i in range(CHORD, len(rows) - CHORD):
        dx = x[i + CHORD] - x[i - CHORD]
        dz = z[i + CHORD] - z[i - CHORD]
        moved = CHORD_U[0] < np.hypot(dx, dz) < CHORD_U[1]
        if moved and ms[i + CHORD] - ms[i - CHORD] < CHORD_MS:
            heading[i] = np.arctan2(dx, dz)
    return np.column_stack([x, z, heading])


def _pursuit(middle: Array, pose: Array) -> float:
    """Returns the steering that leads to the road's middle ``LOOK_U`` ahead.

    :param middle: of the road, (n, 2)
    :param pose: x, z and heading
    """
    offsets = middle - pose[:2]
    k = int(np.hypot(offsets[:, 0], offsets[:, 1]).argmin())
    way_u = 0.0
    while way_u < LOOK_U:
        after = (k + 1) % len(middle)
        way_u += float(np.hypot(*(middle[after] - middle[k])))
        k = after
    dx, dz = offsets[k]
    sin, cos = np.sin(pose[2]), np.cos(pose[2])
    right = dx * cos - dz * sin
    ahead = dx * sin + dz * cos
    turn = np.arctan(2.0 * WHEELBASE_U * right / (right**2 + ahead**2))
    return float(np.clip(turn / STEER_MAX, -1.0, 1.0))


def _drawn(world: World, pose: Array) -> Image:
    frame: Image = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    x, z, yaw = pose.tolist()
    world.set_pose(x, z, yaw)
    world.render(frame)
    return frame


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _frame(folder: Path, row: dict[str, Any]) -> Image:
    """Returns a recorded frame, red first.

    :raises UserError: it cannot be read
    """
    path = folder / "frames" / row["image"]
    frame = cv2.imread(str(path))
    if frame is None:
        raise UserError(f"{path}: is no picture that can be read; give whole recordings")
    return np.asarray(frame[:, :, ::-1], dtype=np.uint8)
