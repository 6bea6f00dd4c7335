"""The definitions of the runtime as text, read without importing PyTorch."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_FILES: Final = ("runtime.py", "runtime_tokens.py")


class Definition(NamedTuple):
    """A top-level class or function: its text, the names that it uses, and the class that it extends if it is a class."""

    text: str
    names: frozenset[str]
    base: str | None


@cache
def _definitions() -> dict[str, Definition]:
    """Return each definition of the runtime, by name."""
    found: dict[str, Definition] = {}
    for file in _FILES:
        found |= _definitions_in((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return found


def _definitions_in(text: str) -> dict[str, Definition]:
    lines = text.splitlines()
    found: dict[str, Definition] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            names = frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
            base = ast.unparse(node.bases[0]) if isinstance(node, ast.ClassDef) else None
            found[node.name] = Definition("\n".join(lines[first - 1 : node.end_lineno]), names, base)
    return found


def definitions_for(names: Iterable[str]) -> dict[str, str]:
    """Return the definitions of these names and of those that they use, in the runtime's order."""
    known = _definitions()
    needed: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += known[name].names & known.keys()
    return {name: definition.text for name, definition in known.items() if name in needed}


def names_used(definitions: Mapping[str, str]) -> set[str]:
    """Return every name that some definitions use, such as `torch` and `Tensor`."""
    return set().union(*(_definitions()[name].names for name in definitions))


def layer_class(name: str) -> str:
    """Return the layer of PyTorch that a class of the runtime extends, such as `nn.Conv2d`; the class itself if none."""
    base = _definitions()[name].base
    return name if base in (None, "nn.Module") else str(base)


def runtime_names() -> frozenset[str]:
    """Return every name that the runtime defines."""
    return frozenset(_definitions())
