"""Tree to text. Without changes it gives the input, character by character."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from archdsl.syntax import nodes as ast
from archdsl.syntax.trivia import Kind, Trivia


class Part(NamedTuple):
    """A piece of the text, with the innermost node that it stands in: tokens belong to that node, trivia does not."""

    node: ast.Node
    kind: Kind
    text: str


def unparse(trivia: Trivia, changed: Mapping[ast.Node, str] | None = None) -> str:
    """Return the text of a tree, with other texts in place of some of its nodes; what stands around them stays.

    Raise `ValueError` if a node is not in the tree, or in one that is changed too, or in a label string.
    """
    changed = dict(changed or {})
    text = "".join(part.text for part in parts(trivia, changed))
    if changed:
        raise ValueError(f"nodes that cannot be changed by themselves: {list(changed)}")
    return text


def parts(trivia: Trivia, changed: dict[ast.Node, str] | None = None) -> list[Part]:
    """Return every piece of the text, in order, as the tree holds it. Texts of nodes are taken from `changed` as they come."""
    found: list[Part] = []
    _add_parts(found, trivia, trivia.file, changed if changed is not None else {})
    return found


def _add_parts(found: list[Part], trivia: Trivia, node: ast.Node, changed: dict[ast.Node, str]) -> None:
    if changed and node in changed:
        found.append(Part(node, Kind.TOKEN, changed.pop(node)))
        return
    text, at = node.span.file.text, node.span.start
    below = () if isinstance(node, ast.Template) else ast.children(node)  # a label string is one token
    for child in below:
        span = child.span
        if at < span.start:
            found += [Part(node, kind, text[start:end]) for kind, start, end in trivia.between(at, span.start)]
        _add_parts(found, trivia, child, changed)
        at = span.end
    found += [Part(node, kind, text[start:end]) for kind, start, end in trivia.between(at, node.span.end)]
