"""Definitions in the forms of other languages: `block unit(out) = conv(out, 3)`, `network a: b(8)`, `import other`, sizes as `?`.

Each function knows one, and returns None for anything else.
"""

from __future__ import annotations

import re
from typing import Final

from archdsl.syntax.error_context import ErrorContext, SyntaxFinding, balanced, other_form


def head_of_definition(s: ErrorContext) -> SyntaxFinding | None:
    """`block unit(out) = ...`, `block unit out { ... }`, `network a: b(8)`, `network { ... }`, `network n(image [3, 32, 32])`."""
    word = s.statement_before[0].type if s.statement_before else ""
    if word not in ("BLOCK", "NETWORK") or (s.open_brackets and s.token.type != "LSQB"):
        return None
    head, rest = s.text(s.statement_before), s.text(s.line_after)
    if word == "BLOCK" and s.token.type in ("EQUAL", "COLON", "ARROW") and balanced(s.line_after):
        body = rest.strip("{} ") or "..."
        return other_form(s, f"`{s.token}` does not begin the body of a block", f"write `{head} {{ {body} }}`")
    if s.token.type == "NAME" and len(s.statement_before) == 2 and "LPAR" in s.expected:
        brace = next((at for at, token in enumerate(s.line_after) if token.type == "LBRACE"), len(s.line_after))
        parameters = [token for token in (s.token, *s.line_after[:brace]) if token.type == "NAME"]
        return other_form(s, "parameters stand in parentheses", f"write `{head}({', '.join(parameters)}) {{ ... }}`")
    if word == "NETWORK" and s.token.type == "COLON" and re.fullmatch(r"[\w.]+(\([^()]*\))?", rest):
        return other_form(s, "`:` does not define a network", f"write `{head} = {rest}`, or `{head} {{ ... }}`")
    if s.token.type == "LBRACE" and len(s.statement_before) == 1:
        return other_form(s, f"a {head} has a name", f"write `{head} name {{ ... }}`")
    if (
        word == "NETWORK"
        and s.token.type == "LSQB"
        and s.previous is not None
        and s.opened is not None
        and s.opened.type == "LPAR"
    ):
        return other_form(
            s, "inputs are declared in the body", f"write `input {s.previous} [3, 32, 32]` there; parameters are numbers and ops"
        )
    if word == "NETWORK" and s.token.type == "LBRACE" and any(token.type == "EQUAL" for token in s.statement_before):
        return other_form(s, "an alias has no body", "what several networks share is a block; an alias fixes arguments alone")
    return None


def top_level(s: ErrorContext) -> SyntaxFinding | None:
    """`module tower: ...` outside of a body, and `import other` without quotes."""
    if s.previous is not None and s.previous.type == "IMPORT" and s.token.type == "NAME":
        return other_form(s, "a file is imported by its path", f'write `import "{s.token}.arch" as {s.token}`')
    if {"BLOCK", "NETWORK"} <= s.expected and not s.open and s.token.type == "MODULE":
        return other_form(
            s, "a module is declared in a body", "move it into the network or block that runs it; for several, write a `block`"
        )
    return None


def _in_input(s: ErrorContext) -> bool:
    """Return whether a token stands in the declaration of an input."""
    return bool(s.statement_before) and s.statement_before[0].type == "INPUT"


def any_size(s: ErrorContext) -> SyntaxFinding | None:
    """`input image [3, ?, ?]` and `[3, *, *]`; `where H is even`."""
    if str(s.token) in ("?", "*") and s.opened is not None and s.opened.type == "LSQB" and _in_input(s):
        return other_form(s, f"`{s.token}` is no size", "a symbolic size has a name that begins with a capital: `[3, H, W]`")
    following = s.line_after[0] if s.line_after else None
    if str(s.token) == "is" and any(token.type == "WHERE" for token in s.statement_before) and s.previous is not None:
        if str(following) in ("even", "odd"):
            return other_form(s, "`is` does not compare", f"write `{s.previous} % 2 == {int(str(following) == 'odd')}`")
        return other_form(s, "`is` does not compare", "write `==`")
    return None


DEFINITION_HABITS: Final = (head_of_definition, top_level, any_size)
