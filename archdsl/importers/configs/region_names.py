"""Names of regions and of the layers in them, from the names that the layers have in the file.

Every region of a class needs the same names inside. They come from what the names have in common (`res2a_branch2a` and
`bn2a_branch2a` are `res_branch2a` and `bn_branch2a` in `res2a`) or, if the file numbers all of its layers, from their kinds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from archdsl.importers.configs.layers import key_of
from archdsl.importers.model import Apply, Call, Node

_SEPARATED = re.compile(r"([A-Za-z]+)_?(\d+[a-z]?\d*)[_/\-](.+)")


class Part(NamedTuple):
    """What becomes a call: its nodes, those that all calls of the class have, and the name of the join at its end."""

    nodes: list[Node]
    common: list[Node]
    join: str


def name_parts(parts: Sequence[Part], name: str, path: str) -> list[str]:
    """Return the path of each call, and rename what is inside. `name` is the class, `path` the scope around."""
    for plan in (_by_prefix, _by_number, _by_kind):
        found = [plan(part) for part in parts]
        named = [entry for entry in found if entry is not None]
        if len(named) < len(parts) or len({label for label, _ in named}) < len(named):
            continue
        if any(len(set(inner.values())) < len(inner) for _, inner in named):
            continue
        inside = {
            tuple(inner[node] for node in part.common if node in inner) for part, (_, inner) in zip(parts, named, strict=True)
        }
        if len(inside) == 1 or plan is _by_kind:
            return [_renamed(part, label, inner, path) for part, (label, inner) in zip(parts, named, strict=True)]
    return [
        _renamed(part, f"{name}{at + 1}", (_by_kind(part) or ("", {}))[1], path) for at, part in enumerate(parts)
    ]  # joins of one name


def _label(node: Node) -> str | None:
    key = node.key if isinstance(node, Apply) else None if node.unnamed else node.path
    return None if key is None else key.rpartition(".")[2]


def _labels(part: Part) -> dict[Node, str]:
    return {node: label for node in part.nodes if (label := _label(node)) is not None}


def _by_prefix(part: Part) -> tuple[str, dict[Node, str]] | None:
    """Part the names behind what all of them begin with, up to a separator."""
    labels = _labels(part)
    if len(labels) < 2:
        return None
    first, last = min(labels.values()), max(labels.values())
    length = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    cut = max(first.rfind(separator, 0, length) for separator in "/_-")
    if cut < 1 or not re.search(r"\d", first[:cut]):
        return None
    return first[:cut], {node: label[cut + 1 :] for node, label in labels.items()}


def _by_number(part: Part) -> tuple[str, dict[Node, str]] | None:
    """Take the number out of names such as `bn2a_branch2a`."""
    labels = _labels(part)
    matches = {node: _SEPARATED.fullmatch(label) for node, label in labels.items()}
    if not matches or None in matches.values() or len({match[2] for match in matches.values() if match}) != 1:
        return None
    inner = {node: f"{match[1]}_{match[3]}" for node, match in matches.items() if match is not None}
    return key_of(part.join), inner


def _by_kind(part: Part) -> tuple[str, dict[Node, str]] | None:
    """Number the layers by their kinds, those that all calls have first."""
    labels = _labels(part)
    counts: dict[str, int] = {}
    inner: dict[Node, str] = {}
    for node in sorted(labels, key=lambda node: node not in part.common):
        kind = re.sub(r"[_\-]?\d+$", "", labels[node]) or "layer"
        counts[kind] = counts.get(kind, 0) + 1
        inner[node] = kind if counts[kind] == 1 else f"{kind}_{counts[kind]}"
    return key_of(part.join), inner


def _renamed(part: Part, label: str, inner: dict[Node, str], path: str) -> str:
    own = f"{path}.{label}" if path else label
    for node, name in inner.items():
        _move(node, f"{own}.{name}")
    return own


def _move(node: Node, path: str) -> None:
    """Give a node another key, and all that is inside of it."""
    if isinstance(node, Apply):
        node.key = path
        return
    before = node.path
    node.path = path
    for inner in node.body:
        key = inner.key if isinstance(inner, Apply) else inner.path
        if key is not None and not (isinstance(inner, Call) and inner.unnamed):
            _move(inner, path + key.removeprefix(before))
