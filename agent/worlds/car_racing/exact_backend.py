"""Our own CarRacing-v3: cars side by side, moved and drawn in a few calls for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.backend import Moved
from agent.worlds.car_racing.exact.car import CAR
from agent.worlds.car_racing.exact.centre_line import X, Y
from agent.worlds.car_racing.exact.episode import advance_all, start
from agent.worlds.car_racing.exact.palette import DEFAULT, draw_palette
from agent.worlds.car_racing.exact.track import Track, make_track
from agent.worlds.car_racing.exact.tracks import make_tracks
from agent.worlds.car_racing.exact_observing import make_painter, observe_all
from agent.worlds.car_racing.observation import WHOLE, Window


class ExactBackend:
    """Cars that do to the bit what Gymnasium's do; see ``exact``.

    :param n: how many
    :param window: that a learner sees
    :param domain_randomize: other colours in every episode
    """

    def __init__(self, n: int, window: Window, domain_randomize: bool = False) -> None:
        self.window = window
        self.domain_randomize = domain_randomize
        self.cars: NDArray[np.void] = np.zeros(n, dtype=CAR)
        self._tracks = make_tracks(n)
        self._painter = make_painter()
        self._track_of: list[Track | None] = [None] * n

    def restart(self, k: int, seed: int) -> None:
        """See ``Backend``.

        :param k: number of the car
        :param seed: as Gymnasium's ``reset`` takes it
        """
        rng = np.random.default_rng(seed)
        palette = draw_palette(rng) if self.domain_randomize else DEFAULT
        track = make_track(rng, palette)
        self._track_of[k] = track
        start(self.cars, self._tracks, k, track)

    def centre_line(self, k: int) -> NDArray[np.float64]:
        """See ``Backend``."""
        return self._track(k).points[:, [X, Y]]

    def advance(self, commands: NDArray[np.float64], frames: NDArray[np.int64]) -> Moved:
        """See ``Backend``.

        :param commands: steering, gas and brake (n, 3)
        :param frames: how many at most (n,)
        """
        n = len(self.cars)
        moved = Moved(np.empty(n), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_))
        advance_all(self.cars, self._tracks, commands, frames, *moved)
        return moved

    def observe(self, out: NDArray[np.uint8], which: Sequence[int]) -> None:
        """See ``Backend``.

        :param out: pictures (cars, channels, rows, columns)
        :param which: numbers of these cars
        """
        numbers = np.asarray(which, dtype=np.int64)
        observe_all(out, numbers, self.window, self.cars, self._tracks, self._painter)

    def picture(self, k: int) -> NDArray[np.uint8]:
        """See ``Backend``."""
        out = np.empty((1, *WHOLE.shape), dtype=np.uint8)
        observe_all(out, np.array([k]), WHOLE, self.cars, self._tracks, self._painter)
        return np.ascontiguousarray(out[0].transpose(1, 2, 0))

    def close(self) -> None:
        """See ``Backend``: nothing is open."""

    def _track(self, k: int) -> Track:
        track = self._track_of[k]
        assert track is not None, "no episode has begun"
        return track
