"""Local response normalization that PyTorch spells out: a quotient by a power of the mean of squares of neighbouring channels."""

from __future__ import annotations

from typing import Any

from archdsl.importers.model import Apply, Call, Value, applications, walk


def response_norms(main: Call) -> None:
    """Replace the quotient by `lrn`; what only served it is read by nothing afterwards."""
    makers = {value: node for node in applications(main) for value in node.outputs}
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        for at, node in enumerate(call.body):
            if isinstance(node, Apply) and node.op == "div" and node.is_join and (args := _arguments(node, makers)) is not None:
                made = Apply("lrn", args, node.inputs[:1], node.outputs, None, node.path, node.place)
                made.outputs[0].producer = made
                call.body[at] = made


def _arguments(quotient: Apply, makers: dict[Value, Apply]) -> dict[str, Any] | None:
    """Return the arguments of `lrn` for a quotient that is one: `x / (k + alpha * mean(x^2))^beta`."""
    source, value = quotient.inputs
    numbers = {"beta": 1.0, "k": 0.0, "alpha": 1.0}
    for name, op, argument in (("beta", "pow", "exponent"), ("k", "add", "number"), ("alpha", "scale", "factor")):
        maker = makers.get(value)
        if maker is not None and maker.op == op and argument in maker.args:
            numbers[name] = float(maker.args[argument])
            value = maker.inputs[0]
    mean = _without_reshape(value, makers)
    padded = makers.get(mean.inputs[0]) if mean is not None and mean.op == "avgpool" else None
    if mean is None or padded is None or padded.op != "pad" or mean.args["pad"] != 0 or mean.args["stride"] != 1:
        return None
    size, *others = mean.args["k"] if isinstance(mean.args["k"], tuple) else (0,)
    squares = _without_reshape(padded.inputs[0], makers)
    if squares is None or squares.op != "mul" or squares.inputs != [source, source] or set(others) != {1}:
        return None
    before, after = _sides(padded)
    none = (0,) * len(others)
    if padded.args["mode"] != "zeros" or padded.args["value"]:
        return None
    return {"size": size, **numbers} if (before, after) == ((size // 2, *none), ((size - 1) // 2, *none)) else None


def _without_reshape(value: Value, makers: dict[Value, Apply]) -> Apply | None:
    """Return the op that makes the numbers of a value, before they are given other axes."""
    maker = makers.get(value)
    while maker is not None and maker.op == "reshape":
        maker = makers.get(maker.inputs[0])
    return maker


def _sides(pad: Apply) -> tuple[Any, Any]:
    """Return how much is added before and after each axis behind the first one."""
    axes = len(pad.inputs[0].shape) - 1
    sides = [pad.args.get("amount", pad.args.get(name)) for name in ("before", "after")]
    before, after = (side if isinstance(side, tuple) else (side,) * axes for side in sides)
    return before, after
