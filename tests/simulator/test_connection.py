"""Where the simulator listens: names and addresses of either kind."""

from __future__ import annotations

import socket

import pytest

from agent.simulator.connection import listen
from tests.simulator.serving import has_ipv6


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize(("host", "address"), [("::1", "::1"), ("::", "127.0.0.1"), ("::", "::1")])
def test_an_ipv6_address_is_listened_on(host: str, address: str) -> None:
    with listen(host, 0) as listener:
        assert listener.family == socket.AF_INET6
        with socket.create_connection((address, listener.getsockname()[1]), timeout=5):
            pass


def test_a_name_is_listened_on_or_refused() -> None:
    with listen("localhost", 0) as listener:
        assert listener.getsockname()[0] in ("127.0.0.1", "::1")
    with pytest.raises(OSError, match="no host name"):
        listen("a..b", 0)
