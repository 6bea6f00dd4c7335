"""Attention that a model spells out: `softmax(q @ k^T * scale + bias) @ v` becomes `attend`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from archdsl.importers.model import Apply, Call, Value, applications, walk
from archdsl.importers.rearrangement import ARRANGING


@dataclass
class _Found:
    """The parts of an attention: its queries, transposed keys, what is added to the products, and the ops in between."""

    queries: Value
    keys: Value
    scale: float = 1.0
    added: list[Value] = field(default_factory=list)
    ops: list[Apply] = field(default_factory=list)


class _Flow:
    """Who makes and who reads each value."""

    def __init__(self, main: Call) -> None:
        self.makers: dict[Value, Apply] = {}
        self.readers: dict[Value, list[Apply]] = defaultdict(list)
        self.home: dict[Apply, Call] = {}
        for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
            for node in call.body:
                if isinstance(node, Apply):
                    self.home[node] = call
        for node in applications(main):
            for value in node.outputs:
                self.makers[value] = node
            for value in node.reads:
                self.readers[value].append(node)
        self.results = set(main.outputs)

    def sole_reader(self, value: Value) -> Apply | None:
        """Return the only op that reads a value."""
        readers = self.readers[value]
        return readers[0] if len(readers) == 1 and value not in self.results else None


def attention(main: Call) -> None:
    """Replace every attention of a model by `attend`."""
    for node in [node for node in applications(main) if node.op == "softmax"]:
        flow = _Flow(main)
        found = _products(node, flow)
        if found is None:
            continue
        drop, last = 0.0, flow.sole_reader(node.outputs[0])
        found.ops.append(node)
        if last is not None and last.op == "dropout":
            drop = float(last.args["p"])
            found.ops.append(last)
            last = flow.sole_reader(last.outputs[0])
        if last is None or last.op != "matmul" or last.inputs[0] is not found.ops[-1].outputs[0] or len(last.inputs) != 2:
            continue
        _replace(found, last, drop, flow)


def _products(softmax: Apply, flow: _Flow) -> _Found | None:
    """Return what flows into a softmax along the last axis, if that is products of queries and keys; else None."""
    value = softmax.inputs[0]
    if softmax.args["axis"] != -1:
        return None
    ops: list[Apply] = []
    added: list[Value] = []
    scale = 1.0
    while (maker := flow.makers.get(value)) is not None and flow.sole_reader(value) is not None:
        ops.insert(0, maker)
        if maker.op == "matmul":
            if maker.args:
                return None
            found = _Found(maker.inputs[0], maker.inputs[1], scale, added, ops)
            return _scaled(found, flow)
        if maker.op == "add" and maker.is_join and len(maker.inputs) == 2 and scale == 1.0:
            sides = [side for side in maker.inputs if _leads_to_products(side, flow)]
            if len(sides) != 1:
                return None
            value = sides[0]
            added.insert(0, next(side for side in maker.inputs if side is not value))
        elif maker.op in ("scale", "div") and len(maker.inputs) == 1:
            number = float(maker.args["factor" if maker.op == "scale" else "number"])
            scale *= number if maker.op == "scale" else 1 / number
            value = maker.inputs[0]
        else:
            return None
    return None


def _leads_to_products(value: Value, flow: _Flow) -> bool:
    maker = flow.makers.get(value)
    while maker is not None and maker.op in ("scale", "div", "add") and maker.op != "matmul":
        maker = flow.makers.get(maker.inputs[0])
    return maker is not None and maker.op == "matmul"


def _scaled(found: _Found, flow: _Flow) -> _Found:
    """Take factors of the queries and of the keys into the scale."""
    maker = flow.makers.get(found.queries)
    if maker is not None and maker.op == "scale" and flow.sole_reader(found.queries) is not None:
        found.scale *= float(maker.args["factor"])
        found.ops.insert(0, maker)
        found.queries = maker.inputs[0]
    turned, keys = None, found.keys
    while (maker := flow.makers.get(keys)) is not None and flow.sole_reader(keys) is not None:
        if maker.op == "scale":
            found.scale *= float(maker.args["factor"])
            found.ops.insert(0, maker)
            if turned is None:
                found.keys = maker.inputs[0]
            else:
                turned.inputs = [maker.inputs[0]]
            break
        if maker.op not in ARRANGING:
            break
        turned, keys = maker, maker.inputs[0]
    return found


def _replace(found: _Found, last: Apply, drop: float, flow: _Flow) -> None:
    """Put `attend` in the place of the last product."""
    rank = len(found.queries.shape)
    home = flow.home[last]
    at = home.body.index(last)
    shape = (*found.keys.shape[:-2], found.keys.shape[-1], found.keys.shape[-2])
    keys = Value(shape, found.keys.batched)
    turned = Apply("transpose", {"a": rank - 2, "b": rank - 1}, [found.keys], [keys], None, last.path, last.place)
    keys.producer = turned
    values = last.inputs[1]
    if len(found.added) > 2 or found.queries.shape[:-2] != keys.shape[:-2] or values.shape[:-2] != keys.shape[:-2]:
        return
    args: dict[str, object] = {"causal": False, "drop": drop}
    if abs(found.scale - found.queries.shape[-1] ** -0.5) > 1e-9:
        args["scale"] = found.scale
    operands = _operands([_short(value, flow) for value in found.added])
    made = Apply("attend", args, [found.queries, keys, values], last.outputs, None, last.path, last.place, operands)
    made.outputs[0].producer = made
    home.body[at : at + 1] = [turned, made]
    for op in found.ops:
        flow.home[op].body.remove(op)


def _short(value: Value, flow: _Flow) -> Value:
    """Return a bias without the axes of size one in front, which `attend` does not need."""
    maker = flow.makers.get(value)
    if maker is not None and maker.op == "reshape" and not value.batched:
        inner = maker.inputs[0]
        if value.shape[len(value.shape) - len(inner.shape) :] == inner.shape:
            return inner
    return value


def _operands(added: list[Value]) -> dict[str, Value]:
    """Return the bias and the mask among what is added."""
    masks = [value for value in added if isinstance(value.producer, Apply) and value.producer.op == "window_mask"]
    if len(added) == 2:
        mask = masks[0] if masks else added[1]
        return {"mask": mask, "bias": next(value for value in added if value is not mask)}
    return {"mask" if masks else "bias": added[0]} if added else {}
