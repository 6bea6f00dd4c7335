"""The variance of activations by depth that the network's own initialization and normalization lead to, before training.

Inputs have mean 0 and variance 1. A layer whose weights are independent and centred multiplies the mean square of its input
by the number of its terms and the variance of a weight (Glorot & Bengio 2010, equation 5; He et al. 2015, arXiv:1502.01852,
equation 7). A normalization sets mean 0 and variance 1, in training mode. A sum adds the variances of its branches, so that
each residual block doubles the variance if nothing normalizes the branch, and adds one if something does (De & Smith 2020,
arXiv:2002.10444, section 3).

Three things are assumed: numbers are normally distributed before an activation, branches are uncorrelated, and so are positions
but for those of a pooling window, which are equal. Attention, products of matrices and reductions are not followed: what
they give is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final, TypeAlias

from archdsl.analysis.activation_moments import activated
from archdsl.analysis.weight_moments import Moments, drawn, fans
from archdsl.initializers import TruncatedNormal
from archdsl.ir import FlatGraph, Graph
from archdsl.ops.base import Category, Op
from archdsl.shapes import Shape

_Known: TypeAlias = "Moments | None"
_STANDARD: Final = Moments(0.0, 1.0)
"""The moments of inputs, and of what is normalized."""
_POSITIONS: Final = TruncatedNormal(std=0.02)
"""How position embeddings start without a rule."""


def expected_moments(graph: Graph, flat: FlatGraph) -> list[Moments | None]:
    """Return mean and variance of what each op makes, in training mode at initialization; None for what is unknown."""
    found: list[Moments | None] = [_STANDARD] * (flat.nodes[0].outputs.start if flat.nodes else 0)
    rules = _Rules(graph)
    for node in flat.nodes:
        made = rules.moments(node.op, node.node.input_shapes, [found[number] for number in node.inputs])
        found += [made] * len(node.outputs)
    return [found[node.outputs.start] for node in flat.nodes]


class _Rules:
    """The rule of each kind of op. Equal ops with equal inputs are computed once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: dict[object, tuple[Op, Moments | None]] = {}

    def moments(self, op: Op, shapes: tuple[Shape, ...], inputs: list[Moments | None]) -> Moments | None:
        """Return the moments of what an op makes of inputs with these."""
        key = (id(op), shapes, tuple(inputs))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (op, self._computed(op, shapes, inputs))  # keeps the op, and so its id
        return known[1]

    def _computed(self, op: Op, shapes: tuple[Shape, ...], inputs: list[Moments | None]) -> Moments | None:
        if op.name in _MADE:
            return _MADE[op.name](self, op)
        data = op.data_of(inputs)
        given = [one for one in data if one is not None]
        if len(given) < len(data) or not given:
            return self._of_unknown(op)
        if op.category is Category.ACTIVATION:
            return activated(op, given[0])
        if op.name in _DENSE:
            return self._dense(op, shapes, given[0])
        if op.name in _JOINS:
            return _JOINS[op.name](op, shapes, given)
        rule = _RULES.get(op.name)
        return None if rule is None else rule(self, op, given[0])

    def _of_unknown(self, op: Op) -> Moments | None:
        """Return the moments of a normalization, which do not depend on those of its input."""
        return self.scaled(op, _STANDARD) if op.name in _CENTRED else None

    def scaled(self, op: Op, to: Moments) -> Moments | None:
        """Return the moments of what is normalized, with the scale that a rule of the network fills."""
        rule = self.graph.initializer(op)
        scale = drawn(rule, (1,)) if rule is not None else Moments(1.0, 0.0)
        return None if scale is None else _product([to, scale])

    def _dense(self, op: Op, shapes: tuple[Shape, ...], of: Moments) -> Moments | None:
        """Return the moments behind a layer: a sum of products of inputs and independent weights."""
        tensors = op.parameters(*shapes)
        weight = tensors.get("weight")
        if weight is None:
            return None  # under `weight_norm`, the length of the weight is a parameter of its own
        fan_in, _ = fans(weight)
        rule = self.graph.initializer(op)
        usual = Moments(0.0, 1 / (3 * fan_in))
        values = usual if rule is None else drawn(rule, weight)
        if values is None:
            return None
        terms = _terms(op, shapes, weight)
        bias = usual.variance if rule is None and "bias" in tensors else 0.0
        spread = values.variance * of.square + values.mean**2 * of.variance
        return Moments(terms * values.mean * of.mean, terms * spread + bias)

    def stored(self, op: Op) -> Moments | None:
        """Return the moments of a `param`, which is zero without a rule."""
        rule = self.graph.initializer(op)
        return (
            drawn(rule, (1, 1) if len(op.parameters()[""]) < 2 else op.parameters()[""])
            if rule is not None
            else Moments(0.0, 0.0)
        )


def _terms(op: Any, shapes: tuple[Shape, ...], weight: tuple[int, ...]) -> float:
    """Return how many products an output adds up."""
    if op.name == "upconv":
        given = op.attributes(shapes[0])
        positions = [k / s for k, s in zip(given["k"], given["stride"], strict=True)]
        return float(weight[0] / given["groups"] * prod(positions))
    return weight[0] if getattr(op, "transposed", False) else fans(weight)[0]


def _product(factors: Sequence[Moments]) -> Moments:
    """Return the moments of a product of independent numbers."""
    mean, square = prod([one.mean for one in factors]), prod([one.square for one in factors])
    return Moments(mean, max(square - mean * mean, 0.0))


def _sum(op: Any, shapes: tuple[Shape, ...], terms: list[Moments]) -> Moments:
    signs = [1, -1] if op.name == "sub" else [1] * len(terms)
    number = getattr(op, "number", None) or 0.0
    mean = sum([sign * one.mean for sign, one in zip(signs, terms, strict=False)]) + (-number if op.name == "sub" else number)
    return Moments(mean, sum([one.variance for one in terms]))


def _mixed(op: Any, shapes: tuple[Shape, ...], parts: list[Moments]) -> Moments | None:
    """Return the moments of a concatenation: each branch counts by its channels."""
    axis = op.growing_axis(len(shapes[0]))
    sizes = [shape[axis] for shape in shapes]
    if not all(isinstance(size, int) for size in sizes):
        return None
    total = sum(sizes)
    mean = sum([size * one.mean for size, one in zip(sizes, parts, strict=True)]) / total
    square = sum([size * one.square for size, one in zip(sizes, parts, strict=True)]) / total
    return Moments(mean, max(square - mean * mean, 0.0))


def _shaken(op: Any, shapes: tuple[Shape, ...], branches: list[Moments]) -> Moments | None:
    """Return the moments of one branch, or of two with uniformly random weights `a` and `1 - a`: E[a^2] is 1/3."""
    if len(branches) > 2:
        return None
    if len(branches) == 1:
        return branches[0]
    one, two = branches
    square = (one.square + two.square + one.mean * two.mean) / 3
    mean = (one.mean + two.mean) / 2
    return Moments(mean, max(square - mean * mean, 0.0))


def _dropped(rules: _Rules, op: Any, of: Moments) -> Moments:
    """Return the moments behind dropout, which divides what is left by its share (Srivastava et al. 2014, section 10)."""
    return of if op.p >= 1 else Moments(of.mean, of.square / (1 - op.p) - of.mean**2)


def _root_mean_square(rules: _Rules, op: Any, of: Moments) -> Moments | None:
    return rules.scaled(op, Moments(of.mean / of.square**0.5, of.variance / of.square)) if of.square else None


def _response(rules: _Rules, op: Any, of: Moments) -> Moments:
    """Return the moments behind local response normalization, with the mean of the squares for their sum."""
    factor = (op.k + op.alpha * of.square) ** -op.beta
    return Moments(factor * of.mean, factor**2 * of.variance)


def _with_positions(rules: _Rules, op: Any, of: Moments) -> Moments | None:
    """Return the moments behind position embeddings."""
    rule = rules.graph.initializer(op)
    added = drawn(rule if rule is not None else _POSITIONS, (1, prod(op.base)))
    return None if added is None else Moments(of.mean + added.mean, of.variance + added.variance)


def _factor(number: float) -> Callable[[_Rules, Any, Moments], Moments]:
    return lambda rules, op, of: Moments(number * of.mean, number**2 * of.variance)


def _embedded(rules: _Rules, op: Any) -> Moments | None:
    """Return the moments of a table of embeddings, which PyTorch draws from the standard normal distribution."""
    rule = rules.graph.initializer(op)
    return drawn(rule, (op.n, op.dim)) if rule is not None else _STANDARD


_MADE: Final[dict[str, Callable[[_Rules, Any], Moments | None]]] = {
    "embedding": _embedded,
    "param": lambda rules, op: rules.stored(op),
}
_DENSE: Final = frozenset({"conv", "bottleneck", "depthwise", "upconv", "linear"})
_CENTRED: Final = frozenset({"bn", "gn", "ln", "instance_norm"})
_JOINS: Final[dict[str, Callable[[Any, tuple[Shape, ...], list[Moments]], Moments | None]]] = {
    "add": _sum,
    "sub": _sum,
    "mul": lambda op, shapes, factors: _product(factors),
    "concat": _mixed,
    "shake": _shaken,
}


def _same(rules: _Rules, op: Any, of: Moments) -> Moments:
    return of


_RULES: Final[dict[str, Callable[[_Rules, Any, Moments], Moments | None]]] = {
    **dict.fromkeys(
        ("maxpool", "avgpool", "lppool", "blur_pool", "maxpool_to", "avgpool_to", "gap", "upsample", "resize", "resize_like",
         "crop_like", "pad", "pad_channels", "pad_to", "flatten", "reshape", "permute", "transpose", "rearrange",
         "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold", "slice", "split", "roll", "window_shift", "grn"),
        _same,
    ),
    **dict.fromkeys(_CENTRED, lambda rules, op, of: rules.scaled(op, _STANDARD)),
    **dict.fromkeys(("dropout", "dropout2d", "droppath"), _dropped),
    "frozen_bn": _same,
    "pos_embed": _with_positions,
    "rms_norm": _root_mean_square,
    "lrn": _response,
    "scale": lambda rules, op, of: _factor(op.factor)(rules, op, of),
    "layer_scale": lambda rules, op, of: _factor(op.init)(rules, op, of),
    "div": lambda rules, op, of: None if op.number is None else _factor(1 / op.number)(rules, op, of),
}  # fmt: skip
