"""Input that a simulator's server must survive: bytes, torn messages, and absurd ones."""

from __future__ import annotations

import json
import random
import re

VALUES = (
    "0",
    "1",
    "-1",
    "0.3",
    "90",
    "64",
    "1e308",
    "-1e-320",
    "nan",
    "inf",
    "",
    "JPG",
    "x",
    "\\ud800",
    "1" * 400,
)
NO_TEXTS: tuple[object, ...] = (0, 1e999, None, [[]], {"a": 1})
NAMES = re.findall(
    r"\w+",
    "steering throttle brake pos_x pos_y pos_z Qx Qy Qz Qw index fov offset_x offset_y offset_z"
    " rot_x rot_y fish_eye_x fish_eye_y img_w img_h img_d img_enc degPerSweepInc degAngDown"
    " degAngDelta maxRange noise numSweepsLevels road_style rand_seed turn_increment scene_name",
)
TYPES = re.findall(
    r"\w+",
    "control reset_car set_position node_position cam_config cam_config_b lidar_config regen_road"
    " car_config step_mode racer_info get_protocol_version get_scene_names load_scene exit_scene"
    " no_such",
)
HUGE = b"{" + b"x" * 10_000_000
HUGE_SHARE = 1e-4  # of the inputs, chosen


def draw_input(draw: random.Random) -> bytes:
    """One input of any kind; a few are longer than any message may be."""
    return nonsense(draw) if draw.random() > HUGE_SHARE else HUGE


def nonsense(draw: random.Random) -> bytes:
    """One input: bytes, half a message, several in one, or one with fields missing or absurd."""
    kind = draw.random()
    if kind < 0.25:
        return draw.randbytes(draw.randrange(60))
    fields = draw_fields(draw)
    if kind < 0.35:
        fields[draw.choice(NAMES)] = draw.choice(NO_TEXTS)
    message = json.dumps({"msg_type": draw.choice(TYPES), **fields}).encode()
    message += draw.choice((b"", b"\n"))
    if kind < 0.5:
        return message[: draw.randrange(len(message))]
    return message * draw.choice((1, 1, 1, 3))


def draw_fields(draw: random.Random) -> dict[str, object]:
    """Fields of a message: most as they should be, some absurd, some missing."""
    fields: dict[str, object] = dict.fromkeys(NAMES, "1")
    fields |= {"img_w": "64", "img_h": "48", "scene_name": "generated_road"}
    for name in draw.sample(NAMES, draw.choice((0, 0, 1, 2, 30))):
        fields[name] = draw.choice(VALUES)
    for name in draw.sample(NAMES, draw.choice((0, 0, 0, 1, 10))):
        del fields[name]
    return fields
