"""Find the numbers of a class that differ between its instances, and how its constructor computes them.

The instances of a class are functions of one structure, so that their steps can be laid side by side: what one number is
in each of them is a *column*. The tracer walks over the steps once. A column that is constant is written out. Others are
given a formula:

1. Inputs have traced shapes, in which a size that differs is a symbol (`in_channels`).
2. An attribute of an op that differs is what the spec writes for it (`width * 4`), with the parameters of the block as
   symbols. If the spec computes it in another way, it is a symbol itself. So no formula arises by chance: two columns of
   equal numbers are related only if the spec relates them.
3. The rule of the op is applied to traced attributes and shapes. That gives its arguments in PyTorch and the shape of
   its output as formulas, too, which the next op takes.

Every formula is evaluated for every instance and used only if it gives each one's number. Where it does not, as behind a
rule that treats instances differently, the number becomes a symbol. Symbols that are written somewhere become parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archdsl.backends.torch.attributes import identifier, is_attribute
from archdsl.backends.torch.axis_names import axis_name, hint_of
from archdsl.backends.torch.class_templates import CallText, ClassTemplate, OpText, StepText, Written, require_same_module
from archdsl.backends.torch.expressions import Argument, Expr, literals
from archdsl.backends.torch.formulas import (
    Formula,
    InputSize,
    Spelled,
    Symbol,
    confirmed,
    formula_of,
    is_constant,
    parse,
    same,
    single,
    size_of,
    substitute,
    symbols,
    traced,
    untraced,
)
from archdsl.backends.torch.lowerings import lower
from archdsl.backends.torch.module_nodes import CallStep, ModuleNode, OpStep
from archdsl.backends.torch.spec_names import SpecNames
from archdsl.diagnostics import SpecError
from archdsl.ir import Module, Node, OpNode, Value
from archdsl.ops import Op
from archdsl.shapes import Dim, LinearSize, Shape, SymbolicSize

_MOST_OPERATORS = 6
"""A longer formula says less than a parameter of its own."""


class TracedRange(NamedTuple):
    """A range with traced ends, in steps of one."""

    start: int
    stop: int
    step: int = 1


class _UntracedSize(LinearSize):
    """Stands for every symbolic size. Traced numbers must not get into real ones, which are kept and compared elsewhere."""

    __slots__ = ()

    def _itself(self, other: Any) -> _UntracedSize:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __mod__ = _itself


_SYMBOLIC = _UntracedSize("n", 1, (0,))


class Tracer:
    """Traces one class. `symbols` are all that may become parameters, in the order in which they came up."""

    def __init__(self, members: Sequence[ModuleNode], templates: Mapping[ModuleNode, ClassTemplate]) -> None:
        self.members = members
        self.count = len(members)
        self.symbols: list[Symbol] = []
        self._templates = templates
        self._arguments: dict[str, Formula | None] = {}
        self._named: set[Symbol] = set()
        self.body: list[StepText] = []
        self.outputs: list[Shape] = []
        self._scope = SpecNames(self.argument_symbol, members, None)
        first = members[0]
        if self.count > 1:
            for position, values in enumerate(zip(*(member.inputs for member in members), strict=True)):
                self._scope.shapes[values[0]] = self._input_shape(position, values)
        self.body = self._steps(members, self._scope)
        shapes = self._scope.shapes
        self.outputs = [shapes[value] if self.count > 1 else value.shape for value in first.outputs]

    # -- columns --

    def symbol(self, hint: str, column: tuple[Any, ...], origin: InputSize | str | None = None) -> Symbol:
        """Return a new symbol."""
        made = Symbol(hint, column, origin)
        self.symbols.append(made)
        return made

    def _input_shape(self, position: int, values: Sequence[Value]) -> Shape:
        def size(axis: int, column: tuple[Any, ...]) -> Any:
            name = "in" if position == 0 else identifier(values[0].name or "") or f"input{position}"
            return self.symbol(f"{name}_{axis_name(values[0], axis)}", column, InputSize(position, axis))

        return self._shape(values, size)

    def _shape(self, values: Sequence[Value], formula: Callable[[int, tuple[Any, ...]], Formula | None]) -> Shape:
        """Return a traced shape: sizes that differ have the formula of their axis, or are symbols if that is wrong."""
        found: list[Any] = []
        for axis, column in enumerate(zip(*(value.shape for value in values), strict=True)):
            if is_constant(column) or not all(isinstance(size, int) for size in column):
                found.append(_numeric(column[0]))
                continue
            computed = formula(axis, column)
            if computed is None or size_of(computed) > _MOST_OPERATORS or not confirmed(computed, column):
                computed = self.symbol(hint_of(values[0], axis), column)
                self._named.add(computed)
            found.append(traced(column[0], computed))
        return tuple(found)

    # -- steps --

    def _steps(self, modules: Sequence[ModuleNode], scope: SpecNames) -> list[StepText]:
        """Return the steps of modules that are laid side by side."""
        found: list[StepText] = []
        constructed: dict[Module | None, StepText] = {}
        for steps in zip(*(module.steps for module in modules), strict=True):
            if isinstance(steps[0], OpStep):
                text: StepText = self._op(steps, scope, modules[0].sequential)
            else:
                text = self._call(steps, scope)
            found.append(text)
            before = constructed.setdefault(steps[0].node.module, text)
            if not steps[0].constructed and not steps[0].declared:
                require_same_module(before, text)
        return found

    def _op(self, steps: tuple[OpStep, ...], scope: SpecNames, sequential: bool) -> OpText:
        first = steps[0]
        inplace = all([step.overwrites for step in steps])
        lowerings = [step.lowered.overwriting() if inplace else step.lowering for step in steps]
        op = self._traced_op(steps, scope)
        lowering = lowerings[0]
        if self.count > 1 or op is not first.node.op:
            shapes = [scope.shapes.get(value) or tuple(map(_numeric, value.shape)) for value in first.node.inputs]
            try:
                lowering, made = lower(op, *shapes, inplace=inplace), op.output_shapes(*shapes)
            except SpecError:  # what holds for the sizes themselves cannot always be told of the stand-in
                made = tuple([tuple(map(_numeric, value.shape)) for value in first.node.outputs])
        if self.count > 1:
            for shape, values in zip(made, zip(*[step.node.outputs for step in steps], strict=True), strict=True):
                scope.shapes[values[0]] = self._shape(values, lambda axis, _, of=shape: formula_of(of[axis]))  # type: ignore[misc]
        text = OpText(first, lowering, removed=all([step.removable for step in steps]))
        if text.removed:
            return text
        call, function = text.constructed(sequential), text.applied(sequential)
        if call is not None:
            made_by = lowering.constructor if lowering.sibling else call
            text.constructor = self._literals(made_by, [found.constructor for found in lowerings], first, scope)
        if function is not None:
            text.function = self._literals(function, [found.applied or found.function for found in lowerings], first, scope)
        return text

    def _traced_op(self, steps: tuple[OpStep, ...], scope: SpecNames) -> Op:
        """Return the first instance's op with traced attributes."""
        node = steps[0].node
        op: Op = node.op
        changes: dict[str, Any] = {}
        for name in type(op).fields:
            if self.count == 1:
                text = node.expressions.get(name)
                if text is not None and type(getattr(op, name)) is float:
                    changes |= _spelled(name, text, getattr(op, name))
                continue
            column = tuple([getattr(step.node.op, name) for step in steps])
            if is_constant(column) and type(column[0]) is not float:
                continue
            value = self._attribute(name, column, node, scope)
            if value is not column[0]:
                changes[name] = value
        return op.replace(**changes) if changes else op

    def _attribute(self, name: str, column: tuple[Any, ...], node: Node, scope: SpecNames) -> Any:
        """Return the first value of an attribute's column, traced."""
        text = node.expressions.get(name)
        formula = parse(text, lambda word: scope.formula(word, node)) if text is not None else None
        if is_constant(column):
            return _spelled(name, text, column[0]).get(name, column[0]) if text is not None else column[0]
        if all(type(value) is range and value.step == 1 for value in column):
            ends = self._numbers(name, [(r.start, r.stop) for r in column], formula, ("start", "stop"))
            return TracedRange(*ends)
        by_name = isinstance(node, OpNode) and node.op.sizes_by_name and name == "sizes" and type(column[0]) is tuple
        if by_name and len({tuple(dict(sizes)) for sizes in column}) == 1:
            numbers = zip(*[[size for _, size in sizes] for sizes in column], strict=True)  # `n = heads` is the argument of `n`
            axes = zip(dict(column[0]), numbers, strict=True)
            return tuple([(axis, self._attribute(axis, inner, node, scope)) for axis, inner in axes])
        if all(type(value) is tuple for value in column) and len({len(value) for value in column}) == 1:
            return tuple(self._numbers(name, column, formula, [name] * len(column[0])))
        if not all(type(value) in (int, float) for value in column):
            return column[0]
        return self._number(name, column, single(formula))

    def _numbers(self, name: str, column: Sequence[tuple[Any, ...]], formula: Any, hints: Sequence[str]) -> Iterator[Any]:
        """Yield the first value of each element's column, traced."""
        formulas = formula if type(formula) is tuple and len(formula) == len(hints) else (None,) * len(hints)
        for hint, own, inner in zip(hints, formulas, zip(*column, strict=True), strict=True):
            constant = is_constant(inner) or not all(type(value) in (int, float) for value in inner)
            yield inner[0] if constant else self._number(hint, inner, own)

    def _number(self, hint: str, column: tuple[Any, ...], formula: Formula | None) -> Any:
        if formula is None or not confirmed(formula, column):
            formula = self.symbol(hint, column)
        return traced(column[0], formula)

    # -- what is written --

    def _literals(self, call: Expr | None, calls: Sequence[Any], step: OpStep, scope: SpecNames) -> list[Written | None]:
        """Return what to write for each literal of an expression."""
        if self.count == 1:
            plain = literals(calls[0])  # not traced, so that defaults are recognized
            pairs = zip(literals(call), plain, strict=True)
            return [None if other.is_default else Written(_plainly(own.value)) for own, other in pairs]
        rows = zip(literals(call), *(literals(other) for other in calls), strict=True)
        return [self._literal(own, others, step, scope) for own, *others in rows]

    def _literal(self, own: Argument, others: list[Argument], step: OpStep, scope: SpecNames) -> Written | None:
        if all([other.is_default for other in others]):
            return None
        column = tuple([other.value for other in others])
        if is_constant(column):
            return Written(_plainly(own.value) if type(column[0]) is float else column[0])
        return Written(self._varying(own.value, column, own, step, scope))

    def _varying(self, value: Any, column: tuple[Any, ...], argument: Argument, step: OpStep, scope: SpecNames) -> Any:
        """Return a formula for an argument, or a symbol of its own."""
        formula = formula_of(value)
        if confirmed(formula, column) and formula is not None and size_of(formula) <= _MOST_OPERATORS:
            if isinstance(formula, Symbol):
                self._name_by_use(formula, argument.name, step.key)
            return formula
        same_length = all(type(item) is tuple for item in column) and len({len(item) for item in column}) == 1
        if same_length and type(value) is tuple:
            made_of: dict[tuple[Any, ...], Any] = {}  # equal columns of one argument are one number: `(shift, shift)`
            for part, inner in zip(value, zip(*column, strict=True), strict=True):
                if inner not in made_of:
                    made_of[inner] = inner[0] if is_constant(inner) else self._varying(part, inner, argument, step, scope)
            return tuple([made_of[inner] for inner in zip(*column, strict=True)])
        text = step.node.expressions.get(argument.attribute or "")
        direct = parse(text, lambda word: scope.formula(word, step.node)) if text is not None else None
        if isinstance(direct, Symbol) and confirmed(direct, column):
            return direct
        made = self.symbol(argument.name or argument.attribute or "value", column)
        self._name_by_use(made, argument.name, step.key)
        return made

    def _name_by_use(self, symbol: Symbol, name: str, key: tuple[str, ...]) -> None:
        """Call a number of the class's own as PyTorch calls the argument that it is first used for.

        `out_channels` is reserved for the output of the class: elsewhere they are those of a child, by its label.
        """
        if symbol in self._named or not name:
            return
        self._named.add(symbol)
        if isinstance(symbol.origin, InputSize) and name == "in_features":
            symbol.hint = symbol.hint.rpartition("_")[0] + "_features"
        if symbol.origin is not None:
            return
        if name.startswith("out_"):
            label, kind = key[-1] if key else "", name.removeprefix("out_")
            name = f"{label}_{kind}" if is_attribute(label) else kind
        symbol.hint = name

    # -- calls --

    def _call(self, steps: tuple[CallStep, ...], scope: SpecNames) -> CallText:
        first = steps[0]
        template = self._templates.get(first.callee)
        callees = [step.callee for step in steps]
        if template is None:
            return self._chain(steps, scope)
        known: dict[Symbol, Formula | None] = {}
        positions = [template.position(callee) for callee in callees]

        def argument(symbol: Symbol) -> Formula | None:
            if symbol not in known:
                known[symbol] = self._argument(symbol, tuple([symbol.column[at] for at in positions]), steps, scope)
            return known[symbol]

        arguments: list[Written | None] = []
        for parameter in template.parameters if not first.declared else ():
            column = tuple([parameter.symbol.column[at] for at in positions])
            if is_constant(column):
                arguments.append(None if same(column[0], parameter.default) else Written(column[0]))
                continue
            formula = argument(parameter.symbol)
            if formula is None or size_of(formula) > _MOST_OPERATORS:
                formula = known[parameter.symbol] = self.symbol(parameter.name, column)
                self._name_by_use(formula, parameter.name, first.key)
            arguments.append(Written(formula))
        if self.count > 1:
            self._output_shapes(steps, template, argument, scope)
        return CallText(first, template, arguments)

    def _chain(self, steps: tuple[CallStep, ...], scope: SpecNames) -> CallText:
        """Return the text of a chain that is written in place. Where a declared module runs, nothing is constructed."""
        first, callees = steps[0], [step.callee for step in steps]
        inner = SpecNames(self.argument_symbol, callees, scope)
        if self.count > 1:
            for position, value in enumerate(first.callee.inputs):
                columns = [callee.inputs[position] for callee in callees]
                known = scope.shapes[first.inputs[position]] if first.inputs else self._shape(columns, lambda axis, column: None)
                inner.shapes[value] = known
        made = CallText(first, chain=self._steps(callees, inner))
        if self.count > 1:
            scope.shapes.update((outer, inner.shapes[v]) for v, outer in zip(first.callee.outputs, first.outputs, strict=False))
        return made if not first.declared else CallText(first)

    def _argument(self, symbol: Symbol, column: tuple[Any, ...], steps: tuple[CallStep, ...], scope: SpecNames) -> Formula | None:
        """Return what a called class's symbol is here."""
        if is_constant(column):
            return column[0] if type(column[0]) in (int, float) else None
        formula: Any = None
        step = steps[0]
        if isinstance(symbol.origin, InputSize) and step.inputs:
            size = scope.shapes[step.inputs[symbol.origin.position]][symbol.origin.axis]
            formula = formula_of(size)
        elif isinstance(symbol.origin, str):
            default = symbol.origin if step.callee.function.kind == "group" else None
            text = step.node.expressions.get(symbol.origin, default)
            formula = parse(text, lambda word: scope.formula(word, step.node)) if text is not None else None
        return single(formula) if confirmed(single(formula), column) else None

    def _output_shapes(
        self, steps: tuple[CallStep, ...], template: ClassTemplate, argument: Callable[[Symbol], Formula | None], scope: SpecNames
    ) -> None:
        """Set the traced shapes of what a called class gives."""
        for position, values in enumerate(zip(*(step.outputs for step in steps), strict=True)):
            shape = template.outputs[position]

            def size(axis: int, _: Any, shape: Shape = shape) -> Formula | None:
                formula = formula_of(shape[axis])
                return None if formula is None else substitute(formula, {s: argument(s) for s in symbols(formula)})

            scope.shapes[values[0]] = self._shape(values, size)

    # -- names of the spec --

    def argument_symbol(self, name: str, column: tuple[Any, ...]) -> Formula | None:
        """Return the formula of a block's argument: its number if it is the same for all instances, else a symbol."""
        if name not in self._arguments:
            if is_constant(column):
                self._arguments[name] = column[0] if type(column[0]) in (int, float) else None
            else:
                self._arguments[name] = self.symbol(name, column, name)
        return self._arguments[name]


def _numeric(size: Dim) -> Dim:
    return _SYMBOLIC if isinstance(size, SymbolicSize) else size


def _plainly(value: Any) -> Any:
    """Return a constant as it is written: as the spec spells it, if that is known."""
    formula = formula_of(value)
    return formula if isinstance(formula, Spelled) else untraced(value)


def _spelled(name: str, text: str, value: float) -> dict[str, Any]:
    """Return an attribute with the text of its number in the spec, by name; nothing if it is no number there."""
    formula = parse(text, lambda word: None)
    if isinstance(formula, Spelled) and formula.value == value:
        return {name: traced(value, formula)}
    return {}
