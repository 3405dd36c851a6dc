"""The world: determinism, cross-track error, laps, the camera's geometry."""

import math

import numpy as np
import pytest

from agent.simulator.tracks import scene_names
from agent.simulator.world import Telemetry, World
from tests.simulator.decorated import decorated_world


def picture(world: World) -> np.ndarray:
    frame = np.zeros((120, 160, 3), dtype=np.uint8)
    world.render(frame)
    return frame


def follow(world: World, speed: float) -> Telemetry:
    """One step of a driver that knows the road a little ahead and holds ``speed``, m/s."""
    track = world.track
    here = world.telemetry()
    x, z = here.pos[0] * 8, here.pos[2] * 8
    _, _, heading = track.pose_at(track.arc_of(x, z) + 3.0)
    off = (heading - math.radians(here.car[2]) + math.pi) % (2 * math.pi) - math.pi
    return world.step(3.0 * off - 0.5 * here.cte, 0.2 + 0.6 * (speed - here.speed))


@pytest.mark.parametrize("scene", scene_names())
def test_same_commands_same_bits(scene: str) -> None:
    runs = []
    for _ in range(2):
        world = World(scene)
        world.reset(5)
        rng = np.random.default_rng(0)
        seen = [world.step(*rng.uniform(-1, 1, 2)) for _ in range(40)]
        runs.append(
            (
                [(s.pos, s.vel, s.accel, s.gyro, s.car, s.cte, s.progress) for s in seen],
                picture(world).tobytes(),
            )
        )
    assert runs[0] == runs[1]


@pytest.mark.parametrize("scene", ["generated_track", "mountain_track", "mini_monaco"])
def test_a_plain_line_follower_completes_a_lap(scene: str) -> None:
    world = World(scene)
    for _ in range(3500):
        seen = follow(world, 2.0)
        if seen.lap_count:
            break
        assert abs(seen.cte) < 8.0
    assert seen.lap_count == 1
    assert 1.0 <= seen.progress < 1.1
    assert seen.last_lap_time == pytest.approx(world.track.length_u / 8 / 2.0, rel=0.15)


def test_cte_is_positive_to_the_right() -> None:
    world = World("generated_track")
    for right in (-2.0, 2.0):
        world.reset(arc_u=10.0, lateral_u=right)
        assert world.telemetry().cte == pytest.approx(right, abs=1e-9)


def test_a_car_that_begins_or_is_put_back_at_a_crossing_stays_on_its_leg() -> None:
    world = World("circuit_launch")
    nodes = world.track.nodes[:, :2]
    gaps = np.linalg.norm(nodes[:, None] - nodes, axis=2)
    apart = np.abs(np.subtract.outer(np.arange(len(nodes)), np.arange(len(nodes))))
    gaps[np.minimum(apart, len(nodes) - apart) < 30] = np.inf
    world.reset(arc_u=0.0)
    line_u = world.line_ahead_u
    for crossing in np.unravel_index(np.argmin(gaps), gaps.shape):
        for right in (-3.0, 0.0, 3.0):
            arc_u = float(world.track.arc_u[crossing])
            world.reset(arc_u=arc_u, lateral_u=right)
            there = world.telemetry()
            assert there.cte == pytest.approx(right, abs=0.3)
            assert (world.line_ahead_u + arc_u) % world.track.length_u == pytest.approx(
                line_u, abs=0.1
            )
            world.put_back()
            assert world.telemetry().progress == pytest.approx(there.progress, abs=1e-6)
            assert abs(world.telemetry().cte) < 0.5


def test_start_pose_is_the_scenes() -> None:
    assert World("mountain_track").telemetry().cte == pytest.approx(3.6, abs=0.15)
    assert World("generated_track").telemetry().pos == pytest.approx(
        (49.69 / 8, 0.5 / 8, 47.838 / 8)
    )


def test_driving_backwards_and_over_the_line_earns_no_lap() -> None:
    world = World("generated_track")
    for _ in range(6):  # shuttle over the start line
        for throttle in [0.5] * 12 + [-0.5] * 24 + [0.5] * 12:
            seen = world.step(0.0, throttle)
    assert seen.lap_count == 0 and seen.laps == 0 and abs(seen.progress) < 0.1


def test_circling_makes_no_progress() -> None:
    world = World("mini_monaco")
    for _ in range(400):
        seen = world.step(1.0, 0.3)
    assert abs(seen.progress) < 0.05
    assert seen.stalled_sec > 5.0


def test_a_cone_is_hit_by_its_upstream_name_and_stands_fast() -> None:
    world = World("generated_track")
    for index, name in ((0, "cone"), (1, "cone (1)")):
        cone = world.scene.obstacles[index]
        world.reset()
        world.set_pose(cone["x"], cone["z"] - cone["radius_u"] - 2.0, 0.0)
        seen = [world.step(0.0, 1.0) for _ in range(40)]
        assert next(s.hit for s in seen if s.hit != "none") == name and seen[0].hit == "none"
        assert seen[-1].pos[2] * 8 < cone["z"] - cone["radius_u"] - 0.8


def test_far_lines_do_not_flicker() -> None:
    """From frame to frame, 0.06 u apart, pixels near the horizon change by less than the paint."""
    world = World("generated_road")
    frames = []
    for k in range(12):
        world.reset(arc_u=20.0 + 0.06 * k)
        frames.append(picture(world)[46:54].astype(int))
    jumps = np.abs(np.diff(np.array(frames), axis=0)).max(axis=(1, 2, 3))
    assert np.median(jumps) < 40


def test_hills_move_the_horizon() -> None:
    world = decorated_world("mountain_track")
    tops = []
    for k in range(12):
        world.reset(arc_u=world.track.length_u * k / 12)
        frame = picture(world).astype(int)
        tops.append(int((frame[:, 80, 2] - frame[:, 80, 0] > 40).argmin()))
    assert max(tops) - min(tops) >= 3
    assert all(25 < top < 70 for top in tops)
