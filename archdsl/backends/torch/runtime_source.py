"""The text of the runtime's definitions, read without importing PyTorch."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path


@cache
def _definitions() -> dict[str, str]:
    """Each top-level class and function of `runtime.py`, by name."""
    text = (Path(__file__).parent / "runtime.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    found: dict[str, str] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def definitions_for(text: str) -> list[str]:
    """The definitions that a text uses, and those that they use, in the runtime's order."""
    known = _definitions()
    needed: set[str] = set()
    pending = [text]
    while pending:
        words = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*(?=\(|\.apply)", pending.pop()))
        for name in words & known.keys() - needed:
            needed.add(name)
            pending.append(known[name])
    return [source for name, source in known.items() if name in needed]


def runtime_names() -> frozenset[str]:
    """Every name that the runtime defines."""
    return frozenset(_definitions())
