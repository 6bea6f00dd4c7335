"""What arithmetic of PyTorch is in the language: joins, numbers, learned factors and reductions."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archdsl.importers.aten import Refused, Step, refuse_positions, rule
from archdsl.importers.broadcasting import aligned
from archdsl.importers.model import Apply, Value

_JOINS = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "minimum": "min", "maximum": "max"}
_CALLED = {"add": "add", "sub": "sub", "mul": "scale", "div": "div", "minimum": "min", "maximum": "max"}


@rule("clamp", "clamp_min", "clamp_max")
def _clamp(s: Step) -> list[Apply]:
    low, high = s.arg("min"), s.arg("max")
    return s.each("clamp", {"low": low, "high": high}, s.first)


@rule(*_JOINS, "rsub", "true_divide")
def _arithmetic(s: Step) -> list[Apply]:
    name = s.name.removesuffix("_")
    left, right = s.node.args[0], s.node.args[1]
    if name == "rsub":
        name, left, right = "sub", right, left
    if (s.arg("alpha") or 1) != 1:
        raise Refused("a sum with `alpha`")
    if s.arg("rounding_mode") is not None:
        raise Refused("a rounded quotient")
    name = "div" if name == "true_divide" else name
    first, second = s.number(left), s.number(right)
    if second is not None:
        return _with_number(s, name, left, second)
    if first is not None:
        return _number_first(s, name, first, right)
    if name in ("add", "sub") and s.shape() == s.shape(left) and _is_zero(s, right):
        return s.same(left)
    if name == "mul" and (scaled := _layer_scale(s, left, right)) is not None:
        return scaled
    values, dims = aligned(s, left, right)
    shape = tuple(max(sizes) for sizes in zip(*(value.shape for value in values), strict=True))
    args: dict[str, Any] = {}
    if name == "add" and len({value.shape for value in values}) > 1:
        args["broadcast"] = True
    return s.make(_JOINS[name], args, *values, shape=shape, dims=dims)


def _is_zero(s: Step, node: Any) -> bool:
    """Whether a node is zeros alone, as the mask of a single window, which is added to what is the same for all examples."""
    tensor, left = s.constant(node), s.t.values.get(getattr(s.node.args[0], "name", ""))
    if tensor is None or s.t.constants.key_of(node) is not None or not isinstance(left, Value) or left.batched:
        return False
    return not bool(tensor.any())


def _with_number(s: Step, name: str, tensor: Any, number: float) -> list[Apply]:
    neutral = 1 if name in ("mul", "div") else 0
    if number == neutral and name in ("add", "sub", "mul", "div"):
        return s.same(tensor)
    return s.each(_CALLED[name], {"factor" if name == "mul" else "number": number}, tensor)


def _number_first(s: Step, name: str, number: float, tensor: Any) -> list[Apply]:
    if name in ("add", "mul", "minimum", "maximum"):
        return _with_number(s, name, tensor, number)
    value, dims = s.loose(tensor)
    if name == "sub":
        negated = s.then("scale", {"factor": -1}, value, value.shape)
        return s.make("add", {"number": number}, negated, shape=value.shape, dims=dims) if number else s.let(negated, dims)
    inverse = s.then("pow", {"exponent": -1.0}, value, value.shape)
    return s.make("scale", {"factor": number}, inverse, shape=value.shape, dims=dims) if number != 1 else s.let(inverse, dims)


def _layer_scale(s: Step, left: Any, right: Any) -> list[Apply] | None:
    """Return `layer_scale` for a product with a stored tensor that has one number per channel."""
    stored = [node for node in (left, right) if s.is_stored(_unarranged(node)) and s.constant(node) is None]
    if len(stored) != 1:
        return None
    source, dims = s.loose(right if stored[0] is left else left)
    key = s.t.key(_unarranged(stored[0]))
    tensor = s.t.tensor(key)
    shape, seen = tuple(tensor.shape), s.shape(stored[0])
    args: dict[str, Any] = {"init": _constant(tensor), "flat": False, "axis": 0}
    if seen != shape:
        if not source.batched or shape != source.shape[:1] or dims[1:2] != ((0,),):
            return None
        if (1,) * (len(dims) - len(seen)) + seen != (1, shape[0], *(1 for _ in dims[2:])):
            return None
        args["flat"] = True
    elif source.batched and shape == (source.shape[0], *(1 for _ in source.shape[1:])) and dims[1:2] == ((0,),):
        pass
    elif source.batched and len(shape) == 1 and dims[-1] == (len(source.shape) - 1,) and shape[0] == source.shape[-1]:
        args["axis"] = -1
    else:
        return None
    return s.make("layer_scale", args, source, key=key, shape=source.shape, dims=dims)


def _unarranged(node: Any) -> Any:
    """Return the tensor that a node only reshapes."""
    while str(getattr(node, "target", "")).removeprefix("aten.").partition(".")[0] in ("view", "reshape", "unsqueeze"):
        node = node.args[0]
    return node


def _constant(tensor: Tensor) -> float:
    """Return the number that fills a tensor; 1e-6 if it holds several."""
    if tensor.is_meta:
        return 1e-6
    first = tensor.detach().flatten()[0]
    return float(f"{float(first):.6g}") if bool((tensor.detach() == first).all()) else 1e-6


@rule("neg")
def _negative(s: Step) -> list[Apply]:
    return s.each("scale", {"factor": -1}, s.first)


@rule("pow.Tensor_Scalar", "square")
def _power(s: Step) -> list[Apply]:
    return s.each("pow", {"exponent": 2.0 if s.name == "square" else float(s.node.args[1])}, s.first)


@rule("rsqrt")
def _inverse_root(s: Step) -> list[Apply]:
    return s.each("pow", {"exponent": -0.5}, s.first)


@rule("reciprocal")
def _reciprocal(s: Step) -> list[Apply]:
    return s.each("pow", {"exponent": -1.0}, s.first)


@rule("addcmul")
def _product_added(s: Step) -> list[Apply]:
    if (s.arg("value") or 1) != 1:
        raise Refused("a sum with `value`")
    factors, dims = aligned(s, s.node.args[1], s.node.args[2])
    shape = tuple(max(sizes) for sizes in zip(*(value.shape for value in factors), strict=True))
    product = Value(shape, any(value.batched for value in factors))
    node = Apply("mul", {}, list(factors), [product], None, s.place.module, s.place)
    product.producer = node
    s.extra.append(node)
    total, dims = aligned(s, s.first, (product, dims))
    shape = tuple(max(sizes) for sizes in zip(*(value.shape for value in total), strict=True))
    broadcast = {"broadcast": True} if total[0].shape != total[1].shape else {}
    return s.make("add", broadcast, *total, shape=shape, dims=dims)


_REDUCTIONS = {"amax": "max", "amin": "min", "linalg_vector_norm": "norm", "norm": "norm"}


@rule("mean.dim", "sum.dim_IntList", "amax", "amin", "var.correction", "var.dim", "linalg_vector_norm", "norm.ScalarOpt_dim")
def _reduction(s: Step) -> list[Apply]:
    dims = s.arg("dim")
    source = s.value(s.first)
    if dims is None:
        raise Refused(f"{s.node.target} over the batch")
    dims = [dims] if isinstance(dims, int) else dims
    axes = sorted(s.axis(dim, s.first) for dim in dims)
    keep = bool(s.arg("keepdim"))
    name = _REDUCTIONS.get(s.name, s.name)
    spatial = list(range(1, len(source.shape)))
    if name == "mean" and keep and axes == spatial and len(source.shape) > 2:
        return s.make("gap", {}, source)
    args: dict[str, Any] = {"axis": axes[0] if len(axes) == 1 else tuple(axes), "keep": keep, "axes": True}
    if name == "var":
        args["unbiased"] = bool(s.arg("unbiased")) if s.target == "var.dim" else s.arg("correction") != 0
    if name == "norm":
        p = s.arg("ord") if s.name == "linalg_vector_norm" else s.arg("p")
        if p not in (None, 2):
            args["p"] = float(p)
    return s.make(name, args, source)


@rule("max.dim", "min.dim")
def _largest(s: Step) -> list[Apply]:
    """The largest numbers along an axis; their positions are a second result, which the language lacks."""
    refuse_positions(s)
    source = s.value(s.first)
    args = {"axis": s.axis(s.arg("dim"), s.first), "keep": bool(s.arg("keepdim")), "axes": True}
    shape = tuple(int(n) for n in s.node.meta["val"][0].shape[1:])
    made = s.make(s.name, args, source, shape=shape)
    s.t.values[s.node.name] = [made[-1].outputs[0], None]
    return made


@rule("std.correction", "std.dim")
def _deviation(s: Step) -> list[Apply]:
    source = s.value(s.first)
    dims = s.arg("dim")
    axes = sorted(s.axis(dim, s.first) for dim in ([dims] if isinstance(dims, int) else dims))
    unbiased = bool(s.arg("unbiased")) if s.target == "std.dim" else s.arg("correction") != 0
    args = {
        "axis": axes[0] if len(axes) == 1 else tuple(axes),
        "keep": bool(s.arg("keepdim")),
        "unbiased": unbiased,
        "axes": True,
    }
    variance = s.then("var", args, source, s.shape()[1:])
    return s.make("sqrt", {}, variance)
