"""Modules by the names of layers: `fire2/squeeze1x1` is the layer `squeeze1x1` of a module `fire2`.

A name is parted at a slash, or behind its first number: `conv2_block1_1_conv` is `1_conv` in `block1` in `conv2`. Layers whose
names begin alike are a module if one value flows into them and one out, and if there is another module with a name of this kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from archdsl.importers.configs.regions import is_activation
from archdsl.importers.model import Apply, Call, Node, Origin, Value, connect, walk

_SLASH = re.compile(r"([A-Za-z][\w.\-]*\d\w*)/(.+)")
_NUMBER = re.compile(r"([A-Za-z][A-Za-z_\-]*?\d+[A-Za-z]?)[_\-](?=.*[A-Za-z])(.+)")
_CLASSES = {"block": "unit"}
"""Names of classes in place of words of the language."""
_ALIKE = 0.5
"""The share of labels that two modules of one class have in common at least."""


def group_by_names(main: Call) -> None:
    """Make calls of the layers of modules, also of modules inside them. Keys become those of the modules."""
    names: dict[Node, str] = {node: node.place.module for node in main.body if isinstance(node, Apply)}
    _group(main, "", names, _kinds(names.values()))
    _name_classes([node for node in walk(main) if isinstance(node, Call)])


def _kinds(names: Iterable[str]) -> Counter[str]:
    """Return how many modules of each kind the names tell of."""
    paths: set[tuple[str, ...]] = set()
    for name in names:
        path: tuple[str, ...] = ()
        while (parts := _split(name)) is not None:
            path, name = (*path, parts[0]), parts[1]
            paths.add(path)
    return Counter(stem(path[-1]) for path in paths)


def _group(call: Call, path: str, names: dict[Node, str], kinds: Counter[str]) -> None:
    connect(call)
    found = _modules(call, names, kinds)
    for prefix, nodes in found.items():
        inner = {node: _part(names[node], prefix) for node in nodes}
        module = Call(f"{path}.{prefix}" if path else prefix, Origin(""), nodes)
        last = max(call.body.index(node) for node in nodes)
        call.body[last] = module
        moved = set(nodes)
        call.body = [node for node in call.body if node not in moved]
        for node in nodes:
            if isinstance(node, Apply) and node.key is not None:
                node.key = f"{module.path}.{inner[node].replace('.', '_')}"
    connect(call)
    for node in call.body:
        if isinstance(node, Call) and node.path.rpartition(".")[2] in found:
            prefix = node.path.rpartition(".")[2]
            _group(node, node.path, {one: _part(names[one], prefix) for one in node.body}, kinds)


def _split(name: str) -> tuple[str, str] | None:
    match = _SLASH.fullmatch(name) or _NUMBER.fullmatch(name)
    return (match[1].replace(".", "_"), match[2]) if match else None


def _part(name: str, prefix: str) -> str:
    parts = _split(name)
    return parts[1] if parts is not None and parts[0] == prefix else name


def _modules(call: Call, names: dict[Node, str], kinds: Counter[str]) -> dict[str, list[Node]]:
    """Return the layers of each module of a body, by its name."""
    members: dict[str, list[Node]] = {}
    by_node: dict[Node, str] = {}
    makers = {value: node for node in call.body for value in node.outputs}
    with_weights = {parts[0] for node in call.body if _has_key(node) and (parts := _split(names.get(node, ""))) is not None}
    for node in call.body:
        parts = _split(names.get(node, ""))
        prefix = parts[0] if parts is not None else None
        if prefix not in with_weights and is_activation(node):
            prefix = by_node.get(makers.get(node.reads[0]))  # type: ignore[arg-type]
        if prefix is not None:
            by_node[node] = prefix
            members.setdefault(prefix, []).append(node)
    whole = set(names.values())
    fitting = {
        prefix: nodes for prefix, nodes in members.items()
        if prefix not in whole and len(nodes) > 1 and any(_has_key(node) for node in nodes) and _is_module(call, nodes)
        and _labels_differ(nodes, names, prefix)
    }  # fmt: skip
    return {prefix: nodes for prefix, nodes in fitting.items() if kinds[stem(prefix)] > 1}


def _labels_differ(nodes: list[Node], names: dict[Node, str], prefix: str) -> bool:
    labels = [_part(names[node], prefix).replace(".", "_") for node in nodes if _has_key(node)]
    return len(labels) == len(set(labels))


def _has_key(node: Node) -> bool:
    return isinstance(node, Apply) and node.key is not None


def _is_module(call: Call, nodes: list[Node]) -> bool:
    """Whether one value flows into nodes and one out."""
    inside = set(nodes)
    made = {value for node in nodes for value in node.outputs}
    read = {value for node in nodes for value in node.reads} - made
    outside = {value for node in call.body if node not in inside for value in node.reads} | set(call.outputs)
    return len(read) == 1 and len(made & outside) == 1 and _in_order(call, inside, made & outside)


def _in_order(call: Call, inside: set[Node], out: set[Value]) -> bool:
    """Whether the module can run at the place of its last layer: nothing before it reads what flows out."""
    last = max(at for at, node in enumerate(call.body) if node in inside)
    return not any(set(node.reads) & out for at, node in enumerate(call.body) if at < last and node not in inside)


def stem(name: str) -> str:
    """Return the kind of a name: `fire` of `fire2`, `inception` of `inception_3a`."""
    return re.sub(r"[_\-]*\d+[A-Za-z]?(?:_\d+)*$", "", name)


def _name_classes(calls: list[Call]) -> None:
    """Give the calls that have layers in common a class; those that only hold modules are containers."""
    labels = {call: frozenset(_labels(call)) for call in calls}
    for call in calls:
        if all(isinstance(node, Call) for node in call.body):
            call.origin = Origin("", container=True)
            continue
        own = labels[call]
        alike = [
            other for other in calls
            if other is not call and stem(_last(other)) == stem(_last(call)) and _share(own, labels[other]) >= _ALIKE
            and not all(isinstance(node, Call) for node in other.body)
        ]  # fmt: skip
        if alike:
            kind = stem(_last(call)).strip("_-")
            call.origin = Origin(_CLASSES.get(kind, kind) or "unit")


def _last(call: Call) -> str:
    return call.path.rpartition(".")[2]


def _labels(call: Call) -> list[str]:
    keys = [node.key if isinstance(node, Apply) else node.path for node in call.body]
    return [key.rpartition(".")[2] for key in keys if key is not None]


def _share(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / max(len(a | b), 1)
