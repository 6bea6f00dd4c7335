"""The tree holds the whole text: tree to text gives it back, spans nest, and each comment belongs to a node."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse
from archdsl.syntax.trivia import Kind, Position, Trivia
from archdsl.syntax.unparse import parts, unparse
from tests.syntax.test_any_text import changed_tokens
from tests.syntax.texts import ALL, SPECS

KINDS = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.Node)]


def tree(text: str) -> ast.File:
    return parse(SourceFile("net.arch", text))[0]


def examine(text: str) -> None:
    """Tree to text is the text; children are in order, inside their parents; what belongs to no node is blank or a comment."""
    file = tree(text)
    trivia = Trivia(file)
    assert unparse(trivia) == text
    for node in ast.walk(file):
        at = node.span.start
        for child in ast.children(node):
            assert at <= child.span.start <= child.span.end <= node.span.end, (node, child)
            at = child.span.end
    assert all(part.text.strip(" \t\f") == "" for part in parts(trivia) if part.kind is Kind.BLANK)
    if file.damage is None and not file.hidden:
        assert not any(isinstance(node, ast.Missing | ast.Skipped) for node in ast.walk(file))
        assert not any(part.kind is Kind.TOKEN and part.node is file for part in parts(trivia))
    comments = [part.text for part in parts(trivia) if part.kind is Kind.COMMENT]
    assert [comment.span.text for comment in trivia.comments] == comments


@pytest.mark.parametrize("group", ALL)
def test_tree_to_text_is_the_text(group: str) -> None:
    for text in ALL[group]:
        examine(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | changed_tokens())
def test_any_text(text: str) -> None:
    examine(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SPECS), st.integers(0, 4_000))
def test_text_that_breaks_off(text: str, at: int) -> None:
    """As while it is typed."""
    examine(text[: at % len(text)])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_children_of_a_node_are_all_of_its_nodes(kind: type[ast.Node]) -> None:
    """The names in `parts` are those of the fields that hold nodes, as their annotations say."""
    plain = {"Span", "Span | None", "str", "str | None", "bool", "int | float | str | bool | None", "tuple[str, ...]"}
    others = {"tuple[Span, ...]", "Damage | None", "frozenset[Item]", "tuple[str | Expr, ...]"}
    holding = [field.name for field in fields(kind) if field.type not in plain | others]
    assert list(kind.parts) == ([*holding] if kind is not ast.Template else ["expressions"])


def test_an_unfinished_statement_keeps_what_was_typed() -> None:
    file = tree("block b {\n  conv(8, 3) -> \n}")
    (block,) = file.definitions
    assert isinstance(block, ast.Block)
    (pipeline,) = block.body.statements
    assert isinstance(pipeline, ast.Pipeline)
    first, second = pipeline.stages
    assert first.span.text == "conv(8, 3)"
    assert isinstance(second, ast.CallStage) and isinstance(second.call, ast.Missing)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("b(\n  relu -> ", ["b", "relu"]),
        ("let n = ", []),
        ("aux head", []),
        ("conv(8 + ) -> relu", ["conv", "relu"]),
        ("relu -> -> bn", ["relu", "bn"]),
        ("for i in widths ", ["widths"]),
        ("if a == { relu }", ["a"]),
        ("skip { conv(3) } via ", ["conv"]),
    ],
)
def test_names_of_unfinished_statements_are_kept(text: str, kept: list[str]) -> None:
    file = tree(f"block b {{\n  {text}\n}}")
    assert [name.id for name in ast.names(file)] == kept
    assert any(isinstance(node, ast.Missing) for node in ast.walk(file))


def test_parentheses_are_kept() -> None:
    file = tree("block b { expect (1 + 1) * 2 == 4 }")
    claim = next(node for node in ast.walk(file) if isinstance(node, ast.Expect)).claim
    assert claim.span.text == "(1 + 1) * 2 == 4"
    inner = next(node for node in ast.walk(file) if isinstance(node, ast.Parenthesized))
    assert inner.span.text == "(1 + 1)" and inner.inner.span.text == "1 + 1"


COMMENTED = """# file

## doc
block b(
  n, # size
  # stride
  s = 1
) { # opening
  # first
  relu # after

  bn; conv(8, # out
    3) # whole
  # last
}
# end
"""


def test_comments_belong_to_nodes() -> None:
    trivia = Trivia(tree(COMMENTED))
    found = {comment.span.text: (type(comment.node).__name__, comment.position) for comment in trivia.comments}
    assert found == {
        "# file": ("Block", Position.BEFORE),
        "## doc": ("Block", Position.BEFORE),
        "# size": ("Parameter", Position.AFTER),
        "# stride": ("Parameter", Position.BEFORE),
        "# opening": ("Body", Position.OPENING),
        "# first": ("Pipeline", Position.BEFORE),
        "# after": ("Pipeline", Position.AFTER),
        "# out": ("Argument", Position.AFTER),
        "# whole": ("Pipeline", Position.AFTER),
        "# last": ("Body", Position.CLOSING),
        "# end": ("File", Position.CLOSING),
    }


def test_separators_and_blank_lines() -> None:
    trivia = Trivia(tree("block b { relu; bn\n\n\n  conv([1,2,], 3) }"))
    relu, bn, conv = (node for node in ast.walk(trivia.file) if isinstance(node, ast.Pipeline))
    assert [trivia.after(statement) for statement in (relu, bn, conv)] == [";", "\n", "}"]
    assert [trivia.blank_lines_above(statement.span) for statement in (relu, bn, conv)] == [0, 0, 2]
    assert [trivia.after(node) for node in ast.walk(trivia.file) if isinstance(node, ast.Literal)] == [",", ",", ")"]


def test_nodes_are_replaced_and_all_else_stays() -> None:
    trivia = Trivia(tree(COMMENTED))
    eight = next(node for node in ast.walk(trivia.file) if isinstance(node, ast.Literal) and node.value == 8)
    assert unparse(trivia, {eight: "2 * n"}) == COMMENTED.replace("conv(8,", "conv(2 * n,")
    with pytest.raises(ValueError, match="cannot be changed"):
        unparse(trivia, {ast.Missing(eight.span): ""})


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("block b { conv(wi|dth) }", ["Block", "Body", "Pipeline", "CallStage", "CallExpr", "Argument", "Name"]),
        ("block b { conv|(8) }", ["Block", "Body", "Pipeline", "CallStage", "CallExpr", "Name"]),
        ("block b { conv(8)| }", ["Block", "Body", "Pipeline", "CallStage", "CallExpr"]),
        ("block b { relu; | bn }", ["Block", "Body"]),
        ("block b { relu ->  |\n}", ["Block", "Body", "Pipeline", "CallStage", "Missing"]),
        ("block b { let n = |\n}", ["Block", "Body", "Let", "Missing"]),
        ('block b { "a{i| + 1}": relu }', ["Block", "Body", "Pipeline", "Label", "Template", "Chain", "Name"]),
        ("| block b { relu }", []),
    ],
)
def test_nodes_at_an_offset(text: str, kinds: list[str]) -> None:
    before, _, after = text.partition("|")
    found = ast.node_at(tree(before + after), len(before))
    assert [type(node).__name__ for node in found] == ["File", *kinds]


def test_a_visitor_goes_where_its_methods_go() -> None:
    class Calls(ast.Visitor):
        def __init__(self) -> None:
            self.found: list[str] = []

        def visit_CallExpr(self, node: ast.CallExpr) -> None:
            self.found.append(node.callee.span.text)
            self.visit_children(node)

        def visit_Skip(self, node: ast.Skip) -> None:
            self.found.append("skip")

    visitor = Calls()
    visitor.visit(tree("block b { conv(f(8)) -> skip { bn(1) }; concat { gn(2) } }"))
    assert visitor.found == ["conv", "f", "skip", "gn"]
