"""Painted lines on another day: worn, blurred, wider, dashed, doubled or not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.look_materials import told_apart
from agent.simulator.tracks import Scene

LINE_WIDTH_U = 0.6  # chosen: strips narrower than this are painted lines
# All chosen: lengths of a dash and of the gap after it, in shares of the dash, and how far a
# doubled line's two are apart, in shares of its width.
DASH_U = (0.8, 6.0)
GAP_SHARES = (0.4, 2.0)
DOUBLE_SHARES = (0.8, 1.6)

Strip = dict[str, Any]
Colour = list[int]


class LineStyle(NamedTuple):
    """Style of a scene's lines on that day.

    ``wear`` is the share of what is below in a line's colour, ``wider`` its growth as a share,
    ``blur_u`` the width of its edges. ``dash_u`` is the pattern of the lines that are no edge's,
    None for as they are. ``doubled_by`` is how far two stand apart in place of such a line, in
    shares of its width, 0 for one. ``missing`` are the lines that are not painted.
    """

    wear: float
    wider: float
    blur_u: float
    dash_u: list[float] | None
    doubled_by: float
    missing: frozenset[int]


def is_line(strip: Strip) -> bool:
    """Returns whether a strip is a painted line."""
    return bool(strip["to_u"] - strip["from_u"] < LINE_WIDTH_U)


def edge_lines(strips: list[Strip]) -> set[int]:
    """Returns the indices of the two outermost lines, which bound the road."""
    lines = [k for k, strip in enumerate(strips) if is_line(strip)]
    if len(lines) < 2:
        return set(lines)
    return {
        min(lines, key=lambda k: float(strips[k]["from_u"])),
        max(lines, key=lambda k: float(strips[k]["to_u"])),
    }


def middle_line_only(scene: Scene) -> Scene:
    """Returns a scene whose road is told from the ground by the lines between its edges alone.

    A road without such lines stays as it is.
    """
    strips = scene.cross_section
    edges = edge_lines(strips)
    rgb = strips[surface(strips)]["rgb"]
    kept = [
        strip if is_line(strip) else {**strip, "rgb": rgb}
        for k, strip in enumerate(strips)
        if k not in edges
    ]
    if not any(is_line(strip) for strip in kept):
        return scene
    return replace(scene, cross_section=kept, ground_rgb=rgb)


def surface(strips: list[Strip]) -> int:
    """Returns the index of the strip that is seen in the road's middle below all lines."""
    middle_u = 0.5 * (strips[0]["from_u"] + strips[0]["to_u"])
    return max(
        k
        for k, strip in enumerate(strips)
        if k == 0 or (not is_line(strip) and strip["from_u"] <= middle_u < strip["to_u"])
    )


def drawn_dashes(rng: np.random.Generator) -> list[float]:
    """Returns a pattern: the painted length and the gap, u."""
    painted_u = float(np.exp(rng.uniform(*np.log(DASH_U))))
    return [round(painted_u, 2), round(painted_u * rng.uniform(*GAP_SHARES), 2)]


def drawn_missing(strips: list[Strip], share: float, rng: np.random.Generator) -> frozenset[int]:
    """Returns which lines are not painted: one edge's, the other's, all between, or several.

    :param strips: of the cross-section
    :param share: how often each is not
    :param rng: draws
    """
    edges = edge_lines(strips)
    between = [k for k, strip in enumerate(strips) if is_line(strip) and k not in edges]
    groups = [[k] for k in sorted(edges)] + [between]
    drawn = rng.random(len(groups))
    gone = [group for group, chance in zip(groups, drawn, strict=False) if chance < share]
    return frozenset(k for group in gone for k in group)


def restyled(strips: list[Strip], style: LineStyle, least: float) -> list[Strip]:
    """Returns a cross-section with its lines in another style.

    :param strips: of the cross-section, in their new colours
    :param style: of the lines
    :param least: grey levels by which an edge's line differs from what it is painted on
    """
    edges = edge_lines(strips)
    painted: list[Strip] = []
    for k, strip in enumerate(strips):
        if not is_line(strip):
            painted.append(strip)
        elif k not in style.missing:
            line = _worn(strip, painted, style, least if k in edges else 0.0)
            painted += [line] if len(edges) > 1 and k in edges else _dashed(line, style)
    return painted


def _worn(line: Strip, below: list[Strip], style: LineStyle, least: float) -> Strip:
    """Returns a painted line that has grown about its middle and faded.

    :param line: in its new colour
    :param below: the strips that were painted before it
    :param style: of the lines
    :param least: grey levels by which it still differs from them
    """
    from_u, to_u, rgb = line["from_u"], line["to_u"], line["rgb"]
    middle_u = 0.5 * (from_u + to_u)
    growth_u = 0.5 * style.wider * (to_u - from_u)
    under = [strip["rgb"] for strip in below if strip["from_u"] < middle_u < strip["to_u"]]
    if under:
        rgb = [int(a + style.wear * (b - a)) for a, b in zip(rgb, under[-1], strict=True)]
        rgb = told_apart(rgb, under[-1], least)
    worn = {**line, "from_u": from_u - growth_u, "to_u": to_u + growth_u, "rgb": rgb}
    if style.blur_u > 0.0:
        worn["blur_u"] = style.blur_u
    return worn


def _dashed(line: Strip, style: LineStyle) -> list[Strip]:
    """Returns a line that is no edge's, dashed and doubled as the style has it."""
    if style.dash_u is not None:
        line = {**line, "dash_u": style.dash_u}
    if style.doubled_by <= 0.0:
        return [line]
    shift_u = style.doubled_by * (line["to_u"] - line["from_u"])
    left = {**line, "from_u": line["from_u"] - shift_u, "to_u": line["to_u"] - shift_u}
    return [left, {**line, "from_u": line["from_u"] + shift_u, "to_u": line["to_u"] + shift_u}]
