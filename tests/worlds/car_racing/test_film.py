"""Films of episodes: what is in their frames, and the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from agent.worlds.base import Learner
from agent.worlds.car_racing.film import MOST_FRAMES, PANEL, film_episode
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.film_frame import CAR, GROUND, INK, STRIP_ROWS
from tests.worlds.car_racing.fake_backend import TILES, Constant, FakeBackend

GAS = Constant(0.0, 0.5)
STAND = Constant(0.0, 0.0)
SHAPE = (STRIP_ROWS + PANEL, 3 * PANEL, 3)


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> list[FakeBackend]:
    """Backends that were opened, in place of Gymnasium's."""
    opened: list[FakeBackend] = []

    def open_fake(_: Any, n: int, __: Any) -> FakeBackend:
        opened.append(FakeBackend(n))
        return opened[-1]

    monkeypatch.setattr("agent.worlds.car_racing.make_vec_env.open_backend", open_fake)
    return opened


def filmed(
    policy: Constant, folder: Path, seed: int = 3, **changes: Any
) -> tuple[list[Path], list[np.ndarray]]:
    """Files of a film, and the GIF's frames (rows, columns, 3)."""
    options = CarRacingOptions(**{"action_repeat": 1, **changes})
    paths = film_episode(policy, options, Learner(), seed, folder / "films" / "lap")
    with Image.open(paths[0]) as image:
        frames = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            frames.append(np.array(image.convert("RGB")).astype(int))
    return paths, frames


def shown(frame: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Pixels of the map that have this colour."""
    return int((frame[STRIP_ROWS:, 2 * PANEL :] == colour).all(axis=2).sum())


def test_a_lap_has_a_frame_for_each_decision(backends: list[FakeBackend], tmp_path: Path) -> None:
    paths, frames = filmed(GAS, tmp_path)
    assert len(frames) == TILES
    assert all(frame.shape == SHAPE for frame in frames)
    assert [path.name for path in paths] == ["lap.gif", "lap.mp4"]
    assert backends[0].closed and backends[0].restarts[0][0] == 3
    line = [shown(frame, INK) for frame in frames]
    assert 0 == line[0] < line[TILES // 2] < line[-1]
    assert shown(frames[0], CAR) > 20 < shown(frames[-1], CAR)
    edge = frames[-1][STRIP_ROWS:, 2 * PANEL :]
    assert (edge[0] == GROUND).all() and (edge[:, -1] == GROUND).all(), "the whole track is shown"


def test_the_picture_and_what_is_seen_of_it_stand_side_by_side(
    backends: list[FakeBackend], tmp_path: Path
) -> None:
    _, frames = filmed(GAS, tmp_path, frame_size=84, frame_stack=2)
    middle = STRIP_ROWS + PANEL // 2
    shades = [frame[middle, PANEL // 2, 0] for frame in frames]
    assert shades == pytest.approx([7 * 3 + step for step in range(TILES)], abs=6)
    seen = [frame[middle, PANEL + PANEL // 2, 0] for frame in frames]
    assert seen == shades, "the newest of the two"
    assert (frames[-1][middle, PANEL : PANEL + 18] < 8).all(), "84 of 96 columns, in the middle"


def test_a_long_episode_is_thinned_to_its_last_decision(
    backends: list[FakeBackend], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.worlds.car_racing.vec_env.MOST_FRAMES", 250)
    paths, frames = filmed(STAND, tmp_path)
    assert MOST_FRAMES // 2 < len(frames) <= MOST_FRAMES
    assert frames[-1][STRIP_ROWS, 0, 0] == pytest.approx((7 * 3 + 249) % 256, abs=6)
    for path in paths[1:]:
        video = cv2.VideoCapture(str(path))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == len(frames)


def test_gymnasium_s_pictures_make_small_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("Box2D", reason="Gymnasium's CarRacing needs Box2D")
    monkeypatch.setattr("agent.worlds.car_racing.vec_env.MOST_FRAMES", 30)
    paths, frames = filmed(GAS, tmp_path, backend="gymnasium", action_repeat=2)
    assert len(frames) == 15
    assert len(np.unique(frames[-1][STRIP_ROWS:, : 2 * PANEL].reshape(-1, 3), axis=0)) > 8
    assert all(1e4 < path.stat().st_size < 1e6 for path in paths)
