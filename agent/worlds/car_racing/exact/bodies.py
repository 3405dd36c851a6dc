"""The five bodies: shapes, mass and places of the joints.

Shapes are the polygons of Gymnasium's car times 0.02, in float32, wrapped as Box2D does it. Masses
follow from them at density 1 (hull) and 0.1 (wheels) in Box2D's float32 sums over triangles, and
are written as their bits. Lengths in units; a test compares all with the installed Box2D.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats

SIZE = 0.02
WHEEL_RADIUS = 27 * SIZE

HULL_INVERSE_MASS = np.float32(float.fromhex("0x1.2215c2p-3"))  # 1 / 7.06
HULL_INVERSE_INERTIA = np.float32(float.fromhex("0x1.c1ce76p-5"))  # 1 / 18.212
HULL_CENTRE_X = np.float32(float.fromhex("0x1.961e78p-30"))  # of mass; a rounding error
HULL_CENTRE_Y = np.float32(float.fromhex("-0x1.520be8p-4"))  # -0.0825
WHEEL_INVERSE_MASS = np.float32(float.fromhex("0x1.088cdcp+4"))  # 1 / 0.0605
WHEEL_INVERSE_INERTIA = np.float32(float.fromhex("0x1.0c2010p+7"))  # 1 / 0.00746

# Wheels in the hull's frame: as they are placed at the start, and as joints hold them.
WHEEL_PLACES = np.array([(-55, 80), (55, 80), (-55, -82), (55, -82)]) * SIZE
WHEEL_ANCHORS = WHEEL_PLACES.astype(np.float32)

MOST_CORNERS = 8


def _shape(*corners: tuple[float, float]) -> Floats:
    """Returns the corners, padded with zeros."""
    shape = np.zeros((MOST_CORNERS, 2), np.float32)
    shape[: len(corners)] = np.array(corners) * SIZE
    return shape


# The hull's four pieces; the last shape is a wheel's. Each begins at its rightmost corner.
SHAPES = np.stack(
    [
        _shape((60, 110), (60, 130), (-60, 130), (-60, 110)),
        _shape((20, 20), (15, 120), (-15, 120), (-20, 20)),
        _shape(
            *((50, -40), (50, -10), (25, 20), (-25, 20)),
            *((-50, -10), (-50, -40), (-20, -90), (20, -90)),
        ),
        _shape((50, -120), (50, -90), (-50, -90), (-50, -120)),
        _shape((14, -27), (14, 27), (-14, 27), (-14, -27)),
    ]
)
SHAPE_CORNERS = np.array([4, 4, 8, 4, 4], np.int32)
HULL_SHAPES = 4
WHEEL_SHAPE = 4
