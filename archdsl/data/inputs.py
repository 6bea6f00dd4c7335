"""The inputs of a network."""

from __future__ import annotations

from typing import NamedTuple


class Input(NamedTuple):
    """An input of the network: its name, and the shape of one example, channels first. Symbolic sizes are None."""

    name: str
    shape: tuple[int | None, ...]
    integer: bool = False
    """Whether the input contains integers, such as tokens."""
    boolean: bool = False
    """Whether the input contains bools, as a mask does."""

    @property
    def image(self) -> bool:
        """Whether the input is an image, with channels, height and width."""
        return len(self.shape) == 3 and self.real

    @property
    def real(self) -> bool:
        """Whether the input contains real numbers, which are scaled and normalized."""
        return not self.integer and not self.boolean

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Return whether an example of this shape matches the fixed sizes of the input."""
        return len(shape) == len(self.shape) and all(own in (None, size) for own, size in zip(self.shape, shape, strict=True))

    def written(self) -> str:
        """Return the shape as messages show it."""
        return f"[{', '.join('?' if size is None else str(size) for size in self.shape)}]"
