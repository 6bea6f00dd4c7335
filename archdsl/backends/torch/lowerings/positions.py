"""Positions in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Argument,
    AxesFrom,
    Call,
    Expr,
    Input,
    Method,
    Operation,
    Own,
    Sibling,
    X,
    keyword,
    nn,
    positional,
    runtime,
    torch,
)
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.initializers import Initializer
from archdsl.ops.positions import TABLE, Coords, PosEmbed, RelativeBias, RelativeCoords
from archdsl.shapes import Shape


@lowers(PosEmbed)
def pos_embed(op: PosEmbed, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return a sum with an `nn.Parameter`, which the runtime's `resized_positions` interpolates for another grid."""
    given = op.attributes(*inputs)
    positions: Expr = Own.PARAMETER
    if given["resized"]:
        arguments = (
            Argument(Own.PARAMETER),
            positional(op.base, "base", "base"),
            Argument(AxesFrom(Input(1), len(inputs[1]) - 1)),
            keyword("prefix", op.prefix, "prefix", default=0),
            keyword("mode", op.mode, "mode", default="bicubic"),
            keyword("antialias", op.antialias, "antialias", default=True),
        )
        positions = Call(runtime("resized_positions"), arguments)
    return Lowering(function=Operation("+", (X, Argument(positions))), parameter=_parameter(given["shape"], op.init))


@lowers(Coords)
def coords(op: Coords, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `coords`."""
    return Lowering(function=Call(runtime("coords"), (X, positional(op.attributes(*inputs)["axis"] + 1, "dim", "axis"))))


@lowers(RelativeCoords)
def relative_coords(op: RelativeCoords, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return a stored buffer, with its batch axis of one."""
    rows, columns = op.attributes()["window"]
    sizes = positional(rows, "rows", "window"), positional(columns, "columns", "window")
    return Lowering(function=Own.PARAMETER, buffer=Call(runtime("relative_coords"), sizes), persistent=True)


@lowers(RelativeBias)
def relative_bias(op: RelativeBias, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `relative_bias` of a table, which is an `nn.Parameter` unless it is given, and of a buffer."""
    rows, columns = op.attributes()["window"]
    index = Call(
        runtime("relative_position_index"), (positional(rows, "rows", "window"), positional(columns, "columns", "window"))
    )
    rows_of_pairs: Expr = Own.PARAMETER
    if op.index == "square":
        rows_of_pairs = Method(Own.PARAMETER, "flatten")
        index = Call(torch("reshape"), (Argument(index), positional(op.index_shape(), "size", "shape")))
    table: Expr = Input(0)
    sibling = None
    if not op.present:
        table = Method(Sibling(TABLE), "unsqueeze", (positional(0, "dim"),))
        shape = op.parameters()[f"../{TABLE}"]
        sibling = (TABLE, _parameter(shape, op.init))
    function = Call(runtime("relative_bias"), (Argument(table), Argument(rows_of_pairs)))
    return Lowering(function=function, buffer=index, persistent=bool(op.buffers()), sibling=sibling)


def _parameter(shape: tuple[int, ...], init: Initializer | None) -> Call:
    """Return an `nn.Parameter`, filled by a rule: by default as in torchvision's Swin and timm's ViT."""
    name, arguments = ("trunc_normal_", {"std": 0.02}) if init is None else (init.function, init.arguments())
    empty = Call(torch("empty"), (positional(shape, "size", "shape"),))
    filled = Call(nn(f"init.{name}"), (Argument(empty), *[keyword(key, value) for key, value in arguments.items()]))
    return Call(nn("Parameter"), (Argument(filled, "data"),))
