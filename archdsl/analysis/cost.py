"""Parameters, multiply-accumulates and depth, summed from the ops' own rules, function by function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from archdsl.ir import Call, Function, Module, OpNode, Usage, Value
from archdsl.ops.base import elements
from archdsl.shapes import Dim, Shape, SizeError


_ALWAYS: Final = Usage.ALWAYS
_TRAINING: Final = Usage.TRAINING


class Cost(NamedTuple):
    """What one op holds and does. `macs` is for one image; None if symbolic sizes leave it without a formula."""

    params: int
    macs: Dim | None


class Counts(NamedTuple):
    """What an `expect` can count in a network or block.

    `params` are all parameters and `params_eval` those without the auxiliary heads; `macs` are the multiply-accumulates
    of convolutions and matrix products for one image in evaluation; `depth` is the largest number of convolutions and
    dense layers on one path, as in the names of the papers ("ResNet-50").
    """

    params: int
    params_eval: int
    macs: Dim | None
    depth: int


class _Path(NamedTuple):
    """The most weight layers on a path to a value: on one that begins inside of the function, and by the input where it begins."""

    inside: int
    from_input: dict[int, int]

    def longest(self) -> int:
        return max(self.inside, *self.from_input.values()) if self.from_input else self.inside


class _Sums(NamedTuple):
    """What is counted in a function. A module that is applied twice counts once.

    Of `params`, `heads` are those that only training needs. `paths` are the longest to each output.
    """

    params: int
    heads: int
    macs: Dim | None
    paths: list[_Path]


class Costs:
    """The costs of ops and functions. Each function is summed once, however often it is called."""

    def __init__(self) -> None:
        self._ops: dict[tuple[int, tuple[Shape, ...], bool], tuple[OpNode, Cost]] = {}
        self._functions: dict[Function, _Sums] = {}

    def of(self, node: OpNode) -> Cost:
        """Return the cost of one application of an op."""
        shapes = node.input_shapes
        key = (id(node.op), shapes, node.module is None)
        known = self._ops.get(key)
        if known is None:
            params = elements(node.op.parameters(*shapes)) if node.module is not None else 0
            known = self._ops[key] = (node, Cost(params, _macs(node, shapes)))  # keeps the op, and so its id
        return known[1]

    def counts(self, function: Function) -> Counts:
        """Return everything that can be counted in a function. Nodes must be marked (`mark_usage`)."""
        sums = self._sums(function)
        depth = max([path.longest() for path in sums.paths], default=0)
        return Counts(sums.params, sums.params - sums.heads, sums.macs, depth)

    def _sums(self, function: Function) -> _Sums:
        known = self._functions.get(function)
        if known is not None:
            return known
        macs: Dim | None = 0
        modules: dict[Module, tuple[int, int]] = {}
        paths = {value: _Path(0, {value.position: 0}) for value in function.inputs}
        for node in function.nodes:
            runs = node.usage is _ALWAYS
            if isinstance(node, Call):
                inner = self._sums(node.callee)
                params, heads, more = inner.params, inner.heads, inner.macs
                found = [_through(node, path, paths) for path in inner.paths] if runs else []
            else:
                assert isinstance(node, OpNode)
                params, more = self.of(node)
                heads = params if node.usage is _TRAINING else 0
                found = [_behind(node, paths)] * len(node.outputs) if runs else []
            if node.module is not None:
                before = modules.get(node.module)
                modules[node.module] = (params, heads) if before is None else (params, min(heads, before[1]))
            if runs:
                macs = _plus(macs, more)
            paths.update(zip(node.outputs, found or [_Path(0, {})] * len(node.outputs), strict=True))
        params, heads = sum([params for params, _ in modules.values()]), sum([heads for _, heads in modules.values()])
        sums = self._functions[function] = _Sums(params, heads, macs, [paths[value] for value in function.outputs])
        return sums


def _plus(macs: Dim | None, more: Dim | None) -> Dim | None:
    if macs is None or more is None:
        return None
    if more == 0:
        return macs
    try:
        return macs + more
    except SizeError:
        return None


def _behind(node: OpNode, paths: Mapping[Value, _Path]) -> _Path:
    """Return the longest paths through an op."""
    layers = int(node.op.weight_layer)
    inputs = node.inputs
    return paths[inputs[0]] if layers == 0 and len(inputs) == 1 else _join(layers, [(paths[value], layers) for value in inputs])


def _through(call: Call, inner: _Path, paths: Mapping[Value, _Path]) -> _Path:
    """Return the longest paths through a call, given those inside of the function."""
    return _join(inner.inside, [(paths[call.inputs[position]], more) for position, more in inner.from_input.items()])


def _join(inside: int, taken: list[tuple[_Path, int]]) -> _Path:
    """Return the longest paths through what takes values, each with so many more layers."""
    if len(taken) == 1:
        ((path, more),) = taken
        return _Path(max(inside, path.inside + more), {i: n + more for i, n in path.from_input.items()})
    from_input: dict[int, int] = {}
    for path, more in taken:
        inside = max(inside, path.inside + more)
        for i, n in path.from_input.items():
            from_input[i] = max(from_input.get(i, 0), n + more)
    return _Path(inside, from_input)


def _macs(node: OpNode, shapes: tuple[Shape, ...]) -> Dim | None:
    try:
        return node.op.macs(node.output.shape, *shapes)
    except SizeError:
        return None


def value_counts(counts: Counts) -> dict[str, Dim]:
    """Return counts by name, without those that have no formula."""
    return {name: value for name, value in counts._asdict().items() if value is not None}
