"""How a scene may look on another day, through another camera: domain randomisation, a function of its seed.

An ``Appearance`` changes colours, adds things that are seen but never hit, and moves the camera a little. The road
lies where it lies, so whoever drives by what the picture means is not disturbed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from agent.simulator.lens import View
from agent.simulator.tracks import Scene, Track

LINE_WIDTH_U = 0.6  # strips narrower than this are painted lines
SHADE_GAP_U = 3.0  # distractors keep this much off the road's edge


@dataclass(frozen=True)
class Appearance:
    """Strengths of what varies, each drawn within them by ``seed``; all zero leaves the scene as it is.

    :param light: change of brightness, as a share
    :param hue: shift of every material's red, green and blue, grey levels
    :param anew: how often a material is another altogether, any colour at all, as a share
    :param floor: how often the ground is the road's own material and lines alone tell them apart, as a share
    :param line_wear: most that painted lines fade into what they are painted on, as a share
    :param line_width: how much wider painted lines may be, as a share, and a little narrower
    :param grain: peak of the ground's grain, grey levels (the plain scene has 5)
    :param camera_height_u: shift of the camera up or down
    :param camera_pitch_deg: and of its pitch, which moves the horizon
    :param fov_deg: and of its field of view
    :param distractors: most things beside the road
    :param walls: most walls farther off
    :param shadows: most dark patches across it
    """

    seed: int = 0
    light: float = 0.35
    hue: float = 25.0
    anew: float = 0.35
    floor: float = 0.4
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
        """The scene with other colours, and with distractors and shadows among its obstacles."""
        rng = np.random.default_rng([self.seed, 1])
        gain = 1.0 + rng.uniform(-self.light, self.light)
        tint = rng.uniform(-0.4, 0.4, 3) * self.hue

        @cache
        def repainted(*rgb: int) -> tuple[int, ...]:
            """What is of one colour is of one material: lines at both edges stay alike, and unlike the middle's."""
            material = rng.integers(0, 256, 3) if rng.random() < self.anew else np.array(rgb)
            colour = material * gain + tint + rng.uniform(-0.6, 0.6, 3) * self.hue
            return tuple(int(level) for level in np.clip(colour, 0, 255))

        def repaint(rgb: list[int]) -> list[int]:
            return list(repainted(*rgb))

        wear = rng.uniform(0.0, self.line_wear)
        wider = (1.0 + self.line_width) ** rng.uniform(-0.4, 1.0) - 1.0
        ground = repaint(scene.ground_rgb)
        all_one = rng.random() < self.floor
        strips: list[dict[str, Any]] = []
        for strip in scene.cross_section:
            rgb = repaint(strip["rgb"])
            if all_one and strip["to_u"] - strip["from_u"] >= LINE_WIDTH_U:
                rgb = ground
            if strip["to_u"] - strip["from_u"] < LINE_WIDTH_U:
                middle = 0.5 * (strip["from_u"] + strip["to_u"])
                aside = 0.5 * wider * (strip["to_u"] - strip["from_u"])
                strip = {**strip, "from_u": strip["from_u"] - aside, "to_u": strip["to_u"] + aside}
                below = next(
                    (s["rgb"] for s in reversed(strips) if s["from_u"] < middle < s["to_u"]), None
                )
                if below is not None:
                    rgb = [int(a + wear * (b - a)) for a, b in zip(rgb, below, strict=True)]
            strips.append({**strip, "rgb": rgb})
        return replace(
            scene,
            cross_section=strips,
            ground_rgb=ground,
            sky=[[row, repaint(rgb)] for row, rgb in scene.sky],
            obstacles=[
                *scene.obstacles,
                *self._walls(scene, track, rng),
                *self._distractors(scene, track, rng),
                *self._shadows(scene, track, rng),
            ],
        )

    def grain_peak(self) -> int:
        """Peak of the ground's grain, grey levels."""
        return int(np.random.default_rng([self.seed, 2]).integers(0, self.grain + 1))

    def view(self, view: View) -> View:
        """The view through a camera that is mounted a little differently."""
        rng = np.random.default_rng([self.seed, 3])
        right, up, forward = view.offset_u
        pitch, yaw, roll = view.rotation_deg
        up += rng.uniform(-self.camera_height_u, self.camera_height_u)
        pitch += rng.uniform(-self.camera_pitch_deg, self.camera_pitch_deg)
        fov = view.fov_deg + rng.uniform(-self.fov_deg, self.fov_deg)
        return replace(
            view, offset_u=(right, up, forward), rotation_deg=(pitch, yaw, roll), fov_deg=fov
        )

    def _distractors(
        self, scene: Scene, track: Track, rng: np.random.Generator
    ) -> list[dict[str, Any]]:
        things: list[dict[str, Any]] = []
        for _ in range(rng.integers(0, self.distractors + 1)):
            x, z, yaw = track.pose_at(rng.uniform(0.0, track.length_u))
            height, radius = rng.uniform(0.5, 12.0), rng.uniform(0.3, 2.5)
            edges = [strip[end] for strip in scene.cross_section for end in ("from_u", "to_u")]
            clear = SHADE_GAP_U + radius + rng.exponential(12.0)
            aside = max(edges) + clear if rng.random() < 0.5 else min(edges) - clear
            x, z = x + aside * math.cos(yaw), z - aside * math.sin(yaw)
            if (
                np.hypot(track.nodes[:, 0] - x, track.nodes[:, 1] - z).min()
                < max(abs(e) for e in edges) + radius
            ):
                continue  # it would stand on another part of the road
            thing = {"name": "distractor", "solid": False, "x": x, "z": z, "height_u": height,
                     "rgb": rng.integers(0, 256, 3).tolist()}  # fmt: skip
            if rng.random() < 0.5:
                half = rng.uniform(0.3, 0.7, 2) * radius
                things.append(
                    {
                        **thing,
                        "kind": "box",
                        "yaw_deg": rng.uniform(0, 180),
                        "half_u": half.tolist(),
                    }
                )
            else:
                kind = "cone" if rng.random() < 0.5 else "cylinder"
                things.append({**thing, "kind": kind, "radius_u": radius})
        return things

    def _walls(self, scene: Scene, track: Track, rng: np.random.Generator) -> list[dict[str, Any]]:
        walls: list[dict[str, Any]] = []
        reach = max(abs(strip[end]) for strip in scene.cross_section for end in ("from_u", "to_u"))
        for _ in range(rng.integers(0, self.walls + 1)):
            x, z, yaw = track.pose_at(rng.uniform(0.0, track.length_u))
            half = [rng.uniform(0.2, 1.0), rng.uniform(6.0, 40.0)]
            aside = (reach + half[1] + rng.exponential(20.0)) * rng.choice([-1.0, 1.0])
            x, z = x + aside * math.cos(yaw), z - aside * math.sin(yaw)
            if np.hypot(track.nodes[:, 0] - x, track.nodes[:, 1] - z).min() < reach + half[1]:
                continue  # it would stand on another part of the road
            wall = {
                "name": "wall",
                "kind": "box",
                "solid": False,
                "yaw_deg": rng.uniform(0, 180),
                "half_u": half,
            }
            walls.append(
                {
                    **wall,
                    "x": x,
                    "z": z,
                    "height_u": rng.uniform(2, 14),
                    "rgb": rng.integers(0, 256, 3).tolist(),
                }
            )
        return walls

    def _shadows(
        self, scene: Scene, track: Track, rng: np.random.Generator
    ) -> list[dict[str, Any]]:
        patches: list[dict[str, Any]] = []
        for _ in range(rng.integers(0, self.shadows + 1)):
            x, z, _ = track.pose_at(rng.uniform(0.0, track.length_u))
            half = [rng.uniform(0.3, 3.0), rng.uniform(2.0, 14.0)]
            patch = {
                "name": "shadow",
                "kind": "box",
                "solid": False,
                "yaw_deg": rng.uniform(0, 180),
                "half_u": half,
            }
            place = {"x": x + rng.normal(0, 4), "z": z + rng.normal(0, 4), "height_u": 0.0}
            patches.append({**patch, **place, "rgb": [0, 0, 0], "opacity": rng.uniform(0.15, 0.5)})
        return patches
