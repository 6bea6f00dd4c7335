"""Parameters, multiply-accumulates and depth, summed from the ops' own rules, function by function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from archdsl.ir import Call, Declaration, Function, Module, OpNode, Usage, Value
from archdsl.ops.base import Op, elements
from archdsl.shapes import Dim, Shape, SizeError

_ALWAYS, _TRAINING = Usage.ALWAYS, Usage.TRAINING
"""As names of this module: Python 3.11 takes ten times as long to read `Usage.ALWAYS`, and there are many nodes."""


class Cost(NamedTuple):
    """The parameters and the cost of one op. `macs` is for one image; None if there is no formula in the symbolic sizes."""

    params: int
    macs: Dim | None


class Counts(NamedTuple):
    """The counts that an `expect` can check in a network or block.

    `params` are all parameters and `params_eval` those without the auxiliary heads; `macs` are the multiply-accumulates
    of convolutions and matrix products for one image in evaluation; `depth` is the largest number of convolutions and
    dense layers on one path, as in the names of the papers ("ResNet-50").
    """

    params: int
    params_eval: int
    macs: Dim | None
    depth: int


class _Path(NamedTuple):
    """The most weight layers on a path to a value: for paths that begin inside of the function, and for those from each input."""

    inside: int
    from_input: dict[int, int]

    def longest(self) -> int:
        return max(self.inside, *self.from_input.values()) if self.from_input else self.inside


class Costs:
    """The costs of ops and functions. Each function is summed once, however often it is called."""

    def __init__(self) -> None:
        self._ops: dict[tuple[int, tuple[Shape, ...], bool], tuple[Op, Cost]] = {}
        self._modules: dict[Function, tuple[int, int]] = {}
        self._macs: dict[Function, Dim | None] = {}
        self._paths: dict[Function, list[_Path]] = {}

    def of(self, node: OpNode) -> Cost:
        """Return the cost of one application of an op."""
        shapes = node.input_shapes
        key = (id(node.op), shapes, node.module is None)
        known = self._ops.get(key)
        if known is None:
            params = elements(node.op.parameters(*shapes)) if node.module is not None else 0
            known = self._ops[key] = (node.op, Cost(params, _macs(node, shapes)))  # keeps the op, and so its id
        return known[1]

    def counts(self, function: Function) -> Counts:
        """Return everything that can be counted in a function. Nodes must be marked (`mark_usage`)."""
        params, heads = self.params(function)
        return Counts(params, params - heads, self.macs(function), self.depth(function))

    def named_counts(self, function: Function, names: Iterable[str]) -> dict[str, Dim]:
        """Return the counts of these names, which are those of `Counts`, without those that have no formula."""
        found = {name: _COUNTS[name](self, function) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def depth(self, function: Function) -> int:
        """Return the largest number of weight layers on one path. Nodes must be marked (`mark_usage`)."""
        return max([path.longest() for path in self._paths_of(function)], default=0)

    def params(self, function: Function) -> tuple[int, int]:
        """Return the parameters, and how many of them only training needs. A module that is applied twice counts once."""
        known = self._modules.get(function)
        if known is not None:
            return known
        modules: dict[Module, tuple[int, int]] = {}
        for item in function.items:
            if item.module is None or item.module.levels:
                continue
            node = item.application if isinstance(item, Declaration) else item
            if isinstance(node, Call):
                params, heads = self.params(node.callee)
            elif isinstance(node, OpNode):
                params = self.of(node).params
                heads = params if node.usage is _TRAINING else 0
            else:
                continue
            before = modules.get(item.module)
            modules[item.module] = (params, heads) if before is None else (params, min(heads, before[1]))
        total = sum([params for params, _ in modules.values()]), sum([heads for _, heads in modules.values()])
        self._modules[function] = total
        return total

    def macs(self, function: Function) -> Dim | None:
        """Return the multiply-accumulates of a function in evaluation."""
        if function not in self._macs:
            self._macs[function] = self._sum_macs(function)
        return self._macs[function]

    def _sum_macs(self, function: Function) -> Dim | None:
        total: Dim = 0
        for node in function.nodes:
            if node.usage is not _ALWAYS:
                continue
            if isinstance(node, Call):
                macs = self.macs(node.callee)
            else:
                assert isinstance(node, OpNode)
                macs = self.of(node).macs
            if macs is None:
                return None
            if macs != 0:
                try:
                    total = total + macs
                except SizeError:
                    return None
        return total

    def _paths_of(self, function: Function) -> list[_Path]:
        """Return for each output the longest paths to it, through nodes that run in evaluation."""
        known = self._paths.get(function)
        if known is not None:
            return known
        paths = {value: _Path(0, {value.position: 0}) for value in function.inputs}
        for node in function.nodes:
            if node.usage is not _ALWAYS:
                paths.update(dict.fromkeys(node.outputs, _Path(0, {})))
            elif isinstance(node, Call):
                for value, inner in zip(node.outputs, self._paths_of(node.callee), strict=True):
                    taken = [(paths[node.inputs[position]], more) for position, more in inner.from_input.items()]
                    paths[value] = _join(inner.inside, taken)
            else:
                assert isinstance(node, OpNode)
                paths.update(dict.fromkeys(node.outputs, _behind(node, paths)))
        found = self._paths[function] = [paths[value] for value in function.outputs]
        return found


def _behind(node: OpNode, paths: Mapping[Value, _Path]) -> _Path:
    """Return the longest paths through an op."""
    layers = int(node.op.weight_layer) + node.op.inner_layers
    if layers == 0 and len(node.inputs) == 1:
        return paths[node.inputs[0]]
    return _join(layers, [(paths[value], layers) for value in node.inputs])


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


_COUNTS: Final[Mapping[str, Callable[[Costs, Function], Dim | None]]] = {
    "params": lambda costs, function: costs.params(function)[0],
    "params_eval": lambda costs, function: costs.params(function)[0] - costs.params(function)[1],
    "macs": Costs.macs,
    "depth": Costs.depth,
}
"""The counts by name, each computed alone: few networks claim more than their parameters."""
