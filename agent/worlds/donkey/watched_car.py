"""A car of the simulator's server that shows its camera to who watches; see ``config.snapshot``."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from agent.config.snapshot import SHOW_EVERY_SEC, Snapshots
from agent.simulator.remote_car import RemoteCar

QUALITY = 85  # of JPEG
GONE_SEC = 2.0  # a car that has not been drawn for so long is shown no more
MOST_CARS = 4  # shown at once


class Showing:
    """Pictures of all cars of one server, in a folder of its own.

    :param parent: of the folders of all servers
    """

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.snapshots: Snapshots | None = None
        self._folder = parent
        self._watched_until = 0.0
        self._cars: dict[int, tuple[float, bytes, dict[str, float]]] = {}

    def open(self, name: str) -> None:
        """Makes the folder, from when on cars are shown.

        :param name: of the server
        :raises OSError: it cannot be made
        """
        self._folder = self.parent / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self.snapshots = Snapshots(self._folder)

    def wanted(self, slot: int) -> bool:
        """True when the car in a slot is to be shown: somebody watches, its last is a while ago.

        :param slot: of the car
        """
        now = time.monotonic()
        if self.snapshots is None:
            return False
        if self.snapshots.due():
            self._watched_until = now + 2.0 * SHOW_EVERY_SEC
        if now > self._watched_until:
            return False
        return now - self._cars.get(slot, (0.0, b"", {}))[0] >= SHOW_EVERY_SEC

    def show(self, slot: int, picture: bytes, gauges: dict[str, float]) -> None:
        """Shows a car beside the others.

        :param slot: of the car
        :param picture: of its camera, a JPEG
        :param gauges: numbers of this moment
        """
        if self.snapshots is None:
            return
        now = time.monotonic()
        self._cars[slot] = (now, picture, gauges)
        self._cars = {
            each: car for each, car in sorted(self._cars.items()) if now - car[0] < GONE_SEC
        }
        pictures = {}
        for each, (_, data, _) in list(self._cars.items())[:MOST_CARS]:
            pictures[f"car {each + 1}"] = data
        self.snapshots.write(pictures, {"gauges": next(iter(self._cars.values()))[2]})

    def close(self) -> None:
        """Removes what was shown, and the folders where nothing else is in them."""
        if self.snapshots is None:
            return
        self.snapshots.clear()
        for folder in (self._folder, self.parent):
            with suppress(OSError):
                folder.rmdir()


class WatchedCar(RemoteCar):
    """A car that is shown.

    :param scene: see ``RemoteCar``
    :param seed: see ``RemoteCar``
    :param slot: see ``RemoteCar``
    :param showing: takes its pictures
    :param random_look: see ``RemoteCar``
    """

    def __init__(
        self,
        scene: str,
        seed: int,
        slot: int = 0,
        *,
        showing: Showing,
        random_look: bool = True,
    ) -> None:
        super().__init__(scene, seed, slot, random_look=random_look)
        self.showing = showing

    def frame(self) -> bytes:
        """As ``RemoteCar.frame``; now and then it is shown too."""
        if self.showing.wanted(self.slot):
            view = self.camera.view
            picture = np.empty((view.height, view.width, 3), dtype=np.uint8)
            self.world.render(picture, view)
            bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            file = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1]
            telemetry = self.world.telemetry()
            gauges = {
                "speed m/s": round(float(telemetry.speed), 3),
                "steering": round(self.steering, 3),
                "throttle": round(self.throttle, 3),
                "laps": round(float(telemetry.progress), 3),
            }
            self.showing.show(self.slot, file.tobytes(), gauges)
        return super().frame()
