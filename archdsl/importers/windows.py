"""Parts that are slices one after another, and positions that are moved for windows."""

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
