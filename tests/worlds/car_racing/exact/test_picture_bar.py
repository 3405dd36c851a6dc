"""The bar's values as numbers, and the pictures of scores."""

import sys

import numpy as np
import pytest

from agent.worlds.car_racing.exact.bar import indicators
from agent.worlds.car_racing.exact.car import CAR
from agent.worlds.car_racing.exact.score import LEAST, MINUS_ZERO, MOST, score_strips


def test_indicators_are_the_values_of_the_bar() -> None:
    car = np.zeros(1, CAR)[0]
    car["velocity"][0] = 3, -4
    car["spin"] = 10, 11, 12, 13
    car["angle"][:3] = 0.5, 0.75, 0.25  # the hull, and the front wheels
    car["yaw_rate"][0] = -2
    assert indicators(car).tolist() == [5, 10, 11, 12, 13, 0.25, -2]


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
