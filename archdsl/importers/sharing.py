"""Modules that run several times in one body, which the language declares with `module`."""

from __future__ import annotations

from collections import defaultdict

from archdsl.importers.model import Apply, Call, Node, applications, walk
from archdsl.importers.naming import can_name_a_value


def share(root: Call) -> None:
    """Mark the calls of every module with weights that one body calls several times, by a label that can name a module."""
    for call in [root, *(node for node in walk(root) if isinstance(node, Call))]:
        if call.shared:
            continue
        by_path: dict[str, list[Call]] = defaultdict(list)
        for node in call.body:
            if isinstance(node, Call) and any(inner.key is not None for inner in applications(node)):
                by_path[node.path].append(node)
        for path, calls in by_path.items():
            label = path.removeprefix(call.path + ".") if call.path else path
            if len(calls) > 1 and can_name_a_value(label) and len({_ops(one) for one in calls}) == 1:
                for one in calls:
                    one.shared = True


def _ops(call: Call) -> tuple[tuple[str, str | None], ...]:
    """Return the ops inside a call, with their keys: those of another run are the same."""
    nodes: list[Node] = list(walk(call))
    return tuple((node.op, node.key) for node in nodes if isinstance(node, Apply))
