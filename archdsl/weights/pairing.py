"""How stored tensors find theirs; apart from the rest, since the command line names it where no weights are read."""

from typing import Literal

Pairing = Literal["name", "order"]
Channels = Literal["sum", "mean", "repeat"]
"""How the first convolution is adapted from m to n input channels: each gets the sum over the m, divided by n; their mean;
or the m in turn, times m / n."""
