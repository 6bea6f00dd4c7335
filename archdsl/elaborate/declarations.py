"""Statements that say something about the network: `output`, `aux`, `init` and `expect`."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, SpecError, codes, did_you_mean
from archdsl.elaborate.arguments import read_options
from archdsl.elaborate.context import Context
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Naming, Scope, joined
from archdsl.elaborate.size_conditions import sides_of
from archdsl.elaborate.statements import pipeline
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, MaybeValue, Unknown
from archdsl.initializers import Initializer
from archdsl.ir import Claim, Result, Value
from archdsl.ops import Op
from archdsl.ops.base import WeightedOp
from archdsl.syntax import nodes as ast

METRICS = ("params", "params_eval", "macs", "depth")
"""What an `expect` may count; known only when the network is complete."""


def expect(context: Context, expect: ast.Expect, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Check a claim about shapes at once; keep one about counts for later."""
    names = context.claim_names.get(id(expect))
    if names is None:
        names = context.claim_names[id(expect)] = {name.id for name in ast.names(expect.claim, expect.condition)}
    for name in names:  # `param == 5`, which would compare an op with a number
        if name in Op.registry and env.find(name) is Unknown and (near := did_you_mean(name, METRICS)) is not None:
            place = next(found for found in ast.names(expect.claim, expect.condition) if found.id == name)
            raise SpecError(codes.names.OpForCount(name, near).at(place.span))
    if any(name in METRICS and env.find(name) is Unknown for name in names):
        frozen = Environment(None, env.module)
        frozen.names = {name: env.find(name) for name in names if env.find(name) is not Unknown}
        context.builder.function.claims.append(Claim(expect, frozen))
        return x
    countable = Environment(env, env.module)  # a name that is misspelled may be one of these
    countable.names = {name: UNKNOWN for name in METRICS if env.find(name) is Unknown}
    false = check_claim(context.evaluator, expect, countable)
    if false is not None:
        context.report(false, claim=True)
    return x


def aux(context: Context, aux: ast.Aux, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an auxiliary head; `x` goes on unchanged."""
    options = read_options(context.evaluator, "aux", aux.arguments, env, {"weight": 1.0})
    value = pipeline(context, aux.pipeline, env, x, naming)
    weight = options["weight"]
    if isinstance(value, Value) and not isinstance(weight, Unknown):
        if weight < 0:
            raise SpecError(codes.ranges.OutOfBounds("aux", "weight", weight).at(aux.arguments[0].span))
        name = _result_name(context, aux.pipeline, env, naming)
        context.results[name] = Result(name, "head", float(weight), aux.span), value
    return x


def output(context: Context, output: ast.Output, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an output; `x` goes on unchanged."""
    value = pipeline(context, output.pipeline, env, x, naming)
    if isinstance(value, Value):
        name = _result_name(context, output.pipeline, env, naming)
        context.results[name] = Result(name, "output", span=output.span), value
    return x


def _result_name(context: Context, pipeline: ast.Pipeline, env: Environment, naming: Naming) -> str:
    """Return the name of a result: its label, with the path to it."""
    label = pipeline.label
    assert label is not None
    index = UNKNOWN if label.index is None else context.evaluator.evaluate(label.index, env)
    own = label.name if label.name is not None else ""
    if label.template is not None:
        own = joined(
            [p if isinstance(p, str) else context.evaluator.evaluate(p, env) for p in label.template.pieces],
            label.span,
            context.limits,
        )
    name = "_".join(part for part in (naming.scope.path.replace(".", "_"), own, "" if index is UNKNOWN else str(index)) if part)
    if name[0].isdigit():
        position = not own[:1].isdigit()
        call = _outermost_call(naming.scope) if position else None
        raise SpecError(codes.declarations.ResultBeginsWithDigit(name, position, call).at(label.span))
    if name in ("main", "count", "index"):
        raise SpecError(codes.declarations.ReservedResult(name).at(label.span))
    if name in context.results:
        raise SpecError(codes.declarations.ResultTwice(name, context.results[name][0].span).at(label.span))
    return name


def _outermost_call(scope: Scope) -> str | None:
    """Return the call of a block in the network's own body that leads to a scope; None if it is no call."""
    around = next((s for s in scope.enclosing() if s.parent is not None and s.parent.parent is None), None)
    return around.span.text if around is not None and around.block is not None else None


def init(context: Context, statement: ast.Init, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Take in the rules that fill weights."""
    if naming.scope.kind != "network":
        raise SpecError(codes.declarations.InitOutsideNetwork().at(statement.span))
    for setting in statement.settings:
        try:
            _rule(context, setting, env)
        except SpecError as found:
            context.failed(found)
    return x


def _rule(context: Context, setting: ast.Setting, env: Environment) -> None:
    """Take one rule of an `init` in."""
    weighted = [op.name for op in Op.registry if issubclass(op, WeightedOp)]
    if setting.name not in weighted:
        is_op = setting.name in Op.registry
        raise SpecError(codes.declarations.NothingToInitialize(setting.name, is_op, weighted).at(setting.name_span))
    rules = Initializer.registry.names()
    rule = ast.bare(setting.value)
    name = ast.bare(rule.callee if isinstance(rule, ast.CallExpr) else rule)
    if isinstance(name, ast.Name) and context.evaluator.named(name, env) is Unknown:
        raise context.evaluator.name_errors.name(name, env, rules, f"the rules are {', '.join(rules)}")
    value = context.evaluator.evaluate(setting.value, env)
    if isinstance(value, Callee) and isinstance(value.target, type) and issubclass(value.target, Initializer):
        made = context.binder.declared(value, setting.value.span)
        if not isinstance(made, Unknown) and isinstance(made[0], Initializer):
            _set_rule(context, setting, made[0])
    elif value is not UNKNOWN:
        raise SpecError(codes.declarations.NotARule(value, rules).at(setting.value.span))


def _set_rule(context: Context, setting: ast.Setting, rule: Initializer) -> None:
    """Keep the rule of an op, once."""
    first = context.initialized.setdefault(setting.name, setting.name_span)
    if first != setting.name_span:
        raise SpecError(codes.declarations.RuleTwice(setting.name, first).at(setting.name_span))
    op = Op.registry.get(setting.name)
    assert op is not None and issubclass(op, WeightedOp)
    try:
        op.check_rule(rule)
    except ValueError as error:
        raise SpecError(codes.declarations.RefusedRule(setting.name, str(error)).at(setting.value.span)) from None
    context.initializers[setting.name] = rule


def check_claim(evaluator: Evaluator, expect: ast.Expect, env: Environment) -> Diagnostic | None:
    """Return the error for an `expect` that does not hold, else None. Raise `SpecError` if it is no condition."""
    if expect.condition is not None and evaluator.truth(expect.condition, env) is not True:
        return None
    claim = expect.claim
    if evaluator.truth(claim, env) is not False:
        return None
    while isinstance(choice := ast.bare(claim), ast.Choice):  # of `expect a if c else b`, what does not hold is quoted
        claim = choice.then if evaluator.truth(choice.condition, env) else choice.other
    return codes.claims.FalseExpectation(claim.span.text, sides_of(evaluator, claim, env)).at(claim.span)
