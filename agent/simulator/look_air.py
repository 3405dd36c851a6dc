"""An appearance's light, sky line, ceiling and fog."""

from __future__ import annotations

from typing import Any

import numpy as np

# All chosen; heights of the ceiling and sizes of its lamps and beams in u.
SUN_DEG = (20.0, 80.0)
SOFT_U = (0.05, 1.5)
MOST_LAYERS = 3
CEILING_U = (12.0, 45.0)
LAMPS_EVERY_U = (6.0, 20.0)
BEAMS_EVERY_U = (5.0, 20.0)
FOG_FROM_U = (0.0, 60.0)
FOG_OVER_U = (60.0, 400.0)

Values = dict[str, Any]


def drawn_light(tint: float, shadow: float, glare: float, rng: np.random.Generator) -> Values:
    """Returns another sun.

    :param tint: most that a colour is taken out of the light, as a share
    :param shadow: darkest shadow, as a share
    :param glare: strongest glare, as a share
    :param rng: draws
    """
    taken = tint * rng.random() * rng.random(3)
    taken -= taken.min()  # brightness is the appearance's own matter
    light: Values = {"rgb": [round(255.0 * (1.0 - each)) for each in taken.tolist()]}
    light["sun_deg"] = rng.uniform(*SUN_DEG)
    light["azimuth_deg"] = rng.uniform(0.0, 360.0)
    light["shadow"] = shadow * rng.random()
    light["soft_u"] = rng.uniform(*SOFT_U)
    light["glare"] = 0.0
    if rng.random() < 0.5:
        light["glare"] = glare * rng.random()
    light["sky_glow"] = rng.random()
    return light


def drawn_skyline(rng: np.random.Generator) -> list[Values]:
    """Returns hills or trees around the horizon, far layers first and highest."""
    layers: list[Values] = []
    far = rng.uniform(60, 190, 3)
    near = rng.uniform(20, 130, 3)
    count = int(rng.integers(1, MOST_LAYERS + 1))
    high_deg = rng.uniform(2.0, 16.0)
    for k in range(count):
        share = (k + 1) / count
        rgb = [int(level) for level in far + share * (near - far)]
        high_deg *= rng.uniform(0.4, 0.9)
        layers.append({"rgb": rgb, "low_deg": -3.0, "high_deg": high_deg, "rough": rng.random()})
    return layers


def drawn_ceiling(rng: np.random.Generator) -> Values:
    """Returns a ceiling with lamps, beams, both or neither."""
    dark = rng.uniform(20, 150)
    ceiling: Values = {"height_u": rng.uniform(*CEILING_U), "rgb": _grey(dark, rng)}
    if rng.random() < 0.7:
        every = rng.uniform(*LAMPS_EVERY_U, 2)
        size = every * rng.uniform(0.1, 0.6, 2)
        lamps = {"every_u": every.tolist(), "size_u": size.tolist()}
        ceiling["lamps"] = {"rgb": _grey(rng.uniform(180, 255), rng), **lamps}
    if rng.random() < 0.5:
        beams = {"every_u": rng.uniform(*BEAMS_EVERY_U), "width_u": rng.uniform(0.4, 2.0)}
        ceiling["beams"] = {"rgb": _grey(dark * rng.uniform(0.4, 1.8), rng), **beams}
    return ceiling


def drawn_fog(rgb: list[int], rng: np.random.Generator) -> Values:
    """Returns fog.

    :param rgb: of the sky at the horizon
    :param rng: draws
    """
    fog: Values = {"from_u": rng.uniform(*FOG_FROM_U), "over_u": rng.uniform(*FOG_OVER_U)}
    return {**fog, "most": rng.uniform(0.2, 0.9), "rgb": rgb}


def _grey(level: float, rng: np.random.Generator) -> list[int]:
    """Returns a grey that leans a little to some colour."""
    return [int(each) for each in np.clip(level + rng.uniform(-12, 12, 3), 0, 255)]
