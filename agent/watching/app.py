"""Answers of the page's server: the page itself, the state, the stream of news, trials."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.watching.cameras import Wanted, newer_pictures
from agent.watching.feed import Feed, encoded
from agent.watching.films import KINDS
from agent.watching.guard import Access, Guard
from agent.watching.night import Night
from agent.watching.trial_page import trial_page

PAGE = Path(__file__).with_name("page")
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
PICTURES = "application/octet-stream"
NOT_KEPT = {"Cache-Control": "no-store"}
KEPT = {"Cache-Control": "no-cache"}  # asked for again, and mostly answered with 304
TAG_CHARS = 16
COMPRESS_FROM_BYTES = 1024
COMPRESSION = 5  # of 9, chosen: nearly as small as 9, in a third of the time


def build_app(nights: Sequence[Night], access: Access) -> Starlette:
    """The server's answers.

    :param nights: that are shown
    :param access: who is let in
    """
    feed = Feed(nights)

    @asynccontextmanager
    async def looking(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(feed.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def night_of(request: Request) -> Night:
        number = request.path_params["night"]
        if number >= len(nights):
            raise HTTPException(404, "no such night")
        return nights[number]

    async def state(request: Request) -> Response:
        feed.look()
        body = b",".join(encoded(night.snapshot()) for night in nights)
        text = b'{"cursor":"%b","nights":[%b]}' % (feed.cursor.encode(), body)
        return Response(text, 200, NOT_KEPT, "application/json")

    async def events(request: Request) -> Response:
        if feed.is_full:
            raise HTTPException(503, "too many pages are open")
        cursor = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return StreamingResponse(feed.stream(cursor), 200, NOT_KEPT, "text/event-stream")

    async def champions(request: Request) -> Response:
        return _json(night_of(request).champions())

    async def belief(request: Request) -> Response:
        found = night_of(request).belief()
        if found is None:
            raise HTTPException(404, "this night has no belief yet")
        return _json(found)

    async def trial(request: Request) -> Response:
        path = request.path_params
        night = night_of(request)
        found = await run_in_threadpool(trial_page, night, path["prefix"], path["trial"])
        if found is None:
            raise HTTPException(404, "no such trial")
        return _json(found)

    async def films(request: Request) -> Response:
        found = await run_in_threadpool(night_of(request).films)
        return _json([each.in_words(number) for number, each in enumerate(found)])

    async def film(request: Request) -> Response:
        found = await run_in_threadpool(night_of(request).films)
        number = request.path_params["film"]
        if number >= len(found):
            raise HTTPException(404, "no such film")
        path = found[number].path
        return FileResponse(path, headers=KEPT, media_type=KINDS[path.suffix.lower()])

    async def cameras(request: Request) -> Response:
        wanted = list(_wanted(nights, request.query_params.getlist("of")))
        return Response(await newer_pictures(wanted), 200, NOT_KEPT, PICTURES)

    routes = [
        Route("/", _page_file("index.html")),
        *(Route(f"/{path.name}", _page_file(path.name)) for path in _files()),
        Route("/api/state", state),
        Route("/api/events", events),
        Route("/api/cameras", cameras),
        Route("/api/nights/{night:int}/belief", belief),
        Route("/api/nights/{night:int}/champions", champions),
        Route("/api/nights/{night:int}/films", films),
        Route("/api/nights/{night:int}/films/{film:int}", film),
        Route("/api/nights/{night:int}/{prefix}/{trial:int}", trial),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard, access=access),
            Middleware(
                GZipMiddleware,
                minimum_size=COMPRESS_FROM_BYTES,
                compresslevel=COMPRESSION,
                exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, PICTURES),
            ),
        ],
        lifespan=looking,
    )
    app.state.feed = feed
    return app


def _wanted(nights: Sequence[Night], words: list[str]) -> Iterator[Wanted]:
    """Pictures of trials at work and of simulators, of ``NIGHT/PREFIX/TRIAL@STAMP`` each."""
    for word in words:
        key, _, stamp = word.partition("@")
        place = key.split("/")
        if len(place) == 3 and place[0].isdecimal() and int(place[0]) < len(nights):
            folder = nights[int(place[0])].watched_folder(place[1], place[2])
            if folder is not None:
                yield Wanted(key, folder, stamp)


def _json(value: Any) -> Response:
    """An answer in ASCII: a name of a file need not be Unicode."""
    return Response(json.dumps(value), 200, NOT_KEPT, "application/json")


def _files() -> list[Path]:
    return [path for path in sorted(PAGE.iterdir()) if path.suffix in TYPES]


def _page_file(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Answers with a file of the page, or that a browser has this very one already."""
    path = PAGE / name
    data = path.read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:TAG_CHARS]}"'
    headers = {**KEPT, "ETag": tag}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, headers=headers, media_type=TYPES[path.suffix])

    return answer
