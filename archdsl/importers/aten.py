"""What each operation of PyTorch is in the language: convolutions, normalizations, activations, pools and arithmetic.

A rule takes the node of an exported program and returns the op, with all of its arguments; the printer leaves out defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from archdsl.importers.model import Apply, Place, Value
from archdsl.ops import Op


class Refused(Exception):
    """An operation that the language lacks."""


class Translation:
    """What rules know: the module, the keys of the stored tensors by the names of their nodes, and the values made so far."""

    def __init__(self, module: nn.Module, stored: Mapping[str, str], constants: Mapping[str, Any], values: dict[str, Any]) -> None:
        self.module, self.stored, self.values = module, stored, values
        self.constants: dict[str, Any] = dict(constants)
        self._state = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))

    def key(self, node: Any) -> str:
        """Return the key of a stored tensor."""
        return self.stored[node.name]

    def tensor(self, key: str) -> Tensor:
        """Return a stored tensor."""
        return self._state[key]


class Step:
    """A node of an exported program, with the access to its arguments that rules need."""

    def __init__(self, translation: Translation, node: Any, place: Place) -> None:
        self.t, self.node, self.place = translation, node, place
        self.target = str(node.target).removeprefix("aten.")
        schema = getattr(node.target, "_schema", None)
        self._names = [argument.name for argument in schema.arguments] if schema is not None else []
        self._defaults = {a.name: a.default_value for a in schema.arguments if a.has_default_value()} if schema is not None else {}

    def arg(self, name: str) -> Any:
        """Return an argument by its name in PyTorch, or its default."""
        if name in self.node.kwargs:
            return self.node.kwargs[name]
        at = self._names.index(name) if name in self._names else len(self.node.args)
        return self.node.args[at] if at < len(self.node.args) else self._defaults.get(name)

    @property
    def first(self) -> Any:
        """The first argument."""
        return self.node.args[0]

    def value(self, node: Any) -> Value:
        """Return the value of a node; a stored tensor becomes a `param`. Raise `Refused` if it is unknown."""
        found = self.t.values.get(node.name) if hasattr(node, "name") else None
        if isinstance(found, Value):
            return found
        if hasattr(node, "name") and node.name in self.t.stored:
            return self._param(node)
        raise Refused(f"{self.node.target}: it computes with a tensor that follows from no input and no parameter")

    def _param(self, node: Any) -> Value:
        key = self.t.key(node)
        tensor = self.t.tensor(key)
        if not isinstance(tensor, nn.Parameter):
            raise Refused(f"{self.node.target}: it computes with the buffer `{key}`")
        value = Value(tuple(tensor.shape), batched=False)
        op = Apply("param", {"shape": tuple(tensor.shape)}, [], [value], key, "", self.place)
        value.producer = op
        self.extra.append(op)
        self.t.values[node.name] = value
        return value

    extra: list[Apply]

    def is_stored(self, node: Any) -> bool:
        """Whether a node is a stored tensor."""
        return hasattr(node, "name") and node.name in self.t.stored

    def shape(self, node: Any | None = None) -> tuple[int, ...]:
        """Return the shape of a node with the batch axis; by default that of the result."""
        return tuple(int(n) for n in (node or self.node).meta["val"].shape)

    def prefix(self, *nodes: Any) -> str:
        """Return the key that stored tensors have in common, whose last part is `weight`, `bias` or the like."""
        keys = {self.t.key(node).rpartition(".")[0] for node in nodes if node is not None and self.is_stored(node)}
        if len(keys) != 1 or any(node is not None and not self.is_stored(node) for node in nodes):
            raise Refused(f"{self.node.target}: its weights are computed, or do not belong to one module")
        names = [self.t.key(node).rpartition(".")[2] for node in nodes if node is not None]
        if any(name not in ("weight", "bias", "running_mean", "running_var") for name in names):
            raise Refused(f"{self.node.target}: its tensors are called {', '.join(names)}")
        return keys.pop()

    def axis(self, dim: int, node: Any | None = None) -> int:
        """Return an axis of a node without the batch, counted from the front. Raise `Refused` for the batch axis."""
        rank = len(self.shape(node))
        at = dim + rank if dim < 0 else dim
        source = self.t.values.get((node or self.node).name)
        if isinstance(source, Value) and not source.batched and len(source.shape) == rank:
            return at
        if at == 0:
            raise Refused(f"{self.node.target}: it works on the batch axis")
        return at - 1

    def make(
        self, op: str, args: dict[str, Any], *inputs: Value, key: str | None = None, shape: tuple[int, ...] | None = None
    ) -> list[Apply]:
        """Return the op, and make its output the value of the node. Raise `SpecError` if its shape is not the traced one."""
        traced = shape if shape is not None else self.shape()[1:]
        batched = any(value.batched for value in inputs)
        if not batched and shape is None:
            traced = self.shape()
        value = Value(traced, batched)
        node = Apply(op, args, list(inputs), [value], key, self.place.module, self.place)
        value.producer = node
        self.t.values[self.node.name] = value
        return [*self.extra, node]

    def same(self, node: Any) -> list[Apply]:
        """Let the value of the node be that of another: the operation changes nothing."""
        self.t.values[self.node.name] = self.value(node)
        return list(self.extra)


Rule = Callable[[Step], list[Apply]]
RULES: dict[str, Rule] = {}


def rule(*targets: str) -> Callable[[Rule], Rule]:
    """Register a rule for operations of PyTorch."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(targets, function))
        return function

    return register


def translate(translation: Translation, node: Any, place: Place) -> list[Apply]:
    """Return the ops that a node is. Raise `Refused` if the language lacks it."""
    from archdsl.importers import aten_shapes  # noqa: F401  # it adds its rules

    step = Step(translation, node, place)
    step.extra = []
    name = step.target
    found = RULES.get(name) or RULES.get(name.partition(".")[0]) or RULES.get(name.partition(".")[0].removesuffix("_"))
    if found is None:
        owner = getattr(node.target, "namespace", "aten")
        what = "a custom operation" if owner not in ("aten", "prim", "prims", "_operator", "builtins") else "PyTorch's"
        raise Refused(f"{what} `{node.target}`" + (f", in `{place.code}`" if place.code else ""))
    return found(step)


def per_axis(value: Any, axes: int) -> int | tuple[int, ...]:
    """Return sizes per axis as one number if they agree."""
    sizes = (value,) * axes if isinstance(value, int) else tuple(value) * (axes if len(value) == 1 else 1)
    return sizes[0] if len(set(sizes)) == 1 else sizes


@rule("conv1d", "conv2d", "conv3d")
def _conv(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    key = s.prefix(weight, bias)
    source, shape = s.value(s.first), s.shape(weight)
    axes = len(shape) - 2
    k, dilation = per_axis(shape[2:], axes), per_axis(s.arg("dilation"), axes)
    pad = s.arg("padding")
    if pad == "valid":
        pad = 0
    if pad == "same":
        pad = "same"
    elif isinstance(pad, str):
        raise Refused(f"a convolution with padding {pad!r}")
    mode = getattr(_module(s, key), "padding_mode", "zeros")
    args = {
        "out": shape[0], "k": k, "stride": per_axis(s.arg("stride"), axes),
        "pad": pad if pad == "same" else per_axis(pad, axes), "dilation": dilation, "groups": s.arg("groups"),
        "bias": bias is not None,
    }  # fmt: skip
    if mode != "zeros" and pad != "same":
        raise Refused(f"a convolution with padding mode {mode!r}")
    args["channels"] = source.shape[0]
    return s.make("conv", args, source, key=key)


def _module(s: Step, path: str) -> Any:
    try:
        return s.t.module.get_submodule(path)
    except AttributeError:
        return None


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "conv_transpose2d.input")
def _upconv(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    key, shape, axes = s.prefix(weight, bias), s.shape(weight), len(s.shape(weight)) - 2
    groups = s.arg("groups")
    args = {
        "out": shape[1] * groups, "k": per_axis(shape[2:], axes), "stride": per_axis(s.arg("stride"), axes),
        "pad": per_axis(s.arg("padding"), axes), "output_pad": per_axis(s.arg("output_padding"), axes),
        "dilation": per_axis(s.arg("dilation"), axes), "groups": groups, "bias": bias is not None,
    }  # fmt: skip
    return s.make("upconv", args, s.value(s.first), key=key)


@rule("linear")
def _linear(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    source = s.value(s.first)
    args = {"out": s.shape(weight)[0], "bias": bias is not None, "axis": -1 if len(source.shape) > 2 else None}
    return s.make("linear", args, source, key=s.prefix(weight, bias))


@rule("batch_norm")
def _batch_norm(s: Step) -> list[Apply]:
    weight, bias, mean, var = (s.arg(name) for name in ("weight", "bias", "running_mean", "running_var"))
    if mean is None:
        raise Refused("batch norm without running statistics")
    key = s.prefix(weight, bias, mean, var)
    args = {"eps": s.arg("eps"), "momentum": s.arg("momentum"), "affine": weight is not None}
    return s.make("bn", args, s.value(s.first), key=key)


@rule("group_norm")
def _group_norm(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    args = {"groups": s.arg("num_groups"), "eps": s.arg("eps"), "affine": weight is not None}
    return s.make("gn", args, s.value(s.first), key=s.prefix(weight, bias) if weight is not None else None)


@rule("instance_norm")
def _instance_norm(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    if s.arg("running_mean") is not None:
        raise Refused("instance norm with running statistics")
    args = {"eps": s.arg("eps"), "affine": weight is not None}
    return s.make("instance_norm", args, s.value(s.first), key=s.prefix(weight, bias) if weight is not None else None)


@rule("layer_norm")
def _layer_norm(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    if len(s.arg("normalized_shape")) != 1 or weight is None or bias is None:
        raise Refused("layer norm over several axes, or without scale and shift")
    source = s.value(s.first)
    axis = -1 if len(source.shape) > 1 else 0
    return s.make("ln", {"eps": s.arg("eps"), "axis": axis}, source, key=s.prefix(weight, bias))


@rule("rms_norm")
def _rms_norm(s: Step) -> list[Apply]:
    weight, source = s.arg("weight"), s.value(s.first)
    if len(s.arg("normalized_shape")) != 1 or weight is None or s.arg("eps") is None:
        raise Refused("RMS norm over several axes, without a scale, or with the default of eps")
    return s.make("rms_norm", {"eps": s.arg("eps"), "axis": -1 if len(source.shape) > 1 else 0}, source, key=s.prefix(weight))


@rule("embedding")
def _embedding(s: Step) -> list[Apply]:
    weight = s.arg("weight")
    rows, dim = s.shape(weight)
    return s.make("embedding", {"n": rows, "dim": dim}, s.value(s.arg("indices")), key=s.prefix(weight))


_PLAIN = {
    "relu": "relu", "relu6": "relu6", "selu": "selu", "silu": "silu", "mish": "mish", "sigmoid": "sigmoid", "tanh": "tanh",
    "hardswish": "hardswish", "hardsigmoid": "hardsigmoid", "exp": "exp", "log": "log", "abs": "abs", "sqrt": "sqrt",
    "sin": "sin", "cos": "cos",
}  # fmt: skip


@rule(*_PLAIN)
def _activation(s: Step) -> list[Apply]:
    name = s.target.partition(".")[0]
    return s.make(_PLAIN.get(name) or _PLAIN[name.removesuffix("_")], {}, s.value(s.first))


@rule("hardtanh")
def _hardtanh(s: Step) -> list[Apply]:
    low, high = float(s.arg("min_val")), float(s.arg("max_val"))
    if (low, high) == (0.0, 6.0):
        return s.make("relu6", {}, s.value(s.first))
    return s.make("clamp", {"low": low, "high": high}, s.value(s.first))


@rule("clamp", "clamp_min")
def _clamp(s: Step) -> list[Apply]:
    low, high = s.arg("min"), s.arg("max")
    return s.make("clamp", {"low": low, "high": high}, s.value(s.first))


@rule("leaky_relu")
def _leaky_relu(s: Step) -> list[Apply]:
    return s.make("leaky_relu", {"slope": s.arg("negative_slope")}, s.value(s.first))


@rule("elu")
def _elu(s: Step) -> list[Apply]:
    return s.make("elu", {"alpha": float(s.arg("alpha"))}, s.value(s.first))


@rule("gelu")
def _gelu(s: Step) -> list[Apply]:
    kind = s.arg("approximate")
    return s.make("gelu", {"approximate": None if kind == "none" else kind}, s.value(s.first))


@rule("softplus")
def _softplus(s: Step) -> list[Apply]:
    return s.make("softplus", {"beta": float(s.arg("beta")), "threshold": float(s.arg("threshold"))}, s.value(s.first))


@rule("prelu")
def _prelu(s: Step) -> list[Apply]:
    weight = s.arg("weight")
    return s.make("prelu", {"per_channel": s.shape(weight)[0] > 1}, s.value(s.first), key=s.prefix(weight))


@rule("softmax", "log_softmax")
def _softmax(s: Step) -> list[Apply]:
    source = s.value(s.first)
    axis = s.axis(s.arg("dim"), s.first)
    shown = axis if axis == 0 else axis - len(source.shape)
    return s.make(s.target.partition(".")[0], {"axis": shown}, source)


@rule("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(s: Step) -> list[Apply]:
    axes = len(s.shape()) - 2
    k = per_axis(s.arg("kernel_size"), axes)
    args = {
        "k": k, "stride": per_axis(s.arg("stride") or s.arg("kernel_size"), axes), "pad": per_axis(s.arg("padding"), axes),
        "ceil": bool(s.arg("ceil_mode")), "dilation": per_axis(s.arg("dilation"), axes),
    }  # fmt: skip
    return s.make("maxpool", args, s.value(s.first))


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(s: Step) -> list[Apply]:
    axes = len(s.shape()) - 2
    if s.arg("divisor_override") is not None:
        raise Refused("average pooling with `divisor_override`")
    args = {
        "k": per_axis(s.arg("kernel_size"), axes), "stride": per_axis(s.arg("stride") or s.arg("kernel_size"), axes),
        "pad": per_axis(s.arg("padding"), axes), "ceil": bool(s.arg("ceil_mode")), "count_pad": bool(s.arg("count_include_pad")),
    }  # fmt: skip
    return s.make("avgpool", args, s.value(s.first))


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d")
def _adaptive(s: Step) -> list[Apply]:
    axes = len(s.shape()) - 2
    size = per_axis(s.arg("output_size"), axes)
    if s.target.startswith("adaptive_max"):
        raise Refused("adaptive max pooling that gives positions, too")
    return s.make("gap", {}, s.value(s.first)) if size == 1 else s.make("avgpool_to", {"size": size}, s.value(s.first))


@rule("dropout", "feature_dropout")
def _dropout(s: Step) -> list[Apply]:
    p = float(s.arg("p"))
    name = "dropout" if s.target.startswith("dropout") else "dropout2d"
    return s.make(name, {"p": p}, s.value(s.first))


@rule("alpha_dropout")
def _alpha_dropout(s: Step) -> list[Apply]:
    raise Refused("alpha dropout")


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
    name = {"amax": "max", "amin": "min", "linalg_vector_norm": "norm"}.get(s.target.partition(".")[0], s.target.partition(".")[0])
    spatial = list(range(1, len(source.shape)))
    if name == "mean" and keep and axes == spatial and len(source.shape) > 1:
        return s.make("gap", {}, source)
    args: dict[str, Any] = {"axis": axes[0] if len(axes) == 1 else tuple(axes), "keep": keep, "axes": True}
    if name == "var":
        args["unbiased"] = s.arg("correction") != 0
    if name == "norm" and s.arg("ord") != 2:
        args["p"] = float(s.arg("ord"))
    return s.make(name, args, source)


def known_op(name: str) -> bool:
    """Whether the language has an op of this name."""
    return Op.registry.get(name) is not None
