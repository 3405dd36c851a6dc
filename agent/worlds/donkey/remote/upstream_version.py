"""Version of upstream's own client that is installed here, from package metadata."""

from __future__ import annotations

from collections.abc import Sequence

from agent.config.errors import UserError
from agent.worlds.donkey.options import DonkeyOptions

OLDEST = (1, 3)


def missing() -> str | None:
    """Reason why upstream's client cannot be used here, in one line; None where it can."""
    from importlib import metadata  # a tenth of the controller's start, and seldom needed

    try:
        version = metadata.version("gym_donkeycar")
    except metadata.PackageNotFoundError:
        version = "not"
    if version != "not" and tuple(int(part) for part in version.split(".")[:2]) >= OLDEST:
        return None
    return (
        f"client 'gym-donkeycar' needs gym_donkeycar 1.3 or newer, which is {version} installed; "
        "install it from github.com/tawnkramer/gym-donkeycar or drop --client"
    )


def check_client(options: DonkeyOptions, ports: Sequence[str]) -> None:
    """Refuse a client for simulators on ports where there is none, or that is not installed.

    :raises UserError: either
    """
    if not ports and (options.reconnect or options.client != "own"):
        option = "reconnect" if options.reconnect else f"client {options.client!r}"
        raise UserError(
            f"{option} is for simulators on ports; give --env ID@[HOST:]PORT or drop it"
        )
    if options.client != "own" and (reason := missing()):
        raise UserError(reason)
