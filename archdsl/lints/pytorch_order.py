"""W0115: `conv(3, 64, 7)`, with the channels of the input first, as PyTorch writes them.

Here it is a convolution into 3 channels with a window of 64 and a stride of 7, and the network works. A rule must not report
what people mean. Nearly every convolution that keeps its number of channels has a small, odd window and a stride of 1, 2 or 4;
one of PyTorch's always has a third number by position. So the rule takes the third number for granted, except where the window
alone is out of proportion. `upconv(21, 16, 8)` is a bilinear enlargement: there, a stride of a third of the window or more is
fine. `depthwise(k)` and the poolings begin with a window that equals the channels. The fix takes the number out; it changes
the network, so that it is only offered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.rule import OpRule
from archdsl.ops.base import Op
from archdsl.shapes import Shape
from archdsl.syntax.written_calls import WrittenCall, written_call

_WIDEST: Final = 11
"""The widest window that is usual: that of AlexNet."""
_FEW: Final = 4
"""As many channels as an image may have."""


class _Numbers(NamedTuple):
    """What decides: the window and the stride, the largest of their axes, and the input of the op."""

    k: int
    stride: int
    channels: int
    sizes: Shape
    by_position: bool
    """Whether the stride is given by position, or how it is given is not known."""

    @property
    def flat(self) -> bool:
        """Whether the input has one spatial axis. Signals are taken with wide windows."""
        return len(self.sizes) == 1


def _convolution(op: Any, n: _Numbers) -> bool:
    if op.out != n.channels:
        return False
    if n.k > _WIDEST and op.groups == 1 and not n.flat:
        return True
    if not n.by_position:
        return False
    even = n.k % 2 == 0 and n.k >= 6
    skips = n.stride >= 3 and (n.stride > n.k or (n.channels <= _FEW and n.k > n.stride and n.stride % 2 == 1))
    return n.k > _WIDEST or even or skips


def _transposed(op: Any, n: _Numbers) -> bool:
    return op.out == n.channels and n.by_position and n.k >= 8 and 3 * n.stride < n.k


def _depthwise(op: Any, n: _Numbers) -> bool:
    return n.k == n.channels and ((n.k > _WIDEST and (n.by_position or not n.flat)) or (n.by_position and n.stride >= 3))


def _pooling(op: Any, n: _Numbers) -> bool:
    return n.k == n.channels and n.k > _WIDEST and n.by_position and n.k not in n.sizes


_TESTS: Final[dict[str, Callable[[Any, _Numbers], bool]]] = {
    "conv": _convolution, "upconv": _transposed, "depthwise": _depthwise,
    "maxpool": _pooling, "avgpool": _pooling, "lppool": _pooling,
}  # fmt: skip


def _check(node: OpNode) -> Diagnostic | None:
    op, shape = node.op, node.input_shapes[0]
    test = _TESTS[op.name]
    if _first(op) != shape[0] or not test(op, _numbers(op, shape, None)):
        return None  # whatever the text looks like, which is not read for nearly every op
    call = written_call(node.span)
    return _finding(op, call) if test(op, _numbers(op, shape, call)) else None


def _first(op: Op) -> int:
    value = getattr(op, op.parameters_in_order()[0])
    return value if isinstance(value, int) else max(value)


def _numbers(op: Any, shape: Shape, call: WrittenCall | None) -> _Numbers:
    channels = shape[0]
    assert isinstance(channels, int)
    stride = op.k if op.stride is None else op.stride
    by_position = "stride" in op.given and (call is None or not call.names("stride"))
    return _Numbers(_largest(op.k), _largest(stride), channels, shape[1:], by_position)


def _largest(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else max(value)


def _finding(op: Any, call: WrittenCall | None) -> Diagnostic:
    names = [name for name in op.parameters_in_order() if name in ("out", "k", "stride") and name in op.given]
    numbers = tuple((name, getattr(op, name)) for name in names)
    rest, edits = None, tuple[Edit, ...]()
    if call is not None and len(call.positional) > 1:
        written = call.rewritten(*_without_default(op, call.positional[1:]))
        rest, edits = f"{call.name}{written}", (Edit(call.parentheses, written),)
    return codes.habits.ChannelsFirst(op.name, numbers, rest, edits)


def _without_default(op: Any, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments of a depthwise convolution without a stride of 1, which is the default."""
    return arguments[:1] if op.name == "depthwise" and arguments[1:] == ("1",) else arguments


RULE = OpRule("W0115", frozenset(_TESTS), _check)
