"""The replay buffer: how much of it a memory limit allows, and the shifts of its pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from agent.config.errors import UserError
from agent.training.replay import replay_capacity, shifted

SMALL = spaces.Box(0, 255, (4, 40, 80), np.uint8)
LARGE = spaces.Box(0, 255, (3, 120, 160), np.uint8)
BATCH = 64


def test_it_holds_the_whole_training_where_that_fits() -> None:
    capacity, size = replay_capacity(SMALL, 10_000, "8G", BATCH)
    assert capacity == 10_000
    assert 10_000 * 2 * 12_800 < size < 10_000 * 2 * 12_900


def test_it_stays_within_half_of_the_memory_limit() -> None:
    capacity, size = replay_capacity(LARGE, 1_000_000, "1G", BATCH)
    assert size <= 0.5 * 1024**3
    assert capacity == size // (2 * 57_600 + 32) > 4000


def test_a_memory_limit_too_small_for_one_batch_is_refused_with_what_is_needed() -> None:
    with pytest.raises(UserError, match=r"memory_limit '1M' holds .* give at least \d+M") as caught:
        replay_capacity(SMALL, 10_000, "1M", BATCH)
    enough = str(caught.value).split()[-1]
    assert replay_capacity(SMALL, 10_000, enough, BATCH)[0] >= BATCH


def test_shifted_pictures_are_the_old_ones_moved() -> None:
    pictures = torch.randint(0, 255, (64, 2, 12, 20), dtype=torch.uint8)
    np.random.seed(0)
    moved = shifted(pictures, 3)
    offsets = set()
    for old, new in zip(pictures, moved, strict=True):
        inside = new[:, 3:-3, 3:-3]
        matches = []
        for down in range(-3, 4):
            for right in range(-3, 4):
                rolled = torch.roll(old, (down, right), (1, 2))
                if torch.equal(rolled[:, 3:-3, 3:-3], inside):
                    matches.append((down, right))
        assert len(matches) == 1
        offsets.add(matches[0])
    assert len(offsets) > 20
    assert torch.equal(shifted(pictures[:, :, :1], 0), pictures[:, :, :1])
