"""The memory of each op, as the functions of PyTorch to which it is lowered: one file for each family.

An op that is missing here makes the memory of a network unknown (`Unmodelled`); none is guessed.
"""

from archdsl.backends.torch.memory.rules import (
    arrangement,
    attention,
    elementwise,
    join,
    normalization,
    reduction,
    table,
    window,
)
from archdsl.backends.torch.memory.rules.base import Applied, Unmodelled, applied, own_buffer

__all__ = [
    "Applied", "Unmodelled", "applied", "arrangement", "attention", "elementwise", "join", "normalization", "own_buffer",
    "reduction", "table", "window",
]  # fmt: skip
