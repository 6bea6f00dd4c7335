"""What a network takes."""

from __future__ import annotations

from typing import NamedTuple


class Input(NamedTuple):
    """An input of the network: its name, and the shape of one example, channels first. A symbolic size is None."""

    name: str
    shape: tuple[int | None, ...]
    integer: bool = False
    """Whether it holds integers, such as indices of tokens."""

    @property
    def image(self) -> bool:
        """Whether it has channels, height and width."""
        return len(self.shape) == 3 and not self.integer

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether an example of this shape fits, as far as its sizes are fixed."""
        return len(shape) == len(self.shape) and all(own in (None, size) for own, size in zip(self.shape, shape, strict=True))

    def written(self) -> str:
        """Its shape, as messages show it."""
        return f"[{', '.join('?' if size is None else str(size) for size in self.shape)}]"
