"""The page's server: it listens, says where, and ends at once when it is told to."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from platform import node
from types import FrameType

import uvicorn

from agent.config.errors import UserError
from agent.config.ports import holder
from agent.watching.app import build_app
from agent.watching.guard import Access
from agent.watching.night import Night

END_WITHIN_SEC = 1  # of being told to


class _Server(uvicorn.Server):
    """Ends the streams of news first: they would last as long as their pages."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.feed.close()
        super().handle_exit(sig, frame)


def serve(nights: Sequence[Night], listener: socket.socket, access: Access) -> None:
    """Answers until SIGINT or SIGTERM.

    :param nights: that are shown
    :param listener: listens already
    :param access: who is let in
    """
    config = uvicorn.Config(
        build_app(nights, access),
        access_log=False,
        http="h11",
        log_level="error",
        loop="asyncio",
        server_header=False,
        timeout_graceful_shutdown=END_WITHIN_SEC,
        ws="none",
    )
    _Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    :param host: address or name to bind
    :param port: 0 for a free one
    :raises UserError: the address cannot be had
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"--port {port} is held by {holder(port)}; end it or choose another --port"
            ) from error
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise UserError(
            f"--host {host!r} --port {port} cannot be listened on ({reason}); choose another"
        ) from error


def names_of_this_machine() -> list[str]:
    """Names by which others may ask for it."""
    name = node()
    short = name.partition(".")[0]
    return [name, short, f"{short}.local"]
