"""Appearances change the picture and nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from agent.simulator.appearance import Appearance
from agent.simulator.look_lines import LINE_WIDTH_U, is_line
from agent.simulator.look_materials import POOL, grey_level
from agent.simulator.scene_keys import check_scene
from agent.simulator.tracks import Scene, build_track, load_scene
from agent.simulator.world import World
from agent.worlds.donkey.observation import FAST_VIEW


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


def test_a_road_may_have_its_middle_line_alone_on_one_material() -> None:
    for name in ("warren", "generated_road"):
        world = World(name)
        looks = [
            Appearance(seed=seed, middle_line_only=1.0, new_material=0.0, texture=0.0)
            for seed in range(20)
        ]
        scenes = [look.scene(world.scene, world.track) for look in looks]
        dashed = 0
        for scene in scenes:
            lines = [strip for strip in scene.cross_section if is_line(strip)]
            road = [strip for strip in scene.cross_section if not is_line(strip)]
            assert 1 <= len(lines) <= 2  # doubled now and then
            assert {tuple(strip["rgb"]) for strip in road} == {tuple(scene.ground_rgb)}
            apart = grey_level(lines[0]["rgb"]) - grey_level(scene.ground_rgb)
            assert abs(apart) >= looks[0].contrast - 1.0
            dashed += "dash_u" in lines[0]
        assert dashed > 3


def test_equal_colours_stay_equal_and_lines_grow_about_their_middles() -> None:
    world = World("generated_road")
    plain = world.scene.cross_section
    grown = []
    for seed in range(30):
        changed = (
            Appearance(
                seed=seed,
                one_material=0.0,
                missing_lines=0.0,
                middle_line_only=0.0,
                doubled_lines=0.0,
                contrast=0.0,
            )
            .scene(world.scene, world.track)
            .cross_section
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


def looks_of(scene: str, count: int, **strengths: Any) -> list[Scene]:
    """The scene as so many seeds make it, on one road, and what is named alone at such strength."""
    world = World(scene)
    nothing = dict.fromkeys(Appearance.__dataclass_fields__, 0)
    return [
        Appearance(**{**nothing, **strengths, "seed": seed}).scene(world.scene, world.track)
        for seed in range(count)
    ]


def all_unlike(values: Iterable[Any]) -> bool:
    texts = [repr(value) for value in values]
    return len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("strength", "key"),
    [
        ({"sun": 1.0, "sun_shadow": 0.6, "glare": 0.3, "tint": 0.3}, "light"),
        ({"skyline": 1.0}, "skyline"),
        ({"ceiling": 1.0}, "ceiling"),
        ({"fog": 1.0}, "fog"),
        ({"barriers": 1.0}, "barriers"),
        ({"walls": 6, "patches": 1.0}, "obstacles"),
        ({"missing_lines": 0.5}, "cross_section"),
        ({"dashes": 1.0}, "cross_section"),
        ({"doubled_lines": 1.0}, "cross_section"),
        ({"line_blur_u": 0.3}, "cross_section"),
    ],
)
def test_each_strength_changes_its_own_part_of_the_scene(
    strength: dict[str, Any], key: str
) -> None:
    plain = World("generated_track").scene
    for looked in looks_of("generated_track", 20, **strength):
        others = {name for name in Scene.__dataclass_fields__ if name != key}
        assert all(getattr(looked, name) == getattr(plain, name) for name in others)
    changed = [getattr(look, key) for look in looks_of("generated_track", 20, **strength)]
    assert any(part != getattr(plain, key) for part in changed)
    if strength.keys().isdisjoint({"missing_lines", "line_blur_u", "walls"}):
        assert all_unlike(changed)


@pytest.mark.parametrize("scene", ["random_track", "warren"])
def test_what_an_appearance_makes_of_a_scene_is_a_scene_that_can_be_drawn(scene: str) -> None:
    frame = np.zeros((40, 80), np.uint8)
    world = World(scene)
    for seed in range(25):
        world.reset(seed)
        appearance = Appearance(seed=seed)
        looked = appearance.scene(world.scene, world.track)
        file = {**dataclasses.asdict(looked), "obstacles": plain_numbers(looked.obstacles)}
        del file["mirrored"], file["backwards"]  # of a track as it is driven, not of its file
        check_scene(file)
        world.set_appearance(appearance)
        world.render(frame, FAST_VIEW)
        assert frame.std() > 1.0


def plain_numbers(value: Any) -> Any:
    """The same without numpy's numbers, which no file has."""
    return json.loads(json.dumps(value, default=float))


def test_the_edge_of_a_road_can_always_be_seen() -> None:
    for look in looks_of("random_track", 200, **strong_lines()):
        edges = [strip for strip in look.cross_section if is_line(strip) and "dash_u" not in strip]
        road, ground = look.cross_section[1]["rgb"], look.ground_rgb
        if abs(grey_level(road) - grey_level(ground)) < 20.0:
            assert len(edges) == 2
            assert all(abs(grey_level(edge["rgb"]) - grey_level(road)) > 19.0 for edge in edges)


def strong_lines() -> dict[str, float]:
    """Strengths at which lines are worn, missing and dashed, on any material."""
    often = {"new_material": 0.5, "one_material": 0.5, "missing_lines": 0.5, "dashes": 1.0}
    return {**often, "contrast": 20.0, "line_wear": 0.9}


def test_random_roads_have_every_kind_of_marking() -> None:
    world = World("random_track")
    seen: set[str] = set()
    for seed in range(120):
        world.reset(seed)
        look = Appearance(seed=seed).scene(world.scene, world.track)
        lines = [strip for strip in look.cross_section if is_line(strip)]
        dashed = [line for line in lines if "dash_u" in line]
        one = all(strip["rgb"] == look.ground_rgb for strip in look.cross_section[:2])
        kinds = {
            "none": not lines,
            "edges only": len(lines) == 2 and not dashed,
            "a dashed middle": len(dashed) == 1,
            "a doubled middle": len(dashed) == 2,
            "an edge alone": len(lines) == 1,
            "lines on grass": one and "texture" in look.cross_section[0],
            "a kerb": any(barrier["kind"] == "wall" for barrier in look.barriers),
        }
        seen |= {kind for kind, found in kinds.items() if found}
    assert seen == set(kinds)


def test_appearances_share_a_pool_of_textures() -> None:
    looks = looks_of("random_track", 100, texture=1.0, texture_levels=20.0)
    used = {repr(texture) for look in looks for texture in look.textures.values()}
    assert 20 < len(used) <= POOL
    assert all(look.ground_texture in look.textures for look in looks)
