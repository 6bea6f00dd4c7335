"""Random inputs: their ranks, symbolic sizes and couplings, their conditions, and the network's parameters."""

from __future__ import annotations

import random

from tests.attack.program import (
    Argument,
    Binary,
    Expression,
    Input,
    Literal,
    Name,
    Parameter,
    Program,
    Size,
    Unary,
)

AXES = {1: "l", 2: "hw", 3: "dhw"}
# What stands for a symbolic size while a program grows; many small numbers divide it.
NOMINAL = {0: 24, 1: 24, 2: 24, 3: 12}
SYMBOLS = ("H", "W", "D")


def make_head(chance: random.Random, *, fixed: bool = False) -> tuple[Program, dict[str, int]]:
    """Return a program without a body, and the sizes to grow it with; with `fixed`, no size is open."""
    axes = chance.choice((0, 1, 1, 2, 2, 2, 2, 2, 3))
    fixed = axes == 0 or chance.random() < 0.25 or fixed
    used: list[str] = []
    sizes: list[Expression] = [Literal(chance.choice((1, 2, 3, 4, 4, 6)))]
    for at in range(axes):
        if fixed or chance.random() < 0.12:
            sizes.append(Literal(chance.randint(6, 16)))
        elif used and chance.random() < 0.25:
            sizes.append(_coupled(chance, chance.choice(used)))
        else:
            used.append(SYMBOLS[at])
            sizes.append(Name(SYMBOLS[at]))
    inputs = [Input("a", tuple(sizes))]
    for name in ("b", "c")[: chance.choice((0, 0, 0, 1, 1, 2))]:
        inputs.append(_another(chance, name, axes, inputs[0], used, fixed))
    if axes and chance.random() < 0.06:
        first = chance.choice((sizes[0], Literal(1)))
        inputs.append(Input("m", (first, *sizes[1:]), mask=True))
    if used and chance.random() < 0.35:
        inputs = _with_conditions(chance, inputs, used)
    if chance.random() < 0.1 and axes == 1:
        inputs[0] = Input("a", tuple(sizes[1:]), integers=True)
    parameters, alias = _parameters(chance)
    program = Program(tuple(inputs), (), parameters=parameters, alias=alias, symbols=tuple(used))
    return program, {symbol: NOMINAL[axes] for symbol in used}


def _coupled(chance: random.Random, symbol: str) -> Expression:
    """Return a size that follows from an open one."""
    size: Expression = Name(symbol)
    return chance.choice(
        [
            size,
            size,
            Binary("*", Literal(2), size),
            Binary("//", size, Literal(chance.choice((2, 3)))),
            Binary("+", size, Literal(1)),
            Binary("-", size, Literal(2)),
            Binary("+", Binary("//", size, Literal(2)), Literal(1)),
            Binary("*", Literal(4), Binary("//", size, Literal(4))),
        ]
    )


def _another(chance: random.Random, name: str, axes: int, first: Input, used: list[str], fixed: bool) -> Input:
    """Return a further input, mostly with sizes that follow from those of the first."""
    if chance.random() < 0.1:
        return Input(name, (Literal(chance.randint(2, 6)),), integers=True)
    sizes: list[Expression] = [Literal(chance.choice((1, 2, 3, 4)))]
    for size in first.sizes[1:]:
        if not fixed and used and chance.random() < 0.7:
            sizes.append(_coupled(chance, chance.choice(used)))
        elif not fixed and chance.random() < 0.2 and len(used) < 3:
            symbol = next(each for each in ("K", "L", "M") if each not in used)
            used.append(symbol)
            sizes.append(Name(symbol))
        else:
            sizes.append(size)
    return Input(name, tuple(sizes))


def _with_conditions(chance: random.Random, inputs: list[Input], symbols: list[str]) -> list[Input]:
    """Return the inputs, one or two of them with a condition on symbolic sizes."""
    changed = list(inputs)
    for at in chance.sample(range(len(inputs)), k=min(len(inputs), chance.choice((1, 1, 2)))):
        item = inputs[at]
        known = [symbol for symbol in symbols if any(_reads(size, symbol) for each in inputs[: at + 1] for size in each.sizes)]
        if not known:
            continue
        parts = [_condition(chance, item, at == 0, known) for _ in range(chance.choice((1, 1, 2)))]
        where = parts[0] if len(parts) == 1 else Binary("and", parts[0], parts[1])
        changed[at] = Input(item.name, item.sizes, where, item.integers, item.mask)
    return changed


def _reads(tree: Expression, symbol: str) -> bool:
    """Return whether a size reads a symbolic size."""
    return tree == Name(symbol) or (isinstance(tree, Binary) and (_reads(tree.left, symbol) or _reads(tree.right, symbol)))


def _condition(chance: random.Random, item: Input, first: bool, symbols: list[str]) -> Expression:
    """Return one comparison of a symbolic size, spelled as a symbol or as a size of `x` or of the input."""
    spelled: list[Expression] = [Name(symbol) for symbol in symbols]
    axes = len(item.sizes) - 1
    if axes in AXES and not item.integers:
        letters = AXES[axes]
        for at, size in enumerate(item.sizes[1:]):
            if not isinstance(size, Literal):
                spelled += [Size(name, letters[at]) for name in ((item.name, "x") if first else (item.name,))] * 2
    size = chance.choice(spelled)
    roll = chance.random()
    if roll < 0.4:
        divisor = chance.choice((2, 3, 4, 8))
        remainder = Literal(0) if chance.random() < 0.8 else Literal(1)
        condition: Expression = Binary("==", Binary("%", size, Literal(divisor)), remainder)
    elif roll < 0.8:
        condition = Binary(chance.choice((">", ">=", "!=")), size, Literal(chance.randint(1, 12)))
    elif roll < 0.9:
        condition = Binary(chance.choice(("<", "<=")), size, Literal(chance.randint(9, 40)))
    else:
        condition = Binary("==", Binary("//", size, Literal(2)), Literal(chance.randint(2, 8)))
    if chance.random() < 0.08:
        return Unary("not", condition)
    if chance.random() < 0.08:
        return Binary("or", condition, Binary("==", size, Literal(chance.randint(1, 9))))
    if chance.random() < 0.03:
        return Binary("==", Binary("%", Literal(chance.choice((24, 60, 64))), size), Literal(0))
    return condition


def _parameters(chance: random.Random) -> tuple[tuple[Parameter, ...], tuple[Argument, ...] | None]:
    """Return parameters of the network, and the arguments of an alias or None."""
    if chance.random() < 0.6:
        return (), None
    parameters = (Parameter("width", Literal(chance.choice((2, 4, 6))), chance.choice(("int", None))),)
    if chance.random() < 0.5:
        return parameters, None
    return parameters, (Argument(chance.choice(("width", None)), Literal(chance.choice((2, 3, 8)))),)
