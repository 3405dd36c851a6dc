"""Appearances change the picture and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from agent.simulator.appearance import LINE_WIDTH_U, Appearance
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.world import World


@pytest.mark.parametrize("scene", ["generated_track", "mountain_track"])
def test_an_appearance_changes_the_picture_and_nothing_else(scene: str) -> None:
    frames, poses = [], []
    for appearance in (None, Appearance(seed=1), Appearance(seed=1), Appearance(seed=2)):
        world = World(scene)
        world.set_appearance(appearance)
        world.reset(arc_u=20.0)
        seen = [world.step(0.1, 0.4) for _ in range(20)][-1]
        frame = np.zeros((120, 160, 3), np.uint8)
        world.render(frame)
        frames.append(frame.astype(int))
        poses.append((seen.pos, seen.cte, seen.speed, seen.hit))
    assert poses[0] == poses[1] == poses[3]
    assert np.array_equal(frames[1], frames[2])
    assert np.abs(frames[0] - frames[1]).mean() > 4 and np.abs(frames[1] - frames[3]).mean() > 4


def test_with_one_material_only_lines_differ_from_the_ground() -> None:
    world = World("warren")
    changed = Appearance(seed=4, one_material=1.0, new_material=0.0).scene(world.scene, world.track)
    narrow = {
        tuple(strip["rgb"])
        for strip in changed.cross_section
        if strip["to_u"] - strip["from_u"] < LINE_WIDTH_U
    }
    wide = {tuple(strip["rgb"]) for strip in changed.cross_section} - narrow
    assert wide == {tuple(changed.ground_rgb)}
    assert narrow


def test_equal_colours_stay_equal_and_lines_grow_about_their_middles() -> None:
    world = World("generated_track")
    plain = world.scene.cross_section
    grown = []
    for seed in range(30):
        changed = (
            Appearance(seed=seed, one_material=0.0).scene(world.scene, world.track).cross_section
        )
        paints = {
            tuple(was["rgb"]): tuple(now["rgb"]) for was, now in zip(plain, changed, strict=True)
        }
        for was, now in zip(plain, changed, strict=True):
            assert tuple(now["rgb"]) == paints[tuple(was["rgb"])]
            assert now["from_u"] + now["to_u"] == pytest.approx(was["from_u"] + was["to_u"])
            if was["to_u"] - was["from_u"] < LINE_WIDTH_U:
                grown.append((now["to_u"] - now["from_u"]) / (was["to_u"] - was["from_u"]))
            else:
                assert (now["from_u"], now["to_u"]) == (was["from_u"], was["to_u"])
        assert len(set(paints.values())) > 1
    assert 0.75 < min(grown) < 0.85 and 1.8 < max(grown) <= 2.0


def test_an_appearance_of_no_strength_is_the_scene_itself() -> None:
    nothing = dict.fromkeys(Appearance.__dataclass_fields__, 0)
    plain = Appearance(**nothing)
    scene = load_scene("generated_track")
    assert plain.scene(scene, build_track(scene)) == scene
