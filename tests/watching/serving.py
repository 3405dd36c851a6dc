"""The page's server as a process, and questions to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SEC = 20.0


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Page(NamedTuple):
    """A server at work."""

    process: subprocess.Popen[str]
    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_SEC)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    @contextmanager
    def events(self, after: str, **headers: str) -> Iterator[Iterator[tuple[str, str, Any]]]:
        """The stream of news: name, id and data of each event."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_SEC)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", f"/api/events?after={after}", headers=named)
        answer = connection.getresponse()
        assert answer.getheader("content-type", "").startswith("text/event-stream")

        def read() -> Iterator[tuple[str, str, Any]]:
            event: dict[str, str] = {}
            for raw in answer:
                line = raw.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                event[name] = value
                if not line and "data" in event:
                    yield event["event"], event["id"], json.loads(event["data"])
                    event = {}

        try:
            yield read()
        finally:
            # the stream does not end by itself
            answer.close()
            connection.close()


@contextmanager
def serving(*argv: str | Path, port: int = 0, host: str = "127.0.0.1") -> Iterator[Page]:
    """A server over the folders that the arguments name."""
    pytest.importorskip("starlette", reason="starlette is not installed: the extra named web")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: the extra named web")
    command = [sys.executable, str(ROOT / "agent" / "watch.py"), "--port", str(port)]
    command += ["--host", host, *map(str, argv)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    try:
        line = process.stdout.readline()
        found = re.search(r" at http://\S+?:(\d+)/(?:\?token=(\S+))?$", line.strip())
        assert found, line + process.stderr.read()
        yield Page(process, int(found[1]), found[2] or "")
    finally:
        process.terminate()
        process.wait(LIMIT_SEC)
        process.stdout.close()
        process.stderr.close()


def wait_for(met: Any, limit_sec: float = LIMIT_SEC) -> Any:
    """What ``met`` returns, once that is true."""
    deadline = time.monotonic() + limit_sec
    while True:
        found = met()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
