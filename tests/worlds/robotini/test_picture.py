"""What a car sees, and the file that it is sent as."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image as Pillow

from agent.worlds.robotini.simulator.picture import (
    BLUE,
    CAMERA_M,
    GREEN,
    PITCH_DEG,
    RED,
    SKY,
    VIEW_DEG,
    WALL,
    Image,
    paint,
    picture,
)
from agent.worlds.robotini.simulator.png import png
from agent.worlds.robotini.simulator.track import load_track
from agent.worlds.robotini.simulator.vehicle import Vehicle

TRACK = load_track("stadium")
ROAD = paint(TRACK)
STRAIGHT_M = TRACK.length_m - 1.0
YELLOW = (255, 200, 0)


def car(ahead_m: float = 0.0, offset_m: float = 0.0, angle_rad: float = 0.0) -> Vehicle:
    vehicle = Vehicle(TRACK, STRAIGHT_M)
    vehicle.place(STRAIGHT_M + ahead_m, offset_m)
    vehicle.heading_rad += angle_rad
    return vehicle


def count(image: Image, colour: tuple[int, int, int]) -> int:
    return int((image == colour).all(axis=2).sum())


def middle_column(image: Image, colour: tuple[int, int, int]) -> float:
    return float(np.nonzero((image == colour).all(axis=2))[1].mean())


def test_red_is_left_blue_in_the_middle_green_right() -> None:
    image = picture(ROAD, car())
    assert image.shape == (80, 128, 3)
    assert middle_column(image, RED) < 50
    assert middle_column(image, GREEN) > 78
    assert tuple(image[79, 64]) == BLUE
    assert tuple(image[0, 64]) == SKY
    assert count(image, RED) > 200 and count(image, GREEN) > 200


def test_more_of_a_stripe_is_seen_above_it() -> None:
    assert count(picture(ROAD, car(offset_m=-0.25)), RED) > 2000
    assert count(picture(ROAD, car(offset_m=0.25)), GREEN) > 2000


def test_looking_across_it_sees_the_wall_as_high_as_it_is() -> None:
    """0.445 m from the wall, less what the camera is ahead; the rows are those of a pinhole."""
    image = picture(ROAD, car(angle_rad=math.pi / 2))
    column = (image[:, 64] == WALL).all(axis=1)
    away_m = 0.45 - 0.095
    half = math.tan(math.radians(VIEW_DEG / 2))
    rows = []
    for height_m in (0.15, 0.0):
        below = math.radians(PITCH_DEG) - math.atan2(CAMERA_M - height_m, away_m)
        rows.append(40 * (1 - math.tan(below) / half))
    found = np.nonzero(column)[0]
    assert found.min() == pytest.approx(max(rows[0], 0), abs=1.5)
    assert found.max() == pytest.approx(rows[1], abs=2.5)  # the gap at the edge is nearly black


@pytest.mark.parametrize("width", [8, 31, 64, 128])
def test_every_width_is_the_same_picture(width: int) -> None:
    height = width * 80 // 128
    small = picture(ROAD, car(), width=width, height=height)
    assert small.shape == (height, width, 3)
    share = count(small, BLUE) / (width * height)
    assert share == pytest.approx(count(picture(ROAD, car()), BLUE) / (128 * 80), abs=0.1)


def test_it_sees_another_car_where_it_is() -> None:
    left = picture(ROAD, car(), [(car(0.5, -0.2), YELLOW)])
    right = picture(ROAD, car(), [(car(0.5, 0.2), YELLOW)])
    assert middle_column(left, YELLOW) < 50 < 78 < middle_column(right, YELLOW)
    near = count(picture(ROAD, car(), [(car(0.4), YELLOW)]), YELLOW)
    far = count(picture(ROAD, car(), [(car(1.2), YELLOW)]), YELLOW)
    assert near > 4 * far


def changed(others: list[tuple[Vehicle, tuple[int, int, int]]]) -> int:
    before = picture(ROAD, car())
    return int((picture(ROAD, car(), others) != before).any(axis=2).sum())


def test_it_sees_no_car_behind_it_or_behind_a_wall() -> None:
    assert changed([(car(0.6), YELLOW)]) > 0
    assert changed([(car(-0.4), YELLOW)]) == 0
    assert changed([(car(TRACK.length_m / 2), YELLOW)]) == 0


def test_a_nearer_car_hides_another() -> None:
    image = picture(ROAD, car(), [(car(0.4), YELLOW), (car(0.8), (0, 255, 255))])
    assert count(image, (0, 255, 255)) == 0


def test_a_place_on_a_crossing_has_no_wall_in_it() -> None:
    """The map's middle of one road counts where two overlap."""
    assert (ROAD.clear_m <= 0.4501).all()
    for distance_m in np.arange(0.0, TRACK.length_m, 0.05):
        x, z = TRACK.points_m[TRACK.index_at(float(distance_m))]
        cell = ROAD.clear_m[
            int((x - ROAD.corner_m[0]) / ROAD.cell_m), int((z - ROAD.corner_m[1]) / ROAD.cell_m)
        ]
        assert cell == pytest.approx(0.45, abs=0.01)


def test_the_map_has_no_holes() -> None:
    inside = ROAD.clear_m > 0.0
    beside = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    holes = beside & ~inside[1:-1, 1:-1]
    assert not holes.any()


def test_the_file_is_a_png_of_8_bit_rgb() -> None:
    image = picture(ROAD, car(), [(car(0.5, -0.2), YELLOW)])
    data = png(image)
    assert len(data) < 65536
    read = Pillow.open(io.BytesIO(data))
    assert (read.format, read.mode, read.size) == ("PNG", "RGB", (128, 80))
    assert (np.asarray(read) == image).all()
