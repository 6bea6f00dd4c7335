"""The `forward` of a generated class: one line a step, with a name for each value that is still needed."""

from __future__ import annotations

import keyword
from typing import Protocol

from archdsl.backends.torch.expressions import Argument, plain, source
from archdsl.backends.torch.forms import TAKEN, Form
from archdsl.backends.torch.plan import Leaf, Part, Step, is_open
from archdsl.ir.unrolled import Graph
from archdsl.shapes import format_shape

_POOL = ("x", "y", "z", "u", "v", "w")


class Results(Protocol):
    """How a network ends: the classes that its `forward` names, and the lines that return, given each value's variable."""

    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102

    def returns(self, names: dict[int, str], /) -> list[str]: ...  # noqa: D102


def forward_lines(graph: Graph, form: Form, results: Results | None) -> list[str]:
    """The method's lines. `results` are the network's own; other parts return what they give."""
    part = form.first
    names = _Variables(graph, part, results)
    found = [_head(graph, part, names)]
    shown = {names.of[value]: format_shape(graph.nodes[value].shape) for value in part.inputs}
    shapes_vary = any(_shapes(graph, other) != _shapes(graph, part) for other in form.instances[1:])
    if shapes_vary:
        found.append(f"        # The shapes are those of `{part.scope.path}`.")
    for index, step in enumerate(part.steps):
        if not step.outputs:
            continue
        call = _call(form, step, [names.of[value] for value in step.inputs])
        before = shown.get(names.of[step.inputs[0]]) if step.inputs else None
        targets = names.assign(index, step)
        if step.training_only and not part.training_only:
            nothing = "None" if len(targets) == 1 else f"({', '.join(['None'] * len(targets))})"
            call = f"{call} if self.training else {nothing}"
        line = f"        {', '.join(targets)} = {call}"
        shape = format_shape(graph.nodes[step.outputs[0]].shape)
        shown.update(dict.fromkeys(targets, shape))
        found.append(line if shape == before else f"{line}  # {shape}")
    if results is not None:
        end = results.returns(names.of)
        return found + end if len(end) > 1 else _shortened([*found, *end])
    return _shortened([*found, f"        return {', '.join(names.of[value] for value in part.outputs)}"])


def chain_lines(graph: Graph, form: Form, results: Results) -> list[str]:
    """The method of a network that is an `nn.Sequential`, for what comes before it is run.

    A loop, as in `nn.Sequential` itself, and not `super().forward`, which `torch.jit.script` does not know.
    """
    names = _Variables(graph, form.first, results)
    value = names.of[form.first.inputs[0]]
    layer = "layer" if value != "layer" else "part"
    return [
        _head(graph, form.first, names),
        f"        for {layer} in self:",
        f"            {value} = {layer}({value})",
        f"        return {value}",
    ]


def _head(graph: Graph, part: Part, names: _Variables) -> str:
    arguments = [names.of[value] for value in part.inputs]
    shapes = ", ".join(format_shape(graph.nodes[value].shape) for value in part.inputs)
    return f"    def forward({', '.join(['self', *arguments])}):  # {shapes}"


def _shortened(lines: list[str]) -> list[str]:
    """`return value` in place of `x = value` and `return x`."""
    *above, last, end = lines
    target, _, value = last.strip().partition(" = ")
    if end.strip() == f"return {target}" and not value.startswith("=") and "," not in target:
        return [*above, f"        return {value}"]
    return lines


def _shapes(graph: Graph, part: Part) -> list[object]:
    return [graph.nodes[value].shape for step in part.steps for value in step.outputs]


def _call(form: Form, step: Step, inputs: list[str]) -> str:
    """The step as an expression over its inputs' variables."""
    part = form.first
    if isinstance(step, Leaf) and not step.as_module:
        function = step.lowering.function
        assert function is not None
        parameter = _attribute(part, step.name, "_parameters") if step.lowering.parameter is not None else ""
        numbers = iter(form.numbers.get(id(step), []))

        def text(argument: Argument) -> str | None:
            if not is_open(argument):
                return plain(argument)
            number = next(numbers)
            return f"self.{form.kept[number]}" if number in form.kept else number

        return source(function, inputs, parameter=parameter, text=text)
    return f"{_attribute(part, step.name, '_modules')}({', '.join(inputs)})"


def _attribute(part: Part, name: tuple[str, ...], registry: str) -> str:
    """How `forward` reaches a child: `self.conv1`, `self.enc[0]`, or by its number."""
    *family, key = name
    if family:
        kind = part.containers[family[0]]
        if kind == "mixed" and registry == "_parameters":
            return f'self.{family[0]}._parameters["{key}"]'
        return f"self.{family[0]}[{key}]" if kind.endswith("List") else f'self.{family[0]}["{key}"]'
    return f"self.{key}" if key.isidentifier() else f'self.{registry}["{key}"]'


class _Variables:
    """A variable for each value, taken over by the next where nobody needs it any more."""

    def __init__(self, graph: Graph, part: Part, results: Results | None) -> None:
        self._graph = graph
        self._part = part
        self._taken = TAKEN.union(results.class_names if results is not None else ())
        self.of: dict[int, str] = {}
        self._used: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._last_use: dict[int, int] = {}
        for index, step in enumerate(part.steps):
            self._last_use.update(dict.fromkeys(step.inputs, index))
        self._last_use.update(dict.fromkeys(part.outputs, len(part.steps)))
        for position, value in enumerate(part.inputs):
            label = graph.nodes[value].label
            self.of[value] = self._fresh(self._identifier(label) if label and (results or position) else _POOL[0])

    def assign(self, index: int, step: Step) -> list[str]:
        """Variables for what a step makes; what dies at it frees its own first."""
        dying = [value for value in dict.fromkeys(step.inputs) if self._last_use[value] == index and value in self.of]
        freed = [self.of.pop(value) for value in dying]
        self._used.difference_update(freed)
        if freed:
            self._numbers.clear()
        targets: list[str] = []
        for value in step.outputs:
            label = self._label(step, value)
            conditional = step.training_only and not self._part.training_only
            lasting = self._last_use.get(value, index) > index + 1 or conditional or len(step.outputs) > 1
            if label and lasting:
                name = self._fresh(self._identifier(label))
            else:
                name = self._fresh(next((f for f in freed if f in _POOL and f not in self._used), None))
            self.of[value] = name
            targets.append(name)
        return targets

    def _label(self, step: Step, value: int) -> str | None:
        """What the spec calls a value: the label of the op or of the part that gives it."""
        if isinstance(step, Part) and value == step.outputs[0]:
            name = "".join(step.name)
            return name if name.isidentifier() else None
        return self._graph.nodes[value].label

    def _fresh(self, wanted: str | None) -> str:
        candidates = [wanted] if wanted is not None else list(_POOL)
        name = next((candidate for candidate in candidates if candidate not in self._used), None)
        while name is None or name in self._used:
            number = self._numbers[candidates[0]] = self._numbers.get(candidates[0], 1) + 1
            name = f"{candidates[0]}{number}"
        self._used.add(name)
        return name

    def _identifier(self, label: str) -> str:
        """A label as a variable: `enc[0]` becomes `enc0`."""
        name = "".join(c for c in label if c.isalnum() or c == "_")
        if not name.isidentifier() or keyword.iskeyword(name) or name in self._taken:
            name = f"value_{name}"
        return name
