"""Inputs of a network: their sizes, and conditions on symbolic ones."""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.context import Context
from archdsl.elaborate.given_sizes import other_shape
from archdsl.elaborate.naming import Naming, check_label
from archdsl.elaborate.values import Environment, MaybeValue, Unknown
from archdsl.ops.base import DType, check_limits
from archdsl.shapes import Shape, SizeError, SymbolicSize, symbolic_size
from archdsl.sizes import ALL
from archdsl.syntax import nodes as ast

_DTYPES: Final[dict[str, DType]] = {"float": "float", "int": "int", "bool": "bool"}
"""What an input can be declared to hold."""


def input_(context: Context, statement: ast.Input, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an input of the network; the first becomes `x`."""
    if naming.scope.kind != "network" or env.control:
        raise SpecError(codes.inputs.InputOutsideNetwork().at(statement.span))
    dtype = _DTYPES.get(statement.kind or "float")
    if dtype is None:
        raise SpecError(codes.inputs.UnknownElementType(statement.kind or "", tuple(_DTYPES)).at(statement.span))
    check_label(statement.name, statement.span, context.limits)
    shape = [_input_size(context, statement, place, env) for place in range(len(statement.sizes.items))]
    if not shape:
        raise SpecError(codes.inputs.InputWithoutSizes().at(statement.sizes.span))
    shape = list(other_shape(context, statement, tuple(shape)))
    try:
        check_limits("this input is", tuple(shape))
    except SpecError as error:
        raise error.at(statement.sizes.span) from None
    inputs = context.builder.main.inputs
    first = next((value for value in inputs if value.name == statement.name), None)
    if first is not None:
        raise SpecError(codes.inputs.InputTwice(statement.name, first.span).at(statement.span))
    value = context.builder.input(statement.name, tuple(shape), dtype, statement.span)
    env.names[statement.name] = value
    if len(inputs) == 1:
        env.names["x"] = value
    if statement.condition is not None:
        _condition(context, statement.condition, env, value.shape)
    return x if len(inputs) > 1 else value


_ANY_ELSEWHERE: Final = frozenset({"none", "None", "-1"})
"""What stands for any size in PyTorch and Keras."""


def _input_size(context: Context, statement: ast.Input, place: int, env: Environment) -> Any:
    size = ast.bare(statement.sizes.items[place])
    if isinstance(size, ast.Name) and size.id[0].isupper() and size.id != "None" and env.find(size.id) is Unknown:
        number = context.numbers.get(size.id)
        env.names[size.id] = symbolic_size(size.id, context.session) if number is None else number
    if isinstance(size, ast.Name) and size.id != "None" and context.evaluator.named(size, env) is Unknown:
        batch = _without_batch(statement, place)
        known = env.visible() if batch is None else ()
        hint = _UNWRITTEN.format(statement.name, batch) if batch is not None else _CAPITAL.format(_named(statement, env))
        raise context.evaluator.name_errors.name(size, env, known, hint)
    if size.span.text in _ANY_ELSEWHERE:
        batch = _without_batch(statement, place)
        kind = codes.inputs.NoneAsSize if size.span.text in ("none", "None") else codes.inputs.MinusOneAsSize
        sizes = batch or _named(statement, env)
        raise SpecError(kind(sizes, batch is not None, statement.name, statement.sizes.span).at(size.span))
    try:
        value = context.evaluator.evaluate(size, env)
    except SpecError as found:
        at = found.diagnostic.span if isinstance(found.diagnostic, codes.names.Undefined) else None
        symbol = next((name.id for name in ast.names(size) if name.span == at and name.id[0].isupper()), None)
        if symbol is None:
            raise
        raise SpecError(found.diagnostic.with_remedy(_calculated(statement, symbol))) from None
    if isinstance(value, SymbolicSize):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise SpecError(codes.inputs.SizeBelowOne(value).at(size.span))
    fixed = context.evaluator.count(size, env, "a size")
    if isinstance(fixed, Unknown):
        raise SpecError(codes.arguments.Undecided(size.span.text).at(size.span))
    return fixed


_UNWRITTEN: Final = "the batch is not written: `input {} {}`"
_CAPITAL: Final = "a symbolic size begins with a capital: `{}`"


def _without_batch(statement: ast.Input, place: int) -> str | None:
    """Return the sizes without the first if it stands for the batch; None if this one does not."""
    sizes = statement.sizes.items
    if place > 0 or not (len(sizes) == 4 or (len(sizes) > 1 and "batch" in sizes[0].span.text.lower())):
        return None
    return f"[{', '.join(size.span.text for size in sizes[1:])}]"


def _named(statement: ast.Input, env: Environment) -> str:
    """Return the sizes with names that begin with capitals for those that are meant to be symbolic."""
    texts = [size.span.text for size in statement.sizes.items]
    free = (letter for letter in "HWDLMN" if letter not in {text.upper() for text in texts})
    for place, size in enumerate(map(ast.bare, statement.sizes.items)):
        text = size.id if isinstance(size, ast.Name) else texts[place]
        if text in _ANY_ELSEWHERE or (isinstance(size, ast.Name) and env.find(text) is Unknown):
            texts[place] = text[0].upper() + text[1:] if text[0].isalpha() and text not in ("none", "None") else next(free, "N")
    return f"[{', '.join(texts)}]"


def _calculated(statement: ast.Input, symbol: str) -> str:
    """Return the remedy for a symbolic size that is calculated with before it stands by itself."""
    sizes = statement.sizes.items
    texts = [symbol if symbol in [name.id for name in ast.names(size)] else size.span.text for size in sizes]
    return f"a symbolic size stands by itself first: `[{', '.join(texts)}]`; a condition on it follows: `where {symbol} % 2 == 0`"


def _condition(context: Context, condition: ast.Expr, env: Environment, shape: Shape) -> None:
    """Take in what a `where` states about the symbolic sizes, which must hold for numbers in their place."""
    if context.numbers:
        if context.evaluator.truth(condition, env) is False:
            found = codes.given_sizes.FailsAtSizes(context.numbers, "the condition of the input does not hold")
            raise SpecError(found.at(condition.span))
        return
    if not any(isinstance(size, SymbolicSize) for size in env.names.values()):
        raise SpecError(codes.inputs.InputSizesFixed().at(condition.span))
    from archdsl.elaborate.size_conditions import stated_sizes  # here: most networks have fixed sizes

    own = [symbol for size in shape if isinstance(size, SymbolicSize) for symbol in size.symbols]
    for symbol, sizes in stated_sizes(context.evaluator, condition, env, own).items():
        if sizes == ALL and symbol in context.stated:
            continue  # the earlier condition says more
        try:
            context.stated[symbol] = context.stated.get(symbol, ALL) & sizes
        except SizeError as error:
            raise SpecError(codes.symbolic_sizes.UndecidedSizes(str(error)).at(condition.span)) from None
        context.stated_at[symbol] = condition.span
