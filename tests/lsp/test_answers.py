"""What the modules behind the server answer, at a cursor written as `|`."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from lsprotocol import types

from archdsl.diagnostics.fixes import edited
from archdsl.driver import check_text
from archdsl.lsp.actions import FIX_ALL, code_actions
from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.completion import completions
from archdsl.lsp.extract_block import extract_block
from archdsl.lsp.hints import hints_of
from archdsl.lsp.hover import hover
from archdsl.lsp.lenses import code_lenses
from archdsl.lsp.outline import document_symbols, folding_ranges
from archdsl.lsp.positions import span_of
from archdsl.lsp.semantic_tokens import TYPES, semantic_tokens
from archdsl.lsp.signatures import signature_help
from archdsl.network import Network
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.shapes import format_shape
from archdsl.source import SourceFile, Span
from archdsl.syntax.parser import lex

SPECS = [
    pytest.param(path, id=path.stem, marks=pytest.mark.exhaustive if at % 2 else ()) for at, path in enumerate(shipped_files())
]
EVERYWHERE = types.Range(types.Position(0, 0), types.Position(100_000, 0))


def analysis_of(path: Path, text: str | None = None, before: Analysis | None = None) -> Analysis:
    content = path.read_text(encoding="utf-8") if text is None else text
    return analyze(Text(path.as_uri(), 1, content, path), Session(), before=before)


# -- hints --


@pytest.mark.parametrize("path", SPECS)
def test_hints_show_shapes_of_the_table(path: Path) -> None:
    analysis = analysis_of(path)
    shapes = {
        format_shape(shape)
        for _, compiled in analysis.checked.networks
        for function in (compiled.graph.functions() if compiled.graph is not None else ())
        for value in function.values
        for shape in [value.shape]
    }
    rows = {format_shape(row.shape) for _, one in analysis.checked.networks for row in Network(one).table().rows}
    shown = [shape for hint in hints_of(analysis) for one in hint.applications for shape in map(format_shape, one.outputs)]
    assert shown and set(shown) <= shapes
    assert len(set(shown) & rows) >= len(set(shown)) * 0.8  # the rest are values of blocks, which have no row of their own


@pytest.mark.parametrize("tokens", [1, pytest.param(25, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("path", SPECS)
def test_hints_survive_the_loss_of_a_token(path: Path, tokens: int) -> None:
    whole = analysis_of(path)
    hinted = {whole.source.line_column(hint.offset)[0] for hint in hints_of(whole)}
    words = [word for word in lex(SourceFile("spec", whole.source.text))[0] if word.type != "NEWLINE"]
    kept = expected = 0
    for word in random.Random(path.stem).sample(words, tokens):
        text = whole.source.text[: word.start_pos] + whole.source.text[word.end_pos :]
        cut = analysis_of(path, text, before=whole)
        before = {line for line in hinted if line < whole.source.line_column(word.start_pos or 0)[0]}
        expected += len(before)
        kept += len(before & {cut.source.line_column(hint.offset)[0] for hint in hints_of(cut)})
    assert kept >= 0.95 * expected


def test_a_block_shows_how_often_it_is_called(marked: Callable[..., object]) -> None:
    text = "block unit(w) {\n  conv(w, 3)\n}\nnetwork n {\n  input i [3, 8, 8]\n  unit(4); unit(8); unit(16)\n}\n"
    hints = {text.count("\n", 0, hint.offset): hint.text for hint in hints_of(analyze(Text("u:n", 1, text, None), Session()))}
    assert hints[0] == "×3" and hints[1] == "[4, 8, 8] … [16, 8, 8] ×3"


def test_symbolic_sizes_are_formulas() -> None:
    text = "network n {\n  input i [3, H, W]\n  conv(4, 3, stride = 2)\n}\n"
    hints = [hint.text for hint in hints_of(analyze(Text("u:n", 1, text, None), Session()))]
    assert hints[-1] == "[4, ceil(H/2), ceil(W/2)]"


# -- completion --

BASE = """let norm = bn(eps = 0.001)
block unit(width, stride = 1) {{
  conv1: conv(width, 3, stride); norm; relu
  {block}
}}
network net(classes: int = 10) {{
  input image [3, 32, 32]
  stem: {{ low: unit(16); unit(32) }}
  {network}
}}
train {{
  {recipe}
}}
"""


def text_with(block: str = "relu", network: str = "relu", recipe: str = "epochs = 3") -> str:
    return BASE.format(block=block, network=network, recipe=recipe)


@pytest.mark.parametrize(
    ("text", "some", "never"),
    [
        (text_with(block="co|"), {"conv", "concat", "conv1", "unit", "norm", "skip"}, {"net", "len", "via"}),
        (text_with(block="conv(|)"), {"out =", "stride =", "width"}, {"skip", "relu"}),
        (text_with(block="conv(8, 3, pad = |)"), {"same", "tf_same", "width"}, {"pad =", "skip"}),
        (text_with(block="conv(8, 3, |)"), {"stride =", "bias ="}, {"out =", "k ="}),
        (text_with(block="unit(|)"), {"width =", "stride ="}, {"out ="}),
        (text_with(block="skip { relu } |"), {"via"}, {"conv"}),
        (text_with(block="if width > 3 { relu } |"), {"else"}, {"conv"}),
        (text_with(network="stem.|"), {"low", "c", "shape"}, {"conv"}),
        (text_with(network="expect pa|"), {"params", "macs", "classes"}, {"relu"}),
        (text_with(network="init { | }"), {"conv =", "linear ="}, {"relu", "he"}),
        (text_with(network="init { conv = | }"), {"he", "xavier"}, {"relu"}),
        (text_with(network="resize(2, mode = |)"), {"bilinear", "nearest"}, {"relu"}),
        (text_with(network="for i in 0..4 { conv(i|, 3) }"), {"i", "classes"}, {"relu"}),
        (text_with(recipe="|"), {"data =", "epochs ="}, {"conv"}),
        (text_with(recipe="optimizer = |"), {"sgd", "adamw"}, {"conv"}),
        (text_with(recipe="optimizer = sgd(|)"), {"lr =", "momentum ="}, {"out ="}),
        (text_with(recipe="sampler = |"), {"balanced", "shuffle"}, {"conv"}),
        (text_with(recipe="augment = [|]"), {"flip", "cutout"}, {"conv"}),
        ("block unit(width: |) { relu }", {"int", "op"}, {"conv"}),
        ("|", {"block", "network", "let", "import", "train"}, {"conv", "skip"}),
    ],
)
def test_completion(marked: Callable[..., object], text: str, some: set[str], never: set[str]) -> None:
    cursor = marked(text)
    items = completions(cursor.analysis, cursor.position, Session())  # type: ignore[attr-defined]
    labels = {item.label for item in items}
    assert some <= labels and not labels & never, labels
    assert all(item.filter_text and item.label.startswith(item.filter_text) for item in items)


def test_no_completion_in_comments_and_strings(marked: Callable[..., object]) -> None:
    for text in ("block a { relu } # co|", 'network n { "co|": relu }'):
        cursor = marked(text)
        assert completions(cursor.analysis, cursor.position, Session()) == []  # type: ignore[attr-defined]


# -- hover and signatures --


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "network n { input i [3, 8, 8]\n co|nv(8, 3) }",
            ["conv(out, k", "A convolution", "| [3, 8, 8] | [8, 8, 8] | 1 | 224 | 13,824 |"],
        ),
        ("block unit { co|nv(4, 3) }\nnetwork n { input i [4, 9, 9]\n unit -> unit }", ["receptive field: 3 to 5"]),
        ("network n { input i [3, 8, 8]\n conv(8, 3, p|ad = same) }", ["rows on each side", "same"]),
        (
            "## A unit.\nblock unit(w) { conv(w, 3) }\nnetwork n { input i [3, 8, 8]\n un|it(4); unit(8) }",
            ["block unit(w)", "A unit.", "called 2 times"],
        ),
        ("network n { input i [3, 8, 8]\n sk|ip { relu } }", ["add", "| [3, 8, 8] | 1 | 0 | 0 |"]),
        ("block f(wi|dth) { conv(width, 3) }\nnetwork n { input i [3, 8, 8]\n f(4); f(8) }", ["parameter of `f`", "`4`, `8`"]),
        ("network n|et { input i [3, 8, 8]\n conv(4, 1) }", ["network net", "16 parameters"]),
    ],
)
def test_hover(marked: Callable[..., object], text: str, shown: list[str]) -> None:
    cursor = marked(text)
    found = hover(cursor.analysis, cursor.position)  # type: ignore[attr-defined]
    assert found is not None
    for part in shown:
        assert part in str(found.contents.value), found.contents.value  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "name", "active"),
    [
        ("block a { conv(8, |) }", "conv(", 1),
        ("block a { conv(8, 3, pad = |1) }", "conv(", 3),
        ("block u(w, s = 1) { relu }\nnetwork n { input i [3, 4, 4]\n u(3, |) }", "u(w, s = 1)", 1),
        ("block a { concat(axis = |) { relu; relu } }", "concat(axis = 0)", 0),
        ("network n { relu }\ntrain { optimizer = sgd(0.1, |) }", "sgd(", 1),
    ],
)
def test_signature(marked: Callable[..., object], text: str, name: str, active: int) -> None:
    cursor = marked(text)
    found = signature_help(cursor.analysis, cursor.position)  # type: ignore[attr-defined]
    assert found is not None and found.signatures[0].label.startswith(name) and found.active_parameter == active


def test_no_signature_outside_of_calls(marked: Callable[..., object]) -> None:
    cursor = marked("block a { conv(8, 3) -> | }")
    assert signature_help(cursor.analysis, cursor.position) is None  # type: ignore[attr-defined]


# -- actions --

LOOP = """## What it is.
network n(w = 8) {
  input image [3, 8, 8]
  for i in 0..2 {
    "a{i}": conv(w, 3) -> relu
    conv(w, i + 1, pad = 0)
  }
  gap; flatten; linear(10)
}
"""


def test_a_block_is_extracted_with_what_it_reads() -> None:
    analysis = analyze(Text("u:n", 1, LOOP, None), Session())
    start, end = LOOP.index("conv(w, i"), LOOP.index("\n  }")
    found = extract_block(analysis, Span(analysis.source, start, end), Session())
    assert found is not None
    text = edited(LOOP, found.edits)
    assert text.startswith("block extracted(w, i) {\n  conv(w, i + 1, pad = 0)\n}\n\n## What it is.\n")
    assert "\n    extracted(w, i)\n" in text and check_text(text) == []


def test_what_is_read_outside_stays() -> None:
    text = "network n {\n  input i [3, 8, 8]\n  a: conv(4, 3)\n  relu\n  concat { a; x }\n}\n"
    analysis = analyze(Text("u:n", 1, text, None), Session())
    assert extract_block(analysis, Span(analysis.source, text.index("a:"), text.index("\n  concat")), Session()) is None


@pytest.mark.parametrize(
    ("chosen", "extracted"),
    [
        ("relu; gelu", False),
        ("for a in [1, 3] { conv(4, a) }", False),
        ("conv(4, a)", True),
        ("relu", True),
        ("{ relu; tanh }", True),
    ],
)
def test_several_branches_of_a_join_are_no_block(chosen: str, extracted: bool) -> None:
    """A block returns one value, where each statement in a join is a branch, also in a loop."""
    text = "network n {\n  input i [4, 8, 8]\n  add { relu; gelu; for a in [1, 3] { conv(4, a) }; { relu; tanh } }\n}\n"
    analysis = analyze(Text("u:n", 1, text, None), Session())
    start = text.index(chosen)
    found = extract_block(analysis, Span(analysis.source, start, start + len(chosen)), Session())
    assert (found is not None) is extracted


def test_extraction_of_any_statements_leaves_the_network_as_it_is() -> None:
    path = next(path for path in shipped_files() if path.stem == "unet")
    analysis = analysis_of(path)
    text, tried = analysis.source.text, 0
    lines = [start for start in analysis.source.line_starts if text[start : start + 2] == "  "]
    for start in lines[::3]:
        found = extract_block(analysis, Span(analysis.source, start, text.find("\n", start)), Session())
        if found is not None:
            tried += 1
            after = [Network(one).table()[1:] for _, one in analysis_of(path, edited(text, found.edits)).checked.networks]
            assert after == [Network(one).table()[1:] for _, one in analysis.checked.networks]
    assert tried > 3


def test_actions_on_a_warning_suppress_it() -> None:
    text = "network n {\n  input i [3, 8, 8]\n  unused: conv(4, 3)\n  i -> relu\n}\n"
    analysis = analyze(Text("u:n", 1, text, None), Session())
    found = code_actions(analysis, EVERYWHERE, [], [types.CodeActionKind.QuickFix], Session())
    [suppress] = [one for one in found if one.title.startswith("Suppress")]
    assert suppress.edit is not None and suppress.edit.changes is not None
    [edit] = suppress.edit.changes["u:n"]
    mended = edited(text, [_edit(analysis, edit)])
    assert [d.code for d in check_text(text)] != [] and check_text(mended) == []


def _edit(analysis: Analysis, edit: object) -> object:
    from archdsl.diagnostics import Edit

    return Edit(span_of(analysis.source, edit.range), edit.new_text)  # type: ignore[attr-defined]


def test_fix_all_only_if_asked_for() -> None:
    text = "network n {\n  input i [3, 8, 8]\n  conv(4, 3, strid = 2)\n}\n"
    analysis = analyze(Text("u:n", 1, text, None), Session())
    assert not [one for one in code_actions(analysis, EVERYWHERE, [], None, Session()) if one.kind == FIX_ALL]
    asked = code_actions(analysis, EVERYWHERE, [], [types.CodeActionKind.SourceFixAll], Session())
    assert all(one.kind == FIX_ALL for one in asked)


# -- structure --


@pytest.mark.parametrize("path", SPECS)
def test_tokens_and_ranges_are_in_order(path: Path) -> None:
    analysis = analysis_of(path)
    data = semantic_tokens(analysis).data
    lines = analysis.source.text.split("\n")
    line = column = 0
    for step, start, length, kind, _ in zip(*[iter(data)] * 5, strict=True):
        line, column = line + step, start + (column if step == 0 else 0)
        assert length > 0 and column + length <= len(lines[line].encode("utf-16-le")) // 2 and kind < len(TYPES)
    for one in folding_ranges(analysis):
        assert one.start_line < one.end_line < len(lines)
    pending = list(document_symbols(analysis))
    while pending:
        one = pending.pop()
        assert (one.range.start, one.selection_range.end) <= (one.selection_range.start, one.range.end)
        pending += one.children or ()
    assert len(code_lenses(analysis)) >= 2 * sum(one.graph is not None for _, one in analysis.checked.networks)
