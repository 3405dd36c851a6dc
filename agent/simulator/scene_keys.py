"""The keys that a scene file may have, and the check of each; docs/scenes.md says what they mean.

Lengths are in u, angles in degrees, colours red, green and blue from 0 to 255.
"""

from __future__ import annotations

import math
import re
from typing import Any

from agent.simulator.scene_values import (
    Check,
    below,
    by_kind,
    choice,
    either,
    flag,
    list_of,
    names_of,
    number,
    or_null,
    rising,
    row,
    table,
    text,
    whole,
    with_rule,
    wrong,
)

# All chosen: beyond these a number is a mistake, or the scene too large to draw.
FARTHEST_U = 4000.0
LONGEST_U = 500.0
WIDEST_U = 31.0  # right or left of the path; see ``paint.STRIP_HALF_U``
LEAST_U = 0.01
MOST_NODES = 50_000
MOST_POINTS = 2000
LEAST_POINTS = 4

place = number(-FARTHEST_U, FARTHEST_U)
height = number(-LONGEST_U, LONGEST_U)
aside = number(-WIDEST_U, WIDEST_U)
arc = number(0.0, 100.0 * LONGEST_U)
size = number(0.0, LONGEST_U)
extent = number(LEAST_U, LONGEST_U)  # of what cannot be drawn without any
angle = number(-360.0, 360.0)
share = number(0.0, 1.0)
byte = number(0, 255)
rgb = row(byte, byte, byte)
lit = number(0, 2 * 255)  # paint in full light is overexposed: it stays white in tinted light
level = number(-255.0, 255.0)
levels = either(level, row(level, level, level))
cross_slope = number(-1.0, 1.0)
pair = row(extent, extent)


def _point(key: str, value: Any) -> None:
    """Check a control point: x, z and height, and a cross-slope if the road is banked."""
    banked = isinstance(value, list) and len(value) == 4
    row(place, place, height, *([cross_slope] if banked else []))(key, value)


def _spline(key: str, value: Any) -> None:
    points = value["points"]
    spacing_u = value.get("spacing_u", 1.0)
    banked = len(points[0])
    length_u = 0.0
    for k, point in enumerate(points):
        if len(point) != banked:
            raise wrong(
                f"{key}.points[{k}]",
                point,
                "has a cross-slope, or none, unlike the first; give all one",
            )
        step_u = math.dist(points[k - 1][:2], point[:2])
        if step_u < LEAST_U:
            raise wrong(f"{key}.points[{k}]", point, "is where the one before is; drop one")
        length_u += step_u
    if length_u / spacing_u > MOST_NODES:
        raise wrong(
            f"{key}.spacing_u", spacing_u, f"makes more than {MOST_NODES} nodes; give a larger one"
        )


def _script(key: str, value: Any) -> None:
    text(key, value)
    spans = 0
    for command in value.split(","):
        if not re.fullmatch(r"\s*(DY\s+-?\d+(\.\d+)?|[SRL]\s+\d{1,5})\s*", command):
            raise wrong(key, command, "is no command; give S n, R n, L n or DY degrees")
        word, count = command.split()
        spans += 0 if word == "DY" else int(count)
    if not LEAST_POINTS <= spans <= MOST_NODES:
        raise wrong(key, value, f"lays {spans} spans; give {LEAST_POINTS} to {MOST_NODES}")


KIND = {"kind": text}
start_of_path = row(place, place, height)
PATHS: dict[str, Check] = {
    "spline": with_rule(
        table(
            {**KIND, "points": list_of(_point, LEAST_POINTS, MOST_POINTS)},
            {"spacing_u": number(0.05, 20.0)},
        ),
        _spline,
    ),
    "turtle": table(
        {**KIND, "start": start_of_path, "span_u": number(0.1, 20.0), "script": _script}
    ),
    "random": table(
        {
            **KIND,
            "start": start_of_path,
            "span_u": number(0.1, 20.0),
            "spans": whole(LEAST_POINTS, 10_000),
            "turn_deg": number(0.0, 20.0),
        }
    ),
    "loop": table(
        {
            **KIND,
            "start": start_of_path,
            "length_u": rising(number(50.0, 10_000.0)),
            "half_width_u": rising(number(0.5, 20.0)),
        }
    ),
}

strip = with_rule(
    table(
        {"from_u": aside, "to_u": aside, "rgb": row(lit, lit, lit)},
        {"chance": share, "dash_u": pair, "blur_u": size, "texture": text},
    ),
    below("from_u", "to_u"),
)
texture = table(
    {},
    {
        "noise": list_of(row(either(extent, pair), levels), 1),
        "stripes": with_rule(
            table({"every_u": extent, "width_u": extent, "levels": levels}, {"yaw_deg": angle}),
            below("width_u", "every_u"),
        ),
        "tiles": table(
            {"side_u": extent, "levels": levels},
            {"gap_u": size, "gap_levels": levels, "odd_share": share, "odd_levels": levels},
        ),
        "cracks": table({"per_100_u2": number(0.0, 1000.0), "levels": levels}),
    },
)

posts = table({"every_u": extent, "width_u": extent}, {"top_u": extent, "rgb": rgb})
wires = table(
    {"count": whole(1, 50), "top_u": extent}, {"rgb": rgb, "opacity": share, "width_u": extent}
)
barrier = with_rule(
    with_rule(
        table(
            {
                "kind": choice("wall", "rail", "fence"),
                "right_u": number(-LONGEST_U, LONGEST_U),
                "top_u": extent,
                "rgb": rgb,
            },
            {
                "name": text,
                "bottom_u": size,
                "opacity": share,
                "posts": posts,
                "wires": wires,
                "solid": flag,
                "from_arc_u": arc,
                "to_arc_u": arc,
            },
        ),
        below("bottom_u", "top_u"),
    ),
    below("from_arc_u", "to_arc_u"),
)

WHERE = {"x": place, "z": place}
ANY_OBSTACLE = {"kind": text, "name": text, "solid": flag, "opacity": share}
pillar = table({**WHERE, "radius_u": extent, "height_u": extent, "rgb": rgb}, ANY_OBSTACLE)
patches = table({"rgb": list_of(rgb, 1), "size_u": pair, "share": share})
SHAPES = ("tree", "broadleaf", "palm", "conifer", "person", "chair", "table", "bush")
UPRIGHT = {"shape": choice(*SHAPES), "width_u": extent, "height_u": extent, "rgb": rgb}
OBSTACLES: dict[str, Check] = {
    "cone": pillar,
    "cylinder": pillar,
    "box": with_rule(
        table(
            {**WHERE, "yaw_deg": angle, "half_u": pair, "height_u": size, "rgb": rgb},
            {**ANY_OBSTACLE, "bottom_u": size, "patches": patches},
        ),
        below("bottom_u", "height_u"),
    ),
    "cutout": table(
        {**WHERE, **UPRIGHT}, {**ANY_OBSTACLE, "trunk_rgb": rgb, "seed": whole(0, 2**31)}
    ),
}

light = table(
    {},
    {
        "sun_deg": number(1.0, 90.0),
        "azimuth_deg": angle,
        "rgb": rgb,
        "shadow": share,
        "soft_u": size,
        "glare": share,
        "sky_glow": share,
    },
)
beyond = with_rule(
    table(
        {"rgb": rgb, "low_deg": number(-90.0, 90.0), "high_deg": number(-90.0, 90.0)},
        {"rough": share},
    ),
    below("low_deg", "high_deg"),
)
every = either(extent, pair)
lamps = table({"rgb": rgb, "every_u": every, "size_u": every})
beams = table(
    {"rgb": rgb, "every_u": every}, {"size_u": every, "width_u": extent, "yaw_deg": angle}
)
ceiling = table({"height_u": extent, "rgb": rgb}, {"lamps": lamps, "beams": beams})
fog = table({"from_u": arc, "over_u": extent, "most": share}, {"rgb": rgb})

scattered = table(
    {**UPRIGHT, "count": whole(0, 1000), "away_u": rising(size)},
    {"name": text, "clear_u": size, "solid": flag, "trunk_rgb": rgb},
)
random_look = table(
    {},
    {
        "light": table(
            {},
            {
                "rgb": row(rgb, rgb),
                "sun_deg": rising(number(1.0, 90.0)),
                "azimuth_deg": rising(angle),
            },
        ),
        "trees": scattered,
        "chairs": scattered,
        "cone": table(
            {"radius_u": extent, "height_u": extent, "rgb": rgb, "away_u": size},
            {"name": text, "ends": whole(0, 1000), "solid": flag},
        ),
    },
)

start = table({**WHERE, "yaw_deg": angle})
start_line = table({**WHERE, "yaw_deg": angle, "half_width_u": extent})
sky_row = row(number(0, 1000), rgb)


def _rising_rows(key: str, value: Any) -> None:
    for k in range(1, len(value)):
        if value[k][0] <= value[k - 1][0]:
            raise wrong(f"{key}[{k}][0]", value[k][0], "is not below the row before; sort the rows")


scene = table(
    {
        "name": text,
        "path": by_kind(PATHS),
        "start": start,
        "start_line": or_null(start_line),
        "cross_section": list_of(strip, 1, 100),
        "ground_rgb": rgb,
        "sky": with_rule(list_of(sky_row, 1, 100), _rising_rows),
        "obstacles": list_of(by_kind(OBSTACLES, "cone"), 0, 3000),
    },
    {
        "more_start_lines": list_of(start_line, 0, 10),
        "textures": names_of(texture),
        "ground_texture": or_null(text),
        "barriers": list_of(barrier, 0, 100),
        "light": or_null(light),
        "skyline": list_of(beyond, 0, 10),
        "ceiling": or_null(ceiling),
        "fog": or_null(fog),
        "random_look": or_null(random_look),
    },
)


def check_scene(data: Any) -> None:
    """Check a scene file's content.

    :raises ValueError: one line with the key, the value and the remedy
    """
    scene("", data)
    textures = data.get("textures", {})
    named = {"ground_texture": data.get("ground_texture")}
    for k, each in enumerate(data["cross_section"]):
        named[f"cross_section[{k}].texture"] = each.get("texture")
    for key, name in named.items():
        if name is not None and name not in textures:
            raise wrong(key, name, "is not among the textures; add it there or name one of them")
