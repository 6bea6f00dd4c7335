"""Statements in the forms of other languages: operators between stages, conditions behind them, counts in front, signs and units.

Each function knows one, and returns None for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from archdsl.diagnostics import codes
from archdsl.ops.join import joins
from archdsl.syntax.call_errors import parted
from archdsl.syntax.error_context import ErrorContext, SyntaxFinding, adjacent, balanced, finding, opening, other_form
from archdsl.syntax.tokens import Token

_FACTORS: Final = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
_UNIT: Final = re.compile(r"([kmgbt])?i?(macs?|flops?|params?|parameters)?", re.IGNORECASE)


def _rest(s: ErrorContext) -> Sequence[Token]:
    """Return the tokens behind this one that belong to its statement."""
    depth = 0
    for at, token in enumerate(s.line_after):
        depth += (token.type == "LBRACE") - (token.type == "RBRACE")
        if depth < 0 or (depth == 0 and token.type in ("SEMICOLON", "_SEP", "$END", "NEWLINE")):
            return s.line_after[:at]
    return s.line_after


def doubled_sign(s: ErrorContext) -> SyntaxFinding | None:
    """`0..=3`, `a === 3` and `y := conv(8, 3)`: a sign with an `=` too many."""
    before = s.previous
    if s.token.type != "EQUAL" or before is None or not adjacent(before, s.token):
        return None
    if before.type == "RANGE":
        stop = s.line_after[0] if s.line_after else None
        last = f"{int(stop) + 1}" if stop is not None and stop.type == "INT" else f"{stop} + 1" if stop is not None else "n + 1"
        first = s.line_before[-2] if len(s.line_before) > 1 else "0"
        text = "a range ends before its second number, and has no form that includes it"
        return other_form(s, text, f"write `{first}..{last}`", before)
    if before.type == "COMPARE":
        return other_form(s, f"`{before}=` is no comparison", f"write `{before}`", before)
    if before.type == "COLON":
        return other_form(s, "`:=` does not label a stage", "a label takes a colon alone: `name: ...`", before)
    return None


def operator_between_stages(s: ErrorContext) -> SyntaxFinding | None:
    """`conv(8, 3) | relu`, `conv(8, 3) + x`, `x ^ 2`, `3 * conv(8, 3)`, `1 - x`: operators on stages and values."""
    sign, before, rest = str(s.token), s.previous, _rest(s)
    if (
        sign == "-"
        and (before is None or before.type in ("SEMICOLON", "LBRACE", "NEWLINE", "_SEP", "ARROW"))
        and "LET" in s.expected
    ):
        return other_form(s, "`-` has no stage behind it", "`scale(-1)` negates what flows")
    if "ARROW" not in s.expected or before is None:
        return None
    if sign in ("|", ">", "-") and (found := _other_arrow(s, before)) is not None:
        return found
    if sign == "@":
        both = (
            f"`matmul({before}, {rest[0]})`"
            if before.type == "NAME" and len(rest) == 1 and rest[0].type == "NAME"
            else "`matmul(a, b)`"
        )
        return other_form(s, "`@` does not multiply values", f"write {both}")
    if sign not in ("+", "-", "*", "/", "^") or not rest or not balanced(rest):
        return None
    left, right = s.text(s.statement_before), s.text(rest)
    if sign == "*" and (found := _repeated(s, before, left, rest)) is not None:
        return found
    if before.type in ("INT", "FLOAT") and len(s.statement_before) == 1:
        return _number_first(s, sign, left, right)
    if rest[-1].type in ("INT", "FLOAT") and [str(token) for token in rest[:-1]] in ([], ["-"]):
        stage = {"+": f"add({right})", "-": f"sub({right})", "*": f"scale({right})", "/": f"div({right})", "^": f"pow({right})"}[
            sign
        ]
        return other_form(
            s, f"`{sign}` does not compute with tensors", f"write `{stage if left == 'x' else f'{left} -> {stage}'}`"
        )
    join = next((name for name, op in joins().items() if op.operator == sign), {"-": "sub", "/": "div"}.get(sign))
    if join is None or any(token.type == "COLON" for token in (*s.statement_before, *rest)):
        return None
    return finding(codes.slips.JoinByOperator(sign, f"{join} {{ {left}; {right} }}"), s.span)


def _other_arrow(s: ErrorContext, before: Token) -> SyntaxFinding | None:
    """`|`, `|>`, `>>` and `- >` in place of an arrow."""
    following = s.line_after[0] if s.line_after else None
    sign = str(s.token)
    if following is None or (sign == "-" and str(following) != ">") or (sign == "|" and str(following) == "|"):
        return None
    joined = sign + (str(following) if str(following) in (">", "|") and sign != "-" else "")
    text = "`- >` is two signs" if sign == "-" else f"`{joined}` does not join stages"
    return other_form(s, text, "write `->`")


def _repeated(s: ErrorContext, before: Token, left: str, rest: Sequence[Token]) -> SyntaxFinding | None:
    """`3 * conv(8, 3)`, `conv(8, 3) * 3` and `[conv(8, 3)] * 3`."""
    count, stage = (left, s.text(rest)) if before.type == "INT" and len(s.statement_before) == 1 else (s.text(rest), left)
    if not count.isdecimal() or not stage.rstrip("]").endswith(")"):
        return None
    inner = stage[1:-1] if stage[:1] == "[" else stage
    return other_form(s, "`*` does not repeat stages", f"write `repeat {count} {{ {inner} }}`")


def _number_first(s: ErrorContext, sign: str, left: str, right: str) -> SyntaxFinding | None:
    """`1 - x` and `2 * x`."""
    begin = "" if right == "x" else f"{right} -> "
    stage = {"+": f"add({left})", "*": f"scale({left})", "-": f"scale(-1) -> add({left})", "/": f"pow(-1) -> scale({left})"}.get(
        sign
    )
    return other_form(s, f"`{sign}` does not compute with tensors", f"write `{begin}{stage}`") if stage is not None else None


def condition_behind(s: ErrorContext) -> SyntaxFinding | None:
    """`conv(8, 3) if c`, `relu if c else gelu`, and `x.c == 3 ? relu : gelu`."""
    rest, stage = _rest(s), s.text(s.statement_before)
    if "ARROW" not in s.expected or not rest or s.previous is None:
        return None
    if s.token.type == "COMPARE" and not any(token.type in ("COLON", "ARROW") for token in s.statement_before):
        mark = next((at for at, token in enumerate(rest) if str(token) == "?"), None)
        condition = f"{stage} {s.token} {s.text(rest[:mark]) if mark else s.text(rest)}"
        return other_form(s, "a comparison is no stage", f"write `if {condition} {{ ... }}`, or `expect {condition}` for a claim")
    if s.token.type != "IF" or not balanced(rest):
        return None
    if not balanced(s.statement_before):
        return None
    otherwise = next((at for at, token in enumerate(rest) if token.type == "ELSE" and balanced(rest[:at])), None)
    written = f"if {s.text(rest[:otherwise])} {{ {stage} }}"
    if otherwise is not None:
        written += f" else {{ {s.text(rest[otherwise + 1 :])} }}"
    return other_form(s, "a condition stands before the stages that it is about", f"write `{written}`")


def comma_between(s: ErrorContext) -> SyntaxFinding | None:
    """`conv(8, 3), relu`, `concat { a, b }`, and `q, k, v: split(3)`."""
    if s.token.type != "COMMA" or "ARROW" not in s.expected:
        return None
    rest = _rest(s)
    parts = parted([*s.statement_before, s.token, *rest])
    colon = next((at for at, token in enumerate(parts[-1]) if token.type == "COLON"), None)
    if colon is not None and all(len(part) == 1 and part[0].type == "NAME" for part in parts[:-1]) and colon == 1:
        names = ", ".join([*(str(part[0]) for part in parts[:-1]), str(parts[-1][0])])
        return other_form(s, "names for several values stand in square brackets", f"write `[{names}]: {s.text(parts[-1][2:])}`")
    opened = [token for token in s.open if token.type == "LBRACE"]
    around = _word_before(s, opened[-1]) if opened else None
    if around in joins() and balanced(rest):
        branches = "; ".join(s.text(part) for part in parts if part)
        return other_form(s, "branches are parted by `;`, and not by commas", f"write `{around} {{ {branches} }}`")
    if not parts[-1] or not balanced(rest):
        return None
    stages = " -> ".join(s.text(part) for part in parts if part)
    return other_form(s, "stages are not parted by commas", f"write `{stages}`, or one on each line")


def _word_before(s: ErrorContext, brace: Token) -> str | None:
    """Return the word in front of a brace on the line, without options in parentheses."""
    tokens = s.lex(s.span.file.text.rfind("\n", 0, brace.start_pos) + 1, brace.start_pos)
    if tokens and tokens[-1].type == "RPAR":
        tokens = tokens[: opening(tokens)]
    return str(tokens[-1]) if tokens else None


def unit_of_number(s: ErrorContext) -> SyntaxFinding | None:
    """`expect macs == 2.7M` and `1 GMAC`; `1x1: conv(8, 1)`, a label that begins with a digit."""
    number = s.previous
    if s.token.type != "NAME" or number is None or number.type not in ("INT", "FLOAT"):
        return None
    following = s.line_after[0] if s.line_after else None
    if following is not None and following.type == "COLON" and adjacent(number, s.token) and len(s.statement_before) == 1:
        label = f"{number}{s.token}"
        return other_form(
            s, f"`{label}` is no name, since it begins with a digit", f'a label stands in quotes then: `"{label}": ...`', number
        )
    unit = _UNIT.fullmatch(str(s.token))
    if unit is None or not str(s.token) or (unit[1] is None and unit[2] is None) or "ARROW" in s.expected:
        return None
    value = float(str(number).replace("_", "")) * _FACTORS.get((unit[1] or "").lower(), 1)
    return other_form(
        s, f"a number has no unit, and `{s.token}` stands behind one", f"write `{round(value):_}`; a claim is exact", number
    )


def loop_of_others(s: ErrorContext) -> SyntaxFinding | None:
    """`for i in 1 to 3`, `0..6 step 2`, `repeat i in 0..3`, `for (i = 0; ...)`, `repeat { ... }` and `else if { ... }`."""
    begun = str(s.statement_before[0]) if s.statement_before else ""
    word, rest = str(s.token), s.line_after
    if begun == "for" and s.token.type == "NAME" and "LBRACE" in s.expected:
        first = s.previous
        if word in ("to", "until", "upto", "through") and first is not None and rest:
            stop = rest[0] if word == "until" or rest[0].type != "INT" else int(rest[0]) + 1
            return other_form(
                s, f"`{word}` does not make a range", f"write `{first}..{stop}`: a range ends before its second number"
            )
        if word in ("step", "stride") and rest:
            start = next((at for at, token in enumerate(s.statement_before) if token.type == "IN"), 0) + 1
            whole = s.text(s.statement_before[start:])
            return other_form(s, f"`{word}` is not a word of this language", f"write `{whole} by {rest[0]}`")
    if begun == "for" and word == "(" and len(rest) > 1 and rest[1].type == "EQUAL":
        return other_form(s, "a loop goes through a list or a range", f"write `for {rest[0]} in 0..n {{ ... }}`")
    if begun == "repeat" and s.token.type == "IN":
        return other_form(
            s,
            "`repeat` takes a count alone",
            f"write `for {s.text(s.statement_before[1:])} in {s.text(_until_brace(rest))} {{ ... }}`",
        )
    if s.token.type == "LBRACE" and s.previous is not None and s.previous.type in ("REPEAT", "IF"):
        if s.previous.type == "REPEAT":
            return other_form(s, "`repeat` needs a count", "write `repeat 3 { ... }`")
        otherwise = len(s.line_before) > 1 and s.line_before[-2].type == "ELSE"
        return other_form(s, "`if` needs a condition", "write `else { ... }`" if otherwise else "write `if condition { ... }`")
    return None


def _until_brace(tokens: Sequence[Token]) -> Sequence[Token]:
    return tokens[: next((at for at, token in enumerate(tokens) if token.type == "LBRACE"), len(tokens))]


def shortcut_of_others(s: ErrorContext) -> SyntaxFinding | None:
    """`skip { ... } else { ... }`, `skip { ... } via conv(8, 1)`, `skip(if c) { ... }`."""
    if s.token.type == "ELSE" and "VIA" in s.expected:
        return other_form(s, "the shortcut of a skip does not follow `else`", "write `via { ... }`")
    if s.previous is not None and s.previous.type == "VIA" and s.token.type == "NAME":
        stages = s.text([s.token, *_rest(s)])
        return other_form(s, "the shortcut stands in braces", f"write `skip {{ ... }} via {{ {stages} }}`")
    if s.token.type == "IF" and s.previous is not None and s.previous.type == "LPAR" and str(s.statement_before[-2]) == "skip":
        end = next((at for at, token in enumerate(s.line_after) if token.type == "RPAR"), len(s.line_after))
        return other_form(s, "a condition is an option of `skip`", f"write `skip(when = {s.text(s.line_after[:end])}) {{ ... }}`")
    return None


def computed_label(s: ErrorContext) -> SyntaxFinding | None:
    """`f"layer{i}": ...` and `"layer" + i: ...`."""
    before = s.previous
    if before is None or "ARROW" not in s.expected:
        return None
    if s.token.type == "STRING" and before.type == "NAME" and str(before) in ("f", "F") and adjacent(before, s.token):
        return other_form(s, "expressions in a label need no sign before it", f"write `{s.token}`", before)
    if str(s.token) == "+" and before.type == "STRING" and len(s.line_after) > 1 and s.line_after[1].type == "COLON":
        label = f'{str(before)[:-1]}{{{s.line_after[0]}}}"'
        return other_form(s, "`+` does not compute a label", f"write `{label}: ...`")
    return None


def named_otherwise(s: ErrorContext) -> SyntaxFinding | None:
    """`shared tower: conv(8, 3)`; `conv(in = 3)`; `in: conv(8, 3)`."""
    before, following = s.previous, s.line_after[0] if s.line_after else None
    if following is None:
        return None
    if s.token.type == "NAME" and before is not None and str(before) in ("shared", "share", "tied", "layer", "submodule"):
        if following.type != "COLON" or len(s.statement_before) != 1:
            return None
        shared = f"stages that run several times with one set of weights are a module: `module {s.token}: ...`"
        alone = f"a label alone names a stage: `{s.token}: ...`"
        return other_form(s, f"`{before}` declares nothing", alone if str(before) == "layer" else shared, before)
    if s.token.type == "IN" and following.type == "EQUAL" and s.opened is not None and s.opened.type == "LPAR":
        return other_form(s, "`in` is no parameter", "the channels of the input are not written")
    if s.token.type == "IN" and following.type == "COLON" and not s.statement_before:
        return finding(codes.slips.KeywordAsName("in", True, s.span), s.span, ("NAME", "in1"))
    return None


def value_of_let(s: ErrorContext) -> SyntaxFinding | None:
    """`let q = linear(8) -> relu`; `let q, k = split(2)`; `let f(v): v * 2`."""
    statement = s.statement_before
    if len(statement) < 2 or str(statement[0]) != "let":
        return None
    if (found := _function(s, statement)) is not None:
        return found
    end = next((at for at, token in enumerate(s.line_after) if token.type == "EQUAL"), None)
    if s.token.type == "COMMA" and "EQUAL" in s.expected and end is not None:
        names = ", ".join([str(statement[1]), *(str(token) for token in s.line_after[:end] if token.type == "NAME")])
        advice = f"names for several values of the network: `[{names}]: {s.text(s.line_after[end + 1 :])}`"
        return other_form(s, "`let` gives one name a value", advice)
    if s.token.type == "ARROW" and len(statement) > 3 and statement[2].type == "EQUAL":
        name, stages = statement[1], s.text([*statement[3:], s.token, *_rest(s)])
        advice = f"label what they make, `{name}: {stages}`; to run them in several places: `block {name} {{ {stages} }}`"
        return other_form(s, "`let` gives a name one value, and stages in a row are none", advice)
    return None


def _function(s: ErrorContext, statement: Sequence[Token]) -> SyntaxFinding | None:
    """`let f(v): v * 2`, `let f = (v) => v * 2` and `let f = lambda v: v * 2`."""
    text, rest = s.text(statement), s.text(s.line_after)
    if s.token.type == "COLON" and statement[-1].type == "RPAR" and len(statement) > 3 and statement[2].type == "LPAR":
        return other_form(s, "`:` does not begin a formula", f"write `{text} = {rest}`")
    parameters = re.fullmatch(r"let (\w+) = \(?(\w+(?:, *\w+)*)\)?", text)
    if s.token.type == "EQUAL" and rest.startswith(">") and parameters is not None:
        return other_form(
            s,
            "a function has its parameters behind its name",
            f"write `let {parameters[1]}({parameters[2]}) = {rest[1:].strip()}`",
        )
    parameters = re.fullmatch(r"let (\w+) = lambda", text)
    formula = re.fullmatch(r"(\w+(?:, *\w+)*) *: *(.+)", s.text([s.token, *s.line_after]))
    if parameters is not None and formula is not None:
        return other_form(
            s, "a function has its parameters behind its name", f"write `let {parameters[1]}({formula[1]}) = {formula[2]}`"
        )
    return None


def missing_comma(s: ErrorContext) -> SyntaxFinding | None:
    """`conv(16 3)` and `conv(16, 3 stride = 2)`; `conv(*sizes)`."""
    if s.opened is None or s.opened.type != "LPAR" or s.previous is None:
        return None
    if s.token.type in ("INT", "FLOAT", "NAME", "STRING") and s.expected >= {"COMMA", "RPAR"} and not s.first_on_line:
        before = s.previous if s.previous.type in ("INT", "FLOAT", "NAME", "STRING") else "..."
        return finding(codes.syntax.MissingPart("arguments are parted by commas", s.found, f"`{before}, {s.token}`"), s.span)
    if str(s.token) == "*" and s.previous.type in ("LPAR", "COMMA"):
        return other_form(s, "a list is not spread over arguments", "write each argument: `f(a[0], a[1])`")
    return None


def comment_of_others(s: ErrorContext) -> SyntaxFinding | None:
    """`/* ... */`, `-- ...`."""
    following = s.line_after[0] if s.line_after else None
    if following is None or not adjacent(s.token, following) or "LET" not in s.expected:
        return None
    both = f"{s.token}{following}"
    return other_form(s, f"`{both}` does not begin a comment", "write `#`") if both in ("/*", "--") else None


def loop_behind(s: ErrorContext) -> SyntaxFinding | None:
    """`conv(8, 3) for i in 0..3`."""
    if s.token.type != "FOR" or "ARROW" not in s.expected or not s.statement_before or not s.line_after:
        return None
    rest = _rest(s)
    if not balanced(s.statement_before) or not balanced(rest) or any(token.type == "LBRACE" for token in rest):
        return None
    written = f"for {s.text(rest)} {{ {s.text(s.statement_before)} }}"
    return other_form(s, "a loop stands before the stages that it runs", f"write `{written}`")


STATEMENT_HABITS: Final = (
    comment_of_others, missing_comma, loop_behind, doubled_sign, shortcut_of_others, computed_label, operator_between_stages,
    condition_behind, comma_between, unit_of_number, loop_of_others, named_otherwise, value_of_let,
)  # fmt: skip
