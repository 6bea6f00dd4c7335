"""Mistakes in calls, lists, ranges and bodies. Each function knows one, and returns None for anything else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from archdsl.diagnostics import Edit, codes
from archdsl.diagnostics.suggest import nearest
from archdsl.ops import Op
from archdsl.ops.join import joins
from archdsl.syntax.error_context import (
    NEAR,
    ErrorContext,
    SyntaxFinding,
    adjacent,
    balanced,
    finding,
    is_word,
    opening,
    other_form,
)
from archdsl.syntax.newlines import CLOSES
from archdsl.syntax.tokens import Token

_SKIPS = dict.fromkeys(("residual", "Residual", "shortcut", "resblock", "res"), "skip")
"""What papers call a `skip`."""
_BRACKETS = {*CLOSES, *CLOSES.values()}


def round_list(s: ErrorContext) -> SyntaxFinding | None:
    """`(3, 3)`, a list as Python writes some."""
    if s.token.type != "COMMA" or s.opened is None or s.opened.type != "LPAR" or s.expected >= {"NAME"}:
        return None
    place = s.span_of(s.opened)
    closing = next((i for i, token in enumerate(s.line_after) if token.type in _BRACKETS), None)
    rest = [s.token, *s.line_after]
    for comma, name, equal in zip(rest, rest[1:], rest[2:], strict=False):
        if comma.type == "RPAR":
            break
        if comma.type == "COMMA" and is_word(name) and equal.type == "EQUAL":
            return finding(codes.syntax.ArgumentsOfNothing(), place)
    first, last = s.opened.end_pos, s.token.start_pos
    if closing is None or s.line_after[closing].type != "RPAR" or last - first >= NEAR or not balanced(s.lex(first, last)):
        return finding(codes.slips.RoundList(None, ()), place)
    items = [place.file.text[first:last], s.text(s.line_after[:closing])]
    edits = (Edit(place, "["), Edit(s.span_of(s.line_after[closing]), "]"))
    sure = s.closes_all(
        s.line_after[closing + 1 :], s.open_brackets - 1
    )  # else a bracket around the list is missing, or the first of the list too many
    return finding(codes.slips.RoundList(", ".join(item for item in items if item), edits if sure else ()), place)


def range_with_colon(s: ErrorContext) -> SyntaxFinding | None:
    """`slice(0:4)`, `widths[1:]`, as Python writes ranges."""
    if s.token.type != "COLON" or s.opened is None or s.previous is None or s.opened.type == "LBRACE":
        return None
    begins, inside = s.previous.type in ("LPAR", "LSQB"), s.opened.type == "LPAR"
    if not begins and ("RANGE" not in s.expected or (inside and s.previous.type != "INT")):
        return None
    stops = {*_BRACKETS, "COMMA", "COLON"} - {"LBRACE", "RBRACE"}
    end = next((i for i, token in enumerate(s.line_after) if token.type in stops), len(s.line_after))
    stop = s.text(s.line_after[:end])
    if end < len(s.line_after) and s.line_after[end].type == "COLON":
        text = "`:` does not make a range, and a range has no step"
        return other_form(s, text, "write `..`, as in `0..4`")
    if begins or not stop:
        both = f"`0..{stop or 'n'}`" if begins else f"`{s.previous}..n`"
        return other_form(s, "`:` does not make a range", f"write `..` and both ends: {both}")
    sure = s.previous.type == "INT" and s.closes_all(s.line_after, s.open_brackets)
    error = codes.slips.OtherSign(":", "does not make a range", "..", s.span, "write `..`, as in `0..4`", sure)
    return finding(error, s.span, ("RANGE", ".."))


def list_with_for(s: ErrorContext) -> SyntaxFinding | None:
    """`[for v in values: v]`, `[a for a in b for c in d]` and `[v for v in b if c else d]`."""
    if s.opened is None or s.opened.type != "LSQB" or "RSQB" not in s.expected:
        return None
    begun = any(token.type == "FOR" for token in s.line_before)
    if s.token.type == "FOR" and s.previous is s.opened:
        text, help = "a list of a loop begins with its element", "write `[f(v) for v in values]`"
    elif s.token.type == "FOR" and begun:
        text, help = "a list has one `for`", "lists of lists are written in one another: `[[a * b for b in 0..3] for a in 0..2]`"
    elif s.token.type == "ELSE" and begun:
        text = "`if` behind `in` selects elements, and has no `else`"
        help = "put what to go through in parentheses: `[f(v) for v in (a if c else b)]`"
    else:
        return None
    return other_form(s, text, help)


def without_parentheses(s: ErrorContext) -> SyntaxFinding | None:
    """`conv 64, 3`, where a call needs parentheses; `linear classes`, `bn relu`; `conv { 64, 3 }` and `features { ... }`."""
    name = s.previous
    if name is None or name.type != "NAME" or s.first_on_line or not {"LPAR", "ARROW"} <= s.expected:
        return None
    if s.token.type in ("INT", "FLOAT", "SIGN", "LBRACE") and (found := _bare_arguments(s, name)) is not None:
        return found
    if s.token.type == "NAME" and s.ends_stage:
        gap = s.behind(name)._replace(end=s.span.start)
        return finding(codes.syntax.SideBySide(str(name), str(s.token), gap), s.span)
    if s.token.type == "LBRACE":
        meant = _SKIPS.get(str(name)) or nearest(str(name), _around_bodies())
        return finding(codes.bodies.BodyAfterName(str(name), _index(s), meant, tuple(sorted(_around_bodies()))), s.span)
    return None


def _bare_arguments(s: ErrorContext, name: Token) -> SyntaxFinding | None:
    """`conv 64, 3` and `conv { 64, 3 }`, if numbers come first."""
    rest = [*([] if s.token.type == "LBRACE" else [s.token]), *s.line_after]
    end = next((i for i, t in enumerate(rest) if t.type in ("SEMICOLON", "LBRACE", "RBRACE", "ARROW")), len(rest))
    given = rest[:end]
    first = next((token for token in given if str(token) != "-"), None)
    if first is None or first.type not in ("INT", "FLOAT"):
        return None
    last = given[-1]
    if s.token.type == "LBRACE" and end < len(rest) and rest[end].type == "RBRACE":
        last = rest[end]
    while not balanced(given) and given[-1].type in ("RPAR", "RSQB", "RBRACE"):  # `conv 64, 3)`
        given = given[:-1]
    text = s.text(given)
    if not any(token.type in ("COMMA", "LPAR") for token in given):
        text = ", ".join(text.split())
    if not balanced(given):
        return finding(codes.syntax.WithoutParentheses(str(name), None, None), s.span)
    edit = Edit(s.behind(name)._replace(end=last.end_pos), f"({text})")
    return finding(codes.syntax.WithoutParentheses(str(name), text, edit), s.span)


def _index(s: ErrorContext) -> str | None:
    """Return the index in `name{index}: ...`, a computed label without its quotes."""
    end = next((i for i, token in enumerate(s.line_after) if token.type in ("LBRACE", "RBRACE", "STRING")), None)
    if end is None or s.line_after[end].type != "RBRACE" or not balanced(s.line_after[:end]):
        return None
    label = end + 1 < len(s.line_after) and s.line_after[end + 1].type == "COLON"
    return s.text(s.line_after[:end]) if label else None


def without_braces(s: ErrorContext) -> SyntaxFinding | None:
    """`add(a, b)`, `skip relu` and `if n > 1: relu`, where a body needs braces."""
    if s.previous is None or "LBRACE" not in s.expected:
        return None
    if s.token.type == "COLON":
        return other_form(s, "`:` does not begin a body", "a body stands in braces: `{ ... }`")
    if str(s.previous) in _around_bodies() and s.token.type in ("NAME", "LSQB"):
        keyword = str(s.previous)
        return finding(codes.bodies.NotAroundABody(keyword, "a body", f"{keyword} {{ ... }}", None), s.span)
    return _join_called(s, s.previous) if s.previous.type == "RPAR" else None


def body_after_call(s: ErrorContext) -> SyntaxFinding | None:
    """`sub(axis = 1) { ... }`, options and a body of a word that takes none."""
    if s.token.type != "LBRACE" or s.previous is None or s.previous.type != "RPAR" or s.first_on_line:
        return None
    position = opening(s.line_before)
    if not position:
        return None
    name = s.line_before[position - 1]
    if name.type != "NAME" or str(name) in _around_bodies():
        return None
    meant = nearest(str(name), _around_bodies())
    return finding(codes.bodies.BodyAfterName(str(name), None, meant, tuple(sorted(_around_bodies())), True), s.span)


def pipeline_as_argument(s: ErrorContext) -> SyntaxFinding | None:
    """`attend(q -> relu, k, v)`, and `add(a -> relu, b)` with parentheses instead of braces."""
    if s.token.type != "ARROW" or s.opened is None or s.opened.type != "LPAR":
        return None
    if s.previous is None or s.previous.type not in ("NAME", "RPAR", "RSQB"):
        return None
    opened = next((i for i in range(len(s.line_before) - 1, 0, -1) if s.line_before[i].start_pos == s.opened.start_pos), 0)
    closing = _closing(s.line_after)
    if not opened or closing is None or s.line_before[opened - 1].type not in ("NAME", "JOIN"):
        return None
    word = s.line_before[opened - 1]
    if str(word) in _around_bodies():
        return _join_called(s, s.line_after[closing])
    tokens = [*s.line_before[opened + 1 :], s.token, *s.line_after[:closing]]
    part = next(part for part in parted(tokens) if s.token in part)
    named = len(part) > 2 and part[1].type == "EQUAL"
    name = str(part[0]) if named else "made"
    op = Op.registry.get(str(word))
    keeps_x = op is None or op.takes_x
    error = codes.slips.PipelineAsArgument(s.text(part[2:] if named else part), name, keeps_x)
    return finding(error, s.span_of(part[0], part[-1]))


def _closing(tokens: Sequence[Token]) -> int | None:
    """Return where the bracket around these tokens is closed; None if they do not tell."""
    depth = 0
    for i, token in enumerate(tokens):
        depth += (token.type in CLOSES) - (token.type in CLOSES.values())
        if depth < 0:
            return i if token.type == "RPAR" else None
    return None


def _join_called(s: ErrorContext, closing: Token) -> SyntaxFinding | None:
    """`add(a, b)`, with what to write."""
    text, end = s.span.file.text, closing.end_pos
    near = max(0, end - NEAR)
    line = text.find("\n", near, end) + 1 if near else 0  # tokens of the first line, which is cut, mean nothing
    tokens = s.lex(line or near, end)
    start = opening(tokens)
    if not start:
        return None
    word, inner = tokens[start - 1], tokens[start + 1 : -1]
    if str(word) not in _around_bodies() or not balanced(inner):
        return None
    given = [part for part in parted(inner) if part]
    options = [part for part in given if len(part) > 1 and is_word(part[0]) and part[1].type == "EQUAL"]
    branches = [_branch(s, part) for part in given if part not in options]
    place = s.span_of(word, closing)
    if (stage := _with_number(str(word), given, branches)) is not None:
        edit = Edit(place, stage) if "->" not in stage else None
        return finding(codes.bodies.NotAroundABody(str(word), "its branches", stage, edit), place)
    head = f"{word}({', '.join(s.text(part) for part in options)})" if options else str(word)
    whole = "; ".join(branches) or "..."
    if len(branches) == 1 and str(word) in joins() and given[0][0].type != "LSQB":  # `x -> add(skipped)` joins what flows with it
        whole = f"x; {whole if whole != 'x' else '...'}"
    written = f"{head} {{ {whole} }}"
    edit = Edit(place, written) if branches and "..." not in whole else None
    return finding(
        codes.bodies.NotAroundABody(str(word), "a body" if str(word) == "skip" else "its branches", written, edit), place
    )


def _with_number(word: str, given: Sequence[Sequence[Token]], branches: Sequence[str]) -> str | None:
    """Return what `mul(2)`, `sub(x, 3)` and `div(a, 2)` mean: an op with a number, behind a value."""
    op = joins().get(word)
    numbers = [branch for part, branch in zip(given, branches, strict=False) if part[-1].type in ("INT", "FLOAT")]
    if op is None or not branches or numbers != branches[-1:] or len(branches) > 2 or not (op.called or word == "mul"):
        return None
    stage = f"scale({numbers[0]})" if word == "mul" else f"{word}({numbers[0]})"
    return stage if branches[0] in ("x", numbers[0]) else f"{branches[0]} -> {stage}"


def _branch(s: ErrorContext, part: Sequence[Token]) -> str:
    """Return an argument as a branch: `relu(x)` is `relu`, as an op takes what flows by itself; `[a, b]` are two stages."""
    if len(part) == 4 and [token.type for token in part[1:]] == ["LPAR", "NAME", "RPAR"] and str(part[2]) == "x":
        return str(part[0])
    if part[0].type == "LSQB" and part[-1].type == "RSQB" and balanced(part[1:-1]):
        return "; ".join(s.text(item) for item in parted(part[1:-1]) if item)
    return s.text(part)


def _around_bodies() -> set[str]:
    """Return the keywords that a body in braces follows, after options in parentheses."""
    return {"skip", *joins()}


def parted(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """Return the parts between commas that stand in no bracket."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.type in CLOSES) - (token.type in CLOSES.values())
        if token.type == "COMMA" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return list(parts)


def unquoted_path(s: ErrorContext) -> SyntaxFinding | None:
    """`data = ./flowers` in a recipe."""
    begun = next((i for i in range(len(s.line_before) - 1, 0, -1) if s.line_before[i].type == "EQUAL"), 0)
    if not begun or str(s.line_before[begun - 1]) != "data":
        return None
    run = [*s.line_before[begun + 1 :]]
    for token in () if s.token.type in ("_SEP", "$END") else (s.token, *s.line_after):
        if token.type in ("STRING", "UNCLOSED_STRING", "SEMICOLON", "COMMA", "RBRACE", "LPAR", "RPAR") or str(token) == "'":
            break
        if token is not s.token and not adjacent(run[-1], token):
            break
        run.append(token)
    path = s.text(run)
    if not any(sign in path for sign in "./~\\") or not all(adjacent(a, b) for a, b in pairwise(run)):
        return None
    place = s.span_of(run[0], run[-1])
    return finding(codes.syntax.UnquotedPath(path, Edit(place, '"' + path.replace("\\", "/") + '"')), place)
