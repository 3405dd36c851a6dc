"""Trials that only pretend: they show pictures to who watches, as a training does."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from agent.config.snapshot import Snapshots

STEP_SEC = 0.02


def show(snapshots: Snapshots, step: int) -> None:
    """Writes a snapshot of a road that bends."""
    rows = np.arange(120)[:, None]
    columns = np.arange(160)[None, :]
    middle = 80 + 40 * math.sin(step / 20) * (1 - rows / 120)
    distance = np.abs(columns - middle) / (rows / 6 + 2)
    picture = np.full((120, 160, 3), (150, 170, 160), dtype=np.uint8)
    picture[(rows > 44) & (distance < 3)] = (90, 88, 86)
    picture[(rows > 44) & (np.abs(distance - 3) < 0.3)] = (60, 200, 220)
    grey = cv2.resize(cv2.cvtColor(picture[40:], cv2.COLOR_BGR2GRAY), (80, 40))
    pictures = {
        "camera": cv2.imencode(".jpg", picture)[1].tobytes(),
        "observation": cv2.imencode(".jpg", np.vstack([grey, grey]))[1].tobytes(),
    }
    gauges = {"speed m/s": 3.2, "steering": math.sin(step / 20), "throttle": 0.31}
    facts = {"phase": "training", "episode": 7, "episode_reward": 88.4, "reward": 0.52}
    snapshots.write(pictures, facts | {"timesteps": step, "gauges": gauges})


@contextmanager
def cameras(folders: Sequence[Path]) -> Iterator[None]:
    """Shows pictures in each of the folders while somebody watches there."""
    over = threading.Event()

    def work() -> None:
        each = [Snapshots(folder) for folder in folders]
        began = time.monotonic()
        while not over.wait(STEP_SEC):
            for snapshots in each:
                if snapshots.due():
                    show(snapshots, round((time.monotonic() - began) / 0.05))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
