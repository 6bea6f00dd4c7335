"""The meaning of names in an expression of the spec inside a class: parameters, constants, and sizes such as `x.c`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from archdsl.backends.torch.expressions import MISSING
from archdsl.backends.torch.formulas import Formula, confirmed, formula_of, is_constant, parse, single
from archdsl.backends.torch.module_nodes import ModuleNode
from archdsl.ir import Function, Node, Value
from archdsl.shapes import Shape

ArgumentSymbol: TypeAlias = Callable[[str, tuple[Any, ...]], Formula | None]
"""Gives the formula of a block's argument, by its name and its values in all instances."""


class SpecNames:
    """The names that are visible in a module, and the traced shapes of its values."""

    def __init__(self, argument: ArgumentSymbol, modules: Sequence[ModuleNode], outer: SpecNames | None) -> None:
        self._argument = argument
        self._modules = modules
        self._outer = outer
        self._constants: dict[str, Formula | None] = {}
        self.shapes: dict[Value, Shape] = {}

    def formula(self, word: str, node: Node) -> Formula | None:
        """Return the formula of a name, or of a size such as `x.c` or `x.shape[1]`, as a node sees it."""
        owner, point, attribute = word.partition(".")
        if point:
            value = self._value(owner, node)
            return None if value is None else self._size(value, attribute)
        if word in self._constants:
            return self._constants[word]
        function = self._modules[0].function
        if word in function.constants:
            found = self._constants[word] = self._constant(word, node)
            return found
        if self._outer is not None and word not in function.arguments:
            return self._outer.formula(word, node)
        column = tuple([bound(module, word) for module in self._modules])
        return None if MISSING in column else self._argument(word, column)

    def _constant(self, name: str, node: Node) -> Formula | None:
        """Return the formula of a `let`."""
        constants = [module.function.constants.get(name) for module in self._modules]
        column = tuple([MISSING if constant is None else constant.value for constant in constants])
        if is_constant(column):
            return column[0] if type(column[0]) in (int, float) else None
        text = constants[0].expression if constants[0] is not None else None
        self._constants[name] = None  # while it is read, so that it cannot lead to itself
        first = self._modules[0].function
        formula = parse(text, lambda word: self._in_let(word, first, node)) if text is not None else None
        return single(formula) if confirmed(single(formula), column) else None

    def _in_let(self, word: str, function: Function, node: Node) -> Formula | None:
        """Return a name in a `let`, where `x` is usually what came into the block."""
        if word.startswith("x.") and function.inputs:
            return self._size(function.inputs[0], word.removeprefix("x."))
        return self.formula(word, node)

    def _value(self, name: str, node: Node) -> Value | None:
        """Return the value of a name. A label of the value that came into a block is not known: it is tried as `x` is."""
        named = next((value for value in self.shapes if value.name == name), None) if name != "x" else None
        return named or (node.inputs[0] if node.inputs else None)

    def _size(self, value: Value, attribute: str) -> Formula | None:
        """Return the formula of a size of a value."""
        shape = self.shapes.get(value)
        if shape is None:
            return None
        axes = {"c": 0} | {name: 1 + i for i, name in enumerate({1: "l", 2: "hw", 3: "dhw"}.get(len(shape) - 1, ""))}
        axes |= {f"shape[{i}]": i % len(shape) for i in range(-len(shape), len(shape))}
        axis = axes.get(attribute)
        if axis is None or not shape:
            return None
        size = shape[axis]
        formula = formula_of(size)
        return formula if formula is not None else size if isinstance(size, int) else None


def bound(module: ModuleNode, name: str) -> Any:
    """Return the value of a name in a module; of a group also of the names around it. `MISSING` if it has none."""
    function = module.function
    if name in function.arguments:
        return function.arguments[name]
    if name in function.constants:
        return function.constants[name].value
    if function.kind == "group" and module.caller is not None:
        return bound(module.caller, name)
    return MISSING
