"""Batches of examples, in an order that depends on counters alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from archdsl.train.rng import key, seed_of


class Batch(NamedTuple):
    """Some examples."""

    inputs: tuple[Tensor, ...]
    """[batch, *shape] for each input of the network: bytes where they are stored as bytes, else float32, or int64."""
    labels: Tensor
    """[batch, ...]"""
    keys: Tensor
    """int64 [batch]: an example's key for random numbers in this epoch."""


class Order(NamedTuple):
    """Examples of an epoch: their numbers, and their keys."""

    chosen: Tensor
    keys: Tensor


class Examples(Protocol):
    """What batches are made of."""

    @property
    def device(self) -> torch.device:
        """Where they are, and where the numbers that choose some of them have to be."""

    def __len__(self) -> int: ...

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """The examples of each order, one batch after another."""


class TrainingBatches:
    """The training set of one epoch after another, in an order keyed by (seed, epoch).

    Iterating starts where `step` says, which counts batches from the start of the run and may be in the middle of an epoch.
    `batch` examples are a batch of all processes together, of which each gets its part: the same examples whatever their
    number. A last batch of less than two examples for each is left out: batch normalization has no variance for one.
    """

    def __init__(
        self, examples: Examples, batch: int, seed: int, step: Callable[[], int], rank: int = 0, world: int = 1,
        classes: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.examples, self.batch, self.seed, self.step = examples, batch, seed, step
        self.rank, self.world = rank, world
        self.classes = classes
        """The class of each example, for batches that hold each class as often as every other; None to take each example once."""

    def __len__(self) -> int:
        whole, rest = divmod(len(self.examples), self.batch)
        return max(1, whole + (rest >= 2 * self.world))

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = divmod(self.step(), len(self))
        return self.examples.batches(self._orders(epoch, first), training=True)

    def _orders(self, epoch: int, first: int) -> Iterator[Order]:
        """The examples of each batch that is left of an epoch, and of this process."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, 1, epoch))
        count = len(self.examples)
        order = torch.randperm(count, generator=generator) if self.classes is None else balanced(self.classes, generator)
        place = torch.arange(count) if self.classes is not None else order  # an example may be there twice, with two keys
        keys = key(self.seed, 2, epoch, place).to(self.examples.device)
        order = order.to(self.examples.device)  # once an epoch: a step on a GPU then waits for nothing
        for at in range(first, len(self)):
            own = slice(at * self.batch + self.rank, min((at + 1) * self.batch, count), self.world)
            yield Order(order[own], keys[own])

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the step is all the state. Lightning takes a loader with this method for one that resumes."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""


def balanced(classes: Tensor, generator: torch.Generator) -> Tensor:
    """As many draws as there are examples, of each class as many as of every other (or one more).

    A class is gone through in a new order again and again, so that its examples are drawn equally often, up to one.
    """
    numbers = torch.unique(classes)
    per_class, rest = divmod(len(classes), len(numbers))
    lucky = set(torch.randperm(len(numbers), generator=generator)[:rest].tolist())
    drawn = []
    for place, number in enumerate(numbers):
        members = (classes == number).nonzero()[:, 0]
        wanted = per_class + (place in lucky)
        rounds = -(-wanted // len(members))
        drawn.append(
            torch.cat([members[torch.randperm(len(members), generator=generator)] for _ in range(rounds)])[:wanted]
            if wanted
            else members[:0]
        )
    together = torch.cat(drawn)
    return together[torch.randperm(len(together), generator=generator)]


def in_order(examples: Examples, batch: int, rank: int = 0, world: int = 1) -> Iterator[Batch]:
    """Every example once, for evaluation; of each batch a process gets its part."""
    order = torch.arange(len(examples), device=examples.device)
    parts = (order[start : start + batch][rank::world] for start in range(0, len(order), batch))
    return examples.batches((Order(part, torch.zeros_like(part)) for part in parts if len(part)), training=False)
