"""What arithmetic of PyTorch is in the language: joins, numbers, learned factors and reductions."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archdsl.importers.aten import Refused, Step, rule
from archdsl.importers.model import Apply, Value


@rule("clamp", "clamp_min")
def _clamp(s: Step) -> list[Apply]:
    low, high = s.arg("min"), s.arg("max")
    return s.make("clamp", {"low": low, "high": high}, s.value(s.first))


_JOINS = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "minimum": "min", "maximum": "max"}


_CALLED = {"add": "add", "sub": "sub", "mul": "scale", "div": "div"}


@rule(*_JOINS)
def _arithmetic(s: Step) -> list[Apply]:
    name = s.target.partition(".")[0]
    name = name if name in _JOINS else name.removesuffix("_")
    left, right = s.node.args[0], s.node.args[1]
    if name == "add" and s.is_stored(left) and not hasattr(right, "name"):
        s.t.values[s.node.name] = None  # the counter of batch norm
        return []
    if (s.arg("alpha") or 1) != 1:
        raise Refused("a sum with `alpha`")
    if s.arg("rounding_mode") is not None:
        raise Refused("a rounded quotient")
    numbers = [n for n in (left, right) if isinstance(n, int | float)]
    if numbers:
        if isinstance(left, int | float) and name in ("sub", "div"):
            raise Refused(f"a number {'minus' if name == 'sub' else 'divided by'} a tensor")
        tensor, number = (right, left) if isinstance(left, int | float) else (left, right)
        parameter = "factor" if name == "mul" else "number"
        return s.make(_CALLED[name], {parameter: number}, s.value(tensor))
    if name == "mul" and (scaled := _layer_scale(s, left, right)) is not None:
        return scaled
    values = [s.value(left), s.value(right)]
    values = _equal_ranks(s, values)
    args: dict[str, Any] = {}
    if name == "add" and len({value.shape for value in values}) > 1:
        args["broadcast"] = True
    return s.make(_JOINS[name], args, *values)


def _equal_ranks(s: Step, values: list[Value]) -> list[Value]:
    """Take the batch axis of one off a parameter that is joined with values of the network."""
    rank = max(len(value.shape) for value in values if value.batched) if any(v.batched for v in values) else 0
    for value in values:
        if not value.batched and len(value.shape) == rank + 1 and value.shape[0] == 1 and value.producer is not None:
            if isinstance(value.producer, Apply) and value.producer.op == "param":
                value.shape = value.shape[1:]
                value.producer.args |= {"shape": value.shape, "batch_axis": True}
    if rank and len({len(value.shape) for value in values}) > 1:
        raise Refused(f"{s.node.target}: tensors of different ranks, which PyTorch broadcasts")
    return values


def _layer_scale(s: Step, left: Any, right: Any) -> list[Apply] | None:
    """Return `layer_scale` for a product with a stored tensor that has one number per channel."""
    stored = [node for node in (left, right) if s.is_stored(node)]
    if len(stored) != 1:
        return None
    source = s.value(right if stored[0] is left else left)
    key = s.t.key(stored[0])
    tensor = s.t.tensor(key)
    shape = tuple(tensor.shape)
    args: dict[str, Any] = {"init": _constant(tensor), "flat": False, "axis": 0}
    if source.batched and shape == (source.shape[0], *(1 for _ in source.shape[1:])):
        pass
    elif source.batched and len(shape) == 1 and shape[0] == source.shape[-1]:
        args["axis"] = -1
    else:
        return None
    return s.make("layer_scale", args, source, key=key)


def _constant(tensor: Tensor) -> float:
    """Return the number that fills a tensor; 1e-6 if it holds several."""
    if tensor.is_meta:
        return 1e-6
    first = tensor.flatten()[0]
    return float(f"{float(first):.6g}") if bool((tensor == first).all()) else 1e-6


@rule("neg")
def _negative(s: Step) -> list[Apply]:
    return s.make("scale", {"factor": -1}, s.value(s.first))


@rule("rsub")
def _reversed_difference(s: Step) -> list[Apply]:
    raise Refused("a number minus a tensor")


@rule("pow.Tensor_Scalar")
def _power(s: Step) -> list[Apply]:
    return s.make("pow", {"exponent": float(s.node.args[1])}, s.value(s.first))


@rule("mean.dim", "sum.dim_IntList", "amax", "amin", "var.correction", "linalg_vector_norm")
def _reduction(s: Step) -> list[Apply]:
    dims = s.arg("dim")
    source = s.value(s.first)
    if dims is None:
        raise Refused(f"{s.node.target} over the batch")
    dims = [dims] if isinstance(dims, int) else dims
    axes = sorted(s.axis(dim, s.first) for dim in dims)
    keep = bool(s.arg("keepdim"))
    name = {"amax": "max", "amin": "min", "linalg_vector_norm": "norm"}.get(
        s.target.partition(".")[0], s.target.partition(".")[0]
    )
    spatial = list(range(1, len(source.shape)))
    if name == "mean" and keep and axes == spatial and len(source.shape) > 1:
        return s.make("gap", {}, source)
    args: dict[str, Any] = {"axis": axes[0] if len(axes) == 1 else tuple(axes), "keep": keep, "axes": True}
    if name == "var":
        args["unbiased"] = s.arg("correction") != 0
    if name == "norm" and s.arg("ord") != 2:
        args["p"] = float(s.arg("ord"))
    return s.make(name, args, source)
