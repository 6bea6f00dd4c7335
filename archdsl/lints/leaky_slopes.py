"""W0120: a slope of a leaky rectifier that is negative or above one half, as `leaky_relu(-0.2)` or `leaky_relu(5.5)`.

Slopes are 0.01, 0.1, 0.2 or 0.3; PReLU begins at 0.25. The paper on random slopes divides by 5.5 where this op multiplies,
and MATLAB's and some papers' formulas carry a sign. A slope that equals the channels is W0105.
"""

from __future__ import annotations

from typing import Any, Final

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import OpNode
from archdsl.lints.rule import OpRule
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call

_SLOPES: Final = {"leaky_relu": "slope", "prelu": "init_value"}


def _check(node: OpNode) -> Diagnostic | None:
    parameter = _SLOPES[node.op.name]
    slope = getattr(node.op, parameter)
    if 0 <= slope <= 0.5 or (slope > 1 and node.input_shapes[0][:1] == (slope,)) or node.span is None:
        return None
    return _finding(node.op, parameter, slope, node.span)


def _finding(op: Any, parameter: str, slope: float, span: Span) -> Diagnostic:
    instead = f"{-slope:g}" if -0.5 <= slope < 0 else f"{1 / slope:.3g}" if slope >= 2 else None
    call = written_call(span)
    place = call.value_of(parameter, op) if call is not None else None
    edit = Edit(place, instead) if place is not None and instead is not None else None
    return codes.habits.UnusualSlope(op.name, parameter, slope, instead, edit)


RULE = OpRule("W0120", frozenset(_SLOPES), _check)
