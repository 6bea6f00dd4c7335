"""Check the blocks that a network does not call, with unknown parameters and an unknown input.

A mistake in code that may never run is an error if the text alone shows it, such as an undefined name. If it follows from
values, a call with others may be right: then it is a warning, which states what it assumes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from archdsl.diagnostics import Diagnostic, Evidence, SpecError, codes
from archdsl.elaborate.context import Context
from archdsl.elaborate.dispatcher import run_body
from archdsl.elaborate.naming import Naming, Scope
from archdsl.elaborate.values import UNKNOWN, Environment, Exhausted, Module, Unknown
from archdsl.ir.core import Value
from archdsl.literals import show
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def check_uncalled(
    context: Context, module: Module, network: ast.Definition, claims_of: Callable[[ast.Block], AbstractContextManager[None]]
) -> None:
    """Check each block of the module that the network does not call, inside the context manager that keeps its claims."""
    undecided, spent = context.evaluator.undecided, context.budget.spent
    for definition in module.definitions.values():
        if not isinstance(definition, ast.Block) or definition in context.called:
            continue
        env = Environment(None, module)
        env.names.update({parameter.name: UNKNOWN for parameter in definition.parameters})
        context.assumption = UncalledBlock(definition, module, network)
        try:
            with context.effects_discarded(), claims_of(definition):
                run_body(
                    context, definition.body, env, UNKNOWN, Naming(Scope(definition.name, None, "block", definition.name_span))
                )
        except SpecError as found:
            context.failed(found)
        except Exhausted:
            if any(diagnostic.is_error for diagnostic in context.diagnostics):
                raise
            context.budget.spent = spent
            break
        finally:
            context.assumption = None
    context.evaluator.undecided = undecided


class UncalledBlock:
    """The assumptions on the way to a place in a block that a network does not call."""

    def __init__(self, block: ast.Block, module: Module, network: ast.Definition) -> None:
        self._block = block
        self._module = module
        self._network = network
        self.conditions: list[str] = []
        """The conditions under which the place is reached, as clauses that follow "assuming that"."""

    def judge(self, error: Diagnostic, scope: Scope | None) -> Diagnostic | None:
        """Return the error if it holds in any case, else a warning; None if another network decides."""
        if not self.conditions or _whatever_the_values(error, self._module):
            return error
        if self._called_elsewhere():
            return None
        given = next((around.given for around in scope.enclosing() if around.kind == "block"), {}) if scope is not None else {}
        values = [f"{name} = {show(value)}" for name, value in given.items() if not isinstance(value, Value | Unknown)]
        assumed = " and ".join([*values, *(f"that {condition}" for condition in self.conditions)])
        return codes.source_warnings.MayFail(assumed, error, self._block.name, self._network.name).at(error.span)

    def _called_elsewhere(self) -> bool:
        """Return whether another network of the file names the block, or a block that does."""
        definitions = self._module.definitions
        pending: list[ast.Definition] = [d for d in definitions.values() if isinstance(d, ast.Network) and d is not self._network]
        seen: set[ast.Definition] = set()
        while pending:
            definition = pending.pop()
            if definition in seen or isinstance(definition, ast.Alias):
                continue
            seen.add(definition)
            named = {name.id for name in ast.names(definition)}
            pending += [definitions[name] for name in named if name in definitions]
        return self._block in seen


def _whatever_the_values(error: Diagnostic, module: Module) -> bool:
    """Return whether an error stays, whatever the parameters and the input are."""
    if error.evidence is Evidence.TEXT or error.span is None:
        return True
    if error.evidence is Evidence.VALUES:
        return False
    depends = _is_computed if error.evidence is Evidence.LABEL else _is_name
    return not any(map(depends, _marked(error.span, module)))


def _marked(span: Span, module: Module) -> list[ast.Node]:
    """Return the nodes that a span covers, in the file of a module or in one that it imports."""
    pending = [module]
    while pending:
        module = pending.pop()
        if module.file.source is span.file:
            around = [
                node
                for node in ast.node_at(module.file, span.start)
                if node.span.start <= span.start and node.span.end >= span.end
            ]
            inside = ast.walk(around[-1] if around[-1].span != span else next(node for node in around if node.span == span))
            return [node for node in inside if span.start <= node.span.start and node.span.end <= span.end]
        pending += module.imports.values()
    return []


def _is_name(node: ast.Node) -> bool:
    """Return whether a node names a value."""
    return isinstance(node, ast.Name)


def _is_computed(node: ast.Node) -> bool:
    """Return whether a node makes a label depend on values: an index, a list, a label string with expressions, or a body."""
    return isinstance(node, ast.Index | ast.ListExpr | ast.Body) or (
        isinstance(node, ast.Label) and (bool(node.indices) or bool(node.template and node.template.expressions))
    )
