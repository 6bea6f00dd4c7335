"""Products of matrices in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Input, Method, torch
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.product import Matmul
from archdsl.shapes import Shape


@lowers(Matmul)
def matmul(op: Matmul, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.matmul`."""
    given = op.attributes(*inputs)
    sides = [_side(0, given["transpose_a"]), _side(1, given["transpose_b"])]
    return Lowering(function=Call(torch("matmul"), tuple(map(Argument, sides))))


def _side(position: int, transposed: bool) -> Input | Method:
    side = Input(position)
    return Method(side, "transpose", (Argument(-2, "dim0"), Argument(-1, "dim1"))) if transposed else side
