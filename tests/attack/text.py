"""Print a program as archdsl text.

Parentheses are written only where docs/language.md's table of precedences asks for them, so that the parser's own
precedences are under test. A style other than 0 varies what means the same: line ends, `;`, and arrows over lines.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.attack.program import (
    Apply,
    Argument,
    Binary,
    Call,
    Choice,
    Comprehension,
    Expect,
    Expression,
    For,
    Group,
    Head,
    If,
    Input,
    Item,
    Join,
    Label,
    Let,
    ListOf,
    Literal,
    Module,
    Name,
    OpValue,
    Parameter,
    Pipeline,
    Program,
    Range,
    Repeat,
    Size,
    Skip,
    Stage,
    Statement,
    Take,
    Unary,
    Unpack,
    Word,
)

RANGE, CHOICE, OR, AND, NOT, COMPARE, SUM, PRODUCT, NEGATE, POWER, ATOM = range(11)
LEVELS = {"or": OR, "and": AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "^": POWER}


def expression(tree: Expression, least: int = RANGE) -> str:
    """Return the text of an expression, in parentheses where its operator is looser than `least`."""
    text, level = _expression(tree)
    return f"({text})" if level < least else text


def _expression(tree: Expression) -> tuple[str, int]:  # noqa: C901 - a case for each kind of expression
    match tree:
        case Literal(None):
            return "none", ATOM
        case Literal(bool(flag)):
            return str(flag).lower(), ATOM
        case Literal(int(value) | float(value)):
            return str(value), ATOM if value >= 0 else NEGATE
        case Word(text):
            return text if text.isidentifier() else f'"{text}"', ATOM
        case Name(text):
            return text, ATOM
        case Size(of, axis):
            return f"{of}.{axis}", ATOM
        case Binary(operator, left, right):
            level = LEVELS.get(operator, COMPARE)
            above = level + 1
            sides = (above, level) if operator == "^" else (above, above) if level == COMPARE else (level, above)
            return f"{expression(left, sides[0])} {operator} {expression(right, sides[1])}", level
        case Unary("not", operand):
            return f"not {expression(operand, NOT)}", NOT
        case Unary(operator, operand):
            return f"{operator}{expression(operand, NEGATE)}", NEGATE
        case Choice(then, condition, other):
            return f"{expression(then, OR)} if {expression(condition, OR)} else {expression(other, CHOICE)}", CHOICE
        case Call(function, items):
            return f"{function}({', '.join(map(expression, items))})", ATOM
        case ListOf(items):
            return f"[{', '.join(expression(item, CHOICE) for item in items)}]", ATOM
        case Range(start, end, step):
            by = "" if step is None else f" by {expression(step, SUM)}"
            return f"{expression(start, SUM)}..{expression(end, SUM)}{by}", RANGE
        case Comprehension(element, name, over, condition):
            through = expression(over) if isinstance(over, Range) else expression(over, OR)
            selected = "" if condition is None else f" if {expression(condition, OR)}"
            return f"[{expression(element, CHOICE)} for {name} in {through}{selected}]", ATOM
        case Item(of, index):
            return f"{expression(of, ATOM)}[{expression(index, CHOICE)}]", ATOM
        case OpValue(name, values):
            return name + arguments(values), ATOM
    raise TypeError(tree)


def arguments(values: Sequence[Argument]) -> str:
    """Return arguments in parentheses, nothing for none."""
    written = [f"{each.name} = {expression(each.value)}" if each.name else expression(each.value) for each in values]
    return f"({', '.join(written)})" if written else ""


def program(tree: Program) -> str:
    """Return the text of a program."""
    return _Printer(tree.style).program(tree)


class _Printer:
    """Prints statements in one style."""

    def __init__(self, style: int) -> None:
        self.random = random.Random(style)
        self.varied = style != 0

    def chance(self, probability: float) -> bool:
        return self.varied and self.random.random() < probability

    def program(self, tree: Program) -> str:
        parts = [f"block {each.name}({self.parameters(each.parameters)}) {self.braces(each.body)}" for each in tree.blocks]
        inputs = "".join(f"  {self.input(each)}\n" for each in tree.inputs)
        head = f"network n({self.parameters(tree.parameters)})" if tree.parameters else "network n"
        parts.append(f"{head} {{\n{inputs}{self.body(tree.body)}}}")
        for each in tree.constants:
            parts.insert(self.random.randrange(len(parts) + 1) if self.varied else 0, self.statement(each))
        if tree.alias is not None:
            parts.append(f"network fixed = n{arguments(tree.alias)}")
        return "\n".join(parts) + "\n"

    def parameters(self, items: Sequence[Parameter]) -> str:
        return ", ".join(
            each.name + (f": {each.kind}" if each.kind else "") + (f" = {expression(each.default)}" if each.default else "")
            for each in items
        )

    def input(self, item: Input) -> str:
        sizes = ", ".join(expression(size, CHOICE) for size in item.sizes)
        condition = f" where {expression(item.where)}" if item.where else ""
        return f"input {item.name}{': int' if item.integers else ': bool' if item.mask else ''} [{sizes}]{condition}"

    def body(self, statements: Sequence[Statement]) -> str:
        text = ""
        for each in statements:
            written = self.statement(each)
            text += f"  {written}" + ("; " if self.chance(0.3) else "\n")
        return text if not text or text.endswith("\n") else text + "\n"

    def braces(self, statements: Sequence[Statement]) -> str:
        if not statements:
            return "{ }"
        if self.chance(0.2):
            return "{\n" + self.body(statements) + "}"
        return "{ " + "; ".join(map(self.statement, statements)) + " }"

    def statement(self, tree: Statement) -> str:
        match tree:
            case Pipeline(stages, label):
                return (self.label(label) if label else "") + self.stages(stages)
            case Module(label, stages):
                return f"module {self.label(label)}{self.stages(stages)}"
            case Unpack(names, stages):
                return f"[{', '.join(names)}]: {self.stages(stages)}"
            case Let(name, value, parameters):
                return f"let {name}{'(' + ', '.join(parameters) + ')' if parameters else ''} = {expression(value)}"
            case Head(kind, name, stages, weight, index):
                option = "" if weight is None else f"(weight = {weight})"
                return f"{kind}{option} {name}{'' if index is None else f'[{index}]'}: {self.stages(stages)}"
            case Expect(claim):
                return f"expect {expression(claim)}"
        raise TypeError(tree)

    def label(self, label: Label) -> str:
        index = "" if label.index is None else expression(label.index)
        if label.text:
            return f'"{label.name}{{{index}}}": ' if index else f'"{label.name}": '
        second = "" if label.second is None else f"[{expression(label.second)}]"
        return f"{label.name}[{index}]{second}: " if index else f"{label.name}: "

    def stages(self, stages: Sequence[Stage]) -> str:
        text = self.stage(stages[0])
        for each in stages[1:]:
            text += (" ->\n    " if self.chance(0.1) else "\n    -> " if self.chance(0.1) else " -> ") + self.stage(each)
        return text

    def stage(self, tree: Stage) -> str:
        match tree:
            case Apply(name, values):
                return name + arguments(values)
            case Take(value):
                return expression(value)
            case Group(body):
                return self.braces(body)
            case Join(kind, branches, axis, broadcast):
                option = "(broadcast = true)" if broadcast else "" if axis is None else f"(axis = {axis})"
                return f"{kind}{option} {self.braces(branches)}"
            case Skip(body, via, drop, scale, when):
                given = [f"{name} = {value}" for name, value in (("drop", drop), ("scale", scale)) if value is not None]
                given += [] if when is None else [f"when = {expression(when)}"]
                option = f"({', '.join(given)})" if given else ""
                return f"skip{option} {self.braces(body)}" + ("" if via is None else f" via {self.braces(via)}")
            case Repeat(count, body):
                return f"repeat {expression(count, SUM)} {self.braces(body)}"
            case For(name, over, body, position, parts):
                name = f"[{', '.join((name, *parts))}]" if parts else name
                counted = f"{position}, {name}" if position else name
                return f"for {counted} in {expression(over)} {self.braces(body)}"
            case If(condition, body, otherwise):
                rest = f" else {self.braces(otherwise)}" if otherwise else ""
                return f"if {expression(condition, OR)} {self.braces(body)}{rest}"
        raise TypeError(tree)
