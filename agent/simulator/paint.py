"""The colours of a scene: strips along the road, their grain, the sky and the start line."""

from __future__ import annotations

import math
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.cross_section import PLACES, STRIP_STEP_U, CrossSection, lay_strips
from agent.simulator.dashes import dashes_of
from agent.simulator.lens import Lens
from agent.simulator.pixels import EVERY_BYTE, LUMA, Fog
from agent.simulator.textures import PLAIN, Coat, coat_mean, coats_of, texture_key
from agent.simulator.tracks import Scene
from agent.simulator.typing import Array, Floats, Image

# The camera in whose rows a scene file gives its sky: upstream's default, 160x120 and 90 degrees.
SKY_FOCAL_PX = 60.0
SKY_MIDDLE_ROW = 59.5
SKY_PITCH = math.radians(15.0)
SKIES_KEPT = 64  # one for each lens; a server meets many
PLAIN_GRAIN = 5  # chosen: peak of the grain, grey levels
ALIKE = 50.0  # chosen: grey levels between colours that share a coat
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

    ``scene`` is what is painted. ``strips``, ``edges`` and ``dashed`` are those of the
    ``CrossSection``, ``dashes`` its pattern.
    ``grain`` (64, 64) holds noise for two coloured pixels in every byte of a word, ``grey_grain``
    for eight grey ones. ``grain_mean`` is the mean of both. ``coat_of`` (k,) is each strip's row of
    ``Colours.texels``.

    :param grain: peak of the ground's grain in grey levels
    """

    def __init__(self, scene: Scene, grain: int = PLAIN_GRAIN) -> None:
        self.scene = scene
        section = lay_strips(scene)
        self.strips = section.strips
        self.edges = section.edges
        self.dashed = section.dashed
        self.dashes = dashes_of(scene)
        self._sky_rows = [row for row, _ in scene.sky]
        self._sky = np.array([rgb for _, rgb in scene.sky], dtype=float)
        self.fog = _fog(scene)
        self._haze = self._sky[-1]
        if scene.fog is not None:
            self._haze = np.array(scene.fog.get("rgb", self._haze), dtype=float)
        # Grain must not carry a byte past its ends.
        self._palette: Floats = np.clip(section.colours, grain + 1.0, 254.0 - grain)
        self._coats, self.coat_of = _coats(scene, section, self.fog, self._haze)
        for k, coat in enumerate(self._coats):
            worn = self.coat_of == 1 + k
            # What its bounds cut off a texture shifts its mean.
            shifted = section.colours[worn] + (coat_mean(coat) - coat.rgb)
            self._palette[worn] = np.clip(shifted, 1.0, 254.0)
        self.grain_mean = np.uint64(grain) * EVERY_BYTE
        self.grain, self.grey_grain = _grain(grain)
        self.start_line = _start_line(scene)

    @cached_property
    def rgb(self) -> Colours:
        """The colours."""
        return self._colours(self._palette, self._sky, self._haze)

    @cached_property
    def grey(self) -> Colours:
        """Their grey levels."""
        palette = self._palette @ LUMA[:, None]
        sky = self._sky @ LUMA[:, None]
        return self._colours(palette, sky, self._haze @ LUMA[:, None])

    def _colours(self, palette: Floats, sky: Array, haze: Array) -> Colours:
        return Colours(palette, self.strips, self._sky_rows, sky, haze, self._coats)


class Colours:
    """Colours of strips and sky, each row red, green and blue, or one grey level.

    ``palette`` (k, channels) are the strips' colours. ``integral`` (tables * (n + 1), channels) is
    their running integral over each table of the cross-section in levels times u. ``haze``
    (channels,) is what far things fade into. ``texels`` and ``base`` are those of ``Textures``.

    :param palette: the strips' colours, (k, channels)
    :param strips: see ``Paint``
    :param sky_rows: rows of the sky camera in which a colour is given
    :param sky: those colours, (rows, channels)
    :param haze: (channels,)
    :param coats: textures on colours
    """

    def __init__(
        self,
        palette: Floats,
        strips: Image,
        sky_rows: list[int],
        sky: Array,
        haze: Array,
        coats: tuple[Coat, ...],
    ) -> None:
        self.palette: Floats = np.ascontiguousarray(palette, dtype=np.float32)
        across = self.palette[strips].astype(np.float64).reshape(-1, PLACES, palette.shape[1])
        total = np.pad(np.cumsum(across, axis=1), ((0, 0), (1, 0), (0, 0)))
        self.integral: Floats = (total * STRIP_STEP_U).astype(np.float32).reshape(-1, len(sky[0]))
        self.texels = coats_of(coats, grey=len(sky[0]) == 1)
        self.base = _packed(coats, grey=len(sky[0]) == 1)
        self.haze: Floats = haze.astype(np.float32)
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


@cache
def _grain(peak: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Returns noise for two coloured pixels in a word, and for eight grey ones.

    A grey one is the mean of two of the others, as where a picture is halved.

    :param peak: grey levels
    """
    drawn = np.random.default_rng(0).integers(
        0, 2 * peak + 1, (2, GRAIN_SIDE, GRAIN_SIDE, 8), dtype=np.uint8
    )
    grey = ((drawn[0] + drawn[1]) // 2).view(np.uint64)[..., 0]
    return drawn[0, ..., 0].astype(np.uint64) * EVERY_BYTE, grey


def _packed(coats: tuple[Coat, ...], *, grey: bool) -> NDArray[np.uint64]:
    """Returns the coats' means as the kernels pack them, (1 + coats,), the first 0."""
    base = np.zeros(1 + len(coats), dtype=np.uint64)
    for k, coat in enumerate(coats):
        mean = coat_mean(coat)
        levels = [int(mean @ LUMA)] if grey else [int(level) for level in mean]
        one = sum(level << 8 * channel for channel, level in enumerate(levels))
        base[1 + k] = one if grey else one | one << 24
    return base


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


def _fog(scene: Scene) -> Fog:
    """Returns the scene's fog; what it does not say is as in clear air."""
    given = scene.fog or {}
    return Fog(**{key: float(given[key]) for key in Fog._fields if key in given})


class _Coated(NamedTuple):
    """Strips that share a texture laid on one colour."""

    name: str
    rgb: Array
    strips: list[int]


def _like(groups: list[_Coated], name: str, rgb: Array) -> int:
    """Returns the first of the groups with a texture and nearly a colour, or how many there are."""
    for row, group in enumerate(groups):
        if group.name == name and np.abs(group.rgb - rgb).max() <= ALIKE:
            return row
    return len(groups)


def _coats(
    scene: Scene, section: CrossSection, fog: Fog, haze: Array
) -> tuple[tuple[Coat, ...], NDArray[np.uint8]]:
    """Returns the textures that lie on strips, each on one colour, and each strip's, from 1.

    Strips of nearly one colour share a coat. A texel stays a byte on all of them: in clear air, in
    the thickest haze and in the brightest glare.
    """
    groups: list[_Coated] = []
    coat_of = np.full(len(section.textures), PLAIN, dtype=np.uint8)
    for k, name in enumerate(section.textures):
        if not name:
            continue
        rgb = section.colours[k].astype(float)
        row = _like(groups, name, rgb)
        if row == len(groups):
            groups.append(_Coated(name, rgb, []))
        groups[row].strips.append(k)
        coat_of[k] = 1 + row
    glare = (scene.light or {}).get("glare", 0.0)
    coats = []
    for group in groups:
        rgb = section.colours[group.strips].astype(float)
        seen = np.concatenate([rgb, (1.0 - fog.most) * rgb + fog.most * haze])
        low = group.rgb + np.minimum(1.0 - seen.min(axis=0), 0.0)
        high = group.rgb + np.maximum((1.0 - glare) * (254.0 - seen.max(axis=0)), 0.0)
        bounds = [tuple(np.clip(level, 1.0, 254.0).tolist()) for level in (group.rgb, low, high)]
        coats.append(Coat(texture_key(scene.textures[group.name]), *bounds))
    return tuple(coats), coat_of


def _draw_sky(rows: list[int], colours: Array, lens: Lens) -> Image:
    optics = lens.optics
    over = optics.middle_row - np.arange(-lens.height, 2 * lens.height)[:, None]
    aside = np.arange(lens.width) - optics.middle_column
    up = over * optics.cos_pitch - optics.focal_px * optics.sin_pitch
    ahead = over * optics.sin_pitch + optics.focal_px * optics.cos_pitch
    # A pixel aside looks less high over the horizon than the one in the middle of its row.
    down = np.arctan2(-up, np.hypot(ahead, aside))
    level = SKY_MIDDLE_ROW + SKY_FOCAL_PX * np.tan(np.clip(down - SKY_PITCH, -1.5, 1.5))
    shades = [np.interp(level, rows, colours[:, k]) for k in range(colours.shape[1])]
    return np.stack(shades, axis=2).astype(np.uint8).reshape(len(over), -1)
