"""The order of batches: every example once, resumable anywhere, the same for any number of workers and processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archdsl.data import Input
from archdsl.recipe import Augmentation, Transform
from archdsl.train.batches import Batch
from archdsl.train.data import Data
from tests.data.reading import call, read, save


def arrays(folder: Path, count: int = 100, **keys: Any) -> Data:
    np.savez(
        folder / "data.npz",
        x_train=np.arange(count, dtype=np.uint8)[:, None],
        y_train=np.arange(count) % 3,
        x_test=np.zeros((3, 1), np.uint8),
        y_test=np.arange(3),
    )
    return read("data.npz", folder, Input("x", (1,)), **keys)


def images(folder: Path, workers: int, **keys: Any) -> Data:
    """Thirty photographs of different sizes in three classes, of which each has its own colour."""
    if not (folder / "train").exists():
        for number in range(36):
            part = "train" if number < 30 else "test"
            save(
                np.full((10 + number, 40 - number, 3), number * 7, np.uint8), folder / part / "abc"[number % 3] / f"{number}.png"
            )
    crop = call(Augmentation, "random_resized_crop", size=8)
    return read(
        str(folder),
        Path(),
        Input("x", (3, 8, 8)),
        workers=workers,
        transform=call(Transform, "resize", size=(8, 8)),
        augment=crop,
        **keys,
    )


def seen(batches: Any) -> list[int]:
    """The examples of batches, by their first value."""
    return [int(value) for batch in batches for value in batch.inputs[0].flatten(1)[:, 0]]


def test_batches_hold_every_example_once_and_start_anywhere(tmp_path: Path) -> None:
    step = 0
    batches = arrays(tmp_path).training_batches(33, 0, lambda: step)
    assert len(batches) == 3  # the hundredth would be alone
    first = list(batches)
    assert len(set(seen(first))) == 99
    step = 2
    assert torch.equal(next(iter(batches)).labels, first[2].labels)
    step = 3
    assert not torch.equal(next(iter(batches)).labels, first[0].labels)


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_the_examples_of_a_batch(tmp_path: Path, world: int) -> None:
    """Together they have those of one process, with the same keys; in evaluation, too."""
    data = arrays(tmp_path)
    alone = list(data.training_batches(32, 0, lambda: 0))
    parts = [list(data.training_batches(32, 0, lambda: 0, rank, world)) for rank in range(world)]
    for batch, *own in zip(alone[:3], *parts, strict=False):
        pairs = {(int(x), int(k)) for part in own for x, k in zip(part.inputs[0], part.keys, strict=True)}
        assert pairs == {(int(x), int(k)) for x, k in zip(batch.inputs[0], batch.keys, strict=True)}
        assert max(len(part.keys) for part in own) - min(len(part.keys) for part in own) <= 1
    assert len({len(part) for part in parts}) == 1
    every = [seen(data.evaluation_batches(data.train, 33, rank, world)) for rank in range(world)]
    assert sorted(chain.from_iterable(every)) == list(range(100))


def test_balanced(tmp_path: Path) -> None:
    """90 of one class, 9 of another, 3 of a third: as many of each, of each class all alike."""
    y = np.repeat([0, 1, 2], [90, 9, 3])
    np.savez(
        tmp_path / "data.npz",
        x_train=np.arange(102, dtype=np.uint8)[:, None],
        y_train=y,
        x_test=np.zeros((3, 1), np.uint8),
        y_test=np.arange(3),
    )
    data = read("data.npz", tmp_path, Input("x", (1,)), sampler="balanced")
    assert data.labels.frequencies == (90, 9, 3)
    batches = list(data.training_batches(34, 0, lambda: 0))
    counts = np.bincount(seen(batches), minlength=102)
    assert torch.cat([batch.labels for batch in batches]).bincount().tolist() == [34, 34, 34]
    assert set(counts[:90]) <= {0, 1} and set(counts[90:99]) <= {3, 4} and set(counts[99:]) <= {11, 12}
    assert len(torch.cat([batch.keys for batch in batches]).unique()) == 102  # an example that comes again is varied otherwise
    assert seen(data.training_batches(34, 0, lambda: 0)) == seen(batches) != seen(data.training_batches(34, 0, lambda: 3))


def same(one: Iterator[Batch], other: Iterator[Batch]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(
        torch.equal(a.inputs[0], b.inputs[0]) and torch.equal(a.labels, b.labels) and torch.equal(a.keys, b.keys)
        for a, b in pairs
    )


def test_workers_change_nothing(tmp_path: Path) -> None:
    """Nor does starting in the middle of an epoch, nor going on with the workers of the epoch before."""
    step = 0
    plain, worked = (images(tmp_path, workers).training_batches(8, 0, lambda: step) for workers in (0, 2))
    assert same(iter(plain), iter(worked))
    for step in (2, 4, 5, 7):  # noqa: B007  # read by the batches
        assert same(iter(plain), iter(worked))
    half_way = iter(worked)
    next(half_way)
    step = 6
    assert same(iter(plain), iter(worked))


def test_images_of_files_know_their_classes(tmp_path: Path) -> None:
    data = images(tmp_path, 1)
    for batch in (*data.training_batches(8, 0, lambda: 0), *data.evaluation_batches(data.held_out, 4)):
        assert all(int(image[0, 0, 0]) // 7 % 3 == int(label) for image, label in zip(batch.inputs[0], batch.labels, strict=True))


def test_statistics_of_files_are_those_of_their_pixels(tmp_path: Path) -> None:
    record = images(tmp_path, 0).preparation(images(tmp_path, 0).recipe).as_data()
    levels = np.arange(30) * 7 / 255
    assert record["mean"] == pytest.approx([levels.mean()] * 3, rel=1e-5)
    assert record["std"] == pytest.approx([levels.std()] * 3, rel=1e-3)
    assert (record["transform"], record["classes"], record["normalize"]) == (["resize(size = [8, 8])"], ["a", "b", "c"], "data")
