"""The call of an op as text: arguments in the order of its signature, without those that are defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.importers.literal import Word, literal
from archdsl.importers.statements import Stage
from archdsl.ops import Op

Explain = Callable[[Sequence[Any], str], str]


def op_text(stage: Stage) -> str:
    """Return the call of one stage with the numbers that it has."""
    return arguments([stage], {}, lambda values, role: literal(values[0]))


def arguments(stages: list[Stage], operands: dict[str, str], explain: Explain) -> str:
    """Return the call of stages of one op, with an expression for each argument that varies."""
    if stages[0].run:
        return str(stages[0].callee)
    name, columns = _named(stages)
    op = Op.registry.get(name)
    assert op is not None, name
    shown: list[str] = []
    positional = True
    for parameter in op.call_order():
        if parameter in operands:
            shown.append(operands[parameter] if positional else f"{parameter} = {operands[parameter]}")
            continue
        field = op.fields.get(parameter)
        if parameter not in columns or field is None:
            positional = positional and parameter in op.operands
            continue
        values = columns[parameter]
        if not field.is_required() and all(_is_default(value, field.default) for value in values):
            positional = False
            continue
        text = _argument(name, parameter, values, explain)
        positional = positional and _may_be_positional(op, parameter, text)
        shown.append(text if positional else f"{parameter} = {text}")
    if name == "rearrange":
        for axis in [name for name in columns if name != "pattern"]:
            shown.append(f"{axis} = {explain(columns[axis], 'heads' if axis == 'n' else 'window')}")
        shown += [f"{axis} = {image}.{axis}" for axis, image in operands.items()]
    return f"{name}({', '.join(shown)})" if shown else name


def _named(stages: list[Stage]) -> tuple[str, dict[str, list[Any]]]:
    """Return the op of stages, and the values of each argument: a convolution of each channel is `depthwise`."""
    columns = _columns(stages)
    if stages[0].callee != "conv" or not all(is_depthwise(stage) for stage in stages):
        return str(stages[0].callee), columns
    columns["mult"] = [stage.args["out"] // stage.inputs[0][0] for stage in stages]
    columns["pad"] = [_pad_of_all(stages) or ("same" if _is_same(stage) else stage.args["pad"]) for stage in stages]
    return "depthwise", {key: columns[key] for key in ("k", "stride", "mult", "bias", "pad") if key in columns}


def _argument(name: str, parameter: str, values: list[Any], explain: Explain) -> str:
    if name == "linear" and parameter == "axis":
        return "-1"
    if type(values[0]) is str and len(set(values)) == 1 and parameter != "pattern":
        values = [Word(values[0])] * len(values)
    return explain(values, parameter)


def _may_be_positional(op: type[Op], parameter: str, text: str) -> bool:
    """Whether a person writes an argument without its name."""
    named = parameter in getattr(op, "by_name", ())
    return not named and (op.fields[parameter].is_required() or text == parameter or _first(op, parameter))


def _first(op: type[Op], parameter: str) -> bool:
    """Whether a parameter is the first of its op, and a person writes its value alone: `dropout(0.2)`."""
    return op.parameters_in_order()[0] == parameter and op.name not in ("bn", "ln", "gn", "rms_norm", "frozen_bn", "grn")


def _is_default(value: Any, default: Any) -> bool:
    return (type(value) is type(default) and value == default) or (value == default and not isinstance(value, bool))


def _columns(stages: list[Stage]) -> dict[str, list[Any]]:
    """Return the values of each argument, with the words that stand for numbers."""
    names = [name for name in stages[0].args if name != "__name__"]
    columns = {name: [stage.args.get(name) for stage in stages] for name in names}
    op = stages[0].callee
    if op in ("conv", "upconv"):
        if op == "conv" and (word := _pad_of_all(stages)) is not None:
            columns["pad"] = [word] * len(stages)
        elif op == "conv":
            kept = sum(map(_is_same, stages)) * 2 > len(stages)
            columns["pad"] = [
                "same" if kept and _is_same(stage) else _same_pad(stage) if stage.args["pad"] == "same" else stage.args["pad"]
                for stage in stages
            ]
        if all(stage.args["bias"] == stage.biased for stage in stages):
            columns["bias"] = [Word("auto")] * len(stages)
    if op == "upconv":
        columns["stride"] = _or_none(columns["stride"], columns["k"])
    if op in ("maxpool", "avgpool"):
        columns["stride"] = _or_none(columns["stride"], columns["k"])
    return columns


def _or_none(values: list[Any], defaults: list[Any]) -> list[Any]:
    return [None] * len(values) if values == defaults else values


def _axes(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_same(stage: Stage) -> bool:
    """Whether the padding of a convolution keeps the size at stride 1."""
    pad = stage.args["pad"]
    return bool(pad in ("same", _same_pad(stage)))


def _pad_of_all(stages: list[Stage]) -> Word | None:
    """Return the word for the padding of all convolutions; TensorFlow's is the same as PyTorch's where the stride is 1."""
    if all(map(_is_same, stages)):
        return Word("same")
    others = [stage for stage in stages if stage.args["pad"] != "tf_same"]
    return Word("tf_same") if all(_is_same(stage) and stage.args["stride"] == 1 for stage in others) else None


def _same_pad(stage: Stage) -> Any:
    k, dilation = stage.args["k"], stage.args["dilation"]
    axes = max(len(_axes(k)), len(_axes(dilation)))
    ks, ds = (_axes(v) * (axes if len(_axes(v)) == 1 else 1) for v in (k, dilation))
    if any(n % 2 == 0 for n in ks):
        return None
    pads = tuple(d * (n - 1) // 2 for n, d in zip(ks, ds, strict=True))
    return pads[0] if len(set(pads)) == 1 else pads


def is_depthwise(stage: Stage) -> bool:
    """Whether a convolution is one of each channel alone, as the op `depthwise` has it."""
    channels, out = int(stage.inputs[0][0]), stage.args["out"]
    if not isinstance(out, int) or stage.args["groups"] != channels or channels == 1:
        return False
    return out % channels == 0 and stage.args["dilation"] == 1 and (_is_same(stage) or stage.args["pad"] == "tf_same")
