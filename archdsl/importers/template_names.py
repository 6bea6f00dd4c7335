"""Labels and names in a template: what a key is in each row, and how a value is called where it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from archdsl.importers.alignment import Misfit
from archdsl.importers.expressions import Explainer
from archdsl.importers.forms import numbers_in, without_digits
from archdsl.importers.layout import Line, Text
from archdsl.importers.literal import Word
from archdsl.importers.model import Value
from archdsl.importers.naming import fresh_name, is_identifier, is_reserved
from archdsl.importers.scope import Column, Scope
from archdsl.importers.statements import Reference, Statement

Bundle = dict[int, list[Statement]]


"""For each row of a scope, the statements of the same part of it."""


class _Classes(Word):
    __slots__ = ()


CLASSES = _Classes("classes")


"""The number of classes, which is a parameter of the network."""


def plain_label(label: str | None) -> str:
    """Return a label without quotes; an empty text for none."""
    return (label or "").strip('"')


def _shown_label(label: str) -> str:
    if label.startswith("^"):
        raise Misfit(f"the tensor `{label[1:]}` in another module than its own")
    match = re.fullmatch(r"([A-Za-z_]\w*)((?:\.\d+)+)", label)
    if match:
        return match[1] + "".join(f"[{n}]" for n in match[2].split(".")[1:])
    if "." in label:
        raise Misfit(f"the key {label}")
    return label if is_identifier(label) else f'"{label}"'


@dataclass(eq=False)
class Names:
    """What a template knows while it is written."""

    names: dict[Value, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    fresh: bool = True
    """Whether `x` is the input of the block still."""
    in_shortcut: bool = False
    after: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The shape behind the statement that is written, in each row, where it is known."""
    claims: bool = False
    """Whether shapes are claimed: in networks."""

    def _explain(self, values: Sequence[Any], role: str, scope: Scope, rows: list[int], label: str = "", wanted: str = "") -> str:
        scope.root.fresh = self.fresh
        if all(value is CLASSES for value in values) and scope.root.kind == "block":
            return self._classes(scope.root)
        found = Explainer(scope, rows).explain(list(values), role, label, wanted=wanted)
        assert found is not None
        return found

    @staticmethod
    def _classes(root: Scope) -> str:
        if not any(column.role == "classes" for column in root.columns):
            root.taken.add("classes")
            root.columns.append(Column("classes", [CLASSES] * root.size, "other", "classes"))
        return "classes"

    def _label(self, labels: list[str | None], scope: Scope, rows: list[int]) -> str | None:
        """Return the label of a stage or group, as it is written; None if the position is the label in every row."""
        if all(label is None for label in labels):
            return None
        if any(label is None for label in labels):
            raise Misfit("a label that only some instances have")
        texts = [str(label) for label in labels]
        family = all(re.fullmatch(r"[A-Za-z_]\w*(\.\d+)+", text) for text in texts)
        if len(set(texts)) == 1:
            return _shown_label(texts[0])
        if len({re.sub(r"\d+", "#", text) for text in texts}) != 1:
            raise Misfit(f"labels {texts[0]} and {texts[-1]}")
        columns = list(zip(*map(numbers_in, texts), strict=True))
        parts = re.split(r"\d+", texts[0])
        shown = parts[0]
        for column, part in zip(columns, parts[1:], strict=True):
            shown += (str(column[0]) if len(set(column)) == 1 else f"{{{self._number(column, scope, rows)}}}") + part
        if family:
            base, *indices = shown.split(".")
            return base + "".join(f"[{index.strip('{}')}]" for index in indices)
        return f'"{shown}"'

    @staticmethod
    def _number(column: Sequence[int], scope: Scope, rows: list[int]) -> str:
        for at, rounds in scope.indices():
            own = [rounds[row] for row in rows]
            for factor in (1, 2, 3, 4):
                offset = column[0] - factor * own[0]
                if all(n == factor * r + offset for n, r in zip(column, own, strict=True)):
                    index = at.use_index()
                    text = index if factor == 1 else f"{factor} * {index}"
                    return text if offset == 0 else f"{text} + {offset}" if offset > 0 else f"{text} - {-offset}"
        raise Misfit("labels that no number of a round gives")

    def register(self, values: list[Value], name: str, scope: Scope, *, taken: bool = False) -> None:
        """Give the values of all rows a name."""
        if not taken:
            scope.root.taken.add(name)
        for value in values:
            self.names[value] = (self.path, name)

    def _mark(self, values: list[Value], scope: Scope) -> list[Text]:
        name = self._name_of_value(values, scope)
        self.register(values, name, scope, taken=True)
        return [Line("x", name, False, "mark")]

    def _name_of_value(self, values: list[Value], scope: Scope) -> str:
        hints = {value.hint for value in values}
        hint = hints.pop() if len(hints) == 1 else ""
        root = scope.root
        if hint in ("q", "k", "v") and hint in root.labels:
            hint = f"{hint}_heads"
        name = fresh_name(hint or ("before" if self.fresh else "kept"), root.taken | root.labels)
        root.taken.add(name)
        return name

    def _reference(self, references: list[Reference], scope: Scope, rows: list[int]) -> str:
        found = [self.names.get(reference.value, ((), "")) for reference in references]
        names = [name for _, name in found]
        if len({(path, without_digits(name)) for path, name in found}) != 1 or not names[0]:
            raise Misfit("a value that has no name here")
        path, name = found[0]
        if len(set(names)) > 1:
            family = re.fullmatch(r"([A-Za-z_]\w*)\[\d+\]", name)
            if family is None or any(not other.startswith(f"{family[1]}[") for other in names):
                raise Misfit("a value that has no name here")
            name = f"{family[1]}[{self._number([numbers_in(other)[-1] for other in names], scope, rows)}]"
        if is_reserved(name.partition("[")[0]):
            raise Misfit(f"the tensor `{name}`, which is read by a name that the language gives another meaning")
        common = 0
        while common < len(path) and common < len(self.path) and path[common] == self.path[common]:
            common += 1
        if any(not is_identifier(re.sub(r"(\[\d+\])+$", "", part)) for part in path[common:]):
            raise Misfit(f"`{name}` in `{'.'.join(path)}`, which no path can name")
        return ".".join([*path[common:], name])

    @contextmanager
    def _inside(self, name: str) -> Any:
        self.path = (*self.path, name)
        try:
            yield
        finally:
            self.path = self.path[:-1]
