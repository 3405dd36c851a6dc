"""Rows of the page's table: a ledger read on from where it was left, a short row for each record.

A row says what the table shows. The whole record is read from the file again for who asks for it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.config.plain import object_in
from agent.config.task_of import task_of
from agent.trials.fields import fitting

# What a row holds, in this order.
COLUMNS = (
    "prefix",
    "trial",
    "kind",
    "status",
    "score",
    "std",
    "elapsed_sec",
    "timestamp",
    "seed",
    "champion",
    "cause",
    "agent",
    "task",
    "params",
)
CAUSE_CHARS = 300  # of a row, chosen; the trial's own page has all
VALUE_CHARS = 200  # the same of a parameter's value
LINE_LIMIT_BYTES = 16 * 1024**2  # as agent.trials.ledger has it
DIGEST_CHARS = 8
APART = ("agent", "env", "seed")  # parameters that have columns of their own


class LedgerRows:
    """Rows of one ledger.

    A row's parameters are those in which it differs from the first record of its algorithm, see
    ``bases`` by prefix and algorithm; ``None`` stands for one that it lacks.

    :param path: of the ledger
    :param prefix: first part of the names of its trials' folders
    """

    def __init__(self, path: Path, prefix: str) -> None:
        self.path = path
        self.prefix = prefix
        self._forget()

    def _forget(self) -> None:
        self.rows: list[bytes] = []  # JSON of a row for each readable line
        self.lines = 0
        self.unreadable = 0
        self.bases: dict[str, dict[str, Any]] = {}
        self.places: dict[int, tuple[int, int]] = {}  # offset and length of each trial's record
        self._line_of_row: list[int] = []
        self._read_bytes = 0
        self._first = b""

    @property
    def cursor(self) -> str:
        """Place that reading has come to, in a word that is told again by who comes back."""
        return f"{self.identity}:{self.lines}"

    @property
    def identity(self) -> str:
        """A digest of the first line; another one is another ledger."""
        if not self._first:
            return "-"
        return hashlib.sha256(self._first).hexdigest()[:DIGEST_CHARS]

    def read_on(self) -> bool:
        """Reads the lines that are whole and new; returns True if what was read before is gone."""
        try:
            size = self.path.stat().st_size
        except OSError:
            size = 0
        gone = size < self._read_bytes
        if gone:
            self._forget()
        if size > self._read_bytes:
            with suppress(OSError):
                gone = self._read_file() or gone
        return gone

    def _read_file(self) -> bool:
        with self.path.open("rb") as lines:
            begun_anew = bool(self._first) and lines.readline() != self._first
            if begun_anew:
                self._forget()
            lines.seek(self._read_bytes)
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # it is being written
                self._take(line)
        return begun_anew

    def _take(self, line: bytes) -> None:
        if not self.lines:
            self._first = line
        offset = self._read_bytes
        self.lines += 1
        self._read_bytes += len(line)
        if not line.strip():
            return
        try:
            record = record_in(line)
        except ValueError:
            self.unreadable += 1
            return
        self.places[record["trial"]] = (offset, len(line))
        self.rows.append(json.dumps(self._row(record)).encode())
        self._line_of_row.append(self.lines)

    def _row(self, record: Mapping[str, Any]) -> list[Any]:
        params = record["params"]
        agent = str(params.get("agent", ""))
        cause = record.get("cause")
        return [
            self.prefix,
            record["trial"],
            record.get("kind", "search"),
            record["run_status"],
            record.get("mean_reward"),
            record.get("std_reward"),
            record.get("elapsed_sec"),
            record.get("timestamp", ""),
            record.get("seed", 0),
            bool(record.get("champion")),
            cause[:CAUSE_CHARS] if cause else None,
            agent,
            task_in_words(params),
            self._changes(agent, shown_params(params)),
        ]

    def _changes(self, agent: str, params: dict[str, Any]) -> dict[str, Any]:
        base = self.bases.setdefault(f"{self.prefix} {agent}", params)
        changes = {name: value for name, value in params.items() if base.get(name) != value}
        changes.update((name, None) for name in base if name not in params)
        return changes

    def rows_after(self, line: int) -> list[bytes]:
        """Rows of the records after so many lines of the file."""
        return self.rows[bisect_right(self._line_of_row, line) :]

    def record(self, trial: int) -> dict[str, Any] | None:
        """The whole record of a trial, ``None`` without one."""
        if trial not in self.places:
            return None
        offset, length = self.places[trial]
        with suppress(OSError, ValueError), self.path.open("rb") as file:
            file.seek(offset)
            return record_in(file.read(length))
        return None


def record_in(line: bytes) -> dict[str, Any]:
    """The fields of a record that are what they should be.

    :raises ValueError: it is no record
    """
    if len(line) > LINE_LIMIT_BYTES:
        raise ValueError("too long")
    record = fitting(object_in(line))
    for name in ("trial", "run_status", "params"):
        if name not in record:
            raise ValueError(f"no {name}")
    return record


def shown_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the table: plain values that were given, without those that stand elsewhere."""
    return {
        name: _shown(value)
        for name, value in params.items()
        if value is not None and name not in APART
    }


def _shown(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:VALUE_CHARS]


def task_in_words(params: Mapping[str, Any]) -> str:
    """The tasks without the addresses of simulators."""
    envs = params.get("env") or []
    if not isinstance(envs, list):
        envs = [envs]
    return " + ".join(task_of(str(env)) for env in envs)[:VALUE_CHARS]
