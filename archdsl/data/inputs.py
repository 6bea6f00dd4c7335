"""The inputs of a network."""

from __future__ import annotations

from typing import NamedTuple


class Input(NamedTuple):
    """An input of the network: its name, and the shape of one example, channels first. Symbolic sizes are None."""

    name: str
    shape: tuple[int | None, ...]
    integer: bool = False
    """Whether the input contains integers, such as tokens."""

    @property
    def image(self) -> bool:
        """Whether the input is an image, with channels, height and width."""
        return len(self.shape) == 3 and not self.integer

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Return whether an example of this shape matches the fixed sizes of the input."""
        return len(shape) == len(self.shape) and all(own in (None, size) for own, size in zip(self.shape, shape, strict=True))

    def written(self) -> str:
        """Return the shape as messages show it."""
        return f"[{', '.join('?' if size is None else str(size) for size in self.shape)}]"
