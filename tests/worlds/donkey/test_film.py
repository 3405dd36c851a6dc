"""Films of laps: what is in their frames, and the files."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from PIL import Image

from agent.simulator.lens import HEIGHT, WIDTH
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.judging.baselines import ScriptedPolicy, scripted_options
from agent.worlds.donkey.judging.film import ENLARGED, MAP_SIDE, MOST_FRAMES, Film
from agent.worlds.donkey.judging.race import race, race_env
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.film_frame import CAR, CRASH, GROUND, INK, STRIP_ROWS

SHAPE = (STRIP_ROWS + MAP_SIDE, ENLARGED * WIDTH + MAP_SIDE, 3)


def filmed(env_id: str, title: str, policy: Any = None) -> Film:
    env = race_env(scripted_options(DonkeyOptions()), False, env_id)
    film = Film(title)
    race(env, policy or ScriptedPolicy([cast(DonkeyEnv, env.unwrapped)]), 1, 0, film)
    return film


@pytest.fixture(scope="module")
def film() -> Film:
    return filmed("donkey-warehouse-v0", "warehouse")


def shown(picture: Any, colour: tuple[int, int, int]) -> int:
    """Pixels of the map that have exactly this colour."""
    return int((picture[STRIP_ROWS:, ENLARGED * WIDTH :] == colour).all(axis=2).sum())


def test_a_long_lap_is_thinned_to_a_short_film(film: Film) -> None:
    steps = [moment.step for moment in film.moments]
    assert len(film.places) > 2 * MOST_FRAMES >= 2 * len(steps) > MOST_FRAMES
    assert set(np.diff(steps)) == {steps[0]}, "the time between frames is the same throughout"
    assert 0 <= len(film.places) - steps[-1] < steps[0], "and the film goes to the lap's end"


def test_a_frame_has_the_picture_the_map_and_the_line_so_far(film: Film) -> None:
    frames = film.frames()
    assert all(frame.shape == SHAPE and frame.dtype == np.uint8 for frame in frames)
    camera = frames[-1][STRIP_ROWS:, : ENLARGED * WIDTH]
    assert np.array_equal(camera[::ENLARGED, ::ENLARGED], film.moments[-1].picture)
    assert camera.shape[0] == ENLARGED * HEIGHT
    assert shown(frames[0], CAR) > 20 and shown(frames[-1], CAR) > 20
    assert shown(frames[0], INK) < shown(frames[len(frames) // 2], INK) < shown(frames[-1], INK)
    assert shown(frames[-1], CRASH) == 0
    border = frames[-1][STRIP_ROWS:, ENLARGED * WIDTH :]
    assert (border[0] == GROUND).all() and (border[:, -1] == GROUND).all(), (
        "the whole track is on the map"
    )


def test_crashes_are_marked() -> None:
    class Off:
        def predict(self, *_: Any, **__: Any) -> Any:
            return np.array([[1.0, 0.0]], dtype=np.float32), None

    film = filmed("donkey-warehouse-v0", "warehouse", Off())
    assert len(film.crashes) == 3 and film.moments[-1].step == film.crashes[-1]
    assert shown(film.frames()[-1], CRASH) > 0


def test_a_cone_stays_red_in_the_gif(film: Film, tmp_path: Path) -> None:
    red, film = (155, 68, 71), deepcopy(film)
    for moment in film.moments:
        moment.picture[60:72, 70:80] = red
    gif = film.save(tmp_path / "cone")[0]
    with Image.open(gif) as image:
        image.seek(len(film.moments) // 2)
        shown_rgb = np.array(image.convert("RGB"))[STRIP_ROWS + 132, 150]
    assert shown_rgb == pytest.approx(red, abs=16)


def test_the_files_are_small_and_can_be_played(film: Film, tmp_path: Path) -> None:
    gif, *mp4 = film.save(tmp_path / "warehouse")
    assert gif.stat().st_size < 1.5e6
    with Image.open(gif) as image:
        assert (image.n_frames, image.size) == (len(film.moments), SHAPE[1::-1])  # type: ignore[attr-defined]
    for path in mp4:
        video = cv2.VideoCapture(str(path))
        assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.read()[1].shape) == (
            len(film.moments),
            SHAPE,
        )
