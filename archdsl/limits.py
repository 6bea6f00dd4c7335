"""The limits that bound the time and memory which any input can take. Exceeding one is an error with a code.

A `Limits` value holds those that can be changed: `--limit nodes=1000000` on the command line,
`limits=archdsl.Limits(nodes=1_000_000)` in Python. The constants are limits of PyTorch itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

SIZE: Final = 2**31 - 1
"""The largest size of a tensor, and the largest integer argument of anything that is called by name."""
AXES: Final = 64
"""The number of axes of a tensor, including the batch."""
ELEMENTS: Final = 2**40
"""The number of elements of one tensor, for one image. With any batch size, counts and addresses fit in 64 bits."""
FLOAT: Final = 1e30
"""The largest float argument in a call. Values computed from it fit in 32 bits, which end at 3.4e38."""

HIGHEST: Final = {"nesting": 1000, "call_depth": 150, "list_depth": 100, "import_depth": 100, "integer_bits": 8192}
"""The highest values of the limits that protect Python's stack and integers. The others go up to `SIZE`."""


class Limits(NamedTuple):
    """An immutable set of limits; `Limits(nodes=1_000_000)` changes one of the defaults."""

    source_characters: int = 80_000
    """Length of a file together with all its imports. A network of 2,000 lines is shorter."""
    nesting: int = 64
    """Depth of nested brackets and braces, and of operators that nest to the right."""
    call_depth: int = 64
    """Depth of nested block calls, loops and groups during elaboration."""
    nodes: int = 110_000
    """Number of ops in a network. A residual network of 30,000 layers has fewer."""
    iterations: int = 50_000
    """Number of loop iterations in a network, and of bodies that are run, so that empty loops end too."""
    steps: int = 3_000_000
    """Work for checking one network, about a second: see `elaborate.steps`."""
    integer_bits: int = 256
    """Size of an integer in an expression."""
    list_items: int = 100_000
    """Length of a list or range that is indexed or passed as an argument."""
    label_characters: int = 100
    """Length of a label. A key of the state_dict consists of the labels around it."""
    list_depth: int = 8
    """Depth of nested lists."""
    period: int = 8192
    """Period of a symbolic size; it must be at least twice the total stride of a network."""
    single_sizes: int = 1 << 18
    """Number of isolated sizes that a set of valid sizes may list."""
    size_values: int = 500_000
    """Total number of integers that represent the symbolic sizes of a network, and its sets of valid sizes."""
    tensors: int = 250_000
    """Number of tensors in a weights file. A residual network of 30,000 layers has fewer."""
    imports: int = 200
    """Number of files that one network may import, directly or not."""
    import_depth: int = 32
    """Length of a chain of imports."""
    errors: int = 50
    """Number of syntax errors that are reported for a file, and of other errors for a network."""

    def validate(self) -> None:
        """Raise `ValueError` if a limit is below 1 or above its highest value."""
        for name, value in self._asdict().items():
            highest = HIGHEST.get(name, SIZE)
            if not 1 <= value <= highest:
                raise ValueError(f"the limit {name!r} can be 1 to {highest:,}, and not {value:,}")

    def changes(self) -> dict[str, int]:
        """Return the limits that differ from the defaults, by name."""
        return {name: value for name, value in self._asdict().items() if value != getattr(DEFAULT, name)}


DEFAULT: Final = Limits()


def limits_from(values: Mapping[str, int]) -> Limits:
    """Return the default limits with changes by name. Raise `ValueError` for an unknown name or a value out of range."""
    for name in values:
        if name not in Limits._fields:
            raise ValueError(f"there is no limit {name!r}; there are {', '.join(Limits._fields)}")
    limits = Limits(**values)
    limits.validate()
    return limits


def remedy(name: str) -> str:
    """Return the help of an error: how to raise the limit."""
    return f"`--limit {name}=N` raises the limit"
