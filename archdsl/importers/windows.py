"""Slices that are parts of a whole, and what attention in windows does with rows and columns."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from archdsl.importers.model import Apply, Node, Value


def parted(nodes: list[Node]) -> list[Node]:
    """Replace slices that are all parts of a value, in order and of one size, by `split`."""
    by_source: dict[tuple[Value, int], list[Apply]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, Apply) and node.op == "slice" and node.args["part"].step == 1:
            by_source[node.inputs[0], node.args["axis"]].append(node)
    found = list(nodes)
    for (source, axis), slices in by_source.items():
        ends = [(node.args["part"].start, node.args["part"].stop) for node in slices]
        whole = len(slices) > 1 and ends[0][0] == 0 and ends[-1][1] == source.shape[axis]
        size = ends[0][1]
        if not whole or ends != [(size * at, size * (at + 1)) for at in range(len(ends))]:
            continue
        first = slices[0]
        outputs = [node.outputs[0] for node in slices]
        made = Apply("split", {"parts": len(slices), "axis": axis}, [source], outputs, None, first.path, first.place)
        for value in outputs:
            value.producer = made
        found[found.index(first)] = made
        found = [node for node in found if node not in slices]
    return found


def shifted(nodes: list[Node]) -> list[Node]:
    """Replace cyclic moves of rows and columns around windows by `window_shift`, which leaves short axes alone."""
    windows = [node.args["window"] for node in nodes if isinstance(node, Apply) and node.op == "window_mask"]
    if len(set(windows)) != 1:
        return nodes
    for node in nodes:
        if isinstance(node, Apply) and node.op == "roll" and node.args["axis"] == (0, 1):
            args: dict[str, Any] = {"shift": node.args["shift"], "window": windows[0]}
            node.op, node.args = "window_shift", args
    return nodes


def folded(nodes: list[Node]) -> list[Node]:
    """Replace a concatenation of every n-th row and column, from each start, by `rearrange`."""
    makers = {value: node for node in nodes if isinstance(node, Apply) and node.op == "slice" for value in node.outputs}
    found: list[Node] = []
    for node in nodes:
        source = _folds(node, makers) if isinstance(node, Apply) and node.op == "concat" else None
        if source is not None:
            pattern, step, value = source
            args = {"pattern": f"(h p) (w q) c -> h w ({pattern} c)", "p": step, "q": step}
            assert isinstance(node, Apply)
            node = Apply("rearrange", args, [value], node.outputs, None, node.path, node.place)
            node.outputs[0].producer = node
        found.append(node)
    return found


def _folds(concat: Apply, makers: dict[Value, Apply]) -> tuple[str, int, Value] | None:
    if concat.args["axis"] != -1 or len(concat.outputs[0].shape) != 3:
        return None
    starts: list[tuple[int, int]] = []
    sources: list[tuple[Value, int]] = []
    for value in concat.inputs:
        columns = makers.get(value)
        rows = makers.get(columns.inputs[0]) if columns is not None else None
        if columns is None or rows is None or (rows.args["axis"], columns.args["axis"]) != (0, 1):
            return None
        across, along = rows.args["part"], columns.args["part"]
        if across.step != along.step or any(size % across.step for size in rows.inputs[0].shape[:2]):
            return None
        starts.append((across.start, along.start))
        sources.append((rows.inputs[0], across.step))
    value, step = sources[0]
    if any(source != (value, step) for source in sources) or step == 1:
        return None
    if starts == [(p, q) for q in range(step) for p in range(step)]:
        return "q p", step, value
    return ("p q", step, value) if starts == [(p, q) for p in range(step) for q in range(step)] else None


def cropped(nodes: list[Node]) -> list[Node]:
    """Replace slices that take the rows and columns which `pad_to` has added off again by `crop_like`."""
    padded = [node for node in nodes if isinstance(node, Apply) and node.op == "pad_to"]
    makers = {value: node for node in nodes if isinstance(node, Apply) and node.op == "slice" for value in node.outputs}
    found: list[Node] = []
    gone: set[Node] = set()
    for node in nodes:
        if isinstance(node, Apply) and node.op == "slice" and padded:
            first = makers.get(node.inputs[0])
            like = padded[-1].inputs[0]
            chain = [first, node] if first is not None else [node]
            starts = all(op.args["part"].start == 0 and op.args["part"].step == 1 for op in chain)
            axes = [op.args["axis"] for op in chain]
            if starts and axes in ([0, 1], [0], [1]) and node.outputs[0].shape[:2] == like.shape[:2] and len(like.shape) == 3:
                args = {"keep": "start", "axis": (0, 1)}
                made = Apply("crop_like", args, [chain[0].inputs[0]], node.outputs, None, node.path, node.place, {"like": like})
                made.outputs[0].producer = made
                gone.update(chain)
                node = made
        found.append(node)
    return [node for node in found if node not in gone]


def late(nodes: list[Node]) -> list[Node]:
    """Put ops without an input right before the first op that reads them, so that nothing is interrupted by them."""
    moved = [node for node in nodes if isinstance(node, Apply) and node.op in ("rel_bias", "window_mask", "const")]
    found = [node for node in nodes if node not in moved]
    for node in moved:
        at = next((n for n, other in enumerate(found) if node.outputs[0] in other.reads), None)
        found.insert(len(found) if at is None else at, node)
    return found
