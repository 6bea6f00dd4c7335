"""The text format of protocol buffers, without a schema: fields with numbers, words, texts and messages, each with its place."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from archdsl.diagnostics import SpecError, codes
from archdsl.source import SourceFile, Span

CAFFE = "Caffe prototxt"
_DEEPEST = 24
_BRACES = re.compile(r"""[{}]|#[^\n]*|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?""")
"""Braces, and what may contain others: comments and texts."""
_GRAMMAR = r"""
start: _fields
_fields: (item (";" | ",")?)*
item: NAME ":" (scalar | several | message) | NAME message
several: "[" [(scalar | message) ("," (scalar | message))*] "]"
message: "{" _fields "}" | "<" _fields ">"
scalar: TEXT+ | NUMBER | NAME
NAME: /[A-Za-z_][\w.\/-]*/
NUMBER.2: /[-+]?(?:0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)[fF]?(?![\w])/
TEXT: /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/
COMMENT: /#[^\n]*/
%ignore COMMENT
%ignore /[\s\ufeff]+/
"""


@dataclass(eq=False)
class Entry:
    """One field: its name, what it holds (a number, a word or text as `str`, or a message), and its place."""

    name: str
    value: Any
    span: Span


@dataclass(eq=False)
class Message:
    """A message: its fields in order. Names may occur several times."""

    span: Span
    fields: list[Entry] = field(default_factory=list)

    def all(self, name: str) -> list[Entry]:
        """Return all fields of a name."""
        return [entry for entry in self.fields if entry.name == name]

    def get(self, name: str) -> Entry | None:
        """Return the last field of a name, as protocol buffers do; None if there is none."""
        found = self.all(name)
        return found[-1] if found else None

    def message(self, name: str) -> Message:
        """Return the message of a field; an empty one if it is missing. Raise `SpecError` if it is no message."""
        entry = self.get(name)
        if entry is None:
            return Message(self.span)
        if not isinstance(entry.value, Message):
            invalid(entry.span, f"`{name}` must be a message: `{name} {{ ... }}`")
        return entry.value

    def text(self, name: str, default: str = "") -> str:
        """Return a field as text or word."""
        entry = self.get(name)
        if entry is None:
            return default
        if not isinstance(entry.value, str):
            invalid(entry.span, f"`{name}` must be a text")
        return entry.value

    def texts(self, name: str) -> list[Entry]:
        """Return all fields of a name, which must be texts."""
        found = self.all(name)
        for entry in found:
            if not isinstance(entry.value, str):
                invalid(entry.span, f"`{name}` must be a text")
        return found

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Return a field as an integer of at least `least`."""
        entry = self.get(name)
        return default if entry is None else integer(entry, least)

    def numbers(self, name: str, least: int = 0) -> list[int]:
        """Return all fields of a name as integers."""
        return [integer(entry, least) for entry in self.all(name)]

    def real(self, name: str, default: float) -> float:
        """Return a field as a number."""
        entry = self.get(name)
        if entry is None:
            return default
        if isinstance(entry.value, bool) or not isinstance(entry.value, int | float) or not math.isfinite(entry.value):
            invalid(entry.span, f"`{name}` must be a number")
        return float(entry.value)

    def flag(self, name: str, default: bool) -> bool:
        """Return a field as a truth value."""
        entry = self.get(name)
        if entry is None:
            return default
        if entry.value in ("true", "True", "t") or entry.value == 1:
            return True
        if entry.value in ("false", "False", "f") or entry.value == 0:
            return False
        invalid(entry.span, f"`{name}` must be `true` or `false`")


def integer(entry: Entry, least: int) -> int:
    """Return the integer of a field. Raise `SpecError` E1211 if it is none, or too small or large."""
    value = entry.value
    if isinstance(value, bool) or not isinstance(value, int):
        invalid(entry.span, f"`{entry.name}` must be an integer")
    if not least <= value < 2**31:
        invalid(
            entry.span, f"`{entry.name}` is {value}, and must be at least {least}" + (" and below 2^31" if value > least else "")
        )
    return value


def invalid(span: Span, reason: str, where: str | None = None) -> NoReturn:
    """Raise `SpecError` E1211 at a place."""
    raise SpecError(codes.configs.InvalidConfig(CAFFE, reason, where).at(span))


def read_prototxt(source: SourceFile) -> Message:
    """Return the message in a text. Raise `SpecError` E1211 with the place if it is not in the format."""
    _check_nesting(source)
    try:
        made: Message = _Build(source).transform(_parser().parse(source.text))
    except UnexpectedInput as error:
        _syntax_error(source, error)
    return made


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", propagate_positions=True, maybe_placeholders=False)


def _check_nesting(source: SourceFile) -> None:
    """Raise `SpecError` for messages inside one another that no file needs, and for braces that do not match."""
    opened: list[int] = []
    for match in _BRACES.finditer(source.text):
        at, token = match.start(), match[0]
        if token == "{":
            opened.append(at)
            if len(opened) > _DEEPEST:
                invalid(Span(source, at, at + 1), f"more than {_DEEPEST} messages are inside one another")
        elif token == "}":
            if not opened:
                invalid(Span(source, at, at + 1), "`}` without a `{` before it")
            opened.pop()
    if opened:
        text = source.text
        start = text.rfind("\n", 0, opened[-1]) + 1
        start += len(text[start:]) - len(text[start:].lstrip())
        invalid(Span(source, start, opened[-1] + 1), "the file ends inside this message: its `}` is missing")


def _syntax_error(source: SourceFile, error: UnexpectedInput) -> NoReturn:
    at = error.pos_in_stream
    start = len(source.text.rstrip()) - 1 if at is None or at < 0 or at >= len(source.text) else at
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        invalid(Span(source, max(start, 0), max(start + 1, 1)), "the file ends in the middle of a field")
    if isinstance(error, UnexpectedCharacters):
        letter = source.text[start : start + 1]
        reason = "a text without its closing quote" if letter in "\"'" else f"unexpected character {letter!r}"
        invalid(Span(source, start, start + 1), reason)
    token = getattr(error, "token", None)
    shown = str(token) if token is not None else source.text[start : start + 1]
    invalid(
        Span(source, start, start + max(len(shown), 1)),
        f"unexpected `{shown[:40]}`; a field is `name: value` or `name {{ ... }}`",
    )


@v_args(meta=True)
class _Build(Transformer[Token, Any]):
    """Makes messages of the tree. Nesting is limited before, so that this recursion is, too."""

    def __init__(self, source: SourceFile) -> None:
        super().__init__()
        self._source = source

    def _span(self, meta: Any) -> Span:
        return Span(self._source, getattr(meta, "start_pos", 0), getattr(meta, "end_pos", 0))

    def start(self, meta: Any, children: list[Any]) -> Message:
        return self.message(meta, children)

    def message(self, meta: Any, children: list[Any]) -> Message:
        return Message(self._span(meta), [entry for child in children for entry in child])

    def item(self, meta: Any, children: list[Any]) -> list[Entry]:
        name, value = str(children[0]), children[1]
        values = value if isinstance(value, list) else [value]
        return [Entry(name, one, self._span(meta)) for one in values]

    def several(self, meta: Any, children: list[Any]) -> list[Any]:
        return children

    def scalar(self, meta: Any, children: list[Token]) -> Any:
        first = children[0]
        if first.type == "TEXT":
            return "".join(_unquoted(token) for token in children)
        if first.type == "NUMBER":
            return _number(str(first))
        return str(first)


def _unquoted(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text[1:-1]


def _number(text: str) -> int | float:
    if "x" in text.lower():
        return int(text, 16)
    plain = text.rstrip("fF")
    return float(plain) if set(plain) & set(".eE") or plain != text else int(plain[:400])
