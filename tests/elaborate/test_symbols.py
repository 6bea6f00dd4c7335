"""What names mean: the table agrees with what the elaboration finds, and holds every name of the text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archdsl.compiled import Compiled
from archdsl.driver import compile_networks, compile_text
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.symbol import Symbol, SymbolKind
from archdsl.elaborate.symbols import SymbolTable
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, Module, Unknown
from archdsl.resources import shipped_files
from archdsl.source import Span
from archdsl.syntax import nodes as ast

TEXT = """block unit(width, act = relu, k = 3) {
  let mid = width // 2
  conv(mid, k, pad = same) -> act
  if x.c > 8 { inner: conv(width, 1) -> relu; inner -> bn }
}
network net(classes = 10) {
  input image [3, H, W] where H % 2 == 0
  init { conv = he }
  for i, n in [8, 16] { enc[i]: unit(n, k = 2 * i + 1) }
  add { enc[1]; x -> conv(enc[1].c, 1) }
  unit(width = max(16, x.c))
  aux head: { gap; flatten; linear(classes) }
  gap; flatten; fc: linear(classes)
  expect fc.c == classes and params > 0
}
network small = net(classes = 2) expect classes == 2
"""


def table(text: str) -> SymbolTable:
    found = compile_text(text, "net").symbols
    assert found is not None
    return found


def symbol(found: SymbolTable, name: str, owner: str | None = None) -> Symbol:
    [one] = [s for s in found.symbols if s.name == name and owner in (None, s.owner)]
    return one


@pytest.mark.parametrize(("name", "owner", "kind", "definitions", "uses"), [
    ("width", "unit", SymbolKind.PARAMETER, [(1, 12)], [(2, 13), (4, 28), (11, 8)]),
    ("mid", "unit", SymbolKind.CONSTANT, [(2, 7)], [(3, 8)]),
    ("inner", "unit", SymbolKind.LABEL, [(4, 16)], [(4, 47)]), ("act", "unit", SymbolKind.PARAMETER, [(1, 19)], [(3, 31)]),
    ("k", "unit", SymbolKind.PARAMETER, [(1, 31)], [(3, 13), (9, 41)]),
    ("enc", "net", SymbolKind.LABEL, [(9, 25)], [(10, 9), (10, 27)]),
    ("i", "net", SymbolKind.LOOP_VARIABLE, [(9, 7)], [(9, 29), (9, 49)]),
    ("n", "net", SymbolKind.LOOP_VARIABLE, [(9, 10)], [(9, 38)]),
    ("H", "net", SymbolKind.SIZE, [(7, 19)], [(7, 31)]), ("image", "net", SymbolKind.INPUT, [(7, 9)], []),
    ("classes", "net", SymbolKind.PARAMETER, [(6, 13)], [(12, 36), (13, 28), (14, 18), (16, 21), (16, 41)]),
    ("unit", None, SymbolKind.BLOCK, [(1, 7)], [(9, 33), (11, 3)]), ("net", None, SymbolKind.NETWORK, [(6, 9)], [(16, 17)]),
    ("fc", "net", SymbolKind.LABEL, [(13, 17)], [(14, 10)]), ("he", None, SymbolKind.INITIALIZER, [], [(8, 17)]),
    ("pad", "conv", SymbolKind.OP_PARAMETER, [], [(3, 16)]), ("same", "conv.pad", SymbolKind.WORD, [], [(3, 22)]),
    ("max", None, SymbolKind.FUNCTION, [], [(11, 16)]), ("params", None, SymbolKind.COUNT, [], [(14, 30)]),
    ("head", "net", SymbolKind.LABEL, [(12, 7)], []),
])  # fmt: skip
def test_definitions_and_uses(
    name: str, owner: str | None, kind: SymbolKind, definitions: list[tuple[int, int]], uses: list[tuple[int, int]]
) -> None:
    found = symbol(table(TEXT), name, owner)
    assert found.kind is kind
    assert [span.line_column for span in found.definitions] == definitions
    assert [span.line_column for span in found.uses] == uses
    assert {span.text for span in (*found.definitions, *found.uses)} == {name}


def test_x_comes_from_the_input() -> None:
    found = table(TEXT)
    flow = symbol(found, "x", "net")
    assert flow.definition is not None and flow.definition.text == "image" and len(flow.uses) == 2
    block = symbol(found, "x", "unit").definition
    assert block is not None and block.text == "unit"


def test_members_of_a_label_in_other_braces() -> None:
    """The braces of a join bind a member of what the body around it has begun."""
    text = "network net { input x [8, 8, 8]; a[0]: relu; add { a[1]: gelu; a[0] }; add { a[1]; x } }"
    found = symbol(table(text), "a")
    assert len(found.definitions) == 2 and len(found.uses) == 2


def test_a_table_with_errors() -> None:
    found = table("block f(w) { conv(w, 3) }\nnetwork net { input image [3, 8, 8]; a: f(nope); skip { conv(9, 3) }; a -> bn }")
    assert [span.text for span in found.unresolved] == ["nope"]
    assert [span.line_column for span in symbol(found, "a").uses] == [(2, 71)]


def test_the_symbol_at_a_place() -> None:
    found = table(TEXT)
    file = found.symbols[0].definitions[0].file
    at = found.at(file, TEXT.index("mid, k") + 1)
    assert at is symbol(found, "mid") and found.at(file, TEXT.index("//")) is None


def test_an_import(tmp_path: Path) -> None:
    (tmp_path / "parts.arch").write_text("block unit(width) { conv(width, 3) }\n")
    (tmp_path / "net.arch").write_text(
        'import "parts.arch" as parts\nnetwork net { input image [3, 8, 8]; parts.unit(width = 8) }\n'
    )
    [(_, _, compiled)] = compile_networks(tmp_path / "net.arch")
    found = compiled.symbols
    assert found is not None
    for name in ("parts", "unit", "width"):
        assert any(use.file.name.endswith("net.arch") for use in symbol(found, name).uses)
    assert symbol(found, "unit").definitions[0].file.name.endswith("parts.arch")


_LOCAL = {
    SymbolKind.PARAMETER, SymbolKind.CONSTANT, SymbolKind.LABEL, SymbolKind.LOOP_VARIABLE, SymbolKind.INPUT, SymbolKind.SIZE,
    SymbolKind.FLOW, SymbolKind.COUNT, SymbolKind.FUNCTION, SymbolKind.MODULE,
}  # fmt: skip


def _agrees(kind: SymbolKind | None, value: Any, local: bool) -> bool:
    if value is Unknown:
        return kind in (None, SymbolKind.WORD, SymbolKind.FUNCTION)
    if local:
        return kind in _LOCAL
    if isinstance(value, Module):
        return kind is SymbolKind.IMPORT
    return not isinstance(value, Callee) or kind in (
        SymbolKind.OP, SymbolKind.BLOCK, SymbolKind.NETWORK, SymbolKind.INITIALIZER, SymbolKind.CONSTANT,
    )  # fmt: skip


PATHS = """network net {
  input image [3, 64, 64]
  body: {
    low: conv(16, 3) -> relu
    skip { high: conv(16, 3) -> relu }
  }
  for i in 0..2 { neck[i]: merge(8, [body.low, body.high]) }
  output fine: neck[0].p[0] -> conv(neck[0].p[1].c, 1)
  other: unit
  add { neck[1].p[1]; other.low }
  wrong: { conv(4, 1) }
  wrong.low
}
block merge(width, levels) {
  for i, level in levels { p[i]: level -> conv(width, 1) }
}
block half { low: conv(8, 1) }
let unit = half
"""


def test_parts_of_paths() -> None:
    found = table(PATHS)
    low, half_low = [s for s in found.symbols if s.name == "low"]
    assert [use.line_column[0] for use in low.uses] == [7] and [use.line_column[0] for use in half_low.uses] == [10]
    assert [use.line_column[0] for use in symbol(found, "high").uses] == [7]
    assert [use.line_column[0] for use in symbol(found, "p").uses] == [8, 8, 10]
    assert [(span.text, span.line_column[0]) for span in found.unresolved] == [("low", 12)]


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_names_mean_what_the_elaboration_finds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: dict[Span, tuple[Any, bool]] = {}
    named = Evaluator.named

    def recording(self: Evaluator, e: ast.Name, env: Environment) -> Any:
        value = named(self, e, env)
        if value is not UNKNOWN:
            looked_up[e.span] = value, env.find(e.id) is not Unknown
        return value

    monkeypatch.setattr(Evaluator, "named", recording)
    for compiled in _compiled(path):
        found = compiled.symbols
        assert found is not None and found.unresolved == []
        kinds = {span: symbol.kind for symbol in found.symbols for span in (*symbol.uses, *symbol.definitions)}
        recipes = [train.span for train in (compiled.module.file.recipes if compiled.module is not None else ())]
        for span, (value, local) in looked_up.items():
            if not any(part.start <= span.start < part.end for part in recipes):
                assert _agrees(kinds.get(span), value, local), span.place


def _compiled(path: Path) -> Iterator[Compiled]:
    return (compiled for _, _, compiled in compile_networks(path))
