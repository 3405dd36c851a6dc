"""The aggregated dataset keeps the newest labels, and is put away without its empty rows."""

from __future__ import annotations

import pickle

import numpy as np
import torch

from agent.training.imitation.dataset import AggregatedDataset, ImitationBatch


def test_it_keeps_the_newest_labels() -> None:
    dataset = AggregatedDataset((1, 8, 8), label_size=8, capacity=10)
    for first in (0, 6, 12):
        steps = np.arange(first, first + 6, dtype=np.float32)
        levels = steps.astype(np.uint8)[:, None, None, None]
        pictures = np.broadcast_to(levels, (6, 1, 8, 8))
        dataset.add(pictures, np.stack([steps, -steps, *[steps] * 6], axis=1), 2 * steps)
    dataset.queue_minibatches(1, 200)
    assert dataset.queued is not None
    batch = dataset.batch(dataset.queued[0], torch.device("cpu"))
    assert len(dataset) == 10
    assert set(batch.labels[:, 0].tolist()) == set(map(float, range(8, 18)))
    assert torch.equal(batch.pictures[:, 0, 0, 0].float(), batch.labels[:, 0])
    assert torch.equal(batch.returns, -2 * batch.labels[:, 1])


def test_large_pictures_are_fewer() -> None:
    dataset = AggregatedDataset((1, 2**14, 2**14), label_size=3)
    assert len(dataset.returns) == 2


def test_it_is_put_away_without_its_empty_rows() -> None:
    dataset = AggregatedDataset((1, 8, 8), label_size=8, capacity=1000)
    pictures = np.ones((3, 1, 8, 8), dtype=np.uint8)
    labels = np.ones((3, 8), dtype=np.float32)
    dataset.add(pictures, labels, np.arange(3, dtype=np.float32))
    saved = pickle.dumps(dataset)
    again = pickle.loads(saved)
    assert len(saved) < 2000
    assert len(again) == 3
    assert len(again.returns) == 1000
    assert again.returns[:4].tolist() == [0.0, 1.0, 2.0, 0.0]
    again.add(*(getattr(dataset, name)[:1] for name in ImitationBatch._fields))
    assert len(again) == 4
