"""Dense layers, embeddings and changes of arrangement in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Argument,
    Axis,
    Call,
    Input,
    Method,
    Own,
    X,
    functional,
    keyword,
    nn,
    positional,
    runtime,
    torch,
)
from archdsl.backends.torch.lowerings.base import Lowering, lowers, weight_normed
from archdsl.ops.dense import Embedding, Flatten, Linear, Lookup, Reshape, Unembed
from archdsl.shapes import Shape, SymbolicSize


@lowers(Linear)
def linear(op: Linear, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Linear`; the runtime's for a transposed weight."""
    features = positional(op.attributes(*inputs)["in_features"], "in_features", "in_features")
    out, bias = positional(op.out, "out_features", "out"), keyword("bias", op.bias, "bias", default=True)
    layer = runtime("TransposedLinear") if op.transposed else nn("Linear")
    return Lowering(weight_normed(Call(layer, (features, out, bias)), op.weight_norm))


@lowers(Flatten)
def flatten(op: Flatten, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Flatten`; the batch axis stays. Of a single number, which has no other axis, it makes one."""
    if not inputs[0]:
        return Lowering(function=Method(Input(0), "unsqueeze", (positional(1, "dim"),)))
    return Lowering(Call(nn("Flatten")), Call(torch("flatten"), (X, positional(1, "start_dim"))))


@lowers(Reshape)
def reshape(op: Reshape, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.reshape`; the batch axis stays."""
    given = [-1 if isinstance(size, SymbolicSize) else size for size in op.attributes(*inputs)["sizes"]]
    sizes = [positional(size, "size", "sizes") for size in given]
    return Lowering(function=Method(Input(0), "reshape", (Argument(Axis(Input(0), 0)), *sizes)))


@lowers(Embedding)
def embedding(op: Embedding, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Embedding`."""
    return Lowering(_table(op))


@lowers(Lookup)
def lookup(op: Lookup, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `lookup`: the table has a batch axis, of one if it is a parameter."""
    return Lowering(function=Call(runtime("lookup"), (X, Argument(Input(1)))))


@lowers(Unembed)
def unembed(op: Unembed, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return a product with the weight of a `torch.nn.Embedding`."""
    return Lowering(_table(op), applied=Call(functional("linear"), (X, Argument(Own.WEIGHT))))


def _table(op: Embedding | Unembed) -> Call:
    return Call(nn("Embedding"), (positional(op.n, "num_embeddings", "n"), positional(op.dim, "embedding_dim", "dim")))
