"""Match stored weights to a network by names, shapes and dtypes, without PyTorch."""

from typing import Literal

MatchBy = Literal["name", "order"]
"""How to match stored tensors to parameters."""
Channels = Literal["sum", "mean", "repeat"]
"""How to adapt a weight to another number of input channels."""
