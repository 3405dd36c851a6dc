"""A client's car that is told nonsense."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator.protocol import BadMessage
from agent.simulator.remote_car import RemoteCar
from tests.simulator.remote_cars import CAMERA, LIDAR, a_car, show, tell

VALUES = st.sampled_from(
    ["0", "1", "-1", "1e5", "-1e5", "1e308", "-1e-320", "nan", "inf", "2048", "", "JPG", "0.1"]
)
NAMES = sorted(
    {
        *CAMERA,
        *LIDAR,
        "steering",
        "throttle",
        "brake",
        "pos_x",
        "pos_y",
        "pos_z",
        "Qx",
        "Qy",
        "Qz",
        "Qw",
    }
)
TYPES = st.sampled_from(
    ["control", "cam_config", "lidar_config", "set_position", "node_position", "reset_car"]
)


@given(
    st.lists(
        st.tuples(TYPES, st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=10)), max_size=4
    )
)
@settings(max_examples=100, deadline=None)
def test_whatever_is_asked_the_telemetry_is_finite_json(
    messages: list[tuple[str, dict[str, str]]],
) -> None:
    car = SHARED.setdefault("car", a_car())
    for msg_type, fields in messages:
        complete = {**CAMERA, **LIDAR, "img_w": "32", "img_h": "24", "levels": "1", **fields}
        if complete["img_w"] == "2048":
            complete["img_w"] = "64"
        try:
            tell(car, msg_type, **complete)
        except BadMessage:
            continue
        car.drive()
        assert all(math.isfinite(v) for v in show(car).values() if isinstance(v, float))


SHARED: dict[str, RemoteCar] = {}
