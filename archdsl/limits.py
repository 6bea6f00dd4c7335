"""The limits that keep any input within bounded time and memory; each is refused with a coded error.

All but those of `FIXED` can be set: by `--limit nodes=1000000` on a command line, by `with limits.changed(nodes=1_000_000):` in Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SOURCE_CHARACTERS = 80_000
"""Length of a file with all that it imports (a network of 2,000 lines is under this)."""
NESTING = 64
"""Brackets and braces inside one another, and operators that nest to the right."""
CALL_DEPTH = 64
"""Bodies that are elaborated inside one another: block calls, loops, groups."""
NODES = 110_000
"""Ops in one network (a residual network of 30,000 layers is under this)."""
ITERATIONS = 50_000
"""Loop rounds in one network, and bodies that run, so that empty ones end too."""
STEPS = 3_000_000
"""What checking one network may take, about a second: see `elaborate.steps`."""
INTEGER_BITS = 256
"""Size of a number in an expression."""
LIST_ITEMS = 100_000
"""Length of a list or range that is indexed or passed on."""
LABEL_CHARACTERS = 100
"""Length of a label; all those around it go before it in a key."""
LIST_DEPTH = 8
"""Lists inside one another."""
PERIOD = 8192
"""After how many values of an open size the sizes of a network repeat; at least twice its total stride."""
SINGLE_SIZES = 1 << 18
"""Sizes that a condition tells apart one by one."""
SIZE_VALUES = 500_000
"""Numbers that the formulas of a network's open sizes are kept as, all together, and the sets of the sizes that work."""
TENSORS = 250_000
"""Tensors in a file of weights (a residual network of 30,000 layers has fewer)."""
IMPORTS = 200
"""Files that one network may draw on."""
IMPORT_DEPTH = 32
"""Files that import one another in a row."""
ERRORS = 50
"""Syntax errors reported for one file, and errors in what a network means."""

SIZE = 2**31 - 1
"""A size of a tensor, and a whole number that an op or anything else called by name takes."""
AXES = 64
"""Axes of a tensor, with that of the batch."""
ELEMENTS = 2**40
"""Numbers in one tensor, for one image: with any batch, what counts and addresses them stays within 64 bits."""
FLOAT = 1e30
"""A fraction that an op or anything else called by name takes: what is computed with it stays within 32 bits, to 3.4e38."""

FIXED: Final = frozenset({"SIZE", "AXES", "ELEMENTS", "FLOAT"})
"""What PyTorch has no room for beyond."""
HIGHEST: Final = {"NESTING": 1000, "CALL_DEPTH": 150, "LIST_DEPTH": 100, "IMPORT_DEPTH": 100, "INTEGER_BITS": 8192}
"""How far those go that Python's own stack and numbers bound."""
_FRAMES = 16
"""Calls of Python that one level of nesting takes, at most."""


def names() -> dict[str, int]:
    """The limits that can be set, as `--limit` writes them, with their values."""
    return {
        name.lower(): value
        for name, value in globals().items()
        if name[0].isupper() and name.isupper() and isinstance(value, int) and name not in FIXED
    }


@contextmanager
def changed(**values: int) -> Iterator[None]:
    """Other limits for a while. Raises `ValueError` for one that there is not, or that goes too far."""
    known = names()
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"there is no limit {name!r}; there are {', '.join(known)}")
        highest = HIGHEST.get(name.upper(), SIZE)
        if not 1 <= value <= highest:
            raise ValueError(f"the limit {name!r} can be 1 to {highest:,}, and not {value:,}")
    frames = sys.getrecursionlimit()
    globals().update({name.upper(): value for name, value in values.items()})
    sys.setrecursionlimit(max(frames, _FRAMES * (NESTING + CALL_DEPTH + LIST_DEPTH + IMPORT_DEPTH)))
    try:
        yield
    finally:
        sys.setrecursionlimit(frames)
        globals().update({name.upper(): value for name, value in known.items()})


def remedy(name: str) -> str:
    """How to go over a limit, for the help of its error."""
    return f"`--limit {name.lower()}=N` raises the limit"
