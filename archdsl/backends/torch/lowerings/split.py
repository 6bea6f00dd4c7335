"""Division into parts in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Input, Method, positional
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.split import Split
from archdsl.shapes import Shape


@lowers(Split)
def split(op: Split, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.chunk` for equal parts and `Tensor.split` for listed ones; the batch axis comes before axis 0."""
    given = op.attributes(*shapes)
    dim = positional(given["axis"] + 1, "dim", "axis")
    name = "chunk" if isinstance(op.parts, int) else "split"
    return Lowering(
        function=Method(Input(0), name, (positional(op.parts, "chunks" if name == "chunk" else "split_size", "parts"), dim))
    )
