"""Skylines: hills or trees all round the horizon, far layers first, by heading alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.kernels import routine
from agent.simulator.lens import Lens
from agent.simulator.pixels import LUMA, blend_pixel, pack, put_pixel
from agent.simulator.tracks import Scene
from agent.simulator.typing import Array, Floats

HEADINGS = 1024  # places round the horizon; a power of two, for a mask
SMOOTH_WAVES = (2, 3, 5, 7)  # chosen: waves round the horizon of a skyline that is not rough
ROUGH_WAVES = (11, 17, 29, 47, 79, 131)  # chosen: those that make it so


class Skyline(NamedTuple):
    """Layers as the kernels read them.

    ``tangents`` (layers, ``HEADINGS``) is the tangent of each layer's upper edge over the horizon.
    ``colours`` is (layers, channels). ``turns`` (columns,) is how far each column of the picture
    looks to the right, in headings.
    """

    tangents: Floats
    colours: Floats
    turns: Array


def build_skyline(scene: Scene, lens: Lens, grey: bool) -> Skyline:
    """Returns the skyline of a scene through a lens."""
    layers = scene.skyline
    tangents = [np.tan(np.radians(_edge_deg(layer, k))) for k, layer in enumerate(layers)]
    colours = np.array([layer["rgb"] for layer in layers], dtype=np.float64).reshape(-1, 3)
    if grey:
        colours = colours @ LUMA[:, None]
    optics = lens.optics
    across = (np.arange(lens.width) - optics.middle_column) / optics.focal_px
    turns = np.arctan(across * optics.cos_pitch) * HEADINGS / (2.0 * math.pi)
    return Skyline(
        np.array(tangents, dtype=np.float32).reshape(-1, HEADINGS),
        colours.astype(np.float32),
        turns,
    )


def _edge_deg(layer: dict[str, Any], k: int) -> Array:
    """Returns the height of a layer's upper edge at each heading, degrees.

    :param layer: as in the scene file
    :param k: which layer, a small seed
    """
    rng = np.random.default_rng([k, 17])
    heading = 2.0 * math.pi * np.arange(HEADINGS) / HEADINGS
    rough = float(layer.get("rough", 0.5))
    total = np.zeros(HEADINGS)
    for waves, strength in ((SMOOTH_WAVES, 1.0), (ROUGH_WAVES, rough)):
        for wave in waves:
            size = strength * rng.normal() / math.sqrt(wave)
            total += size * np.cos(wave * heading + rng.uniform(0.0, 2.0 * math.pi))
    share = (total - total.min()) / max(float(np.ptp(total)), 1e-9)
    return np.asarray(layer["low_deg"] + share * (layer["high_deg"] - layer["low_deg"]))


@routine
def draw_skyline(
    flat: Any, inputs: Any, pose: Any, top: int, width: int
) -> None:  # pragma: no cover - compiled
    """Draw the skyline over the sky.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param top: the first row of the land
    :param width: pixels in a row
    """
    skyline = inputs.skyline
    lens = inputs.lens
    channels = len(inputs.haze)
    horizon = int(lens.middle_row - lens.focal_px * lens.sin_pitch / lens.cos_pitch + 0.5)
    facing = (math.atan2(pose.sin, pose.cos) / (2.0 * math.pi) + 1.0) * HEADINGS
    for layer in range(len(skyline.tangents)):
        tangents = skyline.tangents[layer]
        word = pack(skyline.colours[layer], 1.0, inputs.haze, 0.0)
        for column in range(width):
            place = facing + skyline.turns[column]
            i = int(place)
            share = place - i
            up = tangents[i & (HEADINGS - 1)]
            up += share * (tangents[(i + 1) & (HEADINGS - 1)] - up)
            across = (column - lens.middle_column) / lens.focal_px * lens.cos_pitch
            ahead = 1.0 / math.sqrt(1.0 + across * across)
            depth = ahead * lens.cos_pitch - up * lens.sin_pitch
            down = -up * lens.cos_pitch - ahead * lens.sin_pitch
            edge = lens.middle_row + lens.focal_px * down / max(depth, 1e-3) + (top - horizon)
            first = max(int(math.floor(edge + 0.5)), 0)
            if first < top:
                at = np.uint64((first * width + column) * channels)
                covered = int(255.0 * min(first + 0.5 - edge, 1.0))
                blend_pixel(flat, at, channels, word, np.uint64(covered))
            for row in range(first + 1, top):
                put_pixel(flat, np.uint64((row * width + column) * channels), channels, word)
