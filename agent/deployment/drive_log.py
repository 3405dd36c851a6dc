"""The laps, crashes and decision times of a drive so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from agent.deployment.pilot import Pilot
from agent.simulator.world import CONTROL_HZ

DECISIONS_KEPT = 10_000  # chosen; the last eight minutes


class DriveLog:
    """Takes note of every step; ``lap_times`` in seconds, of all rounds between two crashes.

    :param pilot: drives
    """

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self.steps = 0
        self.crashes = 0
        self.crashes_in_a_row = 0  # since the last lap
        self.lap_times: list[float] = []
        self._decisions_ms = deque[float](maxlen=DECISIONS_KEPT)
        self._begun_at = 0
        self._laps_of_round = 0

    def decide(self, picture: Any) -> tuple[float, float]:
        """The pilot's commands for a picture; see ``Pilot.run``."""
        before = time.perf_counter()
        command = self.pilot.run(picture)
        self._decisions_ms.append(1000.0 * (time.perf_counter() - before))
        self.steps += 1
        return command

    def note(self, info: Mapping[str, Any], *, closed: bool) -> list[str]:
        """Take note of a step's info; returns lines that tell what is new.

        :param info: of an environment of the DonkeyCar world
        :param closed: laps go from start line to start line; else from a road's start to its end
        """
        new: list[float] = []
        reason = info["end_reason"]
        if closed:
            new = list(info["lap_times"][self._laps_of_round :])
            self._laps_of_round += len(new)
        elif reason == "finished":
            new = [(self.steps - self._begun_at) / CONTROL_HZ]
        lines = []
        for seconds in new:
            self.lap_times.append(seconds)
            self.crashes_in_a_row = 0
            lines.append(f"lap {len(self.lap_times)}  {seconds:.2f} s  {self.decision_text()}")
        if reason is not None:
            self._begun_at = self.steps
            self._laps_of_round = 0
            if reason != "finished":
                self.crashes += 1
                self.crashes_in_a_row += 1
                lines.append(f"crash {self.crashes}  {reason}; the car begins anew at the start")
        return lines

    @property
    def driven_sec(self) -> float:
        """Seconds driven: there are ``CONTROL_HZ`` decisions in one."""
        return self.steps / CONTROL_HZ

    def decision_text(self) -> str:
        """Words on how long decisions took of late."""
        if not self._decisions_ms:
            return "no decision"
        median, slow = np.percentile(self._decisions_ms, (50, 99))
        return f"decision {median:.1f} ms (99 of 100 within {slow:.1f})"

    def summary(self) -> str:
        """One line about the whole drive."""
        laps = "1 lap" if len(self.lap_times) == 1 else f"{len(self.lap_times)} laps"
        crashes = "1 crash" if self.crashes == 1 else f"{self.crashes} crashes"
        best = f", best {min(self.lap_times):.2f} s" if self.lap_times else ""
        return f"driven {self.driven_sec:.1f} s: {laps}{best}, {crashes}; {self.decision_text()}"
