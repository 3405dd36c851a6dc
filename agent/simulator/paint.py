"""The colours of a scene: strips along the road, their grain, the sky and the start line."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.lens import Lens
from agent.simulator.pixels import EVERY_BYTE, LUMA
from agent.simulator.tracks import Scene
from agent.simulator.typing import Array, Floats, Image

STRIP_STEP_U = 0.01  # resolution of the cross-section
# Half the width of the cross-section. The road's reach and the widest footprint of a pixel fit
# inside, so no look-up needs a check.
STRIP_HALF_U = 32.0
# The camera in whose rows a scene file gives its sky: upstream's default, 160x120 and 90 degrees.
SKY_FOCAL_PX = 60.0
SKY_MIDDLE_ROW = 59.5
SKY_PITCH = math.radians(15.0)
SKIES_KEPT = 64  # one for each lens; a server meets many
PLAIN_GRAIN = 5  # chosen: peak of the grain, grey levels
GRAIN_SIDE = 64  # places of the grain, repeated over the ground; a power of two, for a mask


class StartLine(NamedTuple):
    """A start line: its middle in u, sine and cosine of its heading, half its width."""

    x: float
    z: float
    sin: float
    cos: float
    half_width_u: float


class Paint:
    """The cross-section as strips, their colours and grey levels, grain and start line.

    ``strips`` (n,) is the strip at each place of the cross-section. ``edges`` (k, 2) are the
    strips' ends in u from its first place. ``grain`` (64, 64) holds noise for two coloured pixels
    in every byte of a word, ``grey_grain`` for eight grey ones. ``grain_mean`` is the mean of both.

    :param grain: peak of the ground's grain in grey levels
    """

    def __init__(self, scene: Scene, grain: int = PLAIN_GRAIN) -> None:
        self.strips, self.edges, self._palette = _strips(scene, grain)
        self._sky_rows = [row for row, _ in scene.sky]
        self._sky = np.array([rgb for _, rgb in scene.sky], dtype=float)
        self.grain_mean = np.uint64(grain) * EVERY_BYTE
        drawn = np.random.default_rng(0).integers(
            0, 2 * grain + 1, (2, GRAIN_SIDE, GRAIN_SIDE, 8), dtype=np.uint8
        )
        # One level for two pixels.
        self.grain: NDArray[np.uint64] = drawn[0, ..., 0].astype(np.uint64) * EVERY_BYTE
        # Eight pixels, each the mean of two of those, as where a picture is halved.
        self.grey_grain: NDArray[np.uint64] = ((drawn[0] + drawn[1]) // 2).view(np.uint64)[..., 0]
        self.start_line = _start_line(scene)

    @cached_property
    def rgb(self) -> Colours:
        """The colours."""
        return Colours(self._palette, self.strips, self._sky_rows, self._sky)

    @cached_property
    def grey(self) -> Colours:
        """Their grey levels."""
        palette = self._palette @ LUMA[:, None]
        return Colours(palette, self.strips, self._sky_rows, self._sky @ LUMA[:, None])


class Colours:
    """Colours of strips and sky, each row red, green and blue, or one grey level.

    ``palette`` (k, channels) are the strips' colours. ``integral`` (n + 1, channels) is their
    running integral over the cross-section in levels times u. ``haze`` (channels,) is what far
    things fade into.

    :param palette: the strips' colours, (k, channels)
    :param strips: see ``Paint``
    :param sky_rows: rows of the sky camera in which a colour is given
    :param sky: those colours, (rows, channels)
    """

    def __init__(self, palette: Floats, strips: Image, sky_rows: list[int], sky: Array) -> None:
        self.palette: Floats = np.ascontiguousarray(palette, dtype=np.float32)
        across = self.palette[strips].astype(np.float64)
        total = np.vstack([np.zeros((1, across.shape[1])), np.cumsum(across, axis=0)])
        self.integral: Floats = (total * STRIP_STEP_U).astype(np.float32)
        self.haze: Floats = sky[-1].astype(np.float32)
        self._sky_rows = sky_rows
        self._sky = sky
        self._skies: dict[Lens, Image] = {}

    def sky_for(self, lens: Lens) -> Image:
        """Returns the sky from a picture's height above the first row to as far below the last.

        The shape is (3 * height, bytes in a row).
        """
        if lens not in self._skies:
            if len(self._skies) >= SKIES_KEPT:
                self._skies.clear()
            self._skies[lens] = _draw_sky(self._sky_rows, self._sky, lens)
        return self._skies[lens]


def _start_line(scene: Scene) -> StartLine:
    """Returns the scene's start line; all of it is 0 where there is none."""
    line = scene.start_line
    if line is None:
        return StartLine(0.0, 0.0, 0.0, 0.0, 0.0)
    heading = math.radians(line["yaw_deg"])
    return StartLine(
        x=float(line["x"]),
        z=float(line["z"]),
        sin=math.sin(heading),
        cos=math.cos(heading),
        half_width_u=float(line["half_width_u"]),
    )


def _strips(scene: Scene, grain: int) -> tuple[Image, Array, Floats]:
    """Returns the cross-section as strips side by side, strip 0 plain ground.

    :return: the strip at each lateral place (n,), the strips' edges (k, 2) in u from the first
        place, and their colours (k, 3)
    """
    n = round(2 * STRIP_HALF_U / STRIP_STEP_U)
    lateral = (np.arange(n) + 0.5) * STRIP_STEP_U - STRIP_HALF_U
    colours = np.tile(np.array(scene.ground_rgb, dtype=np.float32), (n, 1))
    for strip in scene.cross_section:
        colours[(lateral >= strip["from_u"]) & (lateral < strip["to_u"])] = strip["rgb"]
    bounds = np.flatnonzero(np.any(colours[1:] != colours[:-1], axis=1)) + 1
    firsts = np.concatenate([[0], bounds])
    strips = np.searchsorted(bounds, np.arange(n), side="right").astype(np.uint8)
    edges = np.stack([firsts, np.concatenate([bounds, [n]])], axis=1) * STRIP_STEP_U
    # Grain must not carry a byte past its ends.
    return strips, edges, np.clip(colours[firsts], grain + 1.0, 254.0 - grain)


def _draw_sky(rows: list[int], colours: Array, lens: Lens) -> Image:
    optics = lens.optics
    from_middle = np.arange(-lens.height, 2 * lens.height) - optics.middle_row
    pitch = math.atan2(optics.sin_pitch, optics.cos_pitch)
    down = np.arctan(from_middle / optics.focal_px) + pitch
    level = SKY_MIDDLE_ROW + SKY_FOCAL_PX * np.tan(np.clip(down - SKY_PITCH, -1.5, 1.5))
    shades = [np.interp(level, rows, colours[:, k]) for k in range(colours.shape[1])]
    return np.tile(np.stack(shades, axis=1).astype(np.uint8), (1, lens.width))
