"""The road's cross-section as strips side by side, painted, blurred, dashed and textured."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.tracks import Scene
from agent.simulator.typing import Array, Floats, Image

STRIP_STEP_U = 0.01  # resolution of the cross-section
# Half the width of the cross-section. The road's reach and the widest footprint of a pixel fit
# inside, so no look-up needs a check.
STRIP_HALF_U = 32.0
PLACES = round(2 * STRIP_HALF_U / STRIP_STEP_U)
LATERAL_U: Floats = (np.arange(PLACES) + 0.5) * STRIP_STEP_U - STRIP_HALF_U
BLUR_STEPS = 8  # chosen: grades of a soft edge
MOST_STRIPS = 256  # that a byte can name


class CrossSection(NamedTuple):
    """The strips of a cross-section, strip 0 plain ground.

    ``strips`` (tables * n,) is the strip at each place; where lines are dashed a second table
    follows, of the gaps between their dashes. ``edges`` (k, 2) are the strips' ends in u from the
    first place, ``colours`` (k, 3) theirs. ``textures`` (k,) names a texture, "" for none.
    ``dashed`` (k,) is true for a line that has gaps.
    """

    strips: Image
    edges: Array
    colours: Floats
    textures: list[str]
    dashed: NDArray[np.bool_]


class _Places(NamedTuple):
    """What is seen at each place of a table."""

    colours: Floats
    textures: NDArray[np.int64]
    dashed: NDArray[np.bool_]


def lay_strips(scene: Scene) -> CrossSection:
    """Returns a scene's cross-section.

    :raises ValueError: it has too many strips
    """
    names = ["", *sorted(scene.textures)]
    tables = [_table(scene, names, scene.cross_section)]
    if any("dash_u" in strip for strip in scene.cross_section):
        gaps = [strip for strip in scene.cross_section if "dash_u" not in strip]
        tables.append(_table(scene, names, gaps))
    firsts = [_first_places(table) for table in tables]
    if sum(map(len, firsts)) > MOST_STRIPS:
        raise ValueError(
            f"scene {scene.name!r} has more than {MOST_STRIPS} strips side by side; blur fewer"
        )
    strips, edges, before = [], [], 0
    for first in firsts:
        strips.append(before + np.searchsorted(first, np.arange(PLACES), side="right") - 1)
        edges.append(np.stack([first, np.append(first[1:], PLACES)], axis=1) * STRIP_STEP_U)
        before += len(first)
    both = list(zip(tables, firsts, strict=True))
    return CrossSection(
        np.concatenate(strips).astype(np.uint8),
        np.concatenate(edges),
        np.concatenate([table.colours[first] for table, first in both]),
        [names[k] for table, first in both for k in table.textures[first]],
        np.concatenate([table.dashed[first] for table, first in both]),
    )


def _table(scene: Scene, names: list[str], strips: list[dict[str, Any]]) -> _Places:
    """Returns what is seen at each place where these strips are painted, one over the other."""
    colours = np.tile(np.array(scene.ground_rgb, dtype=np.float32), (PLACES, 1))
    textures = np.full(PLACES, names.index(scene.ground_texture or ""))
    dashed = np.zeros(PLACES, dtype=np.bool_)
    for strip in strips:
        seen, cover = _cover(strip)
        rgb = np.array(strip["rgb"], dtype=np.float32)
        whole = cover[:, None] == 1.0
        partly = colours[seen] + cover[:, None] * (rgb - colours[seen])
        colours[seen] = np.where(whole, rgb, partly)
        textures[seen][cover >= 0.5] = names.index(strip.get("texture", ""))
        dashed[seen][cover > 0.0] = "dash_u" in strip
    return _Places(colours, textures, dashed)


def _cover(strip: dict[str, Any]) -> tuple[slice, Floats]:
    """Returns where a strip may be seen, and how much of its colour is there.

    That is 0 to 1, in few steps.
    """
    blur_u = strip.get("blur_u", 0.0)
    ends = [strip["from_u"] - 0.5 * blur_u, strip["to_u"] + 0.5 * blur_u]
    first, stop = np.searchsorted(LATERAL_U, ends)
    seen = slice(int(first), int(stop))
    lateral = LATERAL_U[seen]
    if blur_u <= 0.0:
        return seen, np.ones(len(lateral), dtype=np.float32)
    past = (lateral - strip["from_u"]) / blur_u + 0.5
    before = (strip["to_u"] - lateral) / blur_u + 0.5
    cover = np.clip(past, 0.0, 1.0) * np.clip(before, 0.0, 1.0)
    return seen, (np.rint(cover * BLUR_STEPS) / BLUR_STEPS).astype(np.float32)


def _first_places(table: _Places) -> NDArray[np.int64]:
    """Returns where each strip of a table begins."""
    red, green, blue = (table.colours[1:] != table.colours[:-1]).T
    changes = red | green | blue
    changes |= table.textures[1:] != table.textures[:-1]
    changes |= table.dashed[1:] != table.dashed[:-1]
    return np.concatenate([[0], np.flatnonzero(changes) + 1])
