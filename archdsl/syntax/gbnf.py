"""The grammar for constrained decoding, in the GBNF of llama.cpp: a language model that is held to it writes no syntax error.

It is made from the rules of the parser's tables. What the lexer does is written out here: blanks, line ends that separate
statements, and names that are no keywords, as a tree of letters. GBNF knows no left recursion, so `a: a b | c` becomes `c b*`.
The language that it gives is a part of the whole: one statement in a line or behind `;`, and strings without escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archdsl.ops.join import joins
from archdsl.syntax.error_context import KEYWORDS

_INSTEAD_OF_ERRORS = {"ERROR", "ERROR_ITEM", "MISSING"}
_CONSTANTS = {"TRUE", "FALSE", "NONE"}
_BEHIND_WORDS = {"AND", "AS", "BY", "ELSE", "EXPECT", "FOR", "IF", "IN", "OR", "VIA", "WHERE"}
"""Keywords that can follow a name or number, from which a blank must separate them."""
_LINES_AFTER = {"ARROW", "COMMA", "LBRACE", "LPAR", "LSQB"}
_LINES_BEFORE = {"ARROW", "RBRACE", "RPAR", "RSQB"}
_LABELLED = (["postfix", "COLON", "pipeline"], ["target", "COLON", "pipeline"])
"""What the rule of a label takes, which the tree judges, and what a label is."""
_TARGETS = 'targets ::= pattern (sp "," pattern)?'
"""A loop has one name, or two; the tree counts them. They stand in one line."""
_LETTERS = "A-Za-z_"
_REST = "A-Za-z0-9_"
_WORDS = """\
sp ::= " "*
comment ::= "#" [^\\n]*
eol ::= (sp comment? "\\n")+ sp
sep ::= eol | sp ";" sp
int ::= [0-9]+ ("_" [0-9]+)*
float ::= int ("." int ([eE] [-+]? [0-9]+)? | [eE] [-+]? [0-9]+)
string ::= "\\"" ([^"\\\\{}\\n] | hole)* "\\""
hole ::= "{" operand (sp [-+*] sp operand)* "}"
operand ::= int | name
compare ::= "==" | "!=" | "<=" | ">=" | "<" | ">"
factor ::= "*" | "//" | "/" | "%"
sign ::= "+" | "-"
"""


def gbnf(tables: dict[str, Any]) -> str:
    """Return the grammar that the parser's tables were made from."""
    rules = {name: expansions for name, expansions in _rules(tables["rules"]) if expansions}
    words = {kind: word for word, kind in tables["lexer"]["keywords"].items()}
    words |= {"BY": "by", "MODULE": "module"}
    signs = dict(re.findall(r"\(\?P<([A-Z]+)>((?:\\?[^\w\s]){1,2})\)", tables["lexer"]["pattern"]))
    signs = {kind: sign.replace("\\", "") for kind, sign in signs.items()}
    lines = ["root ::= eol? spec eol?", _TARGETS]
    for name, expansions in rules.items():
        if name == "targets":
            continue
        first, more = list[str](), list[str]()
        for expansion in expansions:
            repeats = expansion[:1] == [name]
            expansion = _LABELLED[1] if expansion == _LABELLED[0] else expansion
            (more if repeats else first).append(_sequence(expansion[repeats:], rules, words, signs))
        written = " | ".join(first)
        lines.append(f"{_name(name)} ::= " + (f"({written}) ({' | '.join(more)})*" if more else written))
    never = KEYWORDS | {name for name, join in joins().items() if not join.called}
    lines.append("join ::= " + " | ".join(f'"{name}"' for name in sorted(joins())))
    return (
        "# Generated from arch.lark by `python -m archdsl.syntax.tables`.\n"
        + "\n".join(lines)
        + "\n"
        + _WORDS
        + "\n".join(_names(never))
        + "\n"
    )


def _rules(listed: Iterable[Sequence[Any]]) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each rule with its expansions that stand for no error."""
    found: dict[str, list[list[str]]] = {}
    for name, symbols, _, _ in listed:
        parts = symbols.split()
        if not _INSTEAD_OF_ERRORS.intersection(parts):
            found.setdefault(name, []).append(parts)
    reached = ["spec"]
    for name in reached:  # it grows
        reached += dict.fromkeys(part for parts in found.get(name, []) for part in parts if part in found and part not in reached)
    return ((name, found[name]) for name in reached)


def _sequence(expansion: Sequence[str], rules: dict[str, Any], words: dict[str, str], signs: dict[str, str]) -> str:
    parts = []
    for before, symbol in zip(["", *expansion], expansion, strict=False):
        if symbol in rules:
            parts.append(_name(symbol))
        elif symbol == "_SEP":
            parts.append("sep")
        elif symbol in words:
            lines = "eol? " if symbol in ("ELSE", "VIA") and before == "body" else ""
            ends = "" if symbol in _CONSTANTS else " "
            parts.append(f'{lines}sp "{" " if symbol in _BEHIND_WORDS else ""}{words[symbol]}{ends}"')
        else:
            token = f'"{signs[symbol]}"' if symbol in signs else _name(symbol)
            parts.append(f"{'eol? ' if symbol in _LINES_BEFORE else ''}sp {token}{' eol?' if symbol in _LINES_AFTER else ''}")
    return " ".join(parts) or '""'


def _name(symbol: str) -> str:
    return symbol.strip("_").replace("_", "-").lower()


def _names(never: Iterable[str]) -> Iterator[str]:
    """Yield the rules of a name that is none of some words: a rule for each of their beginnings."""
    words = set(never)
    beginnings = sorted({word[:length] for word in words for length in range(len(word) + 1)})
    for beginning in beginnings:
        following = sorted({word[len(beginning)] for word in words if word.startswith(beginning) and word != beginning})
        allowed = _without(_LETTERS if not beginning else _REST, following)
        branches = [f'"{letter}" name{_suffix(beginning + letter)}' for letter in following]
        branches.append(f"[{allowed}] [{_REST}]*")
        if beginning and beginning not in words:
            branches.append('""')
        yield f"name{_suffix(beginning)} ::= " + " | ".join(branches)


def _suffix(beginning: str) -> str:
    return f"-{beginning}" if beginning else ""


def _without(characters: str, left_out: Sequence[str]) -> str:
    """Return a class of characters without some lower-case letters."""
    lower = "".join(letter for letter in map(chr, range(ord("a"), ord("z") + 1)) if letter not in left_out)
    return characters.replace("a-z", lower) if left_out else characters
