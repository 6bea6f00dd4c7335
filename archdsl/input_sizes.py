"""Sizes of inputs other than the declared ones, as `--size` and `load(..., size=...)` give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

_SIZE: Final = r"(?:(?P<name>[^\W\d]\w*)=)?(?P<sizes>\d{1,9}(?:x\d{1,9})*)"


class InputSize(NamedTuple):
    """The shape of an input, without the batch. Without a name it is that of the next input."""

    name: str | None
    sizes: tuple[int, ...]

    def __str__(self) -> str:
        text = "x".join(map(str, self.sizes))
        return text if self.name is None else f"{self.name}={text}"


InputSizes: TypeAlias = tuple[InputSize, ...]


class WrongInputs(ValueError):
    """Sizes for inputs that the network does not have. It is a mistake in the call, and none in a spec."""


def parse_sizes(text: str) -> InputSizes:
    """Return the sizes in `3x160x160`, or `image=3x160x160,mask=1x160x160`. Raise `ValueError` for another text."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(_SIZE, part.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a size, as in 3x517x389 or image=3x517x389")
        found.append(InputSize(match["name"], tuple(map(int, match["sizes"].split("x")))))
    return tuple(found)


def sizes_of(value: Any) -> InputSizes:
    """Return the sizes that a Python value gives: a text, a shape, a list of shapes, or shapes by input name."""
    if value is None:
        return ()
    if isinstance(value, str):
        return parse_sizes(value)
    if isinstance(value, Mapping):
        return tuple(InputSize(str(name), _shape(shape)) for name, shape in value.items())
    if _is_shape(value):
        return (InputSize(None, _shape(value)),)
    if isinstance(value, Sequence):
        return tuple(InputSize(None, _shape(shape)) for shape in value)
    raise TypeError(f"`size` is a shape such as (3, 160, 160), or shapes by input name, and not {value!r}")


def _is_shape(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(size, int) for size in value)


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, str) and (match := re.fullmatch(_SIZE, value)) is not None and match["name"] is None:
        return tuple(map(int, match["sizes"].split("x")))
    if not _is_shape(value) or any(isinstance(size, bool) for size in value):
        raise TypeError(f"the size of an input is whole numbers such as (3, 160, 160), and not {value!r}")
    return tuple(value)


def by_input(names: Sequence[str], given: Iterable[InputSize]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by the names of the inputs; shapes without a name go to the rest in order. Raise `WrongInputs`."""
    given = tuple(given)
    unknown = [size.name for size in given if size.name is not None and size.name not in names]
    if unknown:
        raise WrongInputs(f"there is no input {unknown[0]!r}: the network has {', '.join(names)}")
    found: dict[str, tuple[int, ...]] = {}
    for name, sizes in given:
        if name is not None and found.setdefault(name, sizes) != sizes:
            raise WrongInputs(f"the input {name!r} has two sizes: {InputSize(None, found[name])} and {InputSize(None, sizes)}")
    left = [name for name in names if name not in found]
    unnamed = [size.sizes for size in given if size.name is None]
    if len(unnamed) > len(left):
        raise WrongInputs(f"more sizes than inputs: the network has {', '.join(names)}")
    return found | dict(zip(left, unnamed, strict=False))
