"""A night: one experiment's files, looked at again and again, and what has changed in them."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from platform import node
from typing import Any, NamedTuple

from agent.config import files
from agent.config.plain import read_object
from agent.trials.experiment import Experiment
from agent.watching.films import Film, find_films
from agent.watching.ledger_rows import COLUMNS, LedgerRows
from agent.watching.trial_folders import TrialFolders, running_in_words

LEDGERS = {"trial": files.SEARCH_LEDGER, "sweep": files.SWEEP_LEDGER}  # by their folders' prefix
SIMULATOR = "simulator"
HOLDER = re.compile(r"process (\d+) on (.*) since (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")


class Change(NamedTuple):
    """News of a night.

    :param name: of an event
    :param data: of the event, as JSON has it
    """

    name: str
    data: dict[str, Any]


class Night:
    """An experiment that is looked at.

    :param number: by which the page asks for it
    :param experiment: its folders
    """

    def __init__(self, number: int, experiment: Experiment) -> None:
        self.number = number
        self.results_dir, self.models_dir = experiment
        self.ledgers = {
            prefix: LedgerRows(self.results_dir / name, prefix) for prefix, name in LEDGERS.items()
        }
        self.folders = {
            prefix: TrialFolders(self.models_dir, prefix, self.results_dir / name)
            for prefix, name in LEDGERS.items()
        }
        self.standing: dict[str, Any] = {}
        self._manifests: list[Path] = []
        self._manifests_of = -1  # change of the folder that they were listed at

    @property
    def name(self) -> str:
        """A short name for people: that of an experiment, else that of its folder."""
        home = self.results_dir.resolve().parent
        if self.results_dir != files.RESULTS_DIR and self.models_dir.resolve().parent == home:
            return home.name
        return files.shown_path(self.results_dir)

    @property
    def cursors(self) -> list[str]:
        """Place that reading has come to in each ledger."""
        return [ledger.cursor for ledger in self.ledgers.values()]

    def look(self) -> list[Change]:
        """Reads what is new; returns it as events.

        An event named ``reset`` says that what was told before no longer holds.
        """
        before = [ledger.lines for ledger in self.ledgers.values()]
        gone = [ledger.read_on() for ledger in self.ledgers.values()]
        changes = []
        if any(gone):
            changes.append(Change("reset", {}))
        else:
            changes += self.trials_since(before)
        standing = self._look_at_standing()
        if standing != self.standing:
            self.standing = standing
            changes.append(self.standing_change())
        return changes

    def trials_since(self, lines: list[int]) -> list[Change]:
        """The rows that came after so many lines of each ledger; none or one event.

        :param lines: of each ledger
        """
        table = self._table(lines)
        if not table["rows"]:
            return []
        return [Change("trials", {"night": self.number, **table})]

    def _table(self, lines: list[int]) -> dict[str, Any]:
        bases: dict[str, Any] = {}
        rows: list[bytes] = []
        for ledger, line in zip(self.ledgers.values(), lines, strict=True):
            bases |= ledger.bases
            rows += ledger.rows_after(line)
        return {"bases": bases, "rows": rows}

    def standing_change(self) -> Change:
        """All that is not in the ledgers."""
        return Change("standing", {"night": self.number, **self.standing})

    def snapshot(self) -> dict[str, Any]:
        """The whole night."""
        return {
            "night": self.number,
            "name": self.name,
            "results_dir": files.shown_path(self.results_dir),
            "columns": COLUMNS,
            **self._table([0 for _ in self.ledgers]),
            **self.standing,
        }

    def lines_known_at(self, cursors: list[str]) -> list[int] | None:
        """Lines that somebody has who came as far as these cursors; ``None`` if of other ledgers.

        :param cursors: one for each ledger
        """
        found = []
        for ledger, cursor in zip(self.ledgers.values(), cursors, strict=True):
            identity, _, text = cursor.partition(":")
            line = int(text) if text.isdecimal() else -1
            known = identity == ledger.identity or line == 0
            if not known or not 0 <= line <= ledger.lines:
                return None
            found.append(line)
        return found

    def watched_folder(self, prefix: str, name: str) -> Path | None:
        """The folder of a trial's snapshots while it is at work, or of a simulator's.

        :param prefix: first part of the trial's folder, or ``simulator``
        :param name: number of the trial, or the simulator's name
        """
        if prefix == SIMULATOR:
            known = name in self.standing.get("simulators", [])
            return self.results_dir / files.SIMULATORS / name if known else None
        for each in self.standing.get("running", []):
            if (each["prefix"], str(each["trial"])) == (prefix, name):
                return self.folders[prefix].of(each["trial"])
        return None

    def folder_of(self, prefix: str, trial: int) -> Path | None:
        """The folder of a trial that is in the ledger or at work, ``None`` of any other."""
        if prefix not in self.ledgers:
            return None
        known = trial in self.ledgers[prefix].places
        if known or any(
            (each["prefix"], each["trial"]) == (prefix, trial)
            for each in self.standing.get("running", [])
        ):
            return self.folders[prefix].of(trial)
        return None

    def _look_at_standing(self) -> dict[str, Any]:
        controller = self._controller()
        running = [
            running_in_words(launched, prefix)
            for prefix, folders in self.folders.items()
            for launched in folders.launched(self.ledgers[prefix].places)
        ]
        return {
            "controller": controller,
            "running": running,
            "simulators": self._simulators(),
            "unreadable": sum(ledger.unreadable for ledger in self.ledgers.values()),
            "belief": _changed_msec(self.results_dir / files.BELIEF),
            "champions": self._champions_state(),
        }

    def _simulators(self) -> list[str]:
        """Names of the servers that show their cars."""
        try:
            found = os.listdir(self.results_dir / files.SIMULATORS)
        except OSError:
            return []
        return sorted(found)

    def _controller(self) -> dict[str, Any] | None:
        """The controller at work, ``None`` without one; one that was killed left its name."""
        try:
            text = (self.results_dir / files.LOCK_HOLDER).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        found = HOLDER.match(text)
        if found is None:
            return None
        process, host, since = found.groups()
        if host == node() and not _is_alive(int(process)):
            return None
        return {"process": int(process), "host": host, "since": since}

    def _champions_state(self) -> int:
        """A number that changes with any champion."""
        return sum(_changed_msec(path) for path in self.manifests())

    def manifests(self) -> list[Path]:
        """Manifests of all champions beside this night's trials, the default task's first."""
        changed_msec = _changed_msec(self.models_dir)
        if changed_msec != self._manifests_of:
            self._manifests_of = changed_msec
            folders = sorted(self.models_dir.glob(f"{files.CHAMPION}-*"))
            self._manifests = [folder / files.MANIFEST for folder in folders]
        return [self.models_dir / files.CHAMPION / files.MANIFEST, *self._manifests]

    def belief(self) -> dict[str, Any] | None:
        """Expectations of the search, ``None`` where it has not told."""
        with suppress(OSError, ValueError):
            return read_object(self.results_dir / files.BELIEF)
        return None

    def films(self) -> list[Film]:
        """Films of this night's models."""
        return find_films(self.results_dir)

    def champions(self) -> list[dict[str, Any]]:
        """This night's champions, each as its manifest says."""
        own = os.path.relpath(os.path.realpath(self.results_dir), os.path.realpath(self.models_dir))
        found = []
        for path in self.manifests():
            with suppress(OSError, ValueError):
                manifest = read_object(path, nan_as_none=True)
                if manifest.get("bundled") or manifest.get("boxed"):
                    continue  # it comes with the clone
                ledger = str(manifest.get("ledger") or Path(own, files.SEARCH_LEDGER).as_posix())
                if os.path.dirname(ledger) == Path(own).as_posix():
                    found.append(manifest)
        return found


def _changed_msec(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1_000_000  # a browser rounds larger numbers
    except OSError:
        return 0


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return True
