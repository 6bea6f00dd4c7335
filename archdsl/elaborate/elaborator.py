"""A network with its parameters bound to a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from archdsl.diagnostics import Diagnostic, SpecError, codes, did_you_mean
from archdsl.elaborate import control, declarations, inputs, joins, modules, stages, statements
from archdsl.elaborate.arguments import KnownOps
from archdsl.elaborate.blocks import constants, plain
from archdsl.elaborate.context import Context, Handlers
from archdsl.elaborate.dispatcher import run_body
from archdsl.elaborate.false_claims import FalseClaim
from archdsl.elaborate.fixed_arguments import argument_value
from archdsl.elaborate.given_sizes import set_by_sizes
from archdsl.elaborate.membership import judge_parameters, later_claims
from archdsl.elaborate.naming import Naming, Scope
from archdsl.elaborate.parameters import header
from archdsl.elaborate.uncalled_blocks import check_uncalled
from archdsl.elaborate.values import (
    NO_INPUT,
    UNKNOWN,
    Bound,
    Callee,
    Environment,
    Exhausted,
    MaybeValue,
    Module,
    Several,
    Unknown,
)
from archdsl.frozen_record import record
from archdsl.input_sizes import InputSizes, by_input
from archdsl.ir import NO_NAMES, Claim, Graph, Value
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.doc_comments import introduction
from archdsl.syntax.parser import parse_expression

HANDLERS: Final = Handlers(
    statements={
        ast.Pipeline: statements.statement,
        ast.Let: statements.let,
        ast.Expect: declarations.expect,
        ast.Aux: declarations.aux,
        ast.Output: declarations.output,
        ast.Declaration: modules.declaration,
        ast.Input: inputs.input_,
        ast.Init: declarations.init,
        ast.Skipped: statements.skipped,
    },
    stages={
        ast.CallStage: stages.call_stage,
        ast.Group: stages.group,
        ast.Skip: joins.skip,
        ast.Join: joins.join,
        ast.Repeat: control.repeat,
        ast.For: control.repeat,
        ast.If: control.repeat,
    },
)


@record
class Elaboration:
    """What became of a network: its graph, partial where there were errors, and everything that was found."""

    graph: Graph
    diagnostics: list[Diagnostic]
    false_claims: list[FalseClaim]
    undecided: Span | None
    """What the network depends on and was unknown, if anything: only an error may leave it so."""
    unread: bool
    """Whether something was asked for that a syntax error in its definition hides."""
    steps: int
    """What it took: see `steps`."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with the network so far."""
        return not self.false_claims and not self.has_errors

    @property
    def has_errors(self) -> bool:
        """Whether anything but claims is wrong."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)


def elaborate(
    module: Module,
    definition: ast.Definition,
    settings: Mapping[str, str],
    session: Session,
    sizes: InputSizes = (),
    *,
    any_size: bool = False,
    member: Mapping[str, Any] | None = None,
    numbers: Mapping[str, int] = NO_NAMES,
    known_ops: KnownOps | None = None,
) -> Elaboration:
    """Elaborate a network. `settings` are texts of expressions for its open parameters: `{"classes": "10"}`.

    `sizes` replace those of the inputs. `any_size` makes all of them symbolic but the first, and ignores claims. `numbers` are
    put in place of the symbolic sizes. A `member` of its search space gives values to further parameters; what it does not use of
    the file is then not checked. Elaborations of one program, such as many members, are faster if they share `known_ops`.
    Raise `WrongInputs` for sizes of inputs that the network does not have.
    """
    context, false_claims = Context(definition.name, session, HANDLERS, known_ops), list[FalseClaim]()
    context.any_size, context.numbers = any_size, numbers
    about = module, definition
    result: MaybeValue = UNKNOWN
    try:
        with _claims_of(context, about, false_claims):
            if member is None:
                _check_constants(context, module)
            try:
                result = _network(context, module, definition, settings, sizes, member or {})
            except SpecError as found:
                context.failed(found)
        if member is None:
            check_uncalled(context, module, definition, lambda block: _claims_of(context, (module, block), false_claims))
    except Exhausted:
        pass
    evaluator, builder = context.evaluator, context.builder
    for kind in ("head", "output"):
        for head, value in context.results.values():
            if head.kind != kind:
                continue
            if kind == "head":
                builder.head(head.name, value, head.weight, head.span)
            else:
                builder.output(head.name, value, head.span)
    graph = builder.finish(result if isinstance(result, Value) else None, context.initializers)
    graph.stated, graph.stated_at = context.stated, context.stated_at
    made = Elaboration(graph, context.diagnostics, false_claims, evaluator.undecided, evaluator.unread, context.budget.spent)
    graph.complete = graph.complete and made.ok and evaluator.undecided is None
    return made


def _check_constants(context: Context, module: Module) -> None:
    """Report what is wrong with the constants of the file, be they used or not."""
    for name, constant in module.definitions.items():
        if isinstance(constant, ast.Constant) and name not in module.unclear:
            try:
                context.evaluator.constants.value(constant, module)
            except SpecError as found:
                context.failed(found)


@contextmanager
def _claims_of(context: Context, about: tuple[Module, ast.Definition], false_claims: list[FalseClaim]) -> Iterator[None]:
    """Attribute the claims that are found false to the definition that is being checked."""
    before = len(context.false_claims)
    try:
        yield
    finally:
        false_claims += [FalseClaim(*about, false, context.evaluator.unread) for false in context.false_claims[before:]]


def _network(
    context: Context,
    module: Module,
    definition: ast.Definition,
    settings: Mapping[str, str],
    sizes: InputSizes,
    member: Mapping[str, Any],
) -> MaybeValue:
    """Return the result of a network."""
    callee, claims, doc = _resolve(context, module, definition)
    if callee is None:
        return UNKNOWN
    network = callee.target
    assert isinstance(network, ast.Network) and callee.module is not None
    env = Environment(None, callee.module)
    callee = _with_settings(context, callee, definition, settings, module)
    chosen = {name: Bound(value, network.name_span) for name, value in member.items()}
    callee = Callee(network, callee.module, callee.positional, {**(callee.keywords or {}), **chosen})
    if sizes:
        inputs = [statement for statement in network.body.statements if isinstance(statement, ast.Input)]
        context.given_sizes = by_input([statement.name for statement in inputs], sizes)
        callee = set_by_sizes(callee, inputs, context.given_sizes, settings)
    arguments, given = context.binder.block(callee, network.name_span, env)
    root = Scope(definition.name, None, "network", definition.name_span, network.name, given)
    main = context.builder.main
    main.definition, main.arguments, main.doc = network.span, plain(arguments), doc
    later = judge_parameters(context.evaluator, network, env) if not context.any_size else []
    begins = any(isinstance(statement, ast.Input) for statement in network.body.statements)
    result = run_body(context, network.body, env, NO_INPUT if begins else UNKNOWN, Naming(root))
    if isinstance(result, Several):
        raise SpecError(
            codes.several.SeveralResults(result.names, result.made, len(result.values), "the network").at(network.name_span)
        )
    if not isinstance(result, Value) and context.evaluator.undecided is None:
        context.evaluator.undecided = network.name_span
    main.constants = constants(network.body, env)
    if not main.inputs and not env.module.file.damaged and not any(d.is_error for d in context.diagnostics):
        raise SpecError(codes.inputs.NoInput(network.name).at(network.name_span))
    main.claims += [*(Claim(claim, env) for claim in claims), *later_claims(later, env)]
    return result


def _resolve(context: Context, module: Module, definition: ast.Definition) -> tuple[Callee | None, list[ast.Expect], str]:
    """Follow `network a = b(...)` to the network, gathering arguments, claims and documentation.

    There is none where an earlier error hides it. The documentation is the first on the way, else the file's.
    """
    callee, place = Callee(definition, module), definition.name_span
    claims: list[ast.Expect] = []
    doc = definition.group_doc
    seen: list[ast.Definition] = []
    while isinstance(alias := callee.target, ast.Alias):
        if alias in seen:
            chain = [a.name for a in [*seen[seen.index(alias) :], alias]]
            raise SpecError(codes.definitions.CircularAlias(chain).at(alias.name_span))
        if len(seen) >= context.limits.call_depth:
            raise SpecError(codes.definitions.TooManyAliases(context.limits.call_depth).at(definition.name_span))
        seen.append(alias)
        claims = [*alias.claims, *claims]
        assert callee.module is not None
        base, place = context.evaluator.evaluate(alias.target, Environment(None, callee.module)), alias.target.span
        if isinstance(base, Unknown):
            return None, [], doc
        if not isinstance(base, Callee):
            raise SpecError(codes.definitions.ValueForNetwork(place.text, base).at(place))
        callee = Callee(
            base.target, base.module, base.positional + callee.positional, {**(base.keywords or {}), **(callee.keywords or {})}
        )
        if not doc and isinstance(callee.target, ast.Definition) and callee.module is not None:
            doc = callee.target.group_doc
    if not isinstance(callee.target, ast.Network):
        is_block = isinstance(callee.target, ast.Block)
        raise SpecError(codes.definitions.NotANetwork(callee.name, is_block).at(place))
    return callee, claims, doc or introduction(module.file)


def _with_settings(
    context: Context, callee: Callee, definition: ast.Definition, settings: Mapping[str, str], module: Module
) -> Callee:
    """Return the network with the user's settings as further arguments."""
    network = callee.target
    assert isinstance(network, ast.Network)
    names = [parameter.name for parameter in network.parameters]
    fixed = {*names[: len(callee.positional)], *(callee.keywords or {})}
    keywords = dict(callee.keywords or {})
    for name, text in settings.items():
        try:
            _check_setting(name, text, names, fixed, definition, network, module)
            source = SourceFile(f"--set {name}", text, is_setting=True)
            expression, errors = parse_expression(source, context.limits)
            context.diagnostics += errors
            value, span = UNKNOWN, Span(source, 0, len(text))
            if expression is not None:
                value = argument_value(
                    context.evaluator, callee, ast.Argument(span, name, expression), 0, Environment(None, module)
                )
            keywords[name] = Bound(value, span)
        except SpecError as found:
            context.failed(found)
    return Callee(network, callee.module, callee.positional, keywords)


def _check_setting(
    name: str, text: str, names: list[str], fixed: set[str], definition: ast.Definition, network: ast.Network, module: Module
) -> None:
    """Raise `SpecError` where a setting is not one of the open parameters, or is empty."""
    constants = {item.name: item for item in network.body.statements if isinstance(item, ast.Let)}
    constant = constants.get(name) or module.definitions.get(name)
    if name not in names and isinstance(constant, ast.Let | ast.Constant) and constant.parameters is None:
        parameters = ", ".join(
            [*(parameter.span.text for parameter in network.parameters), f"{name} = {constant.value.span.text}"]
        )
        of_file = codes.settings.ConstantSet(definition.name, name, f"{network.name}({parameters})")
        raise SpecError(of_file.at(constant.name_span))
    if name not in names:
        from archdsl.recipe.setting_paths import assignment, meant_path  # here: the models of recipes take time to define

        meant, near = meant_path(name), did_you_mean(name, names)
        of_recipe = meant is not None and (near is None or meant.rpartition(".")[2] == name)
        recipe = assignment(meant, text) if meant is not None and of_recipe else None
        unknown = codes.settings.UnknownSetting(definition.name, name, names, header(network), recipe)
        raise SpecError(unknown.at(definition.name_span))
    if name in fixed:
        raise SpecError(codes.settings.FixedSetting(definition.name, name, network.name).at(definition.span))
    if not text.strip():
        raise SpecError(codes.settings.EmptySetting(name, "10").at(definition.name_span))
