"""Standard streams that never end a command: what cannot be shown is left out.

A reader may be gone, a disk full, a stream closed, an encoding too small. None of these is a reason
to lose a trial or a night.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

EXIT_NO_READER = 128 + 13  # as a shell calls the end by SIGPIPE


def keep_streams_open(*, ends_without_reader: bool = False) -> None:
    """Has the process's output and errors go on, whatever becomes of who reads them.

    :param ends_without_reader: end quietly with ``EXIT_NO_READER`` once nobody reads any more, for
        a command whose output is all that it is run for
    """
    _fill_descriptors()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, SafeStream):
            stream = stream.stream
        setattr(sys, name, SafeStream(stream or _nowhere(), ends_without_reader))


class SafeStream:
    """A text stream that takes all that is written, and is given up at its first error.

    What its encoding cannot say is written as an escape such as ``\\u2026``.

    :param stream: to write to
    :param ends_without_reader: see ``keep_streams_open``
    """

    def __init__(self, stream: Any, ends_without_reader: bool = False) -> None:
        self.stream = stream
        self.ends_without_reader = ends_without_reader
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Writes ``text``, if it can be; returns its length."""
        with self._given_up_if_broken():
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                self.stream.write(text.encode("ascii", "backslashreplace").decode())
        return len(text)

    def flush(self) -> None:
        """Shows what was written, if it can be."""
        with self._given_up_if_broken():
            self.stream.flush()

    @contextmanager
    def _given_up_if_broken(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            self._give_up()
            # Python's own last flush must not fail: it would change the exit code.
            if self.ends_without_reader and not sys.is_finalizing():
                self.ends_without_reader = False
                if isinstance(error, BrokenPipeError):
                    raise SystemExit(EXIT_NO_READER) from None

    def _give_up(self) -> None:
        """Leads this stream, and what its descriptor still holds, to nowhere."""
        broken = self.stream
        self.stream = _nowhere()
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(self.stream.fileno(), broken.fileno())


def _nowhere() -> Any:
    return open(os.devnull, "w", encoding="utf-8", errors="replace")


def _fill_descriptors() -> None:
    """Opens the standard descriptors that are closed: else the next file would be one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
