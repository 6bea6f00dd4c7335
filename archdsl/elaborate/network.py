"""A network with its parameters bound to a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from archdsl import limits
from archdsl.diagnostics import Diagnostic, Mark, Severity, SpecError, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate.bodies import Bodies
from archdsl.elaborate.declarations import Claim, check_claim
from archdsl.elaborate.naming import Naming
from archdsl.elaborate.negatives import roots_of_negatives
from archdsl.elaborate.parameters import header
from archdsl.elaborate.reach import FalseClaim
from archdsl.elaborate.uncalled import check_uncalled
from archdsl.elaborate.values import NO_INPUT, UNKNOWN, Bound, Callee, Environment, Exhausted, Module, Unknown, problem
from archdsl.ir.unrolled import Graph, Head, Node, Output, Scope
from archdsl.literals import type_name
from archdsl.ops.base import Category, Op
from archdsl.records import record
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.doc_comments import introduction
from archdsl.syntax.parser import parse_expression


@record
class Elaboration:
    """A graph, none where there were errors, and what is left to check about it."""

    graph: Graph | None
    diagnostics: list[Diagnostic]
    false_claims: list[FalseClaim]
    _about: tuple[Module, ast.Definition]
    _bodies: Bodies
    _claims: list[Claim]

    def settle(self, counts: Mapping[Scope, Mapping[str, Any]]) -> list[Diagnostic]:
        """Check the `expect` lines about counts, given those of each scope that `scopes_counted` names.

        Adds those that do not hold to `false_claims`; gives what else is wrong with them.
        """
        errors, reported = [], len(self._bodies.diagnostics)
        for claim in self._claims:
            env = Environment(claim.env, claim.env.module)
            env.names.update(counts[claim.scope])
            try:
                false = check_claim(self._bodies.evaluator, claim.statement, env)
                if false is not None:
                    self.false_claims.append(FalseClaim(*self._about, false, self._bodies.evaluator.unread))
            except SpecError as error:
                errors.append(error.diagnostic)
            except Exhausted:
                return errors + self._bodies.diagnostics[reported:]
        return errors

    def scopes_counted(self) -> list[Scope]:
        """The scopes that an `expect` counts in."""
        return list({id(claim.scope): claim.scope for claim in self._claims}.values())

    @property
    def undecided(self) -> Span | None:
        """What the network depends on and was unknown, if anything: only an error may leave it so."""
        return self._bodies.evaluator.undecided

    @property
    def steps(self) -> int:
        """What it took: see `steps`."""
        return self._bodies.evaluator.steps


def elaborate(module: Module, definition: ast.Definition, settings: Mapping[str, str] | None = None) -> Elaboration:
    """The graph of a network. `settings` are texts of expressions for its open parameters: `{"classes": "10"}`."""
    bodies, false_claims = Bodies(), list[FalseClaim]()
    about = module, definition
    graph = None
    try:
        with _claims_of(bodies, about, false_claims):
            try:
                graph = _network(bodies, module, definition, settings or {})
            except SpecError as found:
                bodies.failed(found)
        check_uncalled(bodies, module, definition, lambda block: _claims_of(bodies, (module, block), false_claims))
    except Exhausted:
        return Elaboration(None, bodies.diagnostics, false_claims, about, bodies, [])
    if false_claims or any(d.is_error for d in bodies.diagnostics):
        graph = None
    if graph is not None and not module.file.damaged:
        bodies.diagnostics += [
            *_unused_values(graph),
            *_heads_in_evaluation(graph),
            *_channels_as_fractions(graph),
            *roots_of_negatives(graph),
            *_never_read(module),
        ]
    return Elaboration(graph, bodies.diagnostics, false_claims, about, bodies, bodies.claims)


@contextmanager
def _claims_of(bodies: Bodies, about: tuple[Module, ast.Definition], false_claims: list[FalseClaim]) -> Iterator[None]:
    """Around the check of a definition: the claims that it finds false are its own."""
    before = len(bodies.false_claims)
    try:
        yield
    finally:
        false_claims += [FalseClaim(*about, false, bodies.evaluator.unread) for false in bodies.false_claims[before:]]


def _network(bodies: Bodies, module: Module, definition: ast.Definition, settings: Mapping[str, str]) -> Graph | None:
    callee, claims, doc = _resolve(bodies, module, definition)
    if callee is None:
        return None
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
        doc=doc,
    )
    begins = any(isinstance(statement, ast.Input) for statement in network.body.statements)
    result = bodies.run(network.body, env, NO_INPUT if begins else UNKNOWN, Naming(root))
    if not isinstance(result, Node) and bodies.evaluator.undecided is None:
        bodies.evaluator.undecided = network.name_span
    if not bodies.inputs and not env.module.file.damaged and not any(d.is_error for d in bodies.diagnostics):
        raise problem(
            "E0503",
            f"`{network.name}` has no input",
            network.name_span,
            "its first statement declares one: `input image [3, 224, 224]`",
        )
    bodies.claims += [Claim(claim, env, root) for claim in claims]
    index = result.index if isinstance(result, Node) else 0
    heads = [result for result in bodies.results.values() if isinstance(result, Head)]
    outputs = [result for result in bodies.results.values() if isinstance(result, Output)]
    return Graph(
        definition.name, root, list(bodies.nodes), bodies.inputs, index, heads, outputs, bodies.initializers,
        bodies.conditions, bodies.stated, bodies.stated_at, doc=doc,
    )  # fmt: skip


def _resolve(bodies: Bodies, module: Module, definition: ast.Definition) -> tuple[Callee | None, list[ast.Expect], str]:
    """Follow `network a = b(...)` to the network, gathering arguments, claims and documentation.

    There is none where an earlier error hides it. The documentation is the first on the way, else the file's.
    """
    callee, place = Callee(definition, module), definition.name_span
    claims: list[ast.Expect] = []
    doc = definition.group_doc
    seen: list[ast.Definition] = []
    while isinstance(alias := callee.target, ast.Alias):
        if alias in seen:
            chain = " -> ".join(f"`{a.name}`" for a in [*seen[seen.index(alias) :], alias])
            raise problem("E0501", f"a network cannot be defined by itself: {chain}", alias.name_span)
        if len(seen) >= limits.CALL_DEPTH:
            raise problem(
                "E0502",
                f"aliases go over more than {limits.CALL_DEPTH} others",
                definition.name_span,
                limits.remedy("CALL_DEPTH"),
            )
        seen.append(alias)
        claims = [*alias.claims, *claims]
        assert callee.module is not None
        base, place = bodies.evaluator.evaluate(alias.target, Environment(None, callee.module)), alias.target.span
        if isinstance(base, Unknown):
            return None, [], doc
        if not isinstance(base, Callee):
            raise problem("E0208", f"a network is needed here, and `{place.text}` is {type_name(base)}", place)
        callee = Callee(
            base.target, base.module, base.positional + callee.positional, {**(base.keywords or {}), **(callee.keywords or {})}
        )
        if not doc and isinstance(callee.target, ast.Definition) and callee.module is not None:
            doc = callee.target.group_doc
    if not isinstance(callee.target, ast.Network):
        kind = "a block" if isinstance(callee.target, ast.Block) else "an op"
        raise problem(
            "E0208", f"a network is needed here, and `{callee.name}` is {kind}", place, "`network name { input ... }` defines one"
        )
    return callee, claims, doc or introduction(module.file)


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
        try:
            _check_setting(name, text, names, fixed, definition, network)
            source = SourceFile(f"--set {name}", text)
            expression, errors = parse_expression(source)
            bodies.diagnostics += errors
            value, span = UNKNOWN, Span(source, 0, len(text))
            if expression is not None:
                value = bodies.evaluator.argument(callee, ast.Argument(span, name, expression), 0, Environment(None, module))
            keywords[name] = Bound(value, span)
        except SpecError as found:
            bodies.failed(found)
    return Callee(network, callee.module, callee.positional, keywords)


def _check_setting(
    name: str, text: str, names: list[str], fixed: set[str], definition: ast.Definition, network: ast.Network
) -> None:
    """Raise `SpecError` where a setting is not one of the open parameters, or is empty."""
    if name not in names:
        from archdsl.recipe.paths import meant_path, written  # here: the models of recipes take time to define

        meant, near = meant_path(name), did_you_mean(name, names)
        of_recipe = meant is not None and (near is None or meant.rpartition(".")[2] == name)
        help = (
            f"it is a key of the recipe: `--set {written(meant, text)}`"
            if meant is not None and of_recipe
            else near or f"it is `{header(network)}`"
        )
        raise problem("E0607", f"`{definition.name}` has no parameter `{name}`", definition.name_span, help)
    if name in fixed:
        help = f"set it on `{network.name}`, which leaves it open"
        raise problem("E0607", f"`{definition.name}` fixes `{name}`", definition.span, help)
    if not text.strip():
        raise problem("E0607", f"`--set {name}=` has no value", definition.name_span, f"write `--set {name}=10`")


def _unused_values(graph: Graph) -> list[Diagnostic]:
    """A warning for each value that nothing takes and that is no result."""
    found: dict[Span, Diagnostic] = {}
    for node in graph.nodes:
        if not graph.in_training[node.index] and not graph.consumers[node.index]:
            what = f"the input `{node.label}`" if node.op.name == "input" else f"what `{node.op.name}` makes"
            message = f"{what} is never used"
            found.setdefault(
                node.span,
                untyped(
                    "W0101", message, Mark(node.span), help="take it up by its label, or delete it", severity=Severity.WARNING
                ),
            )
    return list(found.values())


def _heads_in_evaluation(graph: Graph) -> list[Diagnostic]:
    """A warning for each head whose value the result needs, so that it runs in evaluation, too."""
    heads = [head for head in graph.heads if graph.in_evaluation[head.value]]
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
        for head in heads
    ]


def _channels_as_fractions(graph: Graph) -> list[Diagnostic]:
    """A warning for each `bn(64)`: a number of channels, as PyTorch has it there, where another number stands here."""
    found: dict[Span, Diagnostic] = {}
    known: dict[int, dict[str, float]] = {}
    for node in graph.nodes:
        op = node.op
        fractions = known.get(id(op))
        if fractions is None:
            fractions = known[id(op)] = _fractions(op)
        for name, value in fractions.items():
            if value == graph.input_shapes(node)[0][0]:
                message = f"`{name}` of `{op.name}` is {value:g}, the number of channels of its input"
                help = (
                    f"channels are not written: `{op.name}`"
                    if op.parameters_in_order()[0] == name
                    else f"leave it out, or write `{name} = ...`"
                )
                found.setdefault(node.span, untyped("W0105", message, Mark(node.span), help=help, severity=Severity.WARNING))
    return list(found.values())


def _fractions(op: Op) -> dict[str, float]:
    """What was given to an op that takes its channels from its input, and could be a number of them."""
    if op.category not in (Category.NORMALIZATION, Category.ACTIVATION, Category.SCALE):
        return {}
    given = {name: getattr(op, name) for name in op.model_fields_set}
    return {name: value for name, value in given.items() if isinstance(value, float) and value > 1}


def _never_read(module: Module) -> list[Diagnostic]:
    """A warning for each parameter that its body never reads, and each constant."""
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
