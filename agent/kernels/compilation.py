"""A word to who waits while kernels are compiled: at the first start, after a change of them."""

from __future__ import annotations

from functools import cache

from numba.core import event


class _Announcer(event.Listener):
    """Prints a line when the first kernel is compiled; one that was kept before needs none."""

    def __init__(self) -> None:
        self.said = False

    def on_start(self, event: event.Event) -> None:
        if not self.said:
            self.said = True
            print("compiling the simulator, once; this takes about half a minute", flush=True)

    def on_end(self, event: event.Event) -> None:
        pass


@cache
def announce_compilation() -> None:
    """Has a compilation from now on be announced on the console."""
    event.register("numba:compile", _Announcer())
