"""Statements without one of their parts: a label, a shape, a name, a sign. Each error shows the statement to write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from archdsl.diagnostics import Edit, codes
from archdsl.syntax.error_context import ErrorContext, SyntaxFinding, balanced, finding

_LABELLED: Final = {"OUTPUT": "output", "AUX": "aux"}


def missing_part(s: ErrorContext) -> SyntaxFinding | None:
    """`import "a.arch"` without `as`, `input image (3, 32, 32)`, `aux head(10)` without a label, `module tower conv(8, 3)`."""
    kinds = [token.type for token in s.statement_before]
    if (labelled := _labelled(s, kinds)) is not None:
        return labelled
    if s.expected == {"AS"}:
        statement, form = "an import needs a name", '`import "file.arch" as name`'
    elif s.in_input and s.expected == {"NAME"} and s.token.type == "LSQB" and s.line_before[1:] and str(s.previous) == ":":
        statement, form = "a type follows `:`, or the shape the name", _input(s)
    elif s.in_input and s.expected <= {"NAME", "COLON", "LSQB"}:
        statement, form = "an input's shape follows its name in square brackets", _input(s)
    elif "EQUAL" in s.expected <= {"EQUAL", "LPAR"} and (let := _let_before(s)) is not None:
        return let
    elif s.token.type == "LPAR" and [kind for kind in kinds if kind in ("FOR", "IN")][-1:] == ["FOR"]:
        statement, form = "the parts of each element stand in square brackets", "`for [a, b] in list { ... }`"
    elif s.expected == {"IN", "COMMA"}:
        statement, form = "`for` needs `in` and what to go through", "`for i in 0..n { ... }`"
    else:
        return None
    return finding(codes.syntax.MissingPart(statement, s.found, form), s.span)


def _labelled(s: ErrorContext, kinds: Sequence[str]) -> SyntaxFinding | None:
    """Return the error for a module, an output or a head without its label; None for another statement."""
    only_colon = s.expected in ({"COLON"}, {"COLON", "LSQB"})
    if (only_colon or s.expected == {"NAME"}) and "MODULE" in kinds:
        return _module(s)
    if kinds and kinds[0] in _LABELLED and (only_colon or s.expected <= {"NAME", "STRING", "LPAR"}):
        return _head(s, _LABELLED[kinds[0]])
    if not only_colon or s.in_input:
        return None
    statement, form = "a head and an output need a label", "`aux name: ...` or `output name: ...`"
    if s.first_on_line and (value := _above(s, "output")).isidentifier():
        statement, form = "an output needs a label", f"`output name: {value}`, or `output {value}: ...`"
    return finding(codes.syntax.MissingPart(statement, s.found, form), s.span)


def _input(s: ErrorContext) -> str:
    """Return the declaration of an input with the name and the sizes that the line has, as far as it has them."""
    declared = s.text(s.statement_before[1:]).rstrip(" :=") if not s.first_on_line else _above(s, "input")
    text = s.text([s.token, *s.line_after]).partition(";")[0]
    sizes = re.sub(r"(?<=\d)x(?=\d)", ",", text).strip(" ()[]=:}")
    parts = [part.strip() for part in sizes.split(",")]
    known = not s.first_on_line and all(re.fullmatch(r"\w+", part) for part in parts)
    return f"`input {declared or 'image'} [{', '.join(parts) if known else '3, 32, 32'}]`"


def _above(s: ErrorContext, word: str) -> str:
    """Return what follows a keyword on the line before; nothing if that does not begin with it."""
    line = s.span.file.text[: s.span.start].rstrip().rpartition("\n")[2].rpartition(";")[2].rpartition("{")[2].strip()
    return line[len(word) :].strip() if line.split(" ", 1)[0] == word else ""


def _module(s: ErrorContext) -> SyntaxFinding:
    """Return the error for a module without a name or a colon, or with parameters."""
    name = next((str(token) for token in s.statement_before if token.type in ("NAME", "STRING")), "name")
    statement = (
        "a module has no parameters, only a name and a colon" if s.token.type == "LPAR" else "a module needs a name and a colon"
    )
    otherwise = f"`, or with parameters `block {name}(k) {{ ... }}" if s.token.type == "LPAR" and name != "name" else ""
    return finding(codes.syntax.MissingPart(statement, s.found, f"`module {name}: ...{otherwise}`"), s.span)


def _head(s: ErrorContext, word: str) -> SyntaxFinding:
    """Return the error for an output or a head without a label: `output conv(8, 3)`, `aux(weight = 0.3): ...`."""
    given, rest = s.statement_before[1:], s.line_after
    what = "an output needs a label" if word == "output" else "a head needs a label"
    ends = [at for at, token in enumerate(given) if token.type == "RPAR"] if given and given[0].type == "LPAR" else []
    options, given = (s.text(given[: ends[-1] + 1]), given[ends[-1] + 1 :]) if ends else ("", given)
    if s.token.type in ("_SEP", "NEWLINE", "$END"):
        value = s.text(given)
        form = f"`{word} name: {value}`, or `{word} {value}: ...`" if value.isidentifier() else f"`{word}{options} name: ...`"
        return finding(codes.syntax.MissingPart(what, s.found, form), s.span)
    if s.token.type in ("EQUAL", "COLON"):
        name = str(given[-1]) if given and given[-1].type == "NAME" else "name"
        stages = s.text(rest) if rest and balanced(rest) else "..."
    elif s.token.type not in ("LPAR", "LBRACE", "NAME"):
        name, stages = "name", "..."
    elif s.token.type != "LPAR" and given and given[-1].type == "NAME":
        name, stages = str(given[-1]), s.text([s.token, *rest]) if balanced([s.token, *rest]) else "..."
    else:
        name, whole = "name", [*given, s.token, *rest]
        stages = s.text(whole).strip("()") if s.token.type == "LPAR" and not given else s.text(whole)
        stages = stages if balanced(whole) else "..."
    return finding(codes.syntax.MissingPart(what, s.found, f"`{word}{options} {name}: {stages}`"), s.span)


def _let_before(s: ErrorContext) -> SyntaxFinding | None:
    """`let norm bn` and `let f(x) {`; None if no `let` is under way."""
    at = next((i for i in range(len(s.line_before) - 1, -1, -1) if s.line_before[i].type == "LET"), None)
    if at is None or at + 1 >= len(s.line_before) or s.token.type == "COLON":  # a type, or a label
        return None
    call = s.text(s.line_before[at + 1 :])
    if s.token.type == "LBRACE":
        place = s.span_of(s.line_before[at])
        return finding(codes.slips.LetWithBody(call, Edit(place, "block")), s.span)
    form = f"`let {call} = ...`"
    return finding(codes.syntax.MissingPart("`let` gives a name a value behind `=`", s.found, form), s.span)
