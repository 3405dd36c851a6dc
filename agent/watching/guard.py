"""Guard in front of every answer of the page's server: it tells who may ask, and for what.

A page in a browser can be used against a server of the same machine. A name that leads here only
now (DNS rebinding) has the wrong Host. Another site's page cannot embed or read what is answered.
Nothing is ever changed, so there is no request to forge.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src 'self' blob:; media-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
COOKIE = "autoresearch_watch"
ASK_FOR_TOKEN = "this page needs its token; open the address that was printed at its start\n"


class Access(NamedTuple):
    """Rules by which requests are let in.

    :param hosts: names that a request may be for
    :param any_address: it may be for any address in digits: no name can be turned to one
    :param token: that everybody has to know; empty for none
    :param port: of the server, since all servers of a host share cookies
    """

    hosts: frozenset[str]
    any_address: bool
    token: str
    port: int

    @classmethod
    def to(cls, host: str, names: Iterable[str], token: str, port: int) -> Access:
        """Access to a server.

        :param host: that it is bound to
        :param names: by which its machine is known
        :param token: see above
        :param port: see above
        """
        hosts = {*LOOPBACK, host.lower()}
        if host in LOOPBACK:
            return cls(frozenset(hosts), False, token, port)
        return cls(frozenset({*hosts, *(name.lower() for name in names)}), True, token, port)


class Guard:
    """Refuses requests that a stranger may have made, and guards answers with headers.

    :param app: answers the others
    :param access: who is let in
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access
        self.cookie = f"{COOKIE}_{access.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the server's own start and end; it speaks no WebSocket
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._refusal(scope) or self.app
        await answer(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_for_us(headers.getlist("host")):
            return PlainTextResponse("this Host is not served here\n", 400)
        if scope["method"] not in METHODS:
            return PlainTextResponse("only GET is answered\n", 405, {"Allow": "GET, HEAD"})
        if headers.get("sec-fetch-site") == "cross-site" and (
            headers.get("sec-fetch-mode") != "navigate"
        ):
            return PlainTextResponse("other sites are not served\n", 403)
        if self.access.token:
            return self._refusal_without_token(scope, headers)
        return None

    def _is_for_us(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        host = host_of(hosts[0])
        return host in self.access.hosts or (self.access.any_address and _is_address(host))

    def _refusal_without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Lets in who has the token; a browser keeps it in a cookie instead of its address."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.pop("token", [""])[0]
        if given and self._is_token(given):
            path = scope["path"] + (f"?{urlencode(query, doseq=True)}" if query else "")
            answer = RedirectResponse(f"/{path.lstrip('/')}", 303)
            answer.set_cookie(self.cookie, given, httponly=True, samesite="strict")
            return answer
        kind, _, borne = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(borne):
            return None
        if self._is_token(_cookie(headers.get("cookie", ""), self.cookie)):
            return None
        return PlainTextResponse(ASK_FOR_TOKEN, 401, {"WWW-Authenticate": "Bearer"})

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.access.token.encode())


def host_of(header: str) -> str:
    """The name in a Host header, without its port and its brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
