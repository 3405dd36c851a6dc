"""News for every open page, from one task that looks at all nights.

Files are looked at only while a page is open. A page that comes back says how far it had come, in
``Last-Event-ID``, and gets what it missed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress

from agent.watching.night import Change, Night

LOOK_EVERY_SEC = 0.5  # chosen: a line is on the screen within a second
ALIVE_EVERY_SEC = 15.0  # a comment, so that nothing in between takes the stream for dead
RETRY_MSEC = 1000  # until a page whose stream ended asks again
MOST_PAGES = 64  # chosen
MOST_WAITING = 200  # events that a page may be behind; then it has to ask anew


class Feed:
    """News of the nights.

    :param nights: that are looked at
    """

    def __init__(self, nights: Sequence[Night]) -> None:
        self.nights = nights
        self.closing = asyncio.Event()
        self._pages: set[asyncio.Queue[bytes | None]] = set()

    @property
    def is_full(self) -> bool:
        """No further page can be told."""
        return len(self._pages) >= MOST_PAGES

    @property
    def cursor(self) -> str:
        """Place that reading has come to in all ledgers."""
        return _joined(self.nights)

    def look(self) -> None:
        """Looks at every night and tells all pages what is new."""
        for night in self.nights:
            for change in night.look():
                self._tell(event(change, self.cursor))

    async def run(self) -> None:
        """Looks now and then, until it is cancelled."""
        self.look()
        while True:
            await asyncio.sleep(LOOK_EVERY_SEC)
            if self._pages:
                with suppress(OSError):  # a folder that is being moved is there again later
                    self.look()

    def close(self) -> None:
        """Ends all streams, so that the server can stop."""
        self.closing.set()
        for page in self._pages:
            _put(page, None)

    def _tell(self, text: bytes) -> None:
        for page in list(self._pages):
            if page.full():
                self._pages.discard(page)
                _put(page, None)
            else:
                page.put_nowait(text)

    async def stream(self, cursor: str) -> AsyncIterator[bytes]:
        """The stream of a page.

        :param cursor: where the page has come to
        """
        page: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self.look()
        missed = [event(change, self.cursor) for change in self._since(cursor)]
        self._pages.add(page)
        try:
            yield f"retry: {RETRY_MSEC}\n\n".encode()
            for text in missed:
                yield text
            while not self.closing.is_set():
                try:
                    news = await asyncio.wait_for(page.get(), ALIVE_EVERY_SEC)
                except TimeoutError:
                    news = b": alive\n\n"
                if news is None:
                    return
                yield news
        finally:
            self._pages.discard(page)

    def _since(self, cursor: str) -> list[Change]:
        """News for a page that has come so far."""
        words = [night.split(",") for night in cursor.split(";")]
        changes: list[Change] = []
        if len(words) != len(self.nights):
            return [Change("reset", {})]
        for night, cursors in zip(self.nights, words, strict=True):
            lines = None
            with suppress(ValueError):
                lines = night.lines_known_at(cursors)
            if lines is None:
                return [Change("reset", {})]
            changes += [*night.trials_since(lines), night.standing_change()]
        return changes


def event(change: Change, cursor: str) -> bytes:
    """An event of a stream.

    :param change: its contents
    :param cursor: where reading has come to with it
    """
    data = encoded(change.data)
    return b"".join(
        [f"event: {change.name}\nid: {cursor}\ndata: ".encode(), data, b"\n\n"],
    )


def encoded(data: dict[str, object]) -> bytes:
    """An object as JSON; its ``rows`` are JSON already."""
    others = {name: value for name, value in data.items() if name != "rows"}
    text = json.dumps(others, separators=(",", ":")).encode()
    rows = data.get("rows")
    if not isinstance(rows, list):
        return text
    return b"".join([text[:-1], b',"rows":[', b",".join(rows), b"]}"])


def _joined(nights: Iterable[Night]) -> str:
    return ";".join(",".join(night.cursors) for night in nights)


def _put(page: asyncio.Queue[bytes | None], news: None) -> None:
    """Puts the end into a queue, in the place of the oldest news where it is full."""
    if page.full():
        page.get_nowait()
    page.put_nowait(news)
