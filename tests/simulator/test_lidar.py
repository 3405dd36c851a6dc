"""The lidar against plain geometry."""

from __future__ import annotations

import math

import pytest

from agent.simulator.lidar import LidarConfig, scan
from agent.simulator.obstacles import Obstacles
from agent.simulator.tracks import build_track, load_scene


def test_lidar_sees_the_ground_as_far_as_its_angle_says() -> None:
    obstacles = Obstacles(load_scene("generated_road"), build_track(load_scene("generated_road")))
    hits = scan(LidarConfig(), 0.0, 0.0, 0.3, 0.5, obstacles)
    lift = 0.53 + 0.372
    for distance, rx, ry in hits[:: len(hits) // 40]:
        assert 0.0 <= rx < 360.0 and rx % 2.0 == 0.0
        assert distance == pytest.approx(lift / math.sin(math.radians(25.0 + ry)))
    assert hits[:, 0].max() <= 50.0
    into_the_sky = LidarConfig(deg_down=-10.0, levels=3)
    assert len(scan(into_the_sky, 0.0, 0.0, 0.0, 0.0, obstacles)) == 0
