"""Appearances of a scene on another day, through another camera: domain randomisation by a seed.

An ``Appearance`` changes colours, adds things that are seen but never hit, and moves the camera a
little. The road stays where it is, so the right command for a picture stays right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from agent.simulator.lens import View
from agent.simulator.tracks import Scene, Track

LINE_WIDTH_U = 0.6  # chosen: strips narrower than this are painted lines
ROADSIDE_GAP_U = 3.0  # chosen: things beside the road keep this much off its edge

Obstacle = dict[str, Any]
Colour = list[int]


@dataclass(frozen=True)
class Appearance:
    """Strengths of what varies; with all of them zero the scene stays as it is.

    The values are chosen.

    :param seed: draws everything within these strengths
    :param light: change of brightness, as a share
    :param hue: shift of every material's red, green and blue, grey levels
    :param new_material: how often a material is another altogether, any colour at all, as a share
    :param one_material: how often the ground is the road's own material and lines alone tell them
        apart, as a share
    :param line_wear: most that painted lines fade into what they are painted on, as a share
    :param line_width: how much wider painted lines may be, as a share, and a little narrower
    :param grain: peak of the ground's grain, grey levels (the plain scene has 5)
    :param camera_height_u: shift of the camera up or down
    :param camera_pitch_deg: change of its pitch, which moves the horizon
    :param fov_deg: change of its field of view
    :param distractors: most things beside the road
    :param walls: most walls farther off
    :param shadows: most dark patches across the road
    """

    seed: int = 0
    light: float = 0.35
    hue: float = 25.0
    new_material: float = 0.35
    one_material: float = 0.4
    line_wear: float = 0.6
    line_width: float = 1.0
    grain: int = 9
    camera_height_u: float = 0.25
    camera_pitch_deg: float = 2.5
    fov_deg: float = 4.0
    distractors: int = 12
    walls: int = 6
    shadows: int = 2

    def scene(self, scene: Scene, track: Track) -> Scene:
        """Returns the scene with other colours, and with things and shadows among its obstacles."""
        rng = np.random.default_rng([self.seed, 1])
        repaint = self._repainter(rng)
        wear = rng.uniform(0.0, self.line_wear)
        wider = (1.0 + self.line_width) ** rng.uniform(-0.4, 1.0) - 1.0
        ground = repaint(scene.ground_rgb)
        one_material = rng.random() < self.one_material
        strips: list[dict[str, Any]] = []
        for strip in scene.cross_section:
            rgb = repaint(strip["rgb"])
            if _is_line(strip):
                strips.append(_worn_line(strip, rgb, strips, wear, wider))
            else:
                strips.append({**strip, "rgb": ground if one_material else rgb})
        return replace(
            scene,
            cross_section=strips,
            ground_rgb=ground,
            sky=[[row, repaint(rgb)] for row, rgb in scene.sky],
            obstacles=[
                *scene.obstacles,
                *self._walls(scene, track, rng),
                *self._distractors(scene, track, rng),
                *self._shadows(track, rng),
            ],
        )

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
            view, offset_u=(right, up, forward), rotation_deg=(pitch, yaw, roll), fov_deg=fov
        )

    def _repainter(self, rng: np.random.Generator) -> Callable[[Colour], Colour]:
        """Returns what changes colours.

        Equal colours stay equal: lines at both edges stay alike, and unlike the middle's.
        """
        gain = 1.0 + rng.uniform(-self.light, self.light)
        tint = rng.uniform(-0.4, 0.4, 3) * self.hue

        @cache
        def repainted(*rgb: int) -> tuple[int, ...]:
            material = (
                rng.integers(0, 256, 3) if rng.random() < self.new_material else np.array(rgb)
            )
            colour = material * gain + tint + rng.uniform(-0.6, 0.6, 3) * self.hue
            return tuple(int(level) for level in np.clip(colour, 0, 255))

        return lambda rgb: list(repainted(*rgb))

    def _distractors(self, scene: Scene, track: Track, rng: np.random.Generator) -> list[Obstacle]:
        edges = _edges(scene)
        things: list[Obstacle] = []
        for _ in range(rng.integers(0, self.distractors + 1)):
            x, z, yaw = track.pose_at(rng.uniform(0.0, track.length_u))
            height = rng.uniform(0.5, 12.0)
            radius = rng.uniform(0.3, 2.5)
            clear = ROADSIDE_GAP_U + radius + rng.exponential(12.0)
            right_u = max(edges) + clear if rng.random() < 0.5 else min(edges) - clear
            x, z = x + right_u * math.cos(yaw), z - right_u * math.sin(yaw)
            if _distance_u(track, x, z) < max(abs(edge) for edge in edges) + radius:
                continue  # it would stand on another part of the road
            thing = _unreal("distractor", x, z)
            thing |= {"height_u": height, "rgb": rng.integers(0, 256, 3).tolist()}
            things.append({**thing, **_shape(radius, rng)})
        return things

    def _walls(self, scene: Scene, track: Track, rng: np.random.Generator) -> list[Obstacle]:
        walls: list[Obstacle] = []
        reach = max(abs(edge) for edge in _edges(scene))
        for _ in range(rng.integers(0, self.walls + 1)):
            x, z, yaw = track.pose_at(rng.uniform(0.0, track.length_u))
            half = [rng.uniform(0.2, 1.0), rng.uniform(6.0, 40.0)]
            right_u = (reach + half[1] + rng.exponential(20.0)) * rng.choice([-1.0, 1.0])
            x, z = x + right_u * math.cos(yaw), z - right_u * math.sin(yaw)
            if _distance_u(track, x, z) < reach + half[1]:
                continue  # it would stand on another part of the road
            wall = _unreal("wall", x, z)
            wall |= {"kind": "box", "yaw_deg": rng.uniform(0, 180), "half_u": half}
            wall |= {"height_u": rng.uniform(2, 14), "rgb": rng.integers(0, 256, 3).tolist()}
            walls.append(wall)
        return walls

    def _shadows(self, track: Track, rng: np.random.Generator) -> list[Obstacle]:
        patches: list[Obstacle] = []
        for _ in range(rng.integers(0, self.shadows + 1)):
            x, z, _ = track.pose_at(rng.uniform(0.0, track.length_u))
            half = [rng.uniform(0.3, 3.0), rng.uniform(2.0, 14.0)]
            yaw_deg = rng.uniform(0, 180)
            patch = _unreal("shadow", x + rng.normal(0, 4), z + rng.normal(0, 4))
            patch |= {"kind": "box", "yaw_deg": yaw_deg, "half_u": half, "height_u": 0.0}
            patches.append({**patch, "rgb": [0, 0, 0], "opacity": rng.uniform(0.15, 0.5)})
        return patches


def _edges(scene: Scene) -> list[float]:
    """Returns where strips of the cross-section begin or end, u right of the path."""
    return [strip[end] for strip in scene.cross_section for end in ("from_u", "to_u")]


def _is_line(strip: dict[str, Any]) -> bool:
    return bool(strip["to_u"] - strip["from_u"] < LINE_WIDTH_U)


def _worn_line(
    line: dict[str, Any], rgb: Colour, below: list[dict[str, Any]], wear: float, wider: float
) -> dict[str, Any]:
    """Returns a painted line that has grown about its middle and faded.

    :param rgb: its new colour
    :param below: the strips that were painted before it
    :param wear: share of their colour in the line's
    :param wider: growth of the line, as a share
    """
    from_u, to_u = line["from_u"], line["to_u"]
    middle_u = 0.5 * (from_u + to_u)
    growth_u = 0.5 * wider * (to_u - from_u)
    under = [strip["rgb"] for strip in below if strip["from_u"] < middle_u < strip["to_u"]]
    if under:
        rgb = [int(a + wear * (b - a)) for a, b in zip(rgb, under[-1], strict=True)]
    return {**line, "from_u": from_u - growth_u, "to_u": to_u + growth_u, "rgb": rgb}


def _distance_u(track: Track, x: float, z: float) -> float:
    """Returns the distance of a point from the nearest node."""
    return float(np.hypot(track.nodes[:, 0] - x, track.nodes[:, 1] - z).min())


def _unreal(name: str, x: float, z: float) -> Obstacle:
    """Returns the beginning of an obstacle that is seen and never hit."""
    return {"name": name, "solid": False, "x": x, "z": z}


def _shape(radius: float, rng: np.random.Generator) -> Obstacle:
    if rng.random() < 0.5:
        half = rng.uniform(0.3, 0.7, 2) * radius
        return {"kind": "box", "yaw_deg": rng.uniform(0, 180), "half_u": half.tolist()}
    kind = "cone" if rng.random() < 0.5 else "cylinder"
    return {"kind": kind, "radius_u": radius}
