"""Batches of examples, in an order that depends only on the seed and counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from archdsl.train.rng import key, seed_of


class Batch(NamedTuple):
    """A batch of examples."""

    inputs: tuple[Tensor, ...]
    """[batch, *shape] for each input of the network: bytes if stored as bytes, else float32; int64 for integer inputs."""
    labels: Tensor
    """[batch, ...]"""
    keys: Tensor
    """int64 [batch]: the key of each example for random numbers in this epoch."""


class Order(NamedTuple):
    """Examples to load: their numbers and their random keys."""

    chosen: Tensor
    keys: Tensor


class Examples(Protocol):
    """A source of batches."""

    @property
    def device(self) -> torch.device:
        """The device of the examples, on which the numbers that select examples must be."""

    def __len__(self) -> int: ...

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """Yield a batch for each order."""


class TrainingBatches:
    """Batches of the training set, epoch by epoch, in an order that depends on (seed, epoch).

    Iteration starts at batch `step()` of the run, which may be in the middle of an epoch. `batch` is the global batch size.
    Each process gets its share of the same examples, whatever the number of processes. A last batch with fewer than two examples
    per process is omitted, because batch normalization has no variance for one example.
    """

    def __init__(
        self, examples: Examples, batch: int, seed: int, step: Callable[[], int], rank: int = 0, world: int = 1,
        classes: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.examples, self.batch, self.seed, self.step = examples, batch, seed, step
        self.rank, self.world = rank, world
        self.classes = classes
        """The class of each example, to draw each class equally often; None to use each example once."""

    def __len__(self) -> int:
        whole, rest = divmod(len(self.examples), self.batch)
        return max(1, whole + (rest >= 2 * self.world))

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = divmod(self.step(), len(self))
        return self.examples.batches(self._orders(epoch, first), training=True)

    def _orders(self, epoch: int, first: int) -> Iterator[Order]:
        """Yield the examples of this process for each remaining batch of an epoch."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, 1, epoch))
        count = len(self.examples)
        order = torch.randperm(count, generator=generator) if self.classes is None else balanced(self.classes, generator)
        place = torch.arange(count) if self.classes is not None else order  # an example may occur twice, with different keys
        keys = key(self.seed, 2, epoch, place).to(self.examples.device)
        order = order.to(self.examples.device)  # once per epoch, so that steps on a GPU do not wait for transfers
        for at in range(first, len(self)):
            own = slice(at * self.batch + self.rank, min((at + 1) * self.batch, count), self.world)
            yield Order(order[own], keys[own])

    def state_dict(self) -> dict[str, Any]:
        """Return an empty state, since the step determines everything. Lightning expects this method of a resumable loader."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""


def balanced(classes: Tensor, generator: torch.Generator) -> Tensor:
    """Draw as many examples as there are, with the same number of each class, up to one.

    The examples of a class are drawn equally often, up to one: the class is traversed repeatedly, each time in a new order.
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
    """Yield every example once, for evaluation. A process gets its share of each batch."""
    order = torch.arange(len(examples), device=examples.device)
    parts = (order[start : start + batch][rank::world] for start in range(0, len(order), batch))
    return examples.batches((Order(part, torch.zeros_like(part)) for part in parts if len(part)), training=False)
