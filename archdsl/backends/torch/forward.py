"""The `forward` of a generated class: one line a step, with a name for each value that is still needed."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from archdsl.backends.torch.attributes import identifier, is_attribute, quoted
from archdsl.backends.torch.batch_axis import expanded, with_batch
from archdsl.backends.torch.class_templates import ClassTemplate, OpText, StepText, Written
from archdsl.backends.torch.expressions import Argument, source
from archdsl.backends.torch.formulas import Binary, Spelled, Symbol, text_of
from archdsl.backends.torch.module_nodes import CallStep, Foreign, ModuleNode, Registry, Step, batch_source
from archdsl.backends.torch.outline_classes import TAKEN, symbols_in
from archdsl.elaborate.naming import MODULE_ATTRIBUTES
from archdsl.ir import Value
from archdsl.shapes import format_shape

_POOL = ("x", "y", "z", "u", "v", "w")


class Results(Protocol):
    """The end of a network: the classes that its `forward` names, and the lines that return, given each value's variable."""

    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102

    def returns(self, names: dict[Value, str], /) -> list[str]: ...  # noqa: D102


def value_text(written: Written | None, names: Callable[[Symbol], str]) -> str | None:
    """Return what is written for a literal; None if that is nothing."""
    return None if written is None else _text(written.value, names)


def _text(value: Any, names: Callable[[Symbol], str]) -> str:
    if isinstance(value, Symbol | Binary | Spelled):
        return text_of(value, names)
    if type(value) is tuple:
        items = [_text(item, names) for item in value]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    return f'"{value}"' if isinstance(value, str) and value.isidentifier() else repr(value)


def kept_parameters(template: ClassTemplate) -> dict[Symbol, str]:
    """Return the attribute that keeps each parameter that `forward` reads."""
    read: list[Symbol] = []
    for text in template.body:
        if isinstance(text, OpText) and text.applied(template.first.sequential) is not None:
            read += [symbol for written in text.function for symbol in symbols_in(written)]
    taken = MODULE_ATTRIBUTES.union(step.key[0] for step in template.first.steps if step.key)
    found: dict[Symbol, str] = {}
    for symbol in dict.fromkeys(read):
        name = template.names[symbol]
        while name in taken or name in found.values():
            name += "_"
        found[symbol] = name
    return found


def forward_lines(template: ClassTemplate, results: Results | None) -> list[str]:
    """Return the method's lines. `results` are the network's own; other modules return what they give."""
    module = template.first
    names = Variables(template, results)
    kept = {symbol: f"self.{name}" for symbol, name in kept_parameters(template).items()}
    found = [_head(module, names)]
    shown = {names.of[value]: format_shape(value.shape) for value in module.inputs}
    if module.alike or any(_shapes(other) != _shapes(module) for other in template.members[1:]):
        found.append(f"        # The shapes are those of `{module.path}`.")
    for index, text in enumerate(template.body):
        step = text.step
        if not step.outputs or names.is_removed(text):
            continue
        variables = [names.at(value) for value in step.inputs]
        if step.expansion is not None:
            first = "" if (source_of_batch := batch_source(step)) is None else names.at(source_of_batch)
            variables = expanded(variables, [len(value.shape) for value in step.inputs], step.expansion, first)
        call = _call(module, text, variables, kept, names)
        before = shown.get(names.at(step.inputs[0])) if step.inputs else None
        targets = names.assign(index, step)
        if step.training_only and not module.training_only:
            nothing = "None" if len(targets) == 1 else f"({', '.join(['None'] * len(targets))})"
            call = f"{call} if self.training else {nothing}"
        line = f"        {', '.join(targets)} = {call}"
        shape = ", ".join(dict.fromkeys([format_shape(value.shape) for value in step.outputs]))
        shown.update({target: format_shape(value.shape) for target, value in zip(targets, step.outputs, strict=True)})
        found.append(line if shape == before else f"{line}  # {shape}")
    if results is not None:
        end = results.returns({value: names.returned(value) for value in module.outputs})
        return found + end if len(end) > 1 else _shortened([*found, *end])
    return _shortened([*found, f"        return {', '.join(names.at(value) for value in module.outputs)}"])


def chain_lines(template: ClassTemplate, results: Results) -> list[str]:
    """Return the method of a network that is an `nn.Sequential`, for what comes before it is run.

    A loop, as in `nn.Sequential` itself, and not `super().forward`, which `torch.jit.script` does not know.
    """
    names = Variables(template, results)
    value = names.of[template.first.inputs[0]]
    layer = "layer" if value != "layer" else "part"
    return [
        _head(template.first, names),
        f"        for {layer} in self:",
        f"            {value} = {layer}({value})",
        f"        return {value}",
    ]


def _head(module: ModuleNode, names: Variables) -> str:
    arguments = [*(names.of[value] for value in module.inputs), *names.foreign.values()]
    shapes = ", ".join(format_shape(value.shape) for value in module.inputs)
    signature = f"    def forward({', '.join(['self', *arguments])}):"
    return f"{signature}  # {shapes}" if shapes else signature


def _shortened(lines: list[str]) -> list[str]:
    """Return the lines with `return value` in place of `x = value` and `return x`."""
    *above, last, end = lines
    target, _, value = last.strip().partition(" = ")
    if end.strip() == f"return {target}" and not value.startswith("=") and "," not in target:
        return [*above, f"        return {value}"]
    return lines


def _shapes(module: ModuleNode) -> list[object]:
    return [value.shape for step in module.steps for value in step.outputs]


def _call(module: ModuleNode, text: StepText, inputs: list[str], kept: dict[Symbol, str], names: Variables) -> str:
    """Return a step as an expression of its inputs' variables."""
    step = text.step

    def reached(foreign: Foreign | None, registry: Registry) -> str:
        known = names.foreign.get(foreign) if foreign is not None else None
        key = step.key if foreign is None else foreign.key
        return attribute(module, key, registry) if known is None else known

    function = text.applied(False) if isinstance(text, OpText) else None
    if function is None:
        passed = () if isinstance(text, OpText) else text.step.passed
        inputs += [reached(other, other.registry) for other in passed]
        return f"{reached(step.foreign, '_modules')}({', '.join(inputs)})"
    assert isinstance(text, OpText)
    has_own = step.registry != "_modules" or text.lowering.applied is not None
    parameter = reached(step.foreign, step.registry) if has_own else ""
    return source(function, inputs, parameter=parameter, text=_texts(text, kept))


def _texts(text: OpText, kept: dict[Symbol, str]) -> Callable[[Argument], str | None]:
    """Return what gives the text of each literal of a function, in the order of writing."""
    values: Iterator[Written | None] = iter(text.function)
    return lambda argument: value_text(next(values), kept.__getitem__)


def attribute(module: ModuleNode, key: tuple[str, ...], registry: Registry) -> str:
    """Return how `forward` reaches a child: `self.conv1`, `self.enc[0]`, or by its key where that is no attribute."""
    first, *indices = key
    if is_attribute(first):
        text = f"self.{first}"
    elif indices or registry == "_modules":
        text = f"self._modules[{quoted(first)}]"
    else:
        text = f"getattr(self, {quoted(first)})"  # which `torch.fx` traces
    for end, index in enumerate(indices, 1):
        kind = module.containers[key[:end]]
        if kind == "mixed" and registry != "_modules" and end == len(indices):
            text = f"getattr({text}, {quoted(index)})"
        else:
            text += f"[{index}]" if kind.endswith("List") else f"[{quoted(index)}]"
    return text


class Variables:
    """A variable for each value, taken over by the next if nobody needs it any more.

    The output of an op that is removed is its input, under the same variable.
    """

    def __init__(self, template: ClassTemplate, results: Results | None) -> None:
        module = template.first
        self._module = module
        self._sequential = module.sequential
        self._taken = TAKEN.union(results.class_names if results is not None else ())
        self.of: dict[Value, str] = {}
        self._same: dict[Value, Value] = {}
        self._used: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._last_use: dict[Value, int] = {}
        for index, text in enumerate(template.body):
            if self.is_removed(text):
                self._same[text.step.outputs[0]] = self._origin(text.step.inputs[0])
            else:
                first = batch_source(text.step)
                needed = text.step.inputs if first is None else [*text.step.inputs, first]
                self._last_use.update(dict.fromkeys(map(self._origin, needed), index))
        lasting = [*module.outputs, *module.inputs[:1]] if module.single else module.outputs
        self._last_use.update(dict.fromkeys(map(self._origin, lasting), len(template.body)))
        self.foreign = {foreign: self._fresh(self._identifier("".join(foreign.key))) for foreign in module.foreign}
        """The argument by which each module further out comes in."""
        for position, value in enumerate(module.inputs):
            named = value.name and (results or position)
            self.of[value] = self._fresh(self._identifier(value.name or "") if named else _POOL[0])

    def is_removed(self, text: StepText) -> bool:
        """Return whether nothing is written for a step."""
        return isinstance(text, OpText) and text.removed and not self._sequential

    def at(self, value: Value) -> str:
        """Return the variable of a value."""
        return self.of[self._origin(value)]

    def returned(self, value: Value) -> str:
        """Return the variable of a result, with the batch of the first input."""
        if value not in self._module.single:
            return self.at(value)
        return with_batch(self.at(value), f"{self.at(self._module.inputs[0])}.shape[0]", len(value.shape))

    def _origin(self, value: Value) -> Value:
        return self._same.get(value, value)

    def assign(self, index: int, step: Step) -> list[str]:
        """Return variables for what a step makes; what dies at it frees its own first."""
        taken = dict.fromkeys(map(self._origin, step.inputs))
        freed = [self.of.pop(value) for value in taken if self._last_use[value] == index and value in self.of]
        self._used.difference_update(freed)
        if freed:
            self._numbers.clear()
        targets: list[str] = []
        for value in step.outputs:
            if value not in self._last_use and len(step.outputs) > 1:
                targets.append("_")
                continue
            label = self._label(step, value)
            conditional = step.training_only and not self._module.training_only
            lasting = self._last_use.get(value, index) > index + 1 or conditional or len(step.outputs) > 1
            if label and lasting:
                name = self._fresh(self._identifier(label))
            else:
                name = self._fresh(next((f for f in freed if f in _POOL and f not in self._used), None))
            self.of[value] = name
            targets.append(name)
        return targets

    def _label(self, step: Step, value: Value) -> str | None:
        """Return what the spec calls a value: the label of the op, or of the module that gives it."""
        if isinstance(step, CallStep) and value is step.outputs[0] and not step.declared:
            name = "".join(step.key)
            return name if is_attribute(name) else None
        return value.name

    def _fresh(self, wanted: str | None) -> str:
        candidates = [wanted] if wanted is not None else list(_POOL)
        name = next((candidate for candidate in candidates if candidate not in self._used), None)
        while name is None or name in self._used:
            number = self._numbers[candidates[0]] = self._numbers.get(candidates[0], 1) + 1
            name = f"{candidates[0]}{number}"
        self._used.add(name)
        return name

    def _identifier(self, label: str) -> str:
        """Return a label as a variable: `enc[0]` becomes `enc0`."""
        name = identifier(label)
        if not name.isidentifier() or keyword.iskeyword(name) or name in self._taken:
            name = f"value_{name}"
        return name
