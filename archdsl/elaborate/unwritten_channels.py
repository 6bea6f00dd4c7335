"""Remedies for calls that begin with the channels of the input, as in PyTorch, if that is an error: `linear(512, 10)`.

Where such a call is none, `lints/pytorch_order.py` reports it.
"""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.record import Edit, Remedy, guess
from archdsl.elaborate.values import Bound, Callee, MaybeValue
from archdsl.ir import Value
from archdsl.ops import Op
from archdsl.ops.base import Category

_WIDEST: Final = 15
"""A window wider than this is a number of channels, more likely."""


def with_input_unwritten(found: SpecError, callee: Callee, x: MaybeValue) -> SpecError:
    """Return an error with a remedy for `conv(3, 64, 7)`, which has the channels of the input first, as in PyTorch."""
    kinds = (
        codes.shapes.WindowTooLarge,
        codes.arguments.ValueDiagnostic,
        codes.arguments.GivenTwice,
        codes.ranges.EvenWindow,
    )
    target, given = callee.target, callee.positional
    if not isinstance(found.diagnostic, kinds) or not isinstance(target, type) or not issubclass(target, Op):
        return found
    if (
        len(given) < 2
        or not isinstance(x, Value)
        or not x.shape
        or not _is_of_pytorch(target, given, x.shape[0], found.diagnostic)
    ):
        return found
    return SpecError(found.diagnostic.with_remedy(_remedy(found.diagnostic, callee, target)), *found.diagnostics[1:])


def _is_of_pytorch(target: type[Op], given: tuple[Bound, ...], channels: Any, found: Diagnostic) -> bool:
    """Return whether the first argument is likely a number of channels. For `linear(1050, 10)` it need not be the right one."""
    first, second = given[0].value, given[1].value
    if isinstance(second, bool) or not isinstance(second, int | float) or not isinstance(first, int):
        return False
    order = target.parameters_in_order()
    if order[0] == "out" and isinstance(second, int):
        required = sum(field.is_required() for field in target.fields.values())
        twice = isinstance(found, codes.arguments.GivenTwice)  # as in `conv(3, 64, k = 7)`
        return (len(given) > required or twice) and (first == channels or required == 1)
    if target.category is Category.NORMALIZATION:
        return order[0] == "eps" and first == channels
    return order[0] == "k" and "mult" in order and first == channels and isinstance(second, int)


def _remedy(found: Diagnostic, callee: Callee, target: type[Op]) -> Remedy:
    """Return the call without its first argument."""
    given, first, second = callee.positional, callee.positional[0], callee.positional[1]
    rest = [bound.span.text for bound in given[1:]]
    if target.name == "depthwise" and rest[1:] == ["1"]:
        rest = rest[:1]
    written = ", ".join([*rest, *(bound.span.text for bound in (callee.keywords or {}).values())])
    what = "features" if target.category is Category.DENSE else "channels"
    help = f"the {what} of the input are not written: `{callee.name}({written})`"
    wide = isinstance(second.value, int) and second.value > _WIDEST
    if target.parameters_in_order()[:2] == ["out", "k"] and not wide and found.help is not None:
        help = f"{found.help}; or, where {first.value} is that of the input, {help}"
    start, end = first.span, second.span
    edits = [Edit(start._replace(end=end.start), "")] if start.file is end.file and start.end < end.start else []
    return guess(help, *edits)
