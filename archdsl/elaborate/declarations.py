"""Statements that say something about the network: `output`, `aux`, `init` and `expect`."""

from __future__ import annotations

import keyword

from archdsl.diagnostics import SpecError, codes, did_you_mean
from archdsl.diagnostics.suggest import register_aliases
from archdsl.elaborate.arguments import read_options
from archdsl.elaborate.context import Context
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.labels import template_text
from archdsl.elaborate.naming import Naming
from archdsl.elaborate.statements import pipeline
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, MaybeValue, Unknown
from archdsl.initializers import Initializer
from archdsl.ir import Claim, Result, Value
from archdsl.ops import Op
from archdsl.ops.base import WeightedOp
from archdsl.source import Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.free_names import names_from_around

METRICS = ("params", "params_eval", "macs", "depth")
"""What an `expect` may count; known only when the network is complete."""


_SIZES = frozenset({"shape", "rank", "c", "h", "w", "d", "l"})
"""Sizes, which are read from a value: `x.shape`."""
register_aliases(
    lambda: [
        *((alias, "macs") for alias in ("flops", "mac", "gflops", "gmacs", "madds", "mult_adds", "multadds", "operations")),
        *((alias, "params") for alias in ("parameters", "num_params", "param_count", "weights", "n_params")),
        *((alias, "depth") for alias in ("layers", "num_layers", "n_layers")),
    ]
)


def expect(context: Context, expect: ast.Expect, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Check a claim about shapes at once; keep one about counts for later."""
    if context.any_size:
        return x
    names = context.claim_names.get(id(expect))
    if names is None:
        names = context.claim_names[id(expect)] = {name.id for name in ast.names(expect.claim, expect.condition)}
    for name in names:  # `param == 5`, which would compare an op with a number
        if name in Op.registry and env.find(name) is Unknown and (near := did_you_mean(name, METRICS)) is not None:
            place = next(found for found in ast.names(expect.claim, expect.condition) if found.id == name)
            raise SpecError(codes.names.OpForCount(name, near).at(place.span))
        if name in _SIZES and env.find(name) is Unknown and name in names_from_around(expect.claim):
            place = next(found for found in ast.names(expect.claim, expect.condition) if found.id == name)
            raise SpecError(codes.names.UndefinedName(name, None, f"it is read from a value: `x.{name}`").at(place.span))
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
    _require_outside_modules(context, aux.span, "a head")
    options = read_options(context.evaluator, "aux", aux.arguments, env, {"weight": 1.0})
    value = pipeline(context, aux.pipeline, env, x, naming)
    weight = options["weight"]
    if isinstance(value, Value) and not isinstance(weight, Unknown):
        if weight < 0:
            raise SpecError(codes.ranges.OutOfBounds("aux", "weight", weight).at(aux.arguments[0].span))
        name = _result_name(context, aux.pipeline, env)
        context.results[name] = Result(name, "head", float(weight), aux.span), value
    return x


def output(context: Context, output: ast.Output, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an output; `x` goes on unchanged."""
    _require_outside_modules(context, output.span, "an output")
    value = pipeline(context, output.pipeline, env, x, naming)
    if isinstance(value, Value):
        name = _result_name(context, output.pipeline, env)
        context.results[name] = Result(name, "output", span=output.span), value
    return x


def _require_outside_modules(context: Context, span: Span, what: str) -> None:
    """Raise `SpecError` if a module is running: each of its uses would add the same result."""
    if context.modules:
        raise SpecError(codes.modules.ResultInModule(what).at(span))


def _result_name(context: Context, pipeline: ast.Pipeline, env: Environment) -> str:
    """Return the name of a result: its label, and its index behind that: `p[0]` is `p0`, `p[0][1]` is `p0_1`."""
    label = pipeline.label
    assert label is not None
    if label.template is not None:
        name = template_text(context, label.template, env) or ""
    else:
        indices = [context.evaluator.evaluate(index, env) for index in label.indices]
        name = label.name or ""
        name += ("_" if name[-1:].isdecimal() and indices else "") + "_".join(map(str, indices))
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise SpecError(codes.declarations.ResultNotAName(name).at(label.span))
    if name in ("main", "count", "index"):
        raise SpecError(codes.declarations.ReservedResult(name).at(label.span))
    if name in context.results:
        first = context.results[name][0].span
        again = first is not None and first.start <= label.span.start < first.end and first.file is label.span.file
        raise SpecError(codes.declarations.ResultTwice(name, first, again).at(label.span))
    return name


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
    op = Op.registry.get(setting.name)
    if op is None or not issubclass(op, WeightedOp):
        weighted = [op.name for op in Op.registry if issubclass(op, WeightedOp)]
        raise SpecError(codes.declarations.NothingToInitialize(setting.name, op is not None, weighted).at(setting.name_span))
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


def check_claim(evaluator: Evaluator, expect: ast.Expect, env: Environment) -> codes.claims.FalseExpectation | None:
    """Return the error for an `expect` that does not hold, else None. Raise `SpecError` if it is no condition."""
    if expect.condition is not None and evaluator.truth(expect.condition, env) is not True:
        return None
    claim = expect.claim
    if evaluator.truth(claim, env) is not False:
        return None
    while isinstance(choice := ast.bare(claim), ast.Choice):  # of `expect a if c else b`, what does not hold is quoted
        claim = choice.then if evaluator.truth(choice.condition, env) else choice.other
    from archdsl.elaborate.claim_remedies import remedy_of_claim
    from archdsl.elaborate.size_conditions import sides_of  # here: most claims hold

    false = codes.claims.FalseExpectation(claim.span.text, sides_of(evaluator, claim, env)).at(claim.span)
    remedy = remedy_of_claim(evaluator, claim, env)
    return false.with_remedy(remedy) if remedy is not None else false
