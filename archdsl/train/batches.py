"""Batches of examples, in an order that depends on counters alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from archdsl.train.keys import key, seed_of


class Batch(NamedTuple):
    """Some examples."""

    inputs: tuple[Tensor, ...]
    """[batch, *shape] for each input of the network."""
    labels: Tensor
    """[batch, ...]"""
    keys: Tensor
    """int64 [batch]: an example's key for random numbers in this epoch."""


class Examples(Protocol):
    """What batches are made of."""

    def __len__(self) -> int: ...

    def batch(self, chosen: Any, keys: Tensor) -> Batch:
        """Return the examples at these indices."""


class TrainingBatches:
    """The training set of one epoch after another, in an order keyed by (seed, epoch).

    Iterating starts where `step` says, which may be in the middle of an epoch.
    A last batch of one example is left out: batch normalization has no variance for it.
    """

    def __init__(self, examples: Examples, batch: int, seed: int, step: Callable[[], int]) -> None:
        self.examples, self.batch, self.seed, self.step = examples, batch, seed, step

    def __len__(self) -> int:
        whole, rest = divmod(len(self.examples), self.batch)
        return max(1, whole + (rest > 1))

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = divmod(self.step(), len(self))
        order = torch.randperm(len(self.examples), generator=torch.Generator().manual_seed(seed_of(self.seed, 1, epoch)))
        for at in range(first, len(self)):
            chosen = order[at * self.batch : (at + 1) * self.batch]
            yield self.examples.batch(chosen, key(self.seed, 2, epoch, chosen))

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the step is all the state. Lightning takes a loader with this method for one that resumes."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""
