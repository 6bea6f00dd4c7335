"""Mistakes of people who know other languages: results, labels and numbers in their forms, and statements outside of bodies.

Each function knows one, and returns None for anything else.
"""

from __future__ import annotations

import re

from archdsl.diagnostics import Edit, codes
from archdsl.ops.join import joins
from archdsl.source import Span
from archdsl.syntax.call_errors import parted
from archdsl.syntax.error_context import ErrorContext, SyntaxFinding, adjacent, balanced, finding, other_form

_BEFORE_A_NUMBER = frozenset(("RSQB", "INT", "FLOAT", "STRING", "NAME", "LSQB", "LBRACE"))
"""Tokens before which `5.` may be something else than a number with a dot."""


def returned(s: ErrorContext, place: Span) -> SyntaxFinding | None:
    """`return a` and `return a, b`."""
    rest = [s.token, *s.line_after]
    end = next((i for i, token in enumerate(rest) if token.type in ("SEMICOLON", "RBRACE", "_SEP", "$END", "NEWLINE")), len(rest))
    given = rest[:end]
    if not given or not balanced(given):
        return None
    results = [_as_branch(s.text(part)) for part in parted(given) if part]
    if len(results) == 1 and _flows_already(s, results[0]):
        text = s.span.file.text
        end = text.find("\n", s.span.end)
        alone = text[text.rfind("\n", 0, place.start) + 1 : place.start].strip() == ""
        edit = Edit(Span(s.span.file, place.start, end if end >= 0 else len(text)), "") if alone else None
        return finding(codes.slips.ReturnedFlow(results[0], edit), place)
    exact = len(results) == 1 and results[0] == s.text(given)
    word = place._replace(end=s.span.start)
    return finding(codes.slips.Returned(tuple(results), Edit(word, "") if exact else None), place)


def _as_branch(text: str) -> str:
    """Return `a + b` as the join that it means."""
    sides = re.fullmatch(r"(\w+)\s*([+*])\s*(\w+)", text)
    join = next((name for name, op in joins().items() if sides is not None and op.operator == sides[2]), None)
    return f"{join} {{ {sides[1]}; {sides[3]} }}" if sides is not None and join is not None else text


def _flows_already(s: ErrorContext, name: str) -> bool:
    """Return whether a name is `x`, or the label of the line before."""
    above = s.span.file.text[: s.span.start].rstrip().rpartition("\n")[0].rstrip().rpartition("\n")[2]
    return name == "x" or above.strip().startswith(f"{name}:")


def number_without_digit(s: ErrorContext) -> SyntaxFinding | None:
    """`.5` and `5.`, which other languages read as numbers."""
    following = s.line_after[0] if s.line_after else None
    if s.token.type == "DOT" and s.previous is not None and s.previous.type == "RANGE" and adjacent(s.previous, s.token):
        place, text = s.span_of(s.previous, s.token), "write `..`, and the first number that is left out: `0..3` is 0, 1, 2"
        return finding(codes.slips.OtherSign("...", "does not make a range", "..", place, text, sure=False), place)
    if s.token.type == "DOT" and following is not None and following.type in ("INT", "FLOAT") and adjacent(s.token, following):
        place = s.span_of(s.token, following)
        sure = s.closes_all(s.line_after[1:], s.open_brackets)
        return finding(codes.slips.BareDot(place.text, f"0{place.text}", Edit(s.span, "0."), sure), place)
    dot = s.previous
    before = s.line_before[-2] if len(s.line_before) > 1 else None
    if dot is not None and dot.type == "DOT" and before is not None and before.type == "INT" and adjacent(before, dot):
        place = s.span_of(before, dot)
        sure = s.closes_all([s.token, *s.line_after], s.open_brackets) and s.token.type not in _BEFORE_A_NUMBER
        return finding(codes.slips.BareDot(place.text, f"{place.text}0", Edit(s.span_of(dot), ".0"), sure), place)
    return None


def label_behind_arrow(s: ErrorContext) -> SyntaxFinding | None:
    """`x -> stem: conv(64, 7)`, a label in the middle of a pipeline."""
    label = s.previous
    if s.token.type != "COLON" or label is None or label.type not in ("NAME", "STRING", "RSQB") or s.opened_bracket:
        return None
    statement = s.statement_before
    arrow = next((i for i in range(len(statement) - 1, -1, -1) if statement[i].type == "ARROW"), None)
    if arrow is None or not balanced(statement[arrow + 1 :]):
        return None
    name, before = s.text(statement[arrow + 1 :]), s.text(statement[:arrow])
    flows = [str(token) for token in statement[:arrow]] == ["x"]
    start = statement[0] if flows else statement[arrow]
    gap = s.span_of(start, statement[arrow])
    edit = Edit(gap._replace(end=s.span_of(statement[arrow + 1]).start), "") if flows else Edit(gap, ";") if before else None
    return finding(codes.slips.LabelBehindArrow(name, flows, edit), s.span_of(statement[arrow + 1], label))


def join_of_another_library(s: ErrorContext) -> SyntaxFinding | None:
    """`torch.add(a, b)`: a keyword behind a dot."""
    if s.previous is None or s.previous.type != "DOT" or not s.is_keyword(s.token) or s.first_on_line:
        return None
    word = str(s.token)
    written = f"{word} {{ a; b }}" if word in joins() else f"{word} ..."
    start = next((i for i in range(len(s.statement_before) - 1, -1, -1) if s.statement_before[i].type not in ("DOT", "NAME")), -1)
    place = s.span_of(s.statement_before[start + 1], s.token)
    return finding(codes.slips.OtherForm(f"`{place.text}` is no value: `{word}` is a statement", f"write `{written}`"), place)


def two_indices(s: ErrorContext) -> SyntaxFinding | None:
    """`y[0, 1]`."""
    if (
        s.token.type != "COMMA"
        or s.opened is None
        or s.opened.type != "LSQB"
        or "RSQB" not in s.expected
        or "COMMA" in s.expected
    ):
        return None
    before = next((i for i in range(len(s.line_before) - 1, 0, -1) if s.line_before[i].start_pos == s.opened.start_pos), 0)
    name = s.line_before[before - 1] if before else None
    if name is None or name.type != "NAME" or not adjacent(name, s.opened):
        return None
    return other_form(s, "an index is one number", f"write each in brackets of its own: `{name}[i][j]`")


def outside_definitions(s: ErrorContext) -> SyntaxFinding | None:
    """`tiny { ... }` without `network`, `norm = bn(...)` without `let`, and statements outside of all definitions."""
    if not {"BLOCK", "NETWORK"} <= s.expected or s.open or not s.first_on_line:
        return None
    following = s.line_after[0] if s.line_after else None
    if s.token.type == "NAME" and following is not None and following.type == "EQUAL":
        below = s.span.file.text[s.span.end :].partition("\n")[2].lstrip()
        claims = any(token.type in ("EXPECT", "LBRACE") for token in s.line_after)  # as behind `network small = net(8)`
        claims = claims or below.startswith("expect ")
        edit = Edit(s.span._replace(end=s.span.start), "let ") if balanced(s.line_after) and not claims else None
        return finding(codes.slips.MissingLet(str(s.token), edit), s.span)
    opens = bool(s.line_after) and any(token.type == "LBRACE" for token in s.line_after)
    if s.token.type == "NAME" and following is not None and opens and following.type in ("LBRACE", "LPAR", "NAME"):
        name = following if following.type == "NAME" else s.token
        return finding(codes.bodies.NamelessDefinition(str(name), str(s.token) if name is following else None), s.span)
    if s.token.type in ("NAME", "STRING") or s.is_keyword(s.token):
        return finding(codes.bodies.OutsideDefinitions(s.found), s.span)
    return None
