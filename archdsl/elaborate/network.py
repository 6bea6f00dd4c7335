"""A network with its parameters bound to a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archdsl.diagnostics import Diagnostic, Mark, Severity, did_you_mean
from archdsl.elaborate.bodies import Bodies
from archdsl.elaborate.calls import header
from archdsl.elaborate.declarations import Claim, check_claim
from archdsl.elaborate.naming import Naming
from archdsl.elaborate.values import UNKNOWN, Bound, Callee, Environment, Module, Problem, problem
from archdsl.ir import Graph, Node, Scope
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


@dataclass(frozen=True, slots=True, eq=False)
class Elaboration:
    """A graph, none where there were errors, and what is left to check about it."""

    graph: Graph | None
    diagnostics: list[Diagnostic]
    _bodies: Bodies
    _claims: list[Claim]

    def settle(self, counts: Mapping[Scope, Mapping[str, Any]]) -> list[Diagnostic]:
        """Check the `expect` lines about counts, given those of each scope that `scopes_counted` names."""
        found = []
        for claim in self._claims:
            env = Environment(claim.env, claim.env.module)
            env.names.update(counts[claim.scope])
            try:
                check_claim(self._bodies.evaluator, claim.statement, env)
            except Problem as error:
                found.append(error.diagnostic)
        return found

    def scopes_counted(self) -> list[Scope]:
        """The scopes that an `expect` counts in."""
        return list({id(claim.scope): claim.scope for claim in self._claims}.values())


def elaborate(module: Module, definition: ast.Definition, settings: Mapping[str, str] | None = None) -> Elaboration:
    """The graph of a network. `settings` are texts of expressions for its open parameters: `{"classes": "10"}`."""
    bodies = Bodies()
    try:
        graph = _network(bodies, module, definition, settings or {})
    except Problem as found:
        bodies.report(found.diagnostic)
        graph = None
    _check_uncalled(bodies, module, definition)
    if any(d.is_error for d in bodies.diagnostics):
        graph = None
    if graph is not None:
        bodies.diagnostics += [*_unused_values(graph), *_unused_parameters(module)]
    return Elaboration(graph, bodies.diagnostics, bodies, bodies.claims)


def _network(bodies: Bodies, module: Module, definition: ast.Definition, settings: Mapping[str, str]) -> Graph:
    callee, claims = _resolve(bodies, Callee(definition, module), [])
    network = callee.target
    assert isinstance(network, ast.Network) and callee.module is not None
    env = Environment(None, callee.module)
    callee = _with_settings(bodies, callee, definition, settings, module)
    arguments, given = bodies.binder.block(callee, network.name_span, env)
    root = Scope(
        definition.name,
        None,
        "network",
        definition.name_span,
        network.name,
        arguments,
        given,
        definition=network.span,
        doc=definition.doc or network.doc,
    )
    result = bodies.run(network.body, env, UNKNOWN, Naming(root))
    if not bodies.inputs and not any(d.is_error for d in bodies.diagnostics):
        raise problem(
            "E0503",
            f"`{network.name}` has no input",
            network.name_span,
            "its first statement declares one: `input image [3, 224, 224]`",
        )
    bodies.claims += [Claim(claim, env, root) for claim in claims]
    index = result.index if isinstance(result, Node) else 0
    return Graph(
        definition.name, root, bodies.nodes, bodies.inputs, index, bodies.heads, bodies.outputs, bodies.initializers,
        bodies.conditions, root.doc,
    )  # fmt: skip


def _resolve(bodies: Bodies, callee: Callee, seen: list[ast.Definition]) -> tuple[Callee, list[ast.Expect]]:
    """Follow `network a = b(...)` to the network, gathering arguments and claims."""
    alias = callee.target
    if not isinstance(alias, ast.Alias):
        if not isinstance(alias, ast.Network):
            raise problem("E0208", f"`{callee.name}` is not a network", seen[-1].name_span if seen else alias.name_span)  # type: ignore[union-attr]
        return callee, []
    if alias in seen:
        raise problem("E0501", f"`{alias.name}` is defined by itself", alias.name_span)
    assert callee.module is not None
    base = bodies.evaluator.evaluate(alias.target, Environment(None, callee.module))
    if not isinstance(base, Callee) or isinstance(base.target, type):
        raise problem("E0208", f"`{alias.target.span.text}` is not a network", alias.target.span)
    joined = Callee(
        base.target, base.module, base.positional + callee.positional, {**(base.keywords or {}), **(callee.keywords or {})}
    )
    resolved, claims = _resolve(bodies, joined, [*seen, alias])
    return resolved, [*claims, *alias.claims]


def _with_settings(
    bodies: Bodies, callee: Callee, definition: ast.Definition, settings: Mapping[str, str], module: Module
) -> Callee:
    """The network with the user's settings as further arguments."""
    network = callee.target
    assert isinstance(network, ast.Network)
    names = [parameter.name for parameter in network.parameters]
    fixed = {*names[: len(callee.positional)], *(callee.keywords or {})}
    keywords = dict(callee.keywords or {})
    for name, text in settings.items():
        source = SourceFile(f"--set {name}", text)
        place = Span(source, 0, len(text)) if text else None
        if name not in names:
            near = did_you_mean(name, names) or (f"it is `{header(network)}`" if names else None)
            raise Problem(
                Diagnostic("E0607", f"`{definition.name}` has no parameter `{name}`", Mark(definition.name_span), help=near)
            )
        if name in fixed:
            raise Problem(
                Diagnostic(
                    "E0607",
                    f"`{definition.name}` fixes `{name}`",
                    Mark(definition.span),
                    help=f"set it on `{network.name}`, which leaves it open",
                )
            )
        expression, errors = parse_expression(source)
        if expression is None or place is None:
            raise Problem(
                errors[0]
                if errors
                else Diagnostic("E0607", f"`--set {name}=` has no value", None, help=f"write `--set {name}=10`")
            )
        keywords[name] = Bound(bodies.evaluator.evaluate(expression, Environment(None, module)), place)
    return Callee(network, callee.module, callee.positional, keywords)


def _check_uncalled(bodies: Bodies, module: Module, chosen: ast.Definition) -> None:
    """Look at blocks that nothing called, with everything about them unknown, so that their mistakes show too."""
    called = {node.scope.definition for node in bodies.nodes} | {
        s.definition for node in bodies.nodes for s in node.scope.enclosing()
    }
    for definition in module.definitions.values():
        if not isinstance(definition, ast.Block) or definition.span in called:
            continue
        env = Environment(None, module)
        env.names.update({parameter.name: UNKNOWN for parameter in definition.parameters})
        scope = Scope(definition.name, None, "block", definition.name_span)
        before = len(bodies.heads), len(bodies.outputs)
        try:
            bodies.run(definition.body, env, UNKNOWN, Naming(scope))
        except Problem as found:
            bodies.report(found.diagnostic)
        del bodies.heads[before[0] :], bodies.outputs[before[1] :]


def _unused_values(graph: Graph) -> list[Diagnostic]:
    """A warning for each value that nothing takes and that is no result."""
    found: dict[Span, Diagnostic] = {}
    for node in graph.nodes:
        if not graph.in_training[node.index] and not graph.consumers[node.index]:
            what = f"the input `{node.label}`" if node.op.name == "input" else f"what `{node.op.name}` makes"
            message = f"{what} is never used"
            found.setdefault(
                node.span,
                Diagnostic(
                    "W0101", message, Mark(node.span), help="take it up by its label, or delete it", severity=Severity.WARNING
                ),
            )
    return list(found.values())


def _unused_parameters(module: Module) -> list[Diagnostic]:
    """A warning for each parameter that its body never reads."""
    found = []
    for definition in module.definitions.values():
        if not isinstance(definition, ast.Block | ast.Network) or not definition.parameters:
            continue
        read = names_read(definition)
        for parameter in definition.parameters:
            if parameter.name not in read:
                message = f"`{definition.name}` never reads its parameter `{parameter.name}`"
                found.append(
                    Diagnostic("W0102", message, Mark(parameter.span), help="delete it, or use it", severity=Severity.WARNING)
                )
    return found


def names_read(definition: ast.Block | ast.Network) -> set[str]:
    """Every name that stands in an expression of the definition."""
    found: set[str] = set()
    pending: list[Any] = [definition.body, *(parameter.default for parameter in definition.parameters)]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.Name):
            found.add(item.id)
        elif isinstance(item, tuple):
            pending += item
        elif item is not None and not isinstance(item, str | int | float | Span):
            pending += [getattr(item, name) for name in item.__dataclass_fields__]
    return found
