"""W0116: `gn(64, 32)`, `bn(0.9)`: an `eps` that is no small number.

It is added to the variance, so that it is 1e-5 or 1e-3. A large one comes of another order of arguments: PyTorch writes the
channels behind the groups of `GroupNorm`, Keras the momentum first. `W0105` reports a number that equals the channels.
"""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.rule import OpRule
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call

_LARGEST: Final = 0.1


def _check(node: OpNode) -> Diagnostic | None:
    op: Any = node.op
    channels = node.input_shapes[0][0]
    if op.eps < _LARGEST or node.span is None or (op.eps > 1 and op.eps == channels):  # the last is W0105
        return None
    return codes.habits.LargeEpsilon(op.name, op.eps, *_instead(op, node.span, channels))


def _instead(op: Any, span: Span, channels: Any) -> tuple[str | None, tuple[Edit, ...]]:
    """Return what may be meant by an `eps` that is given by position, as a sentence, and its edits."""
    call = written_call(span)
    if call is None or call.names("eps") or not 0 < len(call.positional) < 3:
        return None, ()
    first, *others = call.positional
    if op.name == "bn" and not others and op.eps < 1 and not call.names("momentum"):
        why, written = "if it is the momentum", call.rewritten(f"momentum = {share_of_new(op.eps):g}")
    elif op.name == "gn" and others and op.groups == channels and _divides(op.eps, channels):
        why, written = "channels are not written", call.rewritten(others[0])
    elif op.name == "gn":
        why, written = "only the groups are written", call.rewritten(first)
    else:
        why, written = "channels and sizes are not written", call.rewritten(*others)
    return f"{why}: `{call.name}{written}`", (Edit(call.parentheses, written),)


def _divides(number: float, channels: int) -> bool:
    return number.is_integer() and channels % int(number) == 0


def share_of_new(momentum: float) -> float:
    """Return the weight of the new batch, for that of the old mean if it is above one half."""
    return round(1 - momentum, 10) if momentum > 0.5 else momentum


RULE = OpRule("W0116", frozenset({"bn", "gn", "ln", "instance_norm"}), _check)
