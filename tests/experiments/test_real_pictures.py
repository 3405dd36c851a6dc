"""Figures of real pictures, on recordings that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.config.errors import EXIT_BAD_ARGUMENTS
from agent.simulator.world import World
from experiments import real_pictures, real_recordings
from experiments.contact_sheet import picture
from experiments.real_recordings import Band, Driver

STEPS = 40


def brightness(stacks: Sequence[np.ndarray]) -> np.ndarray:
    """Steering to the brighter side of the newest frame."""
    newest = np.array(stacks)[:, -1].astype(float)
    return (newest[:, :, 40:].mean(axis=(1, 2)) - newest[:, :, :40].mean(axis=(1, 2))) / 10.0


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Our own pictures along generated_track's older look, as if they were recorded."""
    folder = tmp_path / "paired_ours"
    (folder / "frames").mkdir(parents=True)
    world = World(real_recordings.PAIRED_SCENE)
    poses = ["image,ms,x_u,z_u,cte_u,steering"]
    for k in range(STEPS):
        world.reset(arc_u=20.0 + 1.2 * k)
        x, _, z = (8.0 * metres for metres in world.telemetry().pos)
        frame = picture(world)
        cv2.imwrite(str(folder / "frames" / f"{k}.png"), frame[:, :, ::-1])
        poses.append(f"{k}.png,{50 * k},{x},{z},0.0,{0.01 * k}")
    for name in ("poses.csv", "labels.csv"):
        (folder / name).write_text("\n".join(poses) + "\n")
    return folder


def test_bands_are_means_and_spreads_of_rows() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:15, ::2] = 100
    frame[90:] = 50
    bands = real_recordings.grey_bands([frame, frame])
    assert bands[0] == pytest.approx(Band(50.0, 50.0))
    assert bands[5] == pytest.approx(Band(50.0, 0.0))


def test_a_sign_counts_only_where_there_is_a_turn() -> None:
    truth = np.array([0.5, -0.5, 0.1, -0.1])
    assert real_recordings.sign_agreement(np.array([0.1, 0.1, -1.0, 1.0]), truth) == 0.5


def test_a_driver_steers_nearly_alike_where_ours_are_the_recorded_pictures(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real_recordings.compare_paired(recording, Driver(brightness, 2, 3))
    out = capsys.readouterr().out
    # The heading is that of a chord, nearly the recorded one.
    assert float(out.split("real and ours r ")[1].split()[0]) > 0.85
    assert float(out.split("mean gap ")[1].split(";")[0]) < 0.12


def test_a_driver_is_compared_with_who_was_recorded(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real_recordings.compare_labelled(recording, Driver(brightness, 2, 3))
    assert f"paired_ours: {STEPS - 3} frames, driver and human r" in capsys.readouterr().out


def test_bands_within_their_limits_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profiles = tmp_path / "colour_profiles.csv"
    lines = ["set,n,band,meanR,meanG,meanB,medR,medG,medB,std_gray"]
    lines += [f"warren,9,{a}-{b},100,100,100,0,0,0,20" for a, b in real_recordings.BANDS]
    profiles.write_text("\n".join(lines) + "\n")
    ours = [Band(90.0, 20.0), Band(120.0, 25.0), *[Band(100.0, 40.0)] * 4]
    real_recordings.compare_bands(profiles, lambda *_: ours)
    assert "| warren | warren | 100 ± 20, 90 ± 20 |" in (out := capsys.readouterr().out)
    assert "5 means, 2 spreads" in out


def test_a_folder_without_recordings_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real_pictures.main(["--real", str(tmp_path)]) == EXIT_BAD_ARGUMENTS
    assert capsys.readouterr().err == (
        f"--real {tmp_path}: holds no colour_profiles.csv; give recordings\n"
    )
