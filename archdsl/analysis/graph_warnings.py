"""What is suspicious about a network that works: values that nothing uses, heads that always run, and the like."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Mark, Severity
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate import Module
from archdsl.ir import Call, Function, Graph, Node, OpNode, Usage, Value
from archdsl.ops.base import Category, Op
from archdsl.ops.pooling import LpPool
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def graph_warnings(graph: Graph, module: Module) -> list[Diagnostic]:
    """Return every warning about a graph in which usages are marked, and about the text of its module."""
    functions = graph.functions()
    return [
        *_unused_values(graph, functions),
        *_heads_in_evaluation(graph),
        *_channels_as_fractions(functions),
        *_roots_of_negatives(graph, functions),
        *_never_read(module),
    ]


def _unused_values(graph: Graph, functions: list[Function]) -> list[Diagnostic]:
    """Return a warning for each value that nothing takes and that is no result."""
    unused = [(value.span, f"the input `{value.name}`") for value in graph.inputs if not value.uses]
    taken: dict[Function, set[int]] = {graph.main: set(range(len(graph.main.outputs)))}
    for function in reversed(functions):  # callers first
        outputs = taken.get(function, set())
        for call in function.calls:
            used = {value.position for value in call.outputs if _is_taken(value, outputs)}
            taken.setdefault(call.callee, set()).update(used)
        for node in function.ops:
            if node.usage is Usage.NEVER and not _is_taken(node.output, outputs):
                unused.append((node.span, f"what `{node.op.name}` makes"))
    help = "take it up by its label, or delete it"
    return [
        untyped("W0101", f"{what} is never used", Mark(span), help=help, severity=Severity.WARNING)
        for span, what in dict(reversed(unused)).items()
        if span is not None
    ]


def _is_taken(value: Value, outputs: set[int]) -> bool:
    return any(isinstance(use.user, Node) or use.position in outputs for use in value.uses)


def _heads_in_evaluation(graph: Graph) -> list[Diagnostic]:
    """Return a warning for each head whose value the result needs, so that it also runs in evaluation."""
    help = (
        "what the result needs stands outside of `aux`, with a label of its own; what is wanted besides the result is an `output`"
    )
    return [
        untyped(
            "W0104",
            f"the head `{head.name}` runs in evaluation, too: the result is made from it",
            Mark(head.span),
            help=help,
            severity=Severity.WARNING,
        )
        for head, value in graph.heads
        if head.span is not None and _in_evaluation(value)
    ]


def _in_evaluation(value: Value) -> bool:
    """Return whether something that runs in evaluation makes or takes a value."""
    producer = value.producer
    if isinstance(producer, Call):
        inner = producer.callee.outputs[value.position]
        return _in_evaluation(inner if inner.producer is not None else producer.inputs[inner.position])
    return producer.usage is Usage.ALWAYS if producer is not None else _is_read(value)


def _is_read(value: Value) -> bool:
    """Return whether something that runs in evaluation takes an input."""
    calls = [(use.user, use.position) for use in value.uses if isinstance(use.user, Call)]
    return any(node.usage is Usage.ALWAYS for node in value.users if isinstance(node, OpNode)) or any(
        _is_read(call.callee.inputs[position]) for call, position in calls
    )


def _channels_as_fractions(functions: list[Function]) -> list[Diagnostic]:
    """Return a warning for each `bn(64)`: PyTorch takes the number of channels there, archdsl another number."""
    found: dict[Span, Diagnostic] = {}
    known: dict[int, dict[str, float]] = {}
    for function in functions:
        for node in function.ops:
            op = node.op
            fractions = known.get(id(op))
            if fractions is None:
                fractions = known[id(op)] = _fractions(op)
            for name, value in fractions.items():
                if value == node.input_shapes[0][0] and node.span is not None:
                    message = f"`{name}` of `{op.name}` is {value:g}, the number of channels of its input"
                    help = (
                        f"channels are not written: `{op.name}`"
                        if op.parameters_in_order()[0] == name
                        else f"leave it out, or write `{name} = ...`"
                    )
                    found.setdefault(node.span, untyped("W0105", message, Mark(node.span), help=help, severity=Severity.WARNING))
    return list(found.values())


def _fractions(op: Op) -> dict[str, float]:
    """Return the arguments of an op that could be numbers of channels, although the op takes those from its input."""
    if op.category not in (Category.NORMALIZATION, Category.ACTIVATION, Category.SCALE):
        return {}
    given = {name: getattr(op, name) for name in op.model_fields_set}
    return {name: value for name, value in given.items() if isinstance(value, float) and value > 1}


def _roots_of_negatives(graph: Graph, functions: list[Function]) -> list[Diagnostic]:
    """Return a warning for each `lppool` that may take a root of a negative number."""
    if not any(isinstance(node.op, LpPool) for function in functions for node in function.ops):
        return []
    found: dict[Span, Diagnostic] = {}
    known: dict[tuple[Function, tuple[bool, ...]], list[bool]] = {}

    def visit(function: Function, inputs: tuple[bool, ...]) -> list[bool]:
        """Return whether each output is never negative, given that of the inputs."""
        if (function, inputs) in known:
            return known[function, inputs]
        never = dict(zip(function.inputs, inputs, strict=True))
        for node in function.nodes:
            taken = tuple([never[value] for value in node.inputs])
            if isinstance(node, Call):
                never.update(zip(node.outputs, visit(node.callee, taken), strict=True))
                continue
            assert isinstance(node, OpNode)
            op, positive = node.op, all(taken)
            never[node.output] = op.never_negative(positive)
            if not isinstance(op, LpPool) or op.p % 2 == 0 or op.p == 1 or positive or node.span is None:
                continue
            which = "windows whose sum is negative" if op.p % 2 == 1 else "negative numbers"
            message = f"`lppool` with `p = {op.p:g}` gives NaN for {which}"
            help = "an even `p` takes any numbers; or write `relu` before it"
            found.setdefault(node.span, untyped("W0108", message, Mark(node.span), help=help, severity=Severity.WARNING))
        return known.setdefault((function, inputs), [never[value] for value in function.outputs])

    visit(graph.main, (False,) * len(graph.inputs))
    return list(found.values())


def _never_read(module: Module) -> list[Diagnostic]:
    """Return a warning for each parameter and constant that its body never reads."""
    found = []
    for definition in module.definitions.values():
        if not isinstance(definition, ast.Block | ast.Network):
            continue
        defaults = (parameter.default for parameter in definition.parameters)
        nodes = list(ast.walk(definition.body, *defaults))
        read = {node.id for node in nodes if isinstance(node, ast.Name)}
        never = [("parameter", parameter.name, parameter.span) for parameter in definition.parameters]
        never += [("constant", constant.name, constant.span) for constant in nodes if isinstance(constant, ast.Let)]
        for what, name, span in never:
            if name not in read:
                message = f"`{definition.name}` never reads its {what} `{name}`"
                found.append(untyped("W0102", message, Mark(span), help="delete it, or use it", severity=Severity.WARNING))
    return found
