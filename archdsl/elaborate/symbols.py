"""What every name in the text means: its definition and its uses, for go-to-definition, hover and rename.

Names are resolved on the tree alone, by the same rules of visibility as in the elaboration: a statement sees what stands
before it in its braces and in those around. So the table holds what unused blocks and branches name, it is there whatever
errors there are, and a check that needs none does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archdsl.elaborate.declarations import METRICS
from archdsl.elaborate.domains import interval_in
from archdsl.elaborate.symbol import Scope, Symbol, SymbolKind, all_modules, is_declared, kind_of, name_span, target_of
from archdsl.elaborate.symbol_paths import SymbolPaths
from archdsl.elaborate.symbol_targets import called, imported_module
from archdsl.elaborate.values import FUNCTIONS, Module
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast


class SymbolTable:
    """The symbols of a file and of all that it imports."""

    def __init__(self, module: Module) -> None:
        self.symbols: list[Symbol] = []
        self.unresolved: list[Span] = []
        """Names that mean nothing where they stand, or that a syntax error may hide."""
        self.visible: dict[Span, dict[str, Symbol]] = {}
        """For each of these names that stands alone, the names that mean something there, without those of the whole file."""
        self._builtin: dict[tuple[str, str | None], Symbol] = {}
        self._global: dict[int, dict[str, Symbol]] = {}
        self._parameters: dict[int, dict[str, Symbol]] = {}
        self.paths = SymbolPaths()
        modules = list(all_modules(module))
        for one in modules:
            self._declare(one)
        for one in modules:
            for definition in one.file.definitions:
                _Resolver(self, one, definition).resolve()
        self.paths.resolve(self.unresolved)
        self._places = sorted(self._all_places(), key=lambda place: (place[0].start, place[0].end))

    def at(self, file: SourceFile, offset: int) -> Symbol | None:
        """Return the symbol whose name stands at an offset, or ends there."""
        found = [symbol for place, symbol in self._places if place.file is file and place.start <= offset <= place.end]
        return found[-1] if found else None

    def _all_places(self) -> Iterator[tuple[Span, Symbol]]:
        for symbol in self.symbols:
            for span in (*symbol.definitions, *symbol.uses):
                yield span, symbol

    def add(self, symbol: Symbol) -> Symbol:
        """Take a symbol in."""
        self.symbols.append(symbol)
        return symbol

    def builtin(self, name: str, kind: SymbolKind, owner: str | None = None) -> Symbol:
        """Return the symbol of something that the language brings along."""
        if (name, owner) not in self._builtin:
            self._builtin[name, owner] = self.add(Symbol(name, kind, owner))
        return self._builtin[name, owner]

    def global_(self, module: Module, name: str) -> Symbol | None:
        """Return what a module defines or imports under a name, or the op, rule or function that has it."""
        found = self._global[id(module)].get(name)
        if found is not None:
            return found
        if (op := Op.registry.get(name)) is not None and op.called:
            return self.builtin(name, SymbolKind.OP)
        return self.builtin(name, SymbolKind.INITIALIZER) if Initializer.registry.get(name) is not None else None

    def parameters(self, definition: ast.Node) -> dict[str, Symbol]:
        """Return the parameters of a block, network or function by name."""
        return self._parameters.get(id(definition), {})

    def _declare(self, module: Module) -> None:
        """Take in what a file defines and imports, and the parameters of its definitions."""
        names = self._global[id(module)] = {}
        for item in module.file.imports:
            if item.name not in names:
                names[item.name] = self.add(Symbol(item.name, SymbolKind.IMPORT, None, item, [item.name_span]))
        for definition in module.file.definitions:
            symbol = self.add(Symbol(definition.name, kind_of(definition), None, definition, [definition.name_span]))
            names.setdefault(definition.name, symbol)
            if not isinstance(definition, ast.Alias):
                self.declare_parameters(definition)

    def declare_parameters(self, definition: ast.Node) -> None:
        """Take in the parameters of a block, network or function."""
        own = self._parameters[id(definition)] = {}
        assert isinstance(definition, ast.Block | ast.Network | ast.Constant | ast.Let)
        for parameter in definition.parameters or ():
            place = name_span(parameter, parameter.name)
            made = self.add(Symbol(parameter.name, SymbolKind.PARAMETER, definition.name, parameter, [place]))
            own.setdefault(parameter.name, made)


class _Resolver:
    """Resolves the names in one definition, statement by statement."""

    def __init__(self, table: SymbolTable, module: Module, definition: ast.Definition) -> None:
        self._table = table
        self._module = module
        self._definition = definition

    def resolve(self) -> None:
        """Resolve every name of the definition."""
        definition, table = self._definition, self._table
        scope = Scope(None)
        table.paths.bodies[id(definition)] = scope.parts
        if isinstance(definition, ast.Alias):
            self._expression(definition.target, scope)
            target = target_of(definition, self._module)
            scope.names.update(table.parameters(target) if target is not None else {})
            for claim in definition.claims:
                self._statement(claim, scope)
        elif isinstance(definition, ast.Constant):
            self._value(definition, scope)
        elif isinstance(definition, ast.Block | ast.Network):
            origin = definition.name_span if isinstance(definition, ast.Block) else None
            scope.names["x"] = table.add(Symbol("x", SymbolKind.FLOW, definition.name, definition, origin=origin))
            for parameter in definition.parameters:
                self._domain(parameter.domain)
                if parameter.default is not None:
                    self._expression(parameter.default, scope)
                scope.names.setdefault(parameter.name, table.parameters(definition)[parameter.name])
            self._body(definition.body, scope)
            if isinstance(definition, ast.Network) and definition.condition is not None:
                self._statement(ast.Expect(definition.condition.span, definition.condition, None), scope)

    def _domain(self, domain: ast.Expr | None) -> None:
        """Resolve the names of a domain, which sees the file. The kinds of intervals are functions here alone."""
        if (interval := interval_in(domain)) is not None:
            self._use(self._table.builtin(interval.callee.span.text, SymbolKind.FUNCTION), interval.callee.span)
            self._expressions(ast.ListExpr(interval.span, tuple([a.value for a in interval.arguments])), Scope(None))
        elif domain is not None:
            self._expression(domain, Scope(None))

    def _value(self, constant: ast.Constant | ast.Let, scope: Scope) -> None:
        """Resolve the value of a constant, or the formula of a function, which sees its parameters."""
        inside = Scope(scope)
        for parameter in constant.parameters or ():
            if parameter.default is not None:
                self._expression(parameter.default, inside)
            inside.names.setdefault(parameter.name, self._table.parameters(constant)[parameter.name])
        self._expression(constant.value, inside)

    # -- statements and stages --

    def _body(self, body: ast.Body | None, scope: Scope) -> None:
        for statement in body.statements if body is not None else ():
            self._statement(statement, scope)

    def _statement(self, statement: ast.Node, scope: Scope) -> None:
        match statement:
            case ast.Pipeline():
                self._pipeline(statement, scope)
            case ast.Aux() | ast.Output():
                self._result(statement, scope)
            case ast.Declaration():
                self._declaration(statement.pipeline, scope)
            case ast.Let():
                if statement.parameters is not None:
                    self._table.declare_parameters(statement)
                self._value(statement, scope)
                self._bind(scope, statement.name, kind_of(statement), statement, statement.name_span)
            case ast.Input():
                self._input(statement, scope)
            case ast.Init():
                for setting in statement.settings:
                    self._use(self._table.global_(self._module, setting.name), setting.name_span)
                    self._expression(setting.value, scope)
            case ast.Expect():
                inside = Scope(scope)
                counts = [name for name in METRICS if scope.find(name) is None]
                inside.names = {name: self._table.builtin(name, SymbolKind.COUNT) for name in counts}
                self._expressions(statement, inside)

    def _result(self, statement: ast.Aux | ast.Output, scope: Scope) -> None:
        for argument in statement.arguments if isinstance(statement, ast.Aux) else ():
            self._expression(argument.value, scope)
        self._pipeline(statement.pipeline, scope)

    def _input(self, statement: ast.Input, scope: Scope) -> None:
        for size in map(ast.bare, statement.sizes.items):
            if isinstance(size, ast.Name) and size.id[:1].isupper() and scope.find(size.id) is None:
                self._bind(scope, size.id, SymbolKind.SIZE, size, size.span)
            else:
                self._expression(size, scope)
        place = name_span(statement, statement.name, "input")
        self._bind(scope, statement.name, SymbolKind.INPUT, statement, place)
        flow = scope.find("x")
        if flow is not None and flow.origin is None:
            flow.origin = place
        if statement.condition is not None:
            self._expression(statement.condition, scope)

    def _pipeline(self, pipeline: ast.Pipeline, scope: Scope) -> None:
        label = pipeline.label
        if label is not None:
            self._expressions(label, scope)
        inside = scope if label is None else Scope(scope, control=True, parts={})
        for stage in pipeline.stages:
            self._stage(stage, inside)
        for one in label.each or (label,) if label is not None else ():
            self._label(one, scope, self._parts_of(pipeline, inside))

    def _parts_of(self, pipeline: ast.Pipeline, inside: Scope) -> list[Any]:
        """Return where the labels are that a path through the label of a pipeline may name: its own, and those of a block.

        None stands for what a parameter or constant holds.
        """
        stage = pipeline.stages[0] if len(pipeline.stages) == 1 else None
        if not isinstance(stage, ast.CallStage):
            return [inside.parts]
        call = ast.bare(stage.call)
        name = ast.bare(call.callee if isinstance(call, ast.CallExpr) else call)
        held = not isinstance(name, ast.Name) or inside.find(name.id) or self._module.definitions.get(name.id)
        return [inside.parts, called(stage.call, inside, self._module), *(() if isinstance(held, ast.Block | None) else (None,))]

    def _label(self, label: ast.Label, scope: Scope, parts: list[Any]) -> None:
        if label.name and label.name != "_":
            around = scope.around_control()
            place = name_span(label, label.name)
            known = self._module.definitions.get(label.name)
            constant = (
                isinstance(known, ast.Constant)
                and known.parameters is None
                and called(known.value, Scope(None), self._module) is None
            )
            if constant or self._table.global_(self._module, label.name) is None:
                family = scope.parts.get(label.name) if label.indices else None
                if family is not None and isinstance(family.node, ast.Label) and family.node.indices:
                    around.names.setdefault(label.name, family)  # other braces of the labelled scope have members of it
                self._bind(around, label.name, SymbolKind.LABEL, label, place)
                symbol = around.names[label.name]
            else:  # called like an op or a block, it is a key of the `state_dict` alone, and a part of paths
                symbol = self._table.add(Symbol(label.name, SymbolKind.LABEL, self._definition.name, label, [place]))
            self._table.paths.add(scope, symbol, parts)

    def _declaration(self, pipeline: ast.Pipeline, scope: Scope) -> None:
        """Resolve the names in a module, which sees no values around it, and bind its own."""
        label = pipeline.label
        if label is not None:
            self._expressions(label, scope)
        inside = Scope(scope, without=(SymbolKind.LABEL, SymbolKind.INPUT))
        for stage in pipeline.stages:
            self._stage(stage, inside)
        if label is not None and label.name:
            self._bind(scope.around_control(), label.name, SymbolKind.MODULE, label, name_span(label, label.name))

    def _stage(self, stage: ast.Stage, scope: Scope) -> None:
        match stage:
            case ast.CallStage():
                self._expression(stage.call, scope, stage=True)
            case ast.Group():
                self._body(stage.body, Scope(scope))
            case ast.Skip() | ast.Join():
                for argument in stage.arguments:
                    self._expression(argument.value, scope)
                self._body(stage.body, Scope(scope))
                if isinstance(stage, ast.Skip):
                    self._body(stage.via, Scope(scope))
            case _:
                self._control(stage, scope)

    def _control(self, stage: ast.Stage, scope: Scope) -> None:
        match stage:
            case ast.Repeat():
                self._expression(stage.count, scope)
                self._body(stage.body, Scope(scope, control=True))
            case ast.For():
                self._for(stage, scope)
            case ast.If():
                for arm in stage.arms:
                    if arm.condition is not None:
                        self._expression(arm.condition, scope)
                    self._body(arm.body, Scope(scope, control=True))

    def _for(self, loop: ast.For, scope: Scope) -> None:
        self._expression(loop.iterable, scope)
        inside = Scope(scope, control=True)
        self._bind_targets(loop.targets, inside)
        self._body(loop.body, inside)

    def _bind_targets(self, targets: Iterable[ast.Pattern], inside: Scope) -> None:
        for leaf in (leaf for target in targets for leaf in target.leaves):
            if leaf.name:
                self._bind(inside, leaf.name, SymbolKind.LOOP_VARIABLE, leaf, leaf.span)

    # -- expressions --

    def _expressions(self, node: ast.Node, scope: Scope) -> None:
        for child in ast.children(node):
            self._expression(child, scope)

    def _expression(self, node: ast.Node, scope: Scope, stage: bool = False) -> None:
        match node:
            case ast.Name():
                symbol = scope.find(node.id) or self._table.global_(self._module, node.id)
                self._use(symbol, node.span)
                if symbol is None:
                    self._table.visible[node.span] = scope.visible()
            case ast.CallExpr():
                self._callee(node, scope, stage)
                for position, argument in enumerate(node.arguments):
                    self._argument(node, position, argument, scope)
            case ast.Attribute():
                self._attribute(node, scope)
            case ast.Comprehension():
                self._expression(node.iterable, scope)
                inside = Scope(scope)
                self._bind_targets(node.targets, inside)
                for part in (node.element, node.condition):
                    if part is not None:
                        self._expression(part, inside)
            case _:
                self._expressions(node, scope)

    def _callee(self, call: ast.CallExpr, scope: Scope, stage: bool) -> None:
        """Resolve what is called. A name that is also a function means the op in the place of a stage, or with keywords."""
        name = ast.bare(call.callee)
        if isinstance(name, ast.Name) and name.id in FUNCTIONS and scope.find(name.id) is None:
            op = Op.registry.get(name.id)
            is_op = op is not None and (stage or any(argument.name in op.fields for argument in call.arguments))
            kind = SymbolKind.OP if is_op else SymbolKind.FUNCTION
            self._use(self._table.builtin(name.id, kind), name.span)
        else:
            self._expression(call.callee, scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        """Resolve a size of a value, a part of a labelled scope, or a definition of an import."""
        self._expression(node.base, scope)
        self._table.paths.read(node, scope)
        target = imported_module(node, scope, self._module)
        if target is not None and node.name:
            found = self._table.global_(target, node.name) if node.name in target.definitions else None
            self._use(found, Span(node.span.file, node.span.end - len(node.name), node.span.end))

    def _argument(self, call: ast.CallExpr, position: int, argument: ast.Argument, scope: Scope) -> None:
        """Resolve the keyword of an argument and its value; a bare word that the op's parameter knows is that word."""
        target = called(call.callee, scope, self._module)
        name = argument.name
        if name:
            self._use(self._parameter(call, target, name), name_span(argument, name))
        elif is_declared(target):
            order = target.call_order()
            name = order[position] if position < len(order) else None
        value = ast.bare(argument.value)
        if isinstance(value, ast.Name) and is_declared(target) and name in target.fields:
            constant = isinstance(self._module.definitions.get(value.id), ast.Constant)
            if scope.find(value.id) is None and not constant and value.id in target.words(name):
                self._use(self._table.builtin(value.id, SymbolKind.WORD, f"{target.name}.{name}"), value.span)
                return
        self._expression(argument.value, scope)

    def _parameter(self, call: ast.CallExpr, target: Any, name: str) -> Symbol | None:
        """Return the parameter that a keyword names."""
        if isinstance(target, ast.Definition | ast.Let):
            return self._table.parameters(target).get(name)
        if target is not None:
            known = name in target.call_order() or (issubclass(target, Op) and target.sizes_by_name)
            return self._table.builtin(name, SymbolKind.OP_PARAMETER, target.name) if known else None
        return self._table.builtin(name, SymbolKind.KEYWORD, f"{self._definition.name}.{call.callee.span.text}")

    # -- symbols --

    def _bind(self, scope: Scope, name: str, kind: SymbolKind, node: ast.Node, place: Span) -> None:
        """Bind a name. What the same braces bound under it before is the same symbol."""
        known = scope.names.get(name)
        if known is not None and known.kind is kind:
            known.definitions.append(place)
        elif name:
            scope.names[name] = self._table.add(Symbol(name, kind, self._definition.name, node, [place]))

    def _use(self, symbol: Symbol | None, span: Span) -> None:
        (symbol.uses if symbol is not None else self._table.unresolved).append(span)
