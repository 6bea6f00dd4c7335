"""Counter-based random numbers: a resumed run draws the same numbers as an uninterrupted one.

Every random number is a function of the seed and a counter: the order of an epoch depends on (seed, epoch), an
augmentation on (seed, epoch, example), dropout on (seed, step).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_ALL = (1 << 64) - 1
_BITS = 23
"""The bits of a random number: after adding a half, float32 represents it exactly, and it is never 0 or 1."""


def mix(state: Tensor) -> Tensor:
    """Apply the finalizer of SplitMix64 (Steele et al. 2014) to int64: every bit of the result depends on all bits."""
    state = (state ^ (state >> 30 & (1 << 34) - 1)) * (0xBF58476D1CE4E5B9 - 2**64)
    state = (state ^ (state >> 27 & (1 << 37) - 1)) * (0x94D049BB133111EB - 2**64)
    return state ^ (state >> 31 & (1 << 33) - 1)


def key(*counters: int | Tensor) -> Tensor:
    """Hash several counters, which may be tensors, into an int64."""
    state = torch.zeros((), dtype=torch.int64)
    for counter in counters:
        state = mix(state + counter + _GOLDEN)
    return state


def seed_of(*counters: int) -> int:
    """Return a seed for PyTorch's generators: the same hash in Python integers, which is much faster for a single number."""
    state = 0
    for counter in counters:
        state = state + counter + _GOLDEN & _ALL
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _ALL
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _ALL
        state ^= state >> 31
    return state & (1 << 63) - 1


def random_draws(keys: Tensor) -> Callable[[int], Tensor]:
    """Return `draw(n)`, which returns `n` new numbers in the open interval (0, 1) per key, as [n, batch]."""
    drawn = 0

    def draw(count: int) -> Tensor:
        nonlocal drawn
        counters = torch.arange(drawn, drawn + count, device=keys.device)[:, None]
        drawn += count
        bits = mix(mix(keys + counters * _GOLDEN)) >> 64 - _BITS & (1 << _BITS) - 1
        return (bits.float() + 0.5) / (1 << _BITS)

    return draw
