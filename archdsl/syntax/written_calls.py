"""The arguments of a call as the text writes them, for remedies that offer other ones."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.ops.base import Op
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


class WrittenArgument(NamedTuple):
    """An argument, by name or by position, and the place of its value."""

    name: str | None
    value: Span

    @property
    def text(self) -> str:
        """The argument as it is written."""
        return f"{self.name} = {self.value.text}" if self.name is not None else self.value.text


class WrittenCall(NamedTuple):
    """A call with its arguments as they are written: `conv(3, 64, pad = 3)`."""

    name: str
    parentheses: Span
    arguments: tuple[WrittenArgument, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The texts of the arguments by position."""
        return tuple(argument.value.text for argument in self.arguments if argument.name is None)

    def names(self, parameter: str) -> bool:
        """Return whether an argument is given by its name."""
        return any(argument.name == parameter for argument in self.arguments)

    def value_of(self, parameter: str, op: Op) -> Span | None:
        """Return the place of the value of a parameter; None if the call does not give it."""
        order = op.parameters_in_order()
        for position, argument in enumerate(self.arguments):
            if (argument.name or (order[position] if position < len(order) else None)) == parameter:
                return argument.value
        return None

    def rewritten(self, *positional: str) -> str:
        """Return the parentheses with other arguments by position; nothing if no arguments are left."""
        arguments = [*positional, *(argument.text for argument in self.arguments if argument.name is not None)]
        return f"({', '.join(arguments)})" if arguments else ""


def written_call(span: Span | None) -> WrittenCall | None:
    """Return what a place writes; None if it is no call."""
    if span is None or not span.text.endswith(")"):
        return None
    call, errors = parse_expression(SourceFile(span.file.name, span.text))
    if errors or not isinstance(call, ast.CallExpr):
        return None
    arguments = [
        WrittenArgument(argument.name, _moved(argument.value.span, span)) for argument in call.arguments if argument.name != ""
    ]
    callee = call.callee.span
    return WrittenCall(callee.text, span._replace(start=span.start + callee.end), tuple(arguments))


def _moved(part: Span, whole: Span) -> Span:
    """Return the place of a part of a text in the file that the text is from."""
    return Span(whole.file, whole.start + part.start, whole.start + part.end)
