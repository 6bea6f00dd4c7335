"""The order of an ONNX graph's nodes in which each module runs at once, where that is possible: files need not keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from archdsl.importers.programs.onnx_graph import OnnxNode


@dataclass(frozen=True)
class Part:
    """One call of a module: its path, and what it runs."""

    path: str
    steps: Sequence[OnnxNode | Part]


def ordered(nodes: Sequence[OnnxNode], depth: int = 0) -> list[OnnxNode | Part]:
    """Return the nodes in the modules that they belong to, `depth` modules down."""
    groups: dict[str, list[OnnxNode]] = {}
    for at, node in enumerate(nodes):
        key = node.frames[depth][0] if len(node.frames) > depth else f"#{at}"
        groups.setdefault(key, []).append(node)
    order = _sorted(groups)
    if order is None:  # a module that waits for what its own result is needed for is called several times
        return _in_runs(nodes, depth)
    return [step for key in order for step in _steps(key, groups[key], depth)]


def _steps(key: str, nodes: list[OnnxNode], depth: int) -> Sequence[OnnxNode | Part]:
    return nodes if key.startswith("#") else [Part(key, ordered(nodes, depth + 1))]


def _in_runs(nodes: Sequence[OnnxNode], depth: int) -> list[OnnxNode | Part]:
    found: list[OnnxNode | Part] = []
    run: list[OnnxNode] = []
    for at, node in enumerate(nodes):
        key = node.frames[depth][0] if len(node.frames) > depth else f"#{at}"
        run.append(node)
        following = nodes[at + 1].frames if at + 1 < len(nodes) else []
        if key.startswith("#") or len(following) <= depth or following[depth][0] != key:
            found += _steps(key, run, depth)
            run = []
    return found


def _sorted(groups: dict[str, list[OnnxNode]]) -> list[str] | None:
    """Return the groups in an order in which each runs after what it reads, near to the order given; None if there is none."""
    keys = list(groups)
    place = {key: at for at, key in enumerate(keys)}
    maker = {name: key for key, nodes in groups.items() for node in nodes for name in node.outputs}
    waits = {
        key: {maker[name] for node in nodes for name in node.inputs if name in maker and maker[name] != key}
        for key, nodes in groups.items()
    }
    readers: dict[str, list[str]] = {key: [] for key in keys}
    for key, needed in waits.items():
        for other in needed:
            readers[other].append(key)
    left = {key: len(needed) for key, needed in waits.items()}
    ready = [place[key] for key in keys if not left[key]]
    heapify(ready)
    found: list[str] = []
    while ready:
        key = keys[heappop(ready)]
        found.append(key)
        for reader in readers[key]:
            left[reader] -= 1
            if not left[reader]:
                heappush(ready, place[reader])
    return found if len(found) == len(keys) else None
