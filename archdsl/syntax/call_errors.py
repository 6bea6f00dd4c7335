"""The sentences for mistakes in calls, lists, ranges and bodies."""

from __future__ import annotations

import re
from typing import Final

from archdsl.diagnostics.suggest import nearest
from archdsl.source import Span
from archdsl.syntax.error_context import NEAR, ErrorContext, SyntaxFault, balanced

_AROUND: Final = frozenset({"skip", "concat", "add", "mul", "shake"})


def tuple_(s: ErrorContext) -> SyntaxFault | None:
    """`(3, 3)`, a list as Python writes some."""
    if s.token.type != "COMMA" or s.opened is None or s.opened.type != "LPAR" or s.opened_span is None or s.expected >= {"NAME"}:
        return None
    before, after = s.span.file.text[s.opened_span.end : s.span.start], re.match(r"[^()\[\]{}]*(?=\))", s.after)
    if re.search(r",\s*\w+\s*=(?!=)", s.span.text + s.after.split(")", 1)[0]):
        return SyntaxFault(
            "E0101",
            s.opened_span,
            "these arguments belong to no call",
            "write the name of an op or a block right before the `(`",
            keep=False,
        )
    help = (
        f"write `[{before}, {after[0].strip()}]`"
        if after is not None and len(before) < NEAR and balanced(before)
        else "write `[..., ...]`"
    )
    return SyntaxFault("E0105", s.opened_span, "a list stands in square brackets", help, keep=False)


def range_(s: ErrorContext) -> SyntaxFault | None:
    """`slice(0:4)`, `widths[1:]`, as Python writes ranges."""
    if s.token.type != "COLON" or s.opened is None or s.previous is None or s.opened.type == "LBRACE":
        return None
    begins, inside = s.previous.type in ("LPAR", "LSQB"), s.opened.type == "LPAR"
    if not begins and ("RANGE" not in s.expected or (inside and s.previous.type != "INT")):
        return None
    after = re.match(r"[^()\[\],:]*", s.after)
    assert after is not None  # it may be empty
    end, following = after[0].strip(), s.after[after.end() :][:1]
    if following == ":":
        return SyntaxFault(
            "E0105", s.span, "`:` does not make a range, and a range has no step", "write `..`, as in `0..4`", keep=False
        )
    if begins or not end:
        both = f"`0..{end or 'n'}`" if begins else f"`{s.previous}..n`"
        return SyntaxFault("E0105", s.span, "`:` does not make a range", f"write `..` and both ends: {both}", keep=False)
    return SyntaxFault("E0105", s.span, "`:` does not make a range", "write `..`, as in `0..4`", instead=("RANGE", ".."))


def call_style(s: ErrorContext) -> SyntaxFault | None:
    """`conv 64, 3`, where a call needs parentheses; `linear classes`, `bn relu`; `conv { 64, 3 }` and `features { ... }`."""
    if s.previous is None or s.previous.type != "NAME" or s.first_on_line or not {"LPAR", "ARROW"} <= s.expected:
        return None
    text, name = s.span.file.text[s.span.start : s.span.start + NEAR], s.previous
    numbers = re.match(r"\{?\s*(-?[\d.][^\n#;{}]*?)\s*(?=[\n#;{}]|->|$)", text)
    if s.token.type in ("INT", "FLOAT", "SIGN", "LBRACE") and numbers is not None:
        given = numbers[1].rstrip() if balanced(numbers[1]) else numbers[1].rstrip(")]} ")  # `conv 64, 3)`
        arguments = given if "," in given or "(" in given else ", ".join(given.split())
        arguments = arguments if balanced(arguments) else "..."
        return SyntaxFault(
            "E0101", s.span, f"the arguments of `{name}` stand without parentheses", f"write `{name}({arguments})`", keep=False
        )
    if s.token.type == "NAME" and re.match(r"[ \t]*([#;}]|->|$)", s.after):
        help = f"write `{name} -> {s.token}` for two stages, `{name}({s.token})` for an argument"
        return SyntaxFault("E0101", s.span, f"`{name}` and `{s.token}` stand side by side", help, keep=False)
    if s.token.type == "LBRACE":
        index = re.match(r"\s*([^{}\n\"]*?)\s*\}\s*:", s.after)
        index = index if index is not None and balanced(index[1]) else None
        join = nearest(str(name), _AROUND)
        help = f"a label takes a colon: `{name}: {{ ... }}`"
        if index is not None:
            help = (
                f'a computed label stands in quotes: `"{name}{{{index[1]}}}": ...`; or with an index: `{name}[{index[1]}]: ...`'
            )
        elif join is not None:
            help = f"did you mean `{join} {{ ... }}`?"
        return SyntaxFault("E0101", s.span, f"a body cannot follow `{name}`", help, keep=False)
    return None


def body(s: ErrorContext) -> SyntaxFault | None:
    """`add(a, b)`, `skip relu` and `if n > 1: relu`, where a body needs braces."""
    if s.previous is None or s.previous_span is None or "LBRACE" not in s.expected:
        return None
    if s.token.type == "COLON":
        return SyntaxFault("E0105", s.span, "`:` does not begin a body", "a body stands in braces: `{ ... }`", keep=False)
    if str(s.previous) in _AROUND and s.token.type in ("NAME", "LSQB"):
        return SyntaxFault(
            "E0101", s.span, f"`{s.previous}` goes around a body in braces", f"write `{s.previous} {{ ... }}`", keep=False
        )
    if s.previous.type != "RPAR":
        return None
    first = max(0, s.previous_span.start - NEAR)
    text = s.span.file.text[first : s.previous_span.start]
    start, depth = len(text), 1
    while depth and start:
        start -= 1
        depth += {")": 1, "(": -1}.get(text[start], 0)
    word = re.search(r"\b(\w+)\s*$", text[:start])
    if depth or word is None or word[1] not in _AROUND:
        return None
    if not balanced(text[start + 1 :]):
        return None
    given = _parted(text[start + 1 :])
    options = [part for part in given if re.match(r"\w+\s*=(?!=)", part)]
    given = [re.sub(r"^(\w+)\(x\)$", r"\1", part) for part in given]  # an op takes what flows by itself
    branches = [
        part[1:-1] if part.startswith("[") and part.endswith("]") else part for part in given if part and part not in options
    ]
    head = f"{word[1]}({', '.join(options)})" if options else word[1]
    place = Span(s.span.file, first + word.start(1), s.previous_span.end)
    what = "a body" if word[1] == "skip" else "its branches"
    return SyntaxFault(
        "E0101", place, f"`{word[1]}` goes around {what} in braces",
        f"write `{head} {{ {'; '.join(part.replace(', ', '; ') if '(' not in part else part for part in branches) or '...'} }}`", keep=False,
    )  # fmt: skip


def _parted(text: str) -> list[str]:
    """The parts between commas that stand in no bracket."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]
