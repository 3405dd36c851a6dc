"""Three ways to one environment: the embedded world, our client and upstream's.

The latter two share a server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from agent.simulator.remote_car import RemoteCar
from agent.simulator.server import Server
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.remote.upstream_version import missing

WAYS = ("embedded", "own", "gym-donkeycar")
Make = Callable[..., DonkeyEnv]


@pytest.fixture(scope="session")
def ports() -> Iterator[Callable[[str | None], int]]:
    """Where a simulator in lockstep answers that has this scene loaded, or shows the menu."""
    servers: dict[str | None, tuple[Server, threading.Thread]] = {}

    def port(scene: str | None) -> int:
        if scene not in servers:
            # Each side would draw a look of its own.
            car = partial(RemoteCar, random_look=False)
            server = Server(port=0, clock="lockstep", scene=scene, car=car)
            servers[scene] = server, threading.Thread(target=server.serve, daemon=True)
            servers[scene][1].start()
        return servers[scene][0].address[1]

    yield port
    for server, thread in servers.values():
        server.stop()
        thread.join(5.0)
        assert not thread.is_alive()


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Each way that is installed."""
    if request.param == "gym-donkeycar" and (reason := missing()):
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def make(way: str, ports: Callable[[str | None], int]) -> Iterator[Make]:
    """Builds environments of one way, and closes them.

    Ours asks for its scene, upstream's takes the one that is loaded.
    """
    made: list[DonkeyEnv] = []

    def build(level: str = "generated_track", **conf: Any) -> DonkeyEnv:
        loaded = level if way == "gym-donkeycar" else None
        wire: dict[str, Any] = {"random_look": False}
        if way != "embedded":
            wire = {"port": ports(loaded), "client": way}
        made.append(DonkeyEnv(level, {**wire, **conf}))
        return made[-1]

    yield build
    for env in made:
        env.close()
