"""The layers of a configuration file as ops of the language: what the readers of all formats write into.

A reader gives each layer twice: as an op, and as the shape and the number of parameters by the formulas of its own program. Both
must agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate.naming import MODULE_ATTRIBUTES
from archdsl.importers.literal import Word
from archdsl.importers.model import Apply, Call, Node, Origin, Place, Scaling, Value, applications
from archdsl.importers.naming import can_name_a_value, kind_of_input
from archdsl.ops import Op
from archdsl.source import SourceFile, Span

_BEHIND_SCORES = frozenset({"softmax", "log_softmax", "sigmoid", "flatten", "gap", "relu", "dropout", "reshape"})
"""Ops that may follow the layer that gives the score of each class."""


@dataclass(eq=False)
class Layer:
    """What is read at the moment: how messages call it, and where it stands."""

    where: str
    span: Span
    name: str = ""


@dataclass(eq=False)
class Layers:
    """The layers of one file. `kind` is the format, as messages name it."""

    kind: str
    source: SourceFile
    partial: bool = False
    main: Call = field(default_factory=lambda: Call("", Origin("", flat=True)))
    remarks: list[str] = field(default_factory=list)
    """What of the file is not part of the network, in sentences for the header."""
    refused: list[tuple[Layer, str]] = field(default_factory=list)
    counts: dict[Value, int] = field(default_factory=dict)
    """The number of parameters of the layer that makes a value, by the formulas of the file's own program."""
    layer: Layer | None = None
    features_last: set[Value] = field(default_factory=set)
    """Values whose features are the last axis, as of tokens; others have channels first."""
    title: str = ""
    """The name of the network in the file."""
    version: str = ""
    """The version of the program, if the file has it."""
    names: dict[Value, str] = field(default_factory=dict)
    """Names of results."""
    heads: dict[str, Value] = field(default_factory=dict)
    """Results that only training has, by name."""
    scaling: Scaling | None = None
    """How the numbers follow from those of a scale, if the file has several."""
    shared: dict[str, Apply | None] = field(default_factory=dict)
    """Keys of layers that run several times with one set of weights, with the first run as soon as it is read."""
    _bodies: list[list[Node]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bodies.append(self.main.body)

    # -- errors --

    def invalid(self, reason: str, span: Span | None = None, help: str | None = None) -> NoReturn:
        """Raise `SpecError` E1211 about the layer that is read, or a place in it."""
        layer = self.layer
        error = codes.configs.InvalidConfig(self.kind, reason, layer.where if layer is not None else None, help)
        raise SpecError(error.at(span or (layer.span if layer is not None else Span(self.source, 0, 0))))

    def refuse(self, reason: str, *inputs: Value, shape: tuple[int, ...] | None = None) -> Value:
        """Note that the language lacks the layer that is read; return a placeholder for its result."""
        assert self.layer is not None
        self.refused.append((self.layer, reason))
        if not self.partial:
            self.require_expressible()
        value = Value(shape or (inputs[0].shape if inputs else (1,)))
        line = self.layer.span.line_column[0]
        text = " ".join(f"{self.layer.where} (line {line}): {reason}".split())
        self._add(Apply("UNKNOWN", {"reason": text}, list(inputs[:1]), [value]))
        return value

    def require_expressible(self) -> None:
        """Raise `SpecError` E1212 if the language lacks a layer."""
        if self.refused:
            (first, reason), *others = self.refused
            more = [f"line {layer.span.line_column[0]}: {layer.where}: {why}" for layer, why in others]
            raise SpecError(codes.configs.LayerNotExpressible(self.kind, first.where, reason, more).at(first.span))

    # -- layers --

    @staticmethod
    def input_name(name: str, axes: int) -> str:
        """Return the name of an input: that in the file, or what it is."""
        if can_name_a_value(name) and name not in ("data", "input", "input_1"):
            return name
        return kind_of_input(axes)

    @staticmethod
    def result_name(name: str) -> str:
        """Return the name of a result as a label that can be a name."""
        made = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "result"
        return made if can_name_a_value(made) else f"{made}_result"

    def input(self, name: str, shape: tuple[int, ...], dtype: str = "float") -> Value:
        """Add an input of the network."""
        if any(size < 1 for size in shape):
            self.invalid(f"the input has the sizes {list(shape)}, and all must be at least 1")
        value = Value(shape, True, dtype, None, name)
        self.main.inputs.append(value)
        return value

    def op(
        self, name: str, args: Mapping[str, Any], *inputs: Value, key: str | None = None,
        operands: Mapping[str, Value] | None = None,
    ) -> Value:  # fmt: skip
        """Add an op; return its result. Raise `SpecError` E1211 if it does not fit its inputs.

        A dropout with a probability of zero, which does nothing, is left out.
        """
        if name in ("dropout", "dropout2d") and args["p"] == 0:
            return inputs[0]
        shapes = [value.shape for value in [*inputs, *(operands or {}).values()]]
        try:
            found: tuple[Any, ...] = op_of(name, args).outputs(*shapes)[0]
        except SpecError as error:
            self.invalid(self._shapes_in(error.diagnostics[0], shapes))
        value = Value(tuple(int(size) for size in found), any(v.batched for v in inputs), "float")
        place = Place(self.layer.name if self.layer is not None else "")
        node = Apply(name, dict(args), list(inputs), [value], key, "", place, dict(operands or {}))
        if name == "conv":
            node.args["channels"] = inputs[0].shape[0]
        if key in self.shared:
            return self._run(key, node)
        self._add(node)
        return value

    def _run(self, key: str, node: Apply) -> Value:
        """Add one of several runs of a layer; return its result. Only the first one has parameters of its own."""
        first = self.shared[key]
        if first is None:
            self.shared[key] = node
        elif (first.op, first.args) != (node.op, node.args):
            return self.refuse(f"it shares the weights of `{first.place.module}`, and has other arguments", *node.inputs)
        with self.call(key, Origin("")) as module:
            module.shared = True
            self._add(node)
        return node.outputs[0]

    def split(self, value: Value, parts: int) -> list[Value]:
        """Add a split of the channels into equal parts; return them."""
        if value.shape[0] % parts:
            self.invalid(f"{parts} parts do not divide {value.shape[0]} channels")
        made = [Value((value.shape[0] // parts, *value.shape[1:]), value.batched) for _ in range(parts)]
        place = Place(self.layer.name if self.layer is not None else "")
        self._add(Apply("split", {"parts": parts, "axis": 0}, [value], list(made), None, "", place))
        return made

    def param(self, shape: tuple[int, ...], key: str, init: str | None = None) -> Value:
        """Add a learned tensor of its own; return it. `init` is the text of its initializer, which is no part of the proof."""
        value = Value(shape, False)
        args = {"shape": shape} | ({"init": Word(init)} if init is not None else {})
        place = Place(self.layer.name if self.layer is not None else "")
        self._add(Apply("param", args, [], [value], key, "", place))
        return value

    @staticmethod
    def _shapes_in(error: Diagnostic, shapes: list[tuple[int, ...]]) -> str:
        sizes = " and ".join(str(list(shape)) for shape in shapes)
        return f"{error.message} (the input is {sizes})" if sizes else error.message

    def _add(self, node: Node) -> None:
        for value in node.outputs:
            value.producer = node
        self._bodies[-1].append(node)

    def call(self, path: str, origin: Origin) -> Scope:
        """Return a context in which layers belong to a call of a module."""
        return Scope(self, Call(path, origin))

    def unwrap(self, call: Call, kept: Sequence[Node]) -> None:
        """Put the layers of the last module into the body around it, but those that are `kept`; it goes if it has none."""
        around = self._bodies[-1]
        at = around.index(call) if call in around else len(around)
        nodes, call.body = list(call.body), list(kept)
        first = next((n for n, node in enumerate(nodes) if node in kept), len(nodes))
        before, after = nodes[:first], [node for node in nodes[first:] if node not in kept]
        around[at : at + 1] = [*before, *([call] if kept else []), *after]

    @property
    def params(self) -> int:
        """The number of parameters, by the formulas of the file's own program."""
        return sum(self.counts.values())

    def without_unused(self) -> None:
        """Leave out layers whose results nothing reads."""
        used: set[Node] = set()
        waiting = list(self.main.outputs)
        while waiting:
            node = waiting.pop().producer
            if node is not None and node not in used:
                used.add(node)
                waiting += node.reads
        unused = [node for node in applications(self.main) if node not in used]
        if unused:
            _remove(self.main, set(unused))
            made = {value for node in unused for value in node.outputs}
            self.counts = {value: count for value, count in self.counts.items() if value not in made}
            names = list(dict.fromkeys(node.place.module for node in unused if node.place.module))
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            self.remarks.append(f"Nothing reads the results of {', '.join(names[:4])}{more}, which are left out")

    def classes(self, result: Value) -> None:
        """Make the outputs of the last layer a parameter `classes`, if the network gives a vector of scores."""
        at: Node | None = result.producer
        while isinstance(at, Apply) and at.op in _BEHIND_SCORES:
            at = at.inputs[0].producer
        scores = isinstance(at, Apply) and (at.op == "linear" or (at.op == "conv" and at.args["k"] == 1))
        if isinstance(at, Apply) and scores and len([size for size in result.shape if size != 1]) == 1:
            self.main.origin = Origin("", {"classes": at.args["out"]}, flat=True)

    def claims(self, value: Value, shape: tuple[int, ...], params: int = 0) -> None:
        """Note shape and parameters of a layer by the formulas of the file's own program. The shape must be that of the op."""
        node = value.producer
        again = isinstance(node, Apply) and self.shared.get(node.key or "", node) is not node
        self.counts[value] = self.counts.get(value, 0) + (0 if again else params)
        if value.shape != shape:
            self.invalid(
                f"the result is {list(shape)} by the rules of {self.kind}, and {list(value.shape)} as the ops of the language"
            )


def op_of(name: str, args: Mapping[str, Any]) -> Op:
    """Return an op of the language. `args` are those of the importer; for `rearrange`, sizes stand beside the pattern."""
    made = Op.registry.get(name)
    assert made is not None, name
    if name == "rearrange":
        args = {"pattern": args["pattern"], "sizes": tuple((axis, size) for axis, size in args.items() if axis != "pattern")}
    op: Op = made(**dict(args))
    return op


class Scope:
    """A module that is open while its layers are added."""

    def __init__(self, layers: Layers, call: Call) -> None:
        self._layers, self.call = layers, call

    def __enter__(self) -> Call:
        self._layers._bodies[-1].append(self.call)
        self._layers._bodies.append(self.call.body)
        return self.call

    def __exit__(self, *_: object) -> None:
        self._layers._bodies.pop()
        if not self.call.body:
            self._layers._bodies[-1].remove(self.call)


def _remove(call: Call, nodes: set[Node]) -> None:
    """Take nodes out of a call, and calls that are empty then."""
    for inner in call.body:
        if isinstance(inner, Call):
            _remove(inner, nodes)
    call.body = [node for node in call.body if node not in nodes and not (isinstance(node, Call) and not node.body)]


def key_of(name: str) -> str:
    """Return the name of a layer as a key: a dot would part two keys, and quotes and braces mean something in a label."""
    key = re.sub(r"[.\"'{}\\\s]", "_", name)[:90]
    return f"{key}_" if key in MODULE_ATTRIBUTES else key


def conv_args(
    out: int, k: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True
) -> dict[str, Any]:
    """Return the arguments of a convolution as the importer keeps them: all of them, sizes that agree as one number."""
    return {
        "out": out, "k": compact(k), "stride": compact(stride), "pad": compact(pad), "dilation": compact(dilation),
        "groups": groups, "bias": bias,
    }  # fmt: skip


def pool_args(k: Any, stride: Any, pad: Any = 0, ceil: bool = False) -> dict[str, Any]:
    """Return the arguments of a max pool as the importer keeps them."""
    return {"k": compact(k), "stride": compact(stride), "pad": compact(pad), "ceil": ceil, "dilation": 1}


def average_args(k: Any, stride: Any, pad: Any = 0, ceil: bool = False, count_pad: bool = True) -> dict[str, Any]:
    """Return the arguments of an average pool as the importer keeps them."""
    return {"k": compact(k), "stride": compact(stride), "pad": compact(pad), "ceil": ceil, "count_pad": count_pad}


def bn_args(eps: float, momentum: float, affine: bool = True) -> dict[str, Any]:
    """Return the arguments of batch normalization as the importer keeps them."""
    return {"eps": eps, "momentum": momentum, "affine": affine}


def compact(sizes: Any) -> Any:
    """Return sizes per axis as one number if they agree."""
    if isinstance(sizes, tuple | list):
        return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)
    return sizes
