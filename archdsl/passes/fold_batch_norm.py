"""Fold batch normalization into the layer before or after it, and weight normalization into the weight that it normalizes.

In evaluation, batch normalization multiplies each channel by a number and adds another one, which a convolution or dense layer
can do itself. It is folded if it takes what a layer makes that nothing else takes, or if what it makes is taken by a layer alone,
which pads its input with no zeros. What is next to it may be in other blocks. If the normalization or the layer runs several
times, this has to hold for all runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from archdsl.ir import (
    Call,
    FlatNode,
    FoldedLayer,
    FoldedNorm,
    Function,
    Graph,
    Node,
    OpNode,
    Paths,
    Usage,
    copy_function,
    flatten,
    remove_empty_calls,
    remove_idle_declarations,
    settle_declarations,
)
from archdsl.ops import Op

_Side: TypeAlias = Literal["before", "after"]


def fold_batch_norm(graph: Graph) -> Graph:
    """Remove what can be folded, and note in `graph.folded` from which tensors the layers get their weights."""
    runs = _Runs(graph)
    graph.folded = runs.folded_layers()
    if graph.folded:
        graph.main = _Rewriter(graph.folded).rewritten(graph.main, ("",))
        remove_empty_calls(graph)
        remove_idle_declarations(graph)
        settle_declarations(graph)
    return graph


class _Runs:
    """The runs of every module by its path, and what takes each value; both change as normalizations are folded."""

    def __init__(self, graph: Graph) -> None:
        flat = flatten(graph)
        self._nodes = flat.nodes
        self._of: dict[str, list[int]] = {}
        self._maker: dict[int, int] = {}
        self._takers: list[set[int | None]] = [set() for _ in flat.values]
        for number in flat.outputs:
            self._takers[number].add(None)
        self._same: dict[int, int] = {}
        """For what a folded normalization makes, what it takes."""
        for i, node in enumerate(flat.nodes):
            if node.node.module is not None:
                self._of.setdefault(node.path, []).append(i)
            self._maker.update(dict.fromkeys(node.outputs, i))
            for number in node.inputs:
                self._takers[number].add(i)
        self._norms: dict[str, list[FoldedNorm]] = {}

    def folded_layers(self) -> list[FoldedLayer]:
        """Fold until nothing changes; return the layers whose weights change."""
        waiting = [path for path, runs in self._of.items() if all([self._nodes[run].op.channel_affine for run in runs])]
        before = None
        while before != len(waiting):
            before = len(waiting)
            waiting = [path for path in waiting if not self._fold(path)]
        found = []
        for path, runs in self._of.items():
            node = self._nodes[runs[0]]
            if path in self._norms or _has_weight_norm(node.op):
                found.append(FoldedLayer(path, node.op, node.node.input_shapes, tuple(self._norms.get(path, ()))))
        return found

    def _fold(self, path: str) -> bool:
        """Fold a normalization if that is right for all runs; return whether it is."""
        runs = self._of[path]
        sides: tuple[_Side, ...] = ("after", "before")
        for side in sides:
            layers = self._layers(runs, side)
            for layer in layers:
                self._norms.setdefault(layer, []).append(FoldedNorm(path, self._nodes[runs[0]].op, side))
            if layers:
                for run in runs:
                    self._pass_on(run)
                return True
        return False

    def _layers(self, norms: Sequence[int], side: _Side) -> list[str]:
        """Return the layers that alone make what a normalization takes (`after`), or alone take what it makes; else nothing."""
        around = set[int | None]().union(*[self._neighbours(norm, side) for norm in norms])
        layers = [run for run in around if run is not None and _absorbs(self._nodes[run], side)]
        if not layers or len(layers) < len(around):
            return []
        paths = list(dict.fromkeys(sorted([self._nodes[run].path for run in layers])))
        other: _Side = "before" if side == "after" else "after"
        taken = set[int | None]().union(*[self._neighbours(layer, other) for layer in layers])
        return paths if around == {run for path in paths for run in self._of[path]} and taken == set(norms) else []

    def _neighbours(self, run: int, side: _Side) -> set[int | None]:
        """Return what makes the first input of a run (`after` it), or takes its output (`before` them); None is the outside."""
        node = self._nodes[run]
        if side == "after":
            return {self._maker.get(self._origin(node.inputs[0]))}
        return self._takers[node.outputs[0]]

    def _pass_on(self, run: int) -> None:
        """Let those that take the output of a normalization take its input."""
        node = self._nodes[run]
        made, taken = node.outputs[0], self._origin(node.inputs[0])
        self._takers[taken] = (self._takers[taken] - {run}) | self._takers[made]
        self._same[made] = taken

    def _origin(self, value: int) -> int:
        while value in self._same:
            value = self._same[value]
        return value


def _absorbs(flat: FlatNode, side: _Side) -> bool:
    node = flat.node
    return (
        node.module is not None and not flat.op.tied and flat.usage is Usage.ALWAYS
        and flat.op.absorbs_affine(side, *node.input_shapes)
    )  # fmt: skip


def _has_weight_norm(op: Op) -> bool:
    return bool(getattr(op, "weight_norm", False))


class _Rewriter:
    """Copies functions without the folded normalizations: once for each set of modules in it that change."""

    def __init__(self, folded: Sequence[FoldedLayer]) -> None:
        self._layers = {layer.path: bool(layer.norms) for layer in folded}
        self._gone = {norm.path for layer in folded for norm in layer.norms}
        self._ops: dict[tuple[int, bool], tuple[Op, Op]] = {}
        self._made: dict[tuple[Function, tuple[object, ...]], Function] = {}

    def rewritten(self, function: Function, paths: Paths) -> Function:
        """Return a function as it is at some paths; the function itself if nothing in it changes."""
        changes = tuple([self._change(node, paths) for node in function.nodes])
        if all([change is None for change in changes]):
            return function
        made = self._made.get((function, changes))
        if made is None:
            made = self._made[function, changes] = copy_function(function)
            for node, change in zip(made.nodes, changes, strict=True):
                self._apply(node, change)
        return made

    def _change(self, node: Node, paths: Paths) -> Function | Op | Literal["gone"] | None:
        """Return the function that a call runs instead, the op that takes the place of another one, or that it is gone."""
        below = node.paths_below(paths)
        if isinstance(node, Call):
            callee = self.rewritten(node.callee, below)
            return callee if callee is not node.callee else None
        assert isinstance(node, OpNode)
        if node.module is None:
            return None
        if below[-1] in self._gone:
            return "gone"
        return self._with_bias(node.op, self._layers[below[-1]]) if below[-1] in self._layers else None

    def _with_bias(self, op: Op, bias: bool) -> Op:
        """Return a layer that holds what is folded into it: with a bias if that is a normalization."""
        key = (id(op), bias)
        if key not in self._ops:
            changes = {"bias": True} if bias else {}
            weight = {"weight_norm": False} if _has_weight_norm(op) else {}
            self._ops[key] = (op, op.replace(**changes, **weight))  # keeps the op, and so its id
        return self._ops[key][1]

    def _apply(self, node: Node, change: object) -> None:
        if isinstance(change, Function):
            assert isinstance(node, Call)
            node.callee = change
        elif isinstance(change, Op):
            assert isinstance(node, OpNode)
            node.op = change
        elif change is not None:
            node.output.replace_all_uses(node.inputs[0])
            node.remove()
