"""Chance from counters instead of stored states, so that a resumed run repeats what it would have drawn.

Every number is a function of the seed and of where it is used: the order of an epoch of (seed, epoch), an
augmentation of (seed, epoch, example), dropout of (seed, step).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_ALL = (1 << 64) - 1
_BITS = 23
"""Of a number drawn: with the half that is added, float32 holds it exactly, and it is never 0 or 1."""


def mix(state: Tensor) -> Tensor:
    """The finalizer of SplitMix64 (Steele et al. 2014) on int64: every bit of the result depends on all bits."""
    state = (state ^ (state >> 30 & (1 << 34) - 1)) * (0xBF58476D1CE4E5B9 - 2**64)
    state = (state ^ (state >> 27 & (1 << 37) - 1)) * (0x94D049BB133111EB - 2**64)
    return state ^ (state >> 31 & (1 << 33) - 1)


def key(*counters: int | Tensor) -> Tensor:
    """One int64 from several counters, of which each may be a tensor."""
    state = torch.zeros((), dtype=torch.int64)
    for counter in counters:
        state = mix(state + counter + _GOLDEN)
    return state


def seed_of(*counters: int) -> int:
    """A seed for PyTorch's own generators: `key` in Python's numbers, which is much quicker for one."""
    state = 0
    for counter in counters:
        state = state + counter + _GOLDEN & _ALL
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _ALL
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _ALL
        state ^= state >> 31
    return state & (1 << 63) - 1


def random_draws(keys: Tensor) -> Callable[[int], Tensor]:
    """`draw(n)` gives `n` numbers in the open interval (0, 1) for each key, [n, batch]; each call goes on."""
    drawn = 0

    def draw(count: int) -> Tensor:
        nonlocal drawn
        counters = torch.arange(drawn, drawn + count, device=keys.device)[:, None]
        drawn += count
        bits = mix(mix(keys + counters * _GOLDEN)) >> 64 - _BITS & (1 << _BITS) - 1
        return (bits.float() + 0.5) / (1 << _BITS)

    return draw
