"""The pictures of scores."""

import sys

import numpy as np
import pytest

from agent.worlds.car_racing.exact.score import LEAST, MINUS_ZERO, MOST, score_strips


def test_every_score_has_a_picture_of_its_own() -> None:
    pytest.importorskip("pygame", reason="the score is written in pygame's font")
    strips = score_strips()
    assert len(strips) == MOST - LEAST + 2 == MINUS_ZERO + 1
    assert len(np.unique(strips.reshape(len(strips), -1), axis=0)) == len(strips)
    assert strips[:, :, -1].max() == 0  # nothing is cut off


def test_without_pygame_the_score_stays_black(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    strips = score_strips.__wrapped__()
    assert strips.shape[0] == MINUS_ZERO + 1
    assert not strips.any()
