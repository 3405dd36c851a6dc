"""Appearances of a scene on another day, through another camera: domain randomisation by a seed.

An ``Appearance`` changes colours, textures, lines and light, adds things that are seen but never
hit, and moves the camera a little. The road stays where it is, so the right command for a picture
stays right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from agent.simulator import look_air, look_lines, look_things
from agent.simulator.lens import View
from agent.simulator.look_materials import POOL, texture_pool, told_apart
from agent.simulator.tracks import Scene, Track

ROAD_TEXTURE, GROUND_TEXTURE = "another road", "another ground"

Colour = list[int]
Strips = list[dict[str, Any]]


@dataclass(frozen=True)
class Appearance:
    """Strengths of what varies; with all of them zero the scene stays as it is.

    The values are chosen. What happens only now and then has a share, from 0 for never.

    :param seed: draws everything within these strengths
    :param light: change of brightness, as a share
    :param hue: shift of every material's red, green and blue, grey levels
    :param new_material: how often a material is another altogether, any colour at all, as a share
    :param one_material: how often the ground is the road's own material and lines alone tell them
        apart, as a share
    :param contrast: grey levels that the road's edge keeps at least, by its line or by the ground
    :param texture: how often the road has another texture, and the ground, as a share
    :param texture_levels: strongest peak of a texture's pattern, grey levels
    :param line_wear: most that painted lines fade into what they are painted on, as a share
    :param line_width: how much wider painted lines may be, as a share, and a little narrower
    :param line_blur_u: widest soft edge of painted lines
    :param dashes: how often lines between the road's edges are dashed anew, as a share
    :param missing_lines: how often a line is not painted, as a share
    :param middle_line_only: how often a road with a line in its middle has no other and is of one
        material with the ground, as a share
    :param doubled_lines: how often the lines between the edges are doubled, as a share
    :param grain: peak of the ground's grain, grey levels (the plain scene has 5)
    :param camera_height_u: shift of the camera up or down
    :param camera_pitch_deg: change of its pitch, which moves the horizon
    :param body_roll_deg: most that the car's body leans out of bends
    :param fov_deg: change of its field of view
    :param distractors: most things beside the road
    :param cutouts: most trees, people or the like of a shape beside the road
    :param barriers: how often a wall, rail or fence runs along a stretch of the road, as a
        share
    :param walls: most walls farther off
    :param patches: how often such a wall has patches of other colours, as a share
    :param shadows: most dark patches across the road
    :param sun: how often the sun stands elsewhere, as a share
    :param sun_shadow: darkest shadow then, as a share
    :param glare: strongest glare then, as a share
    :param tint: most that a colour is taken out of the light then, as a share
    :param skyline: how often the horizon is another, as a share
    :param ceiling: how often there is a ceiling, as a share
    :param fog: how often there is fog, as a share
    """

    seed: int = 0
    light: float = 0.35
    hue: float = 25.0
    new_material: float = 0.35
    one_material: float = 0.4
    contrast: float = 22.0
    texture: float = 0.45
    texture_levels: float = 45.0
    line_wear: float = 0.6
    line_width: float = 1.0
    line_blur_u: float = 0.25
    dashes: float = 0.4
    missing_lines: float = 0.15
    middle_line_only: float = 0.15
    doubled_lines: float = 0.12
    grain: int = 9
    camera_height_u: float = 0.3
    camera_pitch_deg: float = 6.0
    body_roll_deg: float = 9.0
    fov_deg: float = 5.0
    distractors: int = 6
    cutouts: int = 14
    barriers: float = 0.35
    walls: int = 4
    patches: float = 0.5
    shadows: int = 2
    sun: float = 0.4
    sun_shadow: float = 0.6
    glare: float = 0.3
    tint: float = 0.35
    skyline: float = 0.3
    ceiling: float = 0.12
    fog: float = 0.15

    def scene(self, scene: Scene, track: Track) -> Scene:
        """Returns the scene on another day, with other things among its obstacles."""
        if np.random.default_rng([self.seed, 10]).random() < self.middle_line_only:
            scene = look_lines.middle_line_only(scene)
        sky, strips, ground = self._materials(scene)
        looked = self._textured(replace(scene, sky=sky, cross_section=strips, ground_rgb=ground))
        looked = replace(looked, cross_section=self._lines(looked))
        return self._air(self._beside(looked, track))

    def grain_peak(self) -> int:
        """Returns the peak of the ground's grain, grey levels."""
        return int(np.random.default_rng([self.seed, 2]).integers(0, self.grain + 1))

    def view(self, view: View) -> View:
        """Returns the view through a camera that is mounted a little differently."""
        rng = np.random.default_rng([self.seed, 3])
        right, up, forward = view.offset_u
        pitch, yaw, roll = view.rotation_deg
        up += rng.uniform(-self.camera_height_u, self.camera_height_u)
        pitch += rng.uniform(-self.camera_pitch_deg, self.camera_pitch_deg)
        fov = view.fov_deg + rng.uniform(-self.fov_deg, self.fov_deg)
        return replace(
            view,
            offset_u=(right, up, forward),
            rotation_deg=(pitch, yaw, roll),
            fov_deg=fov,
            body_roll_deg=rng.uniform(0.0, self.body_roll_deg),
        )

    def _materials(self, scene: Scene) -> tuple[list[list[Any]], Strips, Colour]:
        """Returns sky, cross-section and ground in other colours."""
        rng = np.random.default_rng([self.seed, 1])
        repaint = self._repainter(rng)
        sky = [[row, repaint(rgb)] for row, rgb in scene.sky]
        ground = repaint(scene.ground_rgb)
        strips = [{**strip, "rgb": repaint(strip["rgb"])} for strip in scene.cross_section]
        if rng.random() < self.one_material and look_lines.edge_lines(strips):
            for strip in strips:
                if not look_lines.is_line(strip):
                    strip["rgb"] = ground
        return sky, strips, ground

    def _repainter(self, rng: np.random.Generator) -> Callable[[Colour], Colour]:
        """Returns what changes colours.

        Equal colours stay equal: lines at both edges stay alike, and unlike the middle's.
        """
        gain = 1.0 + rng.uniform(-self.light, self.light)
        tint = (rng.uniform(-0.4, 0.4, 3) * self.hue).tolist()

        @cache
        def repainted(*rgb: int) -> tuple[int, ...]:
            material = rgb
            if rng.random() < self.new_material:
                material = tuple(rng.integers(0, 256, 3).tolist())
            shift = rng.uniform(-0.6, 0.6, 3).tolist()
            return tuple(
                min(max(int(level * gain + tint[c] + self.hue * shift[c]), 0), max(level, 255))
                for c, level in enumerate(material)
            )

        return lambda rgb: list(repainted(*rgb))

    def _textured(self, scene: Scene) -> Scene:
        """Returns the scene with other textures on road and ground, one for both if they are one.

        A material that gets none keeps the scene's.
        """
        rng = np.random.default_rng([self.seed, 6])
        pool = texture_pool(self.texture_levels)
        chosen = rng.integers(0, POOL, 2)
        drawn = rng.random(2) < self.texture
        textures = dict(scene.textures)
        for k, name in enumerate((GROUND_TEXTURE, ROAD_TEXTURE)):
            if drawn[k]:
                textures[name] = pool[chosen[k]]
        strips = []
        for strip in scene.cross_section:
            name = ROAD_TEXTURE
            if strip["rgb"] == scene.ground_rgb:
                name = GROUND_TEXTURE
            if name in textures and not look_lines.is_line(strip):
                strip = {**strip, "texture": name}
            strips.append(strip)
        ground = scene.ground_texture
        if GROUND_TEXTURE in textures:
            ground = GROUND_TEXTURE
        return replace(scene, textures=textures, ground_texture=ground, cross_section=strips)

    def _lines(self, scene: Scene) -> Strips:
        """Returns the cross-section with other lines, and an edge that can be seen."""
        rng = np.random.default_rng([self.seed, 7])
        strips = scene.cross_section
        style = look_lines.LineStyle(
            wear=rng.uniform(0.0, self.line_wear),
            wider=(1.0 + self.line_width) ** rng.uniform(-0.4, 1.0) - 1.0,
            blur_u=rng.uniform(-self.line_blur_u, self.line_blur_u),
            dash_u=look_lines.drawn_dashes(rng) if rng.random() < self.dashes else None,
            doubled_by=0.0,
            missing=look_lines.drawn_missing(strips, self.missing_lines, rng),
        )
        if rng.random() < self.doubled_lines:
            style = style._replace(doubled_by=rng.uniform(*look_lines.DOUBLE_SHARES))
        road = look_lines.surface(strips)
        edges = look_lines.edge_lines(strips)
        seen_as = told_apart(strips[road]["rgb"], scene.ground_rgb, self.contrast)
        if seen_as != strips[road]["rgb"] and edges:
            style = style._replace(missing=style.missing - edges)
        else:
            strips = [*strips[:road], {**strips[road], "rgb": seen_as}, *strips[road + 1 :]]
        return look_lines.restyled(strips, style, self.contrast)

    def _beside(self, scene: Scene, track: Track) -> Scene:
        """Returns the scene with more beside its road and on it."""
        rng = np.random.default_rng([self.seed, 8])
        found = look_things.walls(scene, track, self.walls, self.patches, rng)
        found += look_things.distractors(scene, track, self.distractors, rng)
        found += look_things.shades(track, self.shadows, rng)
        found += look_things.cutouts(scene, track, self.cutouts, rng)
        barriers = scene.barriers
        if rng.random() < self.barriers:
            barriers = [*barriers, *look_things.barriers(scene, track, rng)]
        return replace(scene, obstacles=[*scene.obstacles, *found], barriers=barriers)

    def _air(self, scene: Scene) -> Scene:
        """Returns the scene under another sky."""
        rng = np.random.default_rng([self.seed, 9])
        changed: dict[str, Any] = {}
        if rng.random() < self.sun:
            changed["light"] = look_air.drawn_light(self.tint, self.sun_shadow, self.glare, rng)
        if rng.random() < self.skyline:
            changed["skyline"] = look_air.drawn_skyline(rng)
        if rng.random() < self.ceiling:
            changed["ceiling"] = look_air.drawn_ceiling(rng)
        if rng.random() < self.fog:
            changed["fog"] = look_air.drawn_fog(scene.sky[-1][1], rng)
        return replace(scene, **changed)
