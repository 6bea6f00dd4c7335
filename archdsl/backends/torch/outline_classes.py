"""Decide which functions share a class, and the parameters of the classes.

Functions have one class if they come from the same definition and have the same structure: the same ops under the same
keys, wired in the same way. Their numbers may differ. Structures are compared by a key, callees first, in which a called
class stands for all that is in it. A chain that is written in place, as an `nn.Sequential`, is part of the key itself.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from archdsl.backends.torch.class_templates import CallText, ClassTemplate, Parameter, StepText, Written
from archdsl.backends.torch.expressions import MISSING, Call, Listed, Method, ModuleCall, Operation, Target, targets
from archdsl.backends.torch.formulas import Binary, InputSize, Spelled, Symbol, formula_of, is_constant, symbols
from archdsl.backends.torch.module_nodes import ModuleNode, OpStep, Step, batch_source
from archdsl.backends.torch.module_tree import ModuleTree
from archdsl.backends.torch.runtime_source import runtime_names
from archdsl.backends.torch.trace_numbers import Tracer
from archdsl.ir import Value
from archdsl.source import Span

TAKEN = runtime_names().union(
    dir(builtins), {"check_sizes", "torch", "nn", "F", "Any", "Tensor", "OrderedDict", "NamedTuple", "self"}
)
"""Names that generated source uses itself, and those of Python, which it may."""

NESTED = 4
"""How deep expressions of `nn.Sequential` go before a group becomes a class; Python itself reads 200 brackets."""


class Classes:
    """The classes of a network in the order of their definitions; the network's own is the last."""

    def __init__(self, tree: ModuleTree) -> None:
        self.in_order: list[ClassTemplate] = []
        self.of: dict[ModuleNode, ClassTemplate] = {}
        self._keys: dict[ModuleNode, Hashable] = {}
        self._texts: dict[tuple[int, bool], Hashable] = {}
        self._defaults = _spec_defaults(tree)
        by_key: dict[Hashable, ClassTemplate] = {}
        heights: dict[ModuleNode, int] = {}
        for module in tree.in_order:
            key = self._key(module)
            inner = [heights.get(step.callee, 0) for step in module.steps if not isinstance(step, OpStep)]
            height = 1 + max(inner, default=0)
            if height <= NESTED and not is_class(module, tree.root):
                heights[module] = height
                self._keys[module] = key
                continue
            template = by_key.get(key)
            if template is None:
                template = by_key[key] = ClassTemplate()
                self.in_order.append(template)
            template.members.append(module)
            self.of[module] = template
            self._keys[module] = ("class", id(template))
        for template in self.in_order:
            self._parametrize(template)

    # -- structure --

    def _key(self, module: ModuleNode) -> Hashable:
        """Return what functions of one class have in common."""
        places: dict[Value, Hashable] = {value: ("in", i) for i, value in enumerate(module.inputs)}
        steps: list[Hashable] = []
        constructed: dict[Any, int] = {}
        for i, step in enumerate(module.steps):
            wiring = tuple([places[value] for value in step.inputs])
            conditional = step.training_only and not module.training_only
            owner = constructed.setdefault(step.node.module or step, i)
            passed = () if isinstance(step, OpStep) else step.passed
            first = batch_source(step)
            expansion = step.expansion, None if first is None else places[first]
            ranks = tuple([len(value.shape) for value in step.node.outputs])  # an idle step takes no input that tells
            form = step.declared, step.foreign, passed, expansion, ranks, self._step_key(step)
            steps.append((step.key, owner, wiring, conditional, *form))
            places.update({value: (i, k) for k, value in enumerate(step.outputs)})
        outputs = tuple([places[value] for value in module.outputs])
        function = module.function
        taken = tuple([len(value.shape) for value in module.inputs])
        return function.definition or function.name, function.kind, module.chain, taken, tuple(steps), outputs

    def _step_key(self, step: Step) -> Hashable:
        if not isinstance(step, OpStep):
            return self._keys[step.callee]
        known = (id(step.lowered), step.as_module)
        if known not in self._texts:
            self._texts[known] = self._op_key(step)
        return self._texts[known]

    def _op_key(self, step: OpStep) -> Hashable:
        lowering = step.lowering
        applied = _form(lowering.applied if step.as_module else lowering.function)
        return step.node.op.name, step.as_module, _form(lowering.constructor), applied

    # -- parameters --

    def _parametrize(self, template: ClassTemplate) -> None:
        """Lay the instances of a class side by side, and name what differs between them."""
        tracer = Tracer(template.members, self.of)
        template.body, template.outputs = tracer.body, tracer.outputs
        used = set(_written_symbols(template.body, template.first.sequential)) if tracer.symbols else set()
        if not used:
            return
        _name_outputs(tracer, used)
        arguments = list(template.first.function.arguments)
        ordered = sorted([symbol for symbol in tracer.symbols if symbol in used], key=lambda symbol: _rank(symbol, arguments))
        taken: set[str] = set()
        defaults = self._defaults.get(_definition(template.first), {})
        found = [Parameter(s, _free(s.hint, taken), defaults.get(_origin_name(s), MISSING)) for s in ordered]
        template.parameters = sorted(found, key=lambda parameter: parameter.optional)

    def targets(self) -> Iterator[Target]:
        """Yield every class and function that the classes name."""
        for template in self.in_order:
            yield from _targets(template.body, template.first.sequential)


def is_class(module: ModuleNode, root: ModuleNode) -> bool:
    """Return whether a function becomes a class: the network, blocks, and groups that are no plain chain."""
    return module is root or module.function.kind == "block" or not module.chain


def _form(value: Any) -> Hashable:
    """Return what of an expression belongs to the structure: all but the literals that come from attributes of the op."""
    if not isinstance(value, Call | Method | ModuleCall | Operation | Listed):
        return value  # type: ignore[no-any-return]
    arguments = tuple(
        [
            _form(argument.value)
            if not argument.is_literal
            else argument.name
            if argument.attribute
            else (argument.name, argument.value)
            for argument in value.arguments
        ]
    )
    return type(value), tuple([_form(part) for part in value[:-1]]), arguments


def _definition(module: ModuleNode) -> Hashable:
    return module.function.definition or module.function.name


def _spec_defaults(tree: ModuleTree) -> dict[Span | str | Hashable, dict[str, Any]]:
    """Return for each block the defaults of its parameters: what they are in calls that do not give them."""
    found: dict[Hashable, dict[str, list[Any]]] = {}
    for module in tree.in_order:
        for call in module.calls:
            for name, value in module.function.arguments.items():
                if name not in call.given:
                    found.setdefault(_definition(module), {}).setdefault(name, []).append(value)
    return {
        definition: {name: values[0] for name, values in names.items() if is_constant(values) and _is_plain(values[0])}
        for definition, names in found.items()
    }


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)


def _origin_name(symbol: Symbol) -> str:
    return symbol.origin if isinstance(symbol.origin, str) else ""


def _rank(symbol: Symbol, arguments: list[str]) -> tuple[int, int, int]:
    """Return the place of a parameter: sizes of inputs come first, then the block's own in its order, then others."""
    if isinstance(symbol.origin, InputSize):
        return (0, *symbol.origin)
    if isinstance(symbol.origin, str):
        return 1, arguments.index(symbol.origin) if symbol.origin in arguments else len(arguments), 0
    return 2, 0, 0


def _name_outputs(tracer: Tracer, used: set[Symbol]) -> None:
    """Give the names `out_channels` and `out_features` to what is the size of the class's output, and to nothing else."""
    for shape in tracer.outputs[:1]:
        for axis in {0, len(shape) - 1}:
            formula = formula_of(shape[axis])
            if isinstance(formula, Symbol) and formula in used and formula.origin is None:
                formula.hint = "out_channels" if len(shape) > 1 and axis == 0 else "out_features"


def _free(name: str, taken: set[str]) -> str:
    """Return a name for a parameter that nothing else has."""
    name = name.lstrip("_") or "value"  # a name that begins with `__` means another inside a class
    name = f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    taken.add(candidate)
    return candidate


def _written_symbols(body: Iterable[StepText], sequential: bool) -> Iterator[Symbol]:
    """Yield the symbols that are written somewhere in a class."""
    for text in body:
        if isinstance(text, CallText):
            for argument in text.arguments:
                yield from symbols_in(argument)
            yield from _written_symbols(text.chain, True)
            continue
        for written in text.constructor if text.constructed(sequential) is not None else []:
            yield from symbols_in(written)
        for written in text.function if text.applied(sequential) is not None else []:
            yield from symbols_in(written)


def symbols_in(written: Written | None) -> Iterator[Symbol]:
    """Yield the symbols in what is written."""
    for value in () if written is None else written.value if isinstance(written.value, tuple) else (written.value,):
        if isinstance(value, Symbol | Binary | Spelled):
            yield from symbols(value)


def _targets(body: Iterable[StepText], sequential: bool) -> Iterator[Target]:
    for text in body:
        if isinstance(text, CallText):
            yield from _targets(text.chain, True)
        else:
            yield from targets(text.constructed(sequential))
            yield from targets(text.applied(sequential))
