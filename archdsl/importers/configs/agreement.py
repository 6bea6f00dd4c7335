"""The proof that a text is the network of a configuration file: every value is computed by the same ops from the same values.

Each value of both networks gets a number such that two have the same one exactly if the same op, with the same arguments, makes
them from values of the same numbers. The file's sizes and parameters come from the formulas of its own program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archdsl.analysis import Costs
from archdsl.importers.configs.layers import op_of
from archdsl.importers.literal import Word
from archdsl.importers.model import Apply, Call, Value, walk
from archdsl.ir import Graph
from archdsl.ir.flat import flatten, state
from archdsl.ops import Op

_SAME_OP = {"depthwise": "conv", "bottleneck": "conv"}
_ANY_ORDER = frozenset({"add", "mul", "min", "max"})
Numbers = dict[Any, int]


@dataclass
class Agreement:
    """What was compared: facts that hold, and differences."""

    lines: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)

    def note(self, agrees: bool, fact: str, difference: str) -> None:
        """Note a fact if it holds, else how it differs."""
        (self.lines if agrees else self.differences).append(fact if agrees else difference)

    def __str__(self) -> str:
        return "\n".join(f"  equal: {line}" for line in self.lines)


class Flow(NamedTuple):
    """The ops of a file's network: for each the values that it takes and makes, by number, and how it is called."""

    values: list[tuple[Any, tuple[int, ...], tuple[tuple[int, ...], ...]]]
    """Of each op its signature, the positions of its inputs, and the shapes of its results."""
    inputs: list[tuple[int, ...]]
    outputs: list[int]


def flow_of(main: Call) -> Flow:
    """Return the flow through a model, before anything is grouped."""
    positions: dict[Value, int] = {value: at for at, value in enumerate(main.inputs)}
    found: list[tuple[Any, tuple[int, ...], tuple[tuple[int, ...], ...]]] = []
    for node in walk(main):
        if isinstance(node, Apply):
            shapes = [value.shape for value in node.reads]
            reads = tuple(positions[value] for value in node.reads)
            for value in node.outputs:
                positions[value] = len(positions)
            signature = _signature(_op(node), shapes) if node.op != "UNKNOWN" else ("UNKNOWN", (), ())
            found.append((signature, reads, tuple(value.shape for value in node.outputs)))
    return Flow(found, [value.shape for value in main.inputs], [positions[value] for value in main.outputs])


def _op(node: Apply) -> Op:
    args = {name: value for name, value in node.args.items() if name not in ("channels", "init")}
    if isinstance(args.get("out"), Word):
        args["out"] = node.outputs[0].shape[0]
    return op_of(node.op, args)


def _signature(op: Op, shapes: Sequence[Any]) -> Any:
    name = _SAME_OP.get(op.name, op.name)
    return name, tuple(sorted((key, repr(value)) for key, value in op.attributes(*shapes).items())), tuple(
        sorted((key, tuple(shape)) for key, shape in op.parameters(*shapes).items())
    )  # fmt: skip


def compare(flow: Flow, params: int, graph: Graph) -> Agreement:
    """Compare the flow and the parameters of a file with the graph of its text."""
    report = Agreement()
    known: Numbers = {}
    theirs, results = _numbered(flow, known)
    flat = flatten(graph)
    ours = [known.setdefault(("input", tuple(value.shape)), len(known)) for value in graph.inputs]
    made: list[int] = []
    for node in flat.nodes:
        shapes = node.node.input_shapes
        results_of = tuple(tuple(value.shape) for value in node.node.outputs)
        numbers = _number(_signature(node.op, shapes), [ours[at] for at in node.inputs], results_of, known)
        ours += numbers
        made.append(numbers[0])
    missing, extra = Counter(theirs) - Counter(made), Counter(made) - Counter(theirs)
    report.note(
        not missing and not extra,
        f"{len(made)} op{'s' * (len(made) != 1)} with their arguments, and what flows between them",
        _difference(flow, theirs, missing, [node.op.name for node in flat.nodes], made, extra),
    )
    outputs = [ours[at] for at in flat.outputs]
    report.note(Counter(outputs) == Counter(results), f"{len(outputs)} result{'s' * (len(outputs) != 1)}", "the results differ")
    counts = Costs().counts(graph.main)
    report.note(
        counts.params == params,
        f"{params:_} parameters, by the formulas of the format",
        f"{counts.params:_} parameters, and {params:_} by the formulas of the format",
    )
    report.claims["params"] = counts.params
    if isinstance(counts.macs, int):
        report.claims["macs"] = counts.macs
    return report


def _numbered(flow: Flow, known: Numbers) -> tuple[list[int], list[int]]:
    numbers = [known.setdefault(("input", shape), len(known)) for shape in flow.inputs]
    made = []
    for signature, reads, shapes in flow.values:
        results = _number(signature, [numbers[at] for at in reads], shapes, known)
        numbers += results
        made.append(results[0])
    return made, [numbers[at] for at in flow.outputs]


def _number(signature: Any, reads: list[int], shapes: tuple[Any, ...], known: Numbers) -> list[int]:
    """Return a number for each result of an op."""
    ordered = sorted(reads) if signature[0] in _ANY_ORDER else reads
    return [known.setdefault((signature, tuple(ordered), at, shape), len(known)) for at, shape in enumerate(shapes)]


def _difference(
    flow: Flow, theirs: list[int], missing: Mapping[int, int], names: list[str], made: list[int], extra: Mapping[int, int]
) -> str:
    lost = [str(signature[0]) for (signature, _, _), number in zip(flow.values, theirs, strict=True) if number in missing]
    added = [name for name, number in zip(names, made, strict=True) if number in extra]
    parts = [f"without {', '.join(lost[:4])}"] * bool(lost) + [f"with {', '.join(added[:4])} in their place"] * bool(added)
    return f"the text is another network, {' '.join(parts)}"


def keys_of(main: Call) -> set[str]:
    """Return the keys of all layers of a model."""
    return {node.key for node in walk(main) if isinstance(node, Apply) and node.key is not None}


def compare_keys(report: Agreement, wanted: set[str], graph: Graph) -> None:
    """Note whether the layers of a graph have the keys that the names in the file give."""
    entries = state(graph)
    found = {key if key in wanted else key.rpartition(".")[0] for key in entries}
    missing, extra = sorted(wanted - found), sorted(found - wanted)
    shown = f"without {', '.join(missing[:3])}" if missing else f"with {', '.join(extra[:3])}"
    report.note(
        not missing and not extra,
        f"{len(wanted)} layer{'s' * (len(wanted) != 1)} with weights, by their names",
        f"the layers have other names, {shown}",
    )
