"""A scene file for a circuit: the look of a scene at hand, on a road of the circuit's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from agent.config.errors import UserError, unknown_text
from agent.simulator.scene_keys import MOST_POINTS, WIDEST_U, check_scene
from agent.simulator.tracks import Scene, load_scene, look_names, scene_names
from agent.worlds.donkey.track_making.circuit import SAMPLE_U, Circuit
from agent.worlds.donkey.track_making.line_read import Points

# All chosen.
LINE_AHEAD_U = 1.7  # of the start line, as on most named tracks
CONTROL_U = 3.0  # between control points, at least
WIDEST_LINE_U = 1.0  # a strip up to this width is a painted line, which keeps its width
LINE_U = 0.27
WHITE = [240, 244, 250]
YELLOW = [250, 228, 110]
DASH_U = [3.5, 4.3]
CLEAR_U = 4.0  # beside the road, in which no tree stands
ROOM_U = 0.6  # between the road and a barrier, at least
PATTERNS = ("edges", "middle", "dashed", "both", "none")
KEPT = ("ground_rgb", "sky", "textures", "ground_texture", "light", "skyline", "ceiling", "fog")


class Look(NamedTuple):
    """Appearance of a track that is made.

    :param like: name of the scene whose look it gets
    :param lines: one of ``PATTERNS``, empty for those of that scene
    :param width_u: of the road, None for the file's, or else that scene's
    """

    like: str
    lines: str = ""
    width_u: float | None = None


def check_look(name: str) -> None:
    """Refuses a scene that no look can be taken from.

    :raises UserError: an unknown name
    """
    names = [each for each in (*scene_names(), *look_names()) if each != "random_track"]
    if name not in names:
        raise UserError(f"--like {unknown_text(name, names)}")


def road_width_u(circuit: Circuit, look: Look) -> float:
    """Returns the width of the road: what is asked for, the file's median, or the look's."""
    if look.width_u is not None:
        return look.width_u
    if circuit.right_u is not None and circuit.left_u is not None:
        return float(np.median(circuit.right_u + circuit.left_u))
    road = load_scene(look.like).cross_section[0]
    return float(road["to_u"] - road["from_u"])


def make_scene(name: str, circuit: Circuit, look: Look) -> dict[str, Any]:
    """Returns a scene file's content.

    The road has one width all round. Its middle is the path, so what a file says of widths to
    either side moves nothing.

    :param name: of the scene
    :param circuit: the middle of the road
    :param look: of it
    :raises UserError: a width with which the scene cannot be drawn
    """
    like = load_scene(look.like)
    half_u = 0.5 * road_width_u(circuit, look)
    start, line = _start(circuit.points)
    made = {
        "name": name,
        "path": {"kind": "spline", "points": _controls(circuit.points), "spacing_u": SAMPLE_U},
        "start": start,
        "start_line": {**line, "half_width_u": round(half_u, 3)},
        "cross_section": _cross_section(like, half_u, look.lines),
        "obstacles": [],
    }
    whole = asdict(like)
    made |= {key: whole[key] for key in KEPT if whole[key]}
    if barriers := _barriers(like, half_u):
        made["barriers"] = barriers
    if like.random_look:
        made["random_look"] = _random_look(like.random_look, half_u)
    try:
        check_scene(made)
    except ValueError as error:
        raise UserError(f"the scene cannot be drawn: {error}") from None
    return made


def _start(points: Points) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the car's start at the first point, and the start line a little ahead of it."""
    places = []
    for k in (0, round(LINE_AHEAD_U / SAMPLE_U)):
        ahead = points[(k + 1) % len(points)] - points[k]
        yaw_deg = math.degrees(math.atan2(ahead[0], ahead[1]))
        x, z = points[k].tolist()
        places.append({"x": round(x, 3), "z": round(z, 3), "yaw_deg": round(yaw_deg, 2)})
    return places[0], places[1]


def _controls(points: Points) -> list[list[float]]:
    """Returns control points of the path: x, z and height, on level ground."""
    step = max(round(CONTROL_U / SAMPLE_U), math.ceil(len(points) / MOST_POINTS))
    count = max(len(points) // step, 4)
    chosen = np.round(np.arange(count) * len(points) / count).astype(int)
    return [[round(x, 3), round(z, 3), 0.0] for x, z in points[chosen].tolist()]


def _cross_section(like: Scene, half_u: float, lines: str) -> list[dict[str, Any]]:
    """Returns the strips of a look, stretched to a road of another width; lines keep theirs."""
    road = like.cross_section[0]
    stretch = 2.0 * half_u / (road["to_u"] - road["from_u"])
    strips = []
    for k, strip in enumerate(like.cross_section):
        middle_u = 0.5 * (strip["from_u"] + strip["to_u"]) - like.middle_u
        width_u = strip["to_u"] - strip["from_u"]
        is_line = k > 0 and width_u <= WIDEST_LINE_U
        if is_line and lines:
            continue
        if not is_line:
            width_u *= stretch
        middle_u *= stretch
        ends = {"from_u": middle_u - 0.5 * width_u, "to_u": middle_u + 0.5 * width_u}
        clipped = {end: round(min(max(u, -WIDEST_U), WIDEST_U), 3) for end, u in ends.items()}
        if clipped["from_u"] < clipped["to_u"]:
            strips.append({**strip, **clipped})
    return strips + _lines(half_u, lines)


def _lines(half_u: float, pattern: str) -> list[dict[str, Any]]:
    def line(middle_u: float, rgb: Sequence[int], **more: Any) -> dict[str, Any]:
        ends = {"from_u": middle_u - 0.5 * LINE_U, "to_u": middle_u + 0.5 * LINE_U}
        return {**{end: round(u, 3) for end, u in ends.items()}, "rgb": list(rgb), **more}

    edge_u = half_u - LINE_U
    lines = []
    if pattern in ("middle", "both"):
        lines.append(line(0.0, YELLOW))
    if pattern == "dashed":
        lines.append(line(0.0, YELLOW, dash_u=DASH_U))
    if pattern in ("edges", "both", "dashed"):
        lines += [line(-edge_u, WHITE), line(edge_u, WHITE)]
    return lines


def _barriers(like: Scene, half_u: float) -> list[dict[str, Any]]:
    """Returns the barriers that stand all along the look's road, as far beside this one."""
    road = like.cross_section[0]
    made = []
    for barrier in like.barriers:
        if "from_arc_u" in barrier or "to_arc_u" in barrier:
            continue
        side = math.copysign(1.0, barrier["right_u"] - like.middle_u)
        edge_u = 0.5 * (road["to_u"] - road["from_u"])
        room_u = max(abs(barrier["right_u"] - like.middle_u) - edge_u, ROOM_U)
        made.append({**barrier, "right_u": round(side * (half_u + room_u), 3)})
    return made


def _random_look(look: Mapping[str, Any], half_u: float) -> dict[str, Any]:
    """Returns what is drawn beside the road, no nearer to a wide road than to the look's own."""
    made = dict(look)
    for name in ("trees", "chairs"):
        if name in look:
            clear_u = max(look[name].get("clear_u", 0.0), half_u + CLEAR_U)
            low_u, high_u = look[name]["away_u"]
            farther_u = max(high_u, clear_u + high_u - low_u)
            made[name] = {**look[name], "clear_u": clear_u, "away_u": [low_u, farther_u]}
    return made
