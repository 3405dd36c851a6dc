"""Run by the Python that has donkeycar, in a car's folder: ``manage.py drive``, and what it saw.

Only the simulator's part is watched from outside: a line of JSON for every lap, and one at the end
of it with how far the car was from the middle of the road at most, in u.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import time
from typing import Any

import donkeycar.parts.dgym as simulator

START = time.time()
make = simulator.DonkeyGymEnv.__init__


def make_watched(self: Any, *arguments: Any, **options: Any) -> None:
    """Makes the part, and a thread that looks at it."""
    make(self, *arguments, **options)
    threading.Thread(target=watch, args=(self,), daemon=True).start()


def watch(part: Any) -> None:
    """Tells of every lap."""
    laps = 0
    farthest_u = 0.0
    while part.running:
        info = part.info
        farthest_u = max(farthest_u, abs(float(info.get("cte") or 0.0)))
        if info.get("lap_count") not in (None, laps):
            laps = info["lap_count"]
            seen = {"lap": laps, "sec": info["last_lap_time"], "hit": info["hit"]}
            print(json.dumps(seen | {"at": time.time() - START, "cte": farthest_u}), flush=True)
            farthest_u = 0.0
        time.sleep(0.02)


simulator.DonkeyGymEnv.__init__ = make_watched
sys.path.insert(0, os.getcwd())
sys.argv = ["manage.py", "drive", "--model", "models/champion.tflite"]
runpy.run_path("manage.py", run_name="__main__")
