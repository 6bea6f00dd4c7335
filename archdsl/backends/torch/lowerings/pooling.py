"""Pooling in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.backends.torch.expressions import (
    MISSING,
    Argument,
    AxesFrom,
    Call,
    Input,
    X,
    functional,
    keyword,
    nn,
    positional,
    runtime,
)
from archdsl.backends.torch.lowerings.base import Lowering, both, lowers
from archdsl.ops.base import compact
from archdsl.ops.pooling import AvgPool, AvgPoolTo, BlurPool, GlobalAveragePool, LpPool, MaxPool, MaxPoolTo
from archdsl.ops.unpooling import MaxUnpool
from archdsl.shapes import Shape, SymbolicSize


@lowers(MaxPool)
def max_pool(op: MaxPool, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.MaxPool1d`, `2d` or `3d`; the runtime's over a symbolic length."""
    given, axes = op.attributes(*inputs), len(inputs[0]) - 1
    if given["tf_same"]:
        return Lowering(function=Call(runtime("same_max_pool"), (X, *_same_window(given))))
    if op.indices:
        return both(nn(f"MaxPool{axes}d"), functional(f"max_pool{axes}d"), *_window(given), keyword("return_indices", True))
    if axes == 1 and isinstance(inputs[0][1], SymbolicSize):
        return both(runtime("MaxPool1d"), runtime("max_pool1d"), *_window(given, stride=True))
    return both(nn(f"MaxPool{axes}d"), functional(f"max_pool{axes}d"), *_window(given))


@lowers(MaxUnpool)
def max_unpool(op: MaxUnpool, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.MaxUnpool1d`, `2d` or `3d`; with `like`, the function of that name."""
    given, axes = op.attributes(*inputs), len(inputs[0]) - 1
    window = compact(given["k"])
    arguments = (
        positional(window, "kernel_size", "k"),
        keyword("stride", compact(given["stride"]), "stride", default=window),
        keyword("padding", compact(given["pad"]), "pad", default=0),
    )
    size = (Argument(AxesFrom(Input(2), 2), "output_size", keyword=True),) if op.present else ()
    function = Call(functional(f"max_unpool{axes}d"), (X, Argument(Input(1)), *arguments, *size))
    return Lowering(None if size else Call(nn(f"MaxUnpool{axes}d"), arguments), function)


@lowers(AvgPool)
def avg_pool(op: AvgPool, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.AvgPool1d`, `2d` or `3d`."""
    given, axes = op.attributes(*inputs), len(inputs[0]) - 1
    counted = keyword("count_include_pad", op.count_pad, "count_pad", default=True)
    if given["tf_same"]:
        return Lowering(function=Call(runtime("same_avg_pool"), (X, *_same_window(given), counted)))
    return both(nn(f"AvgPool{axes}d"), functional(f"avg_pool{axes}d"), *_window(given), counted)


@lowers(LpPool)
def lp_pool(op: LpPool, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.LPPool1d`, `2d` or `3d`."""
    axes, norm = len(inputs[0]) - 1, positional(op.p, "norm_type", "p")
    return both(nn(f"LPPool{axes}d"), functional(f"lp_pool{axes}d"), norm, *_window(op.attributes(*inputs)))


@lowers(MaxPoolTo, AvgPoolTo)
def adaptive(op: MaxPoolTo | AvgPoolTo, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.AdaptiveMaxPool1d`, `AdaptiveAvgPool1d` and so on."""
    axes, kind = len(inputs[0]) - 1, "Max" if isinstance(op, MaxPoolTo) else "Avg"
    size = positional(compact(op.attributes(*inputs)["size"]), "output_size", "size")
    return both(nn(f"Adaptive{kind}Pool{axes}d"), functional(f"adaptive_{kind.lower()}_pool{axes}d"), size)


@lowers(GlobalAveragePool)
def global_average(op: GlobalAveragePool, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.AdaptiveAvgPool1d`, `2d` or `3d` to a size of one."""
    axes = len(inputs[0]) - 1
    return both(nn(f"AdaptiveAvgPool{axes}d"), functional(f"adaptive_avg_pool{axes}d"), positional(1, "output_size"))


@lowers(BlurPool)
def blur_pool(op: BlurPool, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `BlurPool`, which keeps its filter."""
    arguments = (
        positional(len(inputs[0]) - 1, "axes"),
        keyword("k", op.k, "k", default=3),
        keyword("stride", op.stride, "stride", default=2),
        keyword("mode", "constant" if op.pad_mode == "zeros" else op.pad_mode, "pad_mode", default="reflect"),
    )
    return Lowering(Call(runtime("BlurPool"), arguments))


def _same_window(given: Mapping[str, Any]) -> list[Argument]:
    """Return window and stride, each with a number per axis."""
    return [positional(given[name], name, name) for name in ("k", "stride")]


def _window(given: Mapping[str, Any], *, stride: bool = False) -> list[Argument]:
    """Return the arguments of a window. The stride is left out if it is the window, unless it has to be written."""
    window = compact(given["k"])
    return [
        positional(window, "kernel_size", "k"),
        keyword("stride", compact(given["stride"]), "stride", default=MISSING if stride else window),
        keyword("padding", compact(given["pad"]), "pad", default=0),
        keyword("dilation", compact(given["dilation"]), "dilation", default=1),
        keyword("ceil_mode", given["ceil"], "ceil", default=False),
    ]
