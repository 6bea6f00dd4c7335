"""What changes at the ends of a network: its inputs, what it returns, and the rules that initialize its ops."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.differences.changes import Argument, Change
from archdsl.differences.matching import Pair
from archdsl.differences.side import Side
from archdsl.differences.wiring import Sources
from archdsl.ir import Graph, Result, Value
from archdsl.literals import show
from archdsl.ops.base import WeightedOp
from archdsl.shapes import format_shape, symbols_of
from archdsl.size_words import describe


def paired_inputs(before: Graph, after: Graph) -> list[tuple[int | None, int | None]]:
    """Return the positions of inputs that correspond: those with one name, then others in order; None where there is none."""
    old, new = [value.name for value in before.inputs], [value.name for value in after.inputs]
    named = {name: new.index(name) for name in old if name in new}
    others = [i for i in range(len(new)) if i not in named.values()]
    found: list[tuple[int | None, int | None]] = []
    for i, name in enumerate(old):
        found.append((i, named[name] if name in named else others.pop(0) if others else None))
    return found + [(None, j) for j in others]


def input_changes(before: Graph, after: Graph, pairs: Sequence[tuple[int | None, int | None]]) -> list[Change]:
    """Return the changes of inputs: their names, shapes, types, the conditions on their sizes, and their order."""
    found = []
    for i, j in pairs:
        old = (before.inputs[i].name or "input", _input_text(before, before.inputs[i])) if i is not None else None
        new = (after.inputs[j].name or "input", _input_text(after, after.inputs[j])) if j is not None else None
        if old is None or new is None:
            name, text = old or new or ("", "")
            found.append(Change("removed" if new is None else "added", "", f"input {name} {text}"))
            continue
        arguments = [
            Argument(what, ((one, other),)) for what, one, other in zip(("name", ""), old, new, strict=True) if one != other
        ]
        if i != j:
            arguments.append(Argument("position", ((str(i), str(j)),)))
        if arguments:
            found.append(Change("input", "", f"input {old[0]}", arguments=tuple(arguments)))
    return found


def _input_text(graph: Graph, value: Value) -> str:
    """Return the shape of an input, with its type and the sizes that its declaration allows."""
    stated = [f"{name}: {describe(graph.stated[name])}" for name in symbols_of(*value.shape) if name in graph.stated]
    words = [
        *([value.dtype] if value.dtype != "float" else []),
        format_shape(value.shape),
        *([f"({', '.join(stated)})"] if stated else []),
    ]
    return " ".join(words)


def output_changes(before: Side, after: Side, sources: tuple[Sources, Sources]) -> list[Change]:
    """Return the changes of what the networks return: names, shapes, weights of losses, order, and the op that makes it."""
    old, new = before.graph.results, after.graph.results
    found = []
    left = {_key(result): i for i, result in enumerate(old)}
    others = [j for j, result in enumerate(new) if _key(result) not in left]
    pairs = {j: left.pop(_key(result)) for j, result in enumerate(new) if _key(result) in left}
    for j in others:
        kin = [
            key
            for key in left
            if key[0] == new[j].kind and _source(before, sources[0], left[key]) == _source(after, sources[1], j)
        ]
        if kin:
            pairs[j] = left.pop(kin[0])
        else:
            found.append(Change("added", "", f"{_title(new[j])} {_shape(after, j)}"))
    found += [Change("removed", "", f"{_title(old[i])} {_shape(before, i)}") for i in left.values()]
    order = [pairs[j] for j in sorted(pairs)]
    for j, i in sorted(pairs.items()):
        arguments = _output_arguments(before, after, i, j, sources)
        if sorted(order) != order and sorted(order).index(i) != order.index(i):
            arguments.append(Argument("position", ((str(i), str(j)),)))
        if arguments:
            found.append(Change("output", "", _title(old[i]), arguments=tuple(arguments)))
    return found


def _key(result: Result) -> tuple[str, str]:
    return result.kind, result.name if result.kind != "main" else ""


def _title(result: Result) -> str:
    return "output" if result.kind == "main" else f"{result.kind} {result.name}"


def _shape(side: Side, position: int) -> str:
    return format_shape(side.graph.main.outputs[position].shape)


def _source(side: Side, sources: Sources, position: int) -> object:
    return sources.of(side.flat.outputs[position])


def _output_arguments(before: Side, after: Side, i: int, j: int, sources: tuple[Sources, Sources]) -> list[Argument]:
    """Return in what two results that correspond differ."""
    old, new = before.graph.results[i], after.graph.results[j]
    texts = [("name", old.name, new.name)] if old.kind != "main" else []
    texts += [("weight", show(old.weight), show(new.weight)), ("", _shape(before, i), _shape(after, j))]
    if _source(before, sources[0], i) != _source(after, sources[1], j):
        texts.append(("from", before.producer(before.flat.outputs[i]), after.producer(after.flat.outputs[j])))
    return [Argument(name, ((one, other),)) for name, one, other in texts if one != other]


def initializer_changes(before: Side, after: Side, pairs: Sequence[Pair]) -> list[Change]:
    """Return the rules of `init { ... }` that differ for an op which both networks have, and which has no rule of its own."""
    found: dict[tuple[str, str | None, str | None], None] = {}
    for pair in pairs:
        old, new = before.nodes[pair.before].op, after.nodes[pair.after].op
        if isinstance(old, WeightedOp) and isinstance(new, WeightedOp) and old.init is None and new.init is None:
            rules = [side.graph.initializer(op) for side, op in ((before, old), (after, new))]
            texts = [str(rule) if rule is not None else None for rule in rules]
            if texts[0] != texts[1]:
                found[old.name, texts[0], texts[1]] = None
    return [Change("init", "", "init", arguments=(Argument(name, ((old, new),)),)) for name, old, new in found]
