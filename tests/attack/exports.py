"""Compare what `torch.export` makes of the built module with the module itself, over the sizes that archdsl gives it."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import nn

import archdsl
from tests.attack import network
from tests.attack.numbers import close
from tests.attack.program import Program
from tests.attack.verdicts import Point, Report

BATCH = 3


def compare_export(
    program: Program, found: archdsl.Network, module: nn.Module, working: list[Point], report: Report, chance: random.Random
) -> None:
    """Export the module with its `dynamic_shapes()`, and compare results at other sizes within them."""
    ranges = found.dynamic_shapes()
    usable = [point for point in working if _within(network.input_shapes(program, point.sizes), ranges)]
    if not usable:
        return
    inputs = tuple(network.make_inputs(program, usable[-1].sizes, 1, batch=BATCH).values())
    report.counts["exports"] += 1
    try:
        exported = torch.export.export(module, inputs, dynamic_shapes=ranges).module()
        for point in chance.sample(usable, min(3, len(usable))):
            tensors = network.make_inputs(program, point.sizes, 2, batch=BATCH).values()
            with torch.no_grad():
                expected, given = module(*tensors), exported(*tensors)
            pairs = zip(expected, given, strict=True) if isinstance(expected, tuple) else [(expected, given)]
            if not all(close(one, other) for one, other in pairs):
                report.differ("export: values", point.sizes)
    except Exception as error:
        if isinstance(error, AssertionError) and str(error).startswith("Guard failed") and _steps_over_the_end(found):
            report.counts["exports that PyTorch limits"] += 1
            return
        report.differ("export fails", f"at {usable[-1].sizes}: {type(error).__name__}: {str(error)[:300]}")


def _steps_over_the_end(found: archdsl.Network) -> bool:
    """Return whether a pool with `ceil` may leave out its last window at some sizes, which PyTorch exports separately."""
    for op in (node.op for function in found.graph.functions() for node in function.ops):
        if getattr(op, "ceil", False):
            stride = op.k if op.stride is None else op.stride  # type: ignore[attr-defined]
            fields = [op.k, stride, getattr(op, "pad", 0), getattr(op, "dilation", 1)]  # type: ignore[attr-defined]
            axes = max(len(value) if isinstance(value, tuple | list) else 1 for value in fields)
            each = [value if isinstance(value, tuple | list) else (value,) * axes for value in fields]
            if any(step + pad > gap * (window - 1) + 1 for window, step, pad, gap in zip(*each, strict=True)):
                return True
    return False


def _within(shapes: dict[str, tuple[int, ...]], ranges: Any) -> bool:
    """Return whether shapes are within the ranges of `dynamic_shapes()`, whose axes count the batch.

    PyTorch fixes a dynamic size that the sample has at 1, so archdsl's ranges leave out sizes for which a layer gives 1.
    """
    for shape, axes in zip(shapes.values(), ranges or (), strict=False):
        for axis, dimension in (axes or {}).items():
            # Some kinds of dimensions have no bounds of their own.
            least, most = getattr(dimension, "min", None) or 2, getattr(dimension, "max", None) or 2**31
            if axis and not max(least, 2) <= shape[axis - 1] <= most:
                return False
    return True
