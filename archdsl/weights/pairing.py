"""How stored tensors find theirs; apart from the rest, since the command line names it where no weights are read."""

from typing import Literal

Pairing = Literal["name", "order"]
