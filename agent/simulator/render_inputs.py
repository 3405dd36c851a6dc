"""All that the camera's kernels read of a scene, in one tuple that numba takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.ceiling import Ceiling, build_ceiling
from agent.simulator.dashes import Dashes
from agent.simulator.ground import CELL_U, Ground
from agent.simulator.lens import Lens, Optics
from agent.simulator.light_map import LightMap
from agent.simulator.obstacles import Obstacles, grey_of
from agent.simulator.paint import Colours, Paint, StartLine
from agent.simulator.patches import Patches, build_patches
from agent.simulator.pixels import LUMA, Fog
from agent.simulator.sky_light import SkyLight, build_sky_light
from agent.simulator.skyline import Skyline, build_skyline
from agent.simulator.sunlight import Glare, glare_of
from agent.simulator.textures import GRAINS_PER_U, SIDE_U, Textures
from agent.simulator.tracks import CentreLine, Track
from agent.simulator.typing import Array, Floats, Image

HILLY_U = 0.2  # chosen: a track that rises less is drawn as level ground


class RenderInputs(NamedTuple):
    """One scene in one appearance through one lens. Colours are (n, 3), or (n, 1) in grey.

    See ``Lens``, ``Track``, ``Ground``, ``Paint``, ``Colours``, ``Obstacles``, ``Barriers``,
    ``Uprights``, ``Patches``, ``Skyline`` and ``Ceiling``, in this order.
    """

    lens: Optics
    hilly: bool
    banked: bool
    line: CentreLine
    arc_u: Array
    height_u: Array
    length_u: float
    origin: Array
    cells: NDArray[np.int16]
    pairs: NDArray[np.int16]
    middle_u: float
    spans: Array
    strips: Image
    edges: Array
    dashes: Dashes
    dashed: NDArray[np.bool_]
    textures: Textures
    grain: NDArray[np.uint64]
    grain_mean: np.uint64
    start_line: StartLine
    palette: Floats
    integral: Floats
    haze: Floats
    sky: Image
    pillars: Array
    boxes: Array
    obstacle_colours: Array
    fog: Fog
    sun: tuple[float, float, float]
    panels: Array
    wires: Array
    panel_colours: Array
    uprights: Array
    masks: NDArray[np.uint16]
    tones: Floats
    shadows: LightMap
    patches: Patches
    skyline: Skyline
    ceiling: Ceiling
    glare: Glare
    sky_light: SkyLight


class LensPose(NamedTuple):
    """The place of the lens, and the ground under the car."""

    x: float  # u
    z: float
    sin: float  # of its heading
    cos: float
    height_u: float  # of the ground
    uphill: float  # slope of the ground along the car's heading
    roll_sin: float  # of the car, its right side up
    roll_cos: float


def gather_render_inputs(
    track: Track,
    ground: Ground,
    paint: Paint,
    obstacles: Obstacles,
    shadows: LightMap,
    lens: Lens,
    grey: bool,
) -> RenderInputs:
    """Returns what the kernels read.

    :param track: the centre line, whose heights make the hills
    :param ground: where the road lies
    :param paint: colours, grain and start line
    :param obstacles: what stands on the ground
    :param shadows: on the ground
    :param lens: the lens, see ``lens_for``
    :param grey: grey levels instead of colours
    """
    colours = paint.grey if grey else paint.rgb
    barriers = obstacles.barriers
    uprights = obstacles.uprights
    return RenderInputs(
        lens=lens.optics,
        hilly=bool(np.ptp(track.height_u) > HILLY_U),
        banked=track.is_banked,
        line=track.line,
        arc_u=track.arc_u,
        height_u=track.height_u,
        length_u=track.length_u,
        origin=ground.origin,
        cells=ground.cells,
        pairs=ground.pairs,
        middle_u=ground.middle_u,
        spans=ground.spans,
        strips=paint.strips,
        edges=paint.edges,
        dashes=paint.dashes,
        dashed=paint.dashed,
        textures=_textures(paint, colours, ground),
        grain=paint.grey_grain if grey else paint.grain,
        grain_mean=paint.grain_mean,
        start_line=paint.start_line,
        palette=colours.palette,
        integral=colours.integral,
        haze=colours.haze,
        sky=colours.sky_for(lens),
        pillars=obstacles.pillars,
        boxes=obstacles.boxes[: obstacles.boxes_drawn],
        obstacle_colours=obstacles.grey if grey else obstacles.rgba,
        fog=paint.fog,
        sun=obstacles.sun,
        panels=barriers.panels,
        wires=barriers.wires,
        panel_colours=grey_of(barriers.rgba) if grey else barriers.rgba,
        uprights=uprights.places,
        masks=uprights.masks,
        tones=(uprights.tones @ LUMA[:, None] if grey else uprights.tones).astype(np.float32),
        shadows=shadows,
        patches=build_patches(obstacles.patched, grey),
        skyline=build_skyline(paint.scene, lens, grey),
        ceiling=build_ceiling(paint.scene, grey),
        glare=glare_of(paint.scene.light, grey=grey),
        sky_light=build_sky_light(paint.scene.light),
    )


def _textures(paint: Paint, colours: Colours, ground: Ground) -> Textures:
    """Returns the textures as the kernels read them in the ground's frame."""
    shift = (ground.origin % SIDE_U) / CELL_U * GRAINS_PER_U
    return Textures(
        used=bool(paint.coat_of.any()),
        texels=colours.texels,
        of_strip=paint.coat_of,
        base=colours.base,
        shift_x=int(shift[0]),
        shift_z=int(shift[1]),
    )
