"""Remedies for wrong calls that follow a habit of another framework: what flows as an argument, sizes in a row, flags as numbers.

`unwritten_channels.py` knows those that begin with the channels of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.record import Remedy, guess
from archdsl.elaborate.unwritten_channels import with_input_unwritten
from archdsl.elaborate.values import Bound, Callee, MaybeValue
from archdsl.initializers import Initializer
from archdsl.ir import Value
from archdsl.ops import Op
from archdsl.registry import family_of

_PROBABILITIES: Final = frozenset({"dropout", "dropout2d", "droppath"})


def with_habit(found: SpecError, callee: Callee, x: MaybeValue) -> SpecError:
    """Return an error of a call with the remedy for the habit behind it, if one is known."""
    target = callee.target
    first = with_input_unwritten(found, callee, x)
    if first is not found or not isinstance(target, type) or not issubclass(target, Op):
        return first
    in_order = sorted(found.diagnostics, key=lambda one: one.span.start if one.span is not None else 0)
    for rule in (_flow_as_argument, _heads, _sizes_in_a_row, _padding_in_a_row, _flag, _initializer, _number):
        for one in in_order:
            remedy = rule(one, callee, target, x)
            if remedy is not None:  # what is wrong with the arguments behind it may only follow
                return SpecError(one.with_remedy(remedy), *(other for other in in_order if other is not one and rule in _OF_ONE))
    return found


def _flow_as_argument(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`conv(x, 16, 3)`, `pow(y, 2)`: an op takes what flows by itself."""
    given = callee.positional
    if not given or not isinstance(given[0].value, Value) or target.operands or target.optional_operands:
        return None
    if isinstance(found, codes.arguments.StageAsArgument):
        return None
    if not isinstance(
        found, codes.arguments.ValueDiagnostic | codes.arguments.TooManyArguments | codes.arguments.MissingArgument
    ):
        return None
    required = sum(field.is_required() for field in target.fields.values())
    if len(given) - 1 + len(callee.keywords or {}) < required or len(given) + len(callee.keywords or {}) < 2:
        return None
    value = given[0].span.text
    call = _call(callee.name, given[1:], callee)
    return Remedy(f"an op takes what flows by itself: `{call if value == 'x' else f'{value} -> {call}'}`")


def _call(name: str, positional: Sequence[Bound], callee: Callee) -> str:
    """Return a call with these arguments by position, and those by name of another one."""
    texts = [bound.span.text for bound in (*positional, *(callee.keywords or {}).values())]
    return f"{name}({', '.join(texts)})" if texts else name


def _heads(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`mha(8, 512)` and `mha(512, 8)` with the number of features; `mha(q, k, v)` and `mha(8, q, k, v)` with the queries."""
    if target.name != "mha" or not callee.positional or not isinstance(x, Value) or not x.shape:
        return None
    first, *others = callee.positional
    if isinstance(first.value, Value) and isinstance(found, codes.arguments.ValueDiagnostic):
        keys = ", ".join(["heads", *(bound.span.text for bound in others)])
        begin = "" if first.span.text == "x" else f"{first.span.text} -> "
        return Remedy(f"the heads come first, and the queries are what flows: `{begin}mha({keys})`")
    if isinstance(found, codes.arguments.NoOperand) and others and isinstance(others[0].value, int):
        heads = others[0] if first.value == x.shape[-1] else first
        return Remedy(f"the number of features is that of the input, and not written: `{_call('mha', [heads], callee)}`")
    if isinstance(found, codes.tokens.AttentionShapes) and len(others) == 3:
        queries, key, value = (bound.span.text for bound in others)
        begin = "" if queries == "x" else f"{queries} -> "
        return Remedy(f"the queries are what flows: `{begin}mha({first.span.text}, {key}, {value})`")
    return None


def _sizes_in_a_row(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`resize(64, 64)`, `param(64, 32)`: sizes that are not in a list; `upsample(64, 64)`."""
    given = callee.positional
    rank = len(x.shape) - 1 if isinstance(x, Value) else 0
    values = [bound.value for bound in given]
    if len(given) < 2 or not all(type(value) is int for value in values) or not isinstance(found, codes.arguments.WrongType):
        return None
    sizes = f"[{', '.join(bound.span.text for bound in given)}]"
    if target.name == "param" or (target.name == "resize" and len(given) == rank):
        return Remedy(f"sizes stand in a list: `{target.name}({sizes})`")
    if target.name == "upsample" and len(given) == rank and found.argument == "mode":
        small = len(set(values)) == 1 and values[0] <= 8
        return Remedy(f"`upsample` takes a factor: `upsample({values[0] if small else sizes})`; `resize({sizes})` takes sizes")
    return None


def _padding_in_a_row(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`pad(1, 1, 1, 1)` and `pad([1, 1, 1, 1])`, in the order of PyTorch: left, right, top, bottom."""
    if target.name != "pad" or not callee.positional or not isinstance(x, Value):
        return None
    given = [bound.value for bound in callee.positional]
    numbers = list(given[0]) if len(given) == 1 and isinstance(given[0], tuple) else given
    axes = len(x.shape) - 1
    if len(numbers) != 2 * axes or not all(type(number) is int for number in numbers):
        return None
    before, after = numbers[::2][::-1], numbers[1::2][::-1]  # PyTorch counts axes from the last one
    if before == after:
        written = f"pad({before[0]})" if len(set(before)) == 1 else f"pad({before})"
    else:
        written = f"pad(before = {before}, after = {after})"
    return Remedy(f"one number for both sides, or one per axis: `{written}`")


def _flag(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`bias = 0`, and `maxpool(2, 2, 0, 1)` with the dilation fourth, as in PyTorch."""
    if (
        not isinstance(found, codes.arguments.WrongType)
        or not found.expected.startswith("true or false")
        or type(found.given) is not int
    ):
        return None
    named = (callee.keywords or {}).get(found.argument)
    if named is None:
        order = target.parameters_in_order()
        kept = order.index(found.argument) if found.argument in order else 0
        return Remedy(f"write what follows `{order[kept - 1]}` by name: `{_call(callee.name, callee.positional[:kept], callee)}`")
    written = f"{found.argument} = {'true' if found.given else 'false'}"
    return guess(f"write `{written}`") if found.given in (0, 1) else None


def _initializer(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`init = 0.02`, `init = "normal"`: an initializer that is none."""
    field = target.fields.get(found.argument) if isinstance(found, codes.arguments.WrongType) else None
    if field is None or not isinstance(found, codes.arguments.WrongType) or family_of(field.annotation) is not Initializer:
        return None
    if isinstance(found.given, bool) or not isinstance(found.given, int | float | str):
        return None
    if isinstance(found.given, str):
        return Remedy(f"write `init = {found.given}`, without quotes") if found.given in Initializer.registry.names() else None
    written = {0.0: "zeros", 1.0: "ones"}.get(float(found.given), f"normal({found.given})")
    return Remedy(f"write `init = {written}`")


def _number(found: Diagnostic, callee: Callee, target: type[Op], x: MaybeValue) -> Remedy | None:
    """`dropout(50)`, `ln(-1)`, `ln([64, 32])`, `upsample(1.5)`: numbers that mean something else."""
    given: Any = getattr(found, "given", None)
    if isinstance(found, codes.ranges.OutOfBounds) and target.name in _PROBABILITIES and 2 <= given <= 100:
        return Remedy(f"a probability is a part of 1: `{target.name}({given / 100:g})`")
    if "axis" in target.fields and getattr(found, "argument", None) == "eps":
        if given == -1:
            return Remedy(f"write the axis by name: `{target.name}(axis = -1)`")
        if isinstance(given, tuple):
            return Remedy(f"the sizes of the input are not written: `{target.name}`, or `{target.name}(axis = -1)` for tokens")
    if isinstance(found, codes.whole_numbers.FloatForCount) and target.name == "upsample" and isinstance(x, Value):
        sizes = [int(size * given) if isinstance(size, int) else None for size in x.shape[1:]]
        if sizes and all(sizes):
            return Remedy(f"the factor is a whole number; `resize({sizes})` gives {' x '.join(map(str, sizes))}")
    if isinstance(found, codes.arguments.WrongType) and found.expected == "an int" and isinstance(given, tuple) and given:
        bound = (callee.keywords or {}).get(found.argument)
        text = next((one.span.text for one in callee.positional if one.value is given or one.value == given), None)
        text = bound.span.text if text is None and bound is not None else text
        if text is not None and text.isidentifier():
            return Remedy(f"take one of them, `{text}[0]`, or go through them: `for n in {text} {{ ... }}`")
    return None


_OF_ONE: Final = frozenset({_flag, _initializer, _number})
"""Habits of a single argument; others shift those behind it."""
