"""Panels of barriers in a picture: flat and upright; thin ones are drawn by what they cover."""

from __future__ import annotations

import math
from typing import Any

from agent.simulator.barriers import BASE1, BASE2, BOTTOM, COLOUR, COUNT, THICK, TOP, X1, X2, Z1, Z2
from agent.simulator.kernels import part, routine
from agent.simulator.pixels import blend_run, pack
from agent.simulator.polygons import NEAR_U, Canvas, fill_face, find_ends
from agent.simulator.typing import Array

THIN_PX = 1.5  # chosen: what is less tall is mixed in by the share of a pixel that it covers
LIGHT = 0.15  # chosen: how much darker a panel is that looks away from the sun


@routine
def draw_panel(
    canvas: Canvas, panel: Array, colours: Any, sun: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw a panel.

    :param canvas: picture and lens
    :param panel: a row of ``Barriers.panels``
    :param colours: levels and opacity of each row of ``Barriers.rgba``
    :param sun: where the light goes, x and z
    :param clear: share of a colour that haze leaves
    """
    colour = colours[int(panel[COLOUR])]
    light = _light(canvas, panel, sun)
    _draw_strip(canvas, panel, panel[BOTTOM], panel[TOP], colour, light, clear)


@routine
def draw_wires(
    canvas: Canvas, panel: Array, colours: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw the wires of a panel, a row of ``Barriers.wires``; see ``draw_panel``."""
    colour = colours[int(panel[COLOUR])]
    apart = (panel[TOP] - panel[BOTTOM]) / panel[COUNT]
    for k in range(1, int(panel[COUNT]) + 1):
        top = panel[BOTTOM] + k * apart
        _draw_strip(canvas, panel, top - panel[THICK], top, colour, 1.0, clear)


@part
def _light(canvas: Canvas, panel: Array, sun: Any) -> float:  # pragma: no cover - compiled
    """Returns the brightness of the face of a panel that is seen."""
    dx = panel[X2] - panel[X1]
    dz = panel[Z2] - panel[Z1]
    # 1 where the sun shines straight on it.
    facing = (dx * sun[1] - dz * sun[0]) / max(math.hypot(dx, dz), 1e-9)
    if (canvas.pose.x - panel[X1]) * dz - (canvas.pose.z - panel[Z1]) * dx < 0.0:
        facing = -facing
    return 1.0 - 0.5 * LIGHT * (1.0 - facing)


@routine
def _draw_strip(
    canvas: Canvas,
    panel: Array,
    bottom: float,
    top: float,
    colour: Any,
    light: float,
    clear: float,
) -> None:  # pragma: no cover - compiled
    """Draw what lies between two heights of a panel."""
    one = max(_ahead(canvas, panel[X1], panel[Z1]), NEAR_U)
    other = max(_ahead(canvas, panel[X2], panel[Z2]), NEAR_U)
    focal = canvas.lens.focal_px
    tall_u = top - bottom
    tall_px = tall_u * focal * 2.0 / (one + other)
    if tall_px >= THIN_PX:
        _stand_panel(canvas, panel, bottom, top, 0.0, 0.0)
        fill_face(canvas, colour, light, clear)
    else:
        # A pixel high, so that its rows never miss it, and as much fainter.
        more_1 = max(0.5 * (one / focal - tall_u), 0.0)
        more_2 = max(0.5 * (other / focal - tall_u), 0.0)
        _stand_panel(canvas, panel, bottom, top, more_1, more_2)
        opacity = colour[len(canvas.haze)] * min(tall_px, 1.0)
        _blend(canvas, pack(colour, clear * light, canvas.haze, 1.0 - clear), opacity)


@part
def _blend(canvas: Canvas, word: Any, opacity: float) -> None:  # pragma: no cover - compiled
    """Mix a colour into the canvas's polygon."""
    first, last = find_ends(canvas)
    columns = canvas.out.shape[1]
    pixels = canvas.pixels
    for row in range(first, last + 1):
        left, right = canvas.ends[row, 0], canvas.ends[row, 1]
        blend_run(pixels, row * columns, columns, left, right, len(canvas.haze), word, opacity)


@part
def _ahead(canvas: Canvas, x: float, z: float) -> float:  # pragma: no cover - compiled
    """Returns how far ahead a point is, u."""
    return (x - canvas.pose.x) * canvas.pose.sin + (z - canvas.pose.z) * canvas.pose.cos


@part
def _stand_panel(
    canvas: Canvas, panel: Array, bottom: float, top: float, more_1: float, more_2: float
) -> None:  # pragma: no cover - compiled
    """Make a panel the canvas's polygon, grown up and down at its two ends."""
    for i in range(4):
        is_first = i in (0, 3)
        more = more_1 if is_first else more_2
        canvas.corners[i, 0] = panel[X1] if is_first else panel[X2]
        canvas.corners[i, 1] = panel[Z1] if is_first else panel[Z2]
        base = panel[BASE1] if is_first else panel[BASE2]
        canvas.corners[i, 2] = base + (bottom - more if i < 2 else top + more)
