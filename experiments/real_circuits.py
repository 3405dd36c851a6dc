"""Real circuits as tracks, made without a hand's help, and a race of a driver that has seen none.

    git clone https://github.com/TUMFTM/racetrack-database CIRCUITS
    python experiments/real_circuits.py CIRCUITS/tracks --out DIR

The centre lines are not part of this repository. Every one is made by ``agent/make_track.py`` with
the same options; nothing but the scale is given. A line for each goes to
``DIR/real_circuits.jsonl``; one that is there is not raced again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.errors import EXIT_OK
from agent.evaluate_champion import main as evaluate
from agent.make_track import main as make_track
from agent.training.checkpoints import append_line

LEDGER = "real_circuits.jsonl"
SCALE = 0.7  # u for a metre: a Formula 1 circuit is as long as the longest named tracks


def main() -> int:
    """Makes and races all circuits of a folder; returns 1 if one was not lapped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("circuits", type=Path, help="folder of .csv files in metres")
    parser.add_argument("--out", type=Path, required=True, help="folder of tracks and lines")
    parser.add_argument("--model", default="bundled", help="who races (default %(default)s)")
    parser.add_argument("--laps", type=int, default=1, help="of each race (default %(default)s)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    ledger = options.out / LEDGER
    done: dict[str, dict[str, Any]] = {}
    if ledger.exists():
        found = [json.loads(line) for line in ledger.read_text().splitlines()]
        done = {line["circuit"]: line for line in found}
    for path in sorted(options.circuits.glob("*.csv")):
        if path.stem not in done:
            done[path.stem] = raced(path, options)
            append_line(ledger, done[path.stem])
    lapped = [name for name, line in done.items() if line["race"] and not line["race"]["crashes"]]
    print(f"{len(lapped)} of {len(done)} circuits lapped without a crash")
    return int(len(lapped) < len(done))


def raced(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What became of one circuit: its race, None where it could not be made into a track."""
    track = options.out / f"{path.stem}.json"
    race = None
    if make_track([str(path), str(track), "--scale", str(SCALE), "--overwrite"]) == EXIT_OK:
        results = options.out / path.stem
        asked = ["--race", "--model", options.model, "--laps", str(options.laps), "--no-baselines"]
        evaluate([*asked, "--env", str(track), "--results-dir", str(results)])
        line = (results / "races.jsonl").read_text().splitlines()[-1]
        race = json.loads(line)["races"]["trained"]
    return {"circuit": path.stem, "scale": SCALE, "race": race}


if __name__ == "__main__":
    raise SystemExit(main())
