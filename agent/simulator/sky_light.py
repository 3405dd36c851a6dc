"""Light of a clear sky: it is brighter towards the sun, and a little away from it.

Air scatters light by Rayleigh's phase function, ``1 + cos²`` of the angle to the sun; Unity's
procedural sky does so, too. A scene gives its sky as the mean all round.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from agent.simulator.kernels import UNWRAPPED
from agent.simulator.shadows import AZIMUTH_DEG, SUN_DEG
from agent.simulator.typing import Array

STEPS = 256  # of the cosine between a column's heading and the sun's
ONE = 256  # a factor of one
GAMMA = 2.2  # of a picture's levels
SEEN_DEG = 15.0  # height over the horizon for which the factors hold; the sky's middle


class SkyLight(NamedTuple):
    """Factors of the sky's brightness, ``ONE`` for its mean, and where the sun stands.

    ``factors`` is (``STEPS``,) over the cosine from -1 to 1, or (0,) for a sky without.
    """

    factors: Array
    x: float
    z: float


def build_sky_light(light: dict[str, Any] | None) -> SkyLight:
    """Returns the factors of a scene's light."""
    light = light or {}
    glow = float(light.get("sky_glow", 0.0))
    azimuth = math.radians(light.get("azimuth_deg", AZIMUTH_DEG))
    sun = math.radians(light.get("sun_deg", SUN_DEG))
    seen = math.radians(SEEN_DEG)
    cosines = np.linspace(-1.0, 1.0, STEPS)
    level = math.cos(sun) * math.cos(seen)
    scattered = (1.0 + (math.sin(sun) * math.sin(seen) + level * cosines) ** 2) ** (1.0 / GAMMA)
    around = np.interp(np.cos(np.linspace(0.0, math.pi, STEPS)), cosines, scattered)
    factors = ONE * (1.0 + glow * (scattered / around.mean() - 1.0))
    if glow == 0.0:
        factors = factors[:0]
    return SkyLight(factors.round().astype(np.int64), math.sin(azimuth), math.cos(azimuth))


@njit(cache=True, fastmath=True, error_model="numpy", **UNWRAPPED)
def light_sky(
    flat: Any, inputs: Any, pose: Any, top: int, width: int
) -> None:  # pragma: no cover - compiled
    """Brighten the sky towards the sun, darken it across.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param top: the first row of the land
    :param width: pixels in a row
    """
    light = inputs.sky_light
    lens = inputs.lens
    channels = len(inputs.haze)
    factors = np.empty(width * channels, np.uint16)
    ahead = light.x * pose.sin + light.z * pose.cos
    right = light.x * pose.cos - light.z * pose.sin
    for column in range(width):
        across = (column - lens.middle_column) / lens.focal_px
        cosine = (ahead + across * right) / math.sqrt(1.0 + across * across)
        factor = light.factors[int((cosine + 1.0) * (0.5 * STEPS - 0.5))]
        for channel in range(channels):
            factors[column * channels + channel] = factor
    for row in range(top):
        pixels = flat[row * len(factors) : (row + 1) * len(factors)]
        for k in range(len(factors)):
            pixels[k] = min((np.uint32(pixels[k]) * factors[k]) >> 8, 255)
