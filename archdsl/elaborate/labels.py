"""Where the labels of a file stand, for those who use one where it is not visible."""

from __future__ import annotations

from archdsl.source import Span
from archdsl.syntax import nodes as ast


class Labels:
    """The labels of definitions by name, gathered when first asked for."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str | None, list[ast.Label]]] = {}

    def around(self, file: ast.File, name: str, use: Span) -> tuple[ast.Label, bool] | None:
        """A label of this name in the definition around a place, and whether it stands after it; none where there is none."""
        for definition in file.definitions:
            if definition.span.start <= use.start < definition.span.end:
                found = self._of(definition).get(name, [])
                after = [label for label in found if label.span.start > use.start]
                return (found[0], False) if found and not after else (after[0], True) if after else None
        return None

    def _of(self, definition: ast.Definition) -> dict[str | None, list[ast.Label]]:
        if id(definition) not in self._known:
            by_name = self._known[id(definition)] = {}
            for label in ast.walk(definition):
                if isinstance(label, ast.Label):
                    by_name.setdefault(label.name, []).append(label)
        return self._known[id(definition)]
