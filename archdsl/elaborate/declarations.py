"""Statements that say something about the network: `output`, `aux`, `init` and `expect`."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Mark, SpecError, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate.arguments import read_options
from archdsl.elaborate.context import Context
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Naming, Scope, joined
from archdsl.elaborate.size_conditions import sides_of
from archdsl.elaborate.statements import pipeline
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, MaybeValue, Unknown, problem
from archdsl.initializers import Initializer
from archdsl.ir import Claim, Result, Value
from archdsl.literals import show, type_name
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
            raise problem("E0402", f"`weight` of a head must be at least 0, and is {weight}", aux.arguments[0].span)
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
    if name[0].isdigit() and not own[:1].isdigit():
        raise problem(
            "E0207",
            f"a head or output cannot be called `{name}`: a name begins with a letter",
            label.span,
            _to_label(naming.scope),
        )
    if name[0].isdigit() or name in ("main", "count", "index"):
        why = "a name begins with a letter" if name[0].isdigit() else "the result has a field of that name"
        raise problem("E0207", f"a head or output cannot be called `{name}`: {why}", label.span, "choose another label")
    if name in context.results:
        raise SpecError(
            untyped(
                "E0505",
                f"two heads or outputs are called `{name}`",
                Mark(label.span),
                _first(context.results[name][0]),
                help="rename a label: a result is called like its label, with the labels around it",
            )
        )
    return name


def _first(result: Result) -> tuple[Mark, ...]:
    return (Mark(result.span, "the first"),) if result.span is not None else ()


def _to_label(scope: Scope) -> str:
    """Return the remedy for a path that begins with a position: a label for what stands at it."""
    around = next((s for s in scope.enclosing() if s.parent is not None and s.parent.parent is None), None)
    if around is None or around.block is None:
        return "label the stage that it stands in: `name: ...`"
    return f"label the call of the block: `name: {around.span.text}`"


def init(context: Context, statement: ast.Init, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Take in the rules that fill weights."""
    if naming.scope.kind != "network":
        raise problem(
            "E0504", "`init` stands in the body of a network", statement.span, "an op takes its own: `conv(64, 3, init = he())`"
        )
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
        message = f"`{setting.name}` has no weights" if setting.name in Op.registry else f"no op is called `{setting.name}`"
        help = did_you_mean(setting.name, weighted)
        raise problem("E0201", f"{message} that `init` could fill", setting.name_span, help)
    rules = Initializer.registry.names()
    known = f"the rules are {', '.join(rules)}"
    rule = ast.bare(setting.value)
    name = ast.bare(rule.callee if isinstance(rule, ast.CallExpr) else rule)
    if isinstance(name, ast.Name) and context.evaluator.named(name, env) is Unknown:
        raise context.evaluator.name_errors.name(name, env, rules, known)
    value = context.evaluator.evaluate(setting.value, env)
    if isinstance(value, Callee) and isinstance(value.target, type) and issubclass(value.target, Initializer):
        made = context.binder.declared(value, setting.value.span)
        if not isinstance(made, Unknown) and isinstance(made[0], Initializer):
            _set_rule(context, setting, made[0])
    elif value is not UNKNOWN:
        raise problem("E0401", f"`init` takes a rule, and {show(value)} is {type_name(value)}", setting.value.span, known)


def _set_rule(context: Context, setting: ast.Setting, rule: Initializer) -> None:
    """Keep the rule of an op, once."""
    first = context.initialized.setdefault(setting.name, setting.name_span)
    if first != setting.name_span:
        message = f"`init` says twice how `{setting.name}` starts"
        raise SpecError(untyped("E0204", message, Mark(setting.name_span), (Mark(first, "the first"),), help="delete one"))
    op = Op.registry.get(setting.name)
    assert op is not None and issubclass(op, WeightedOp)
    try:
        op.check_rule(rule)
    except ValueError as error:
        raise problem(
            "E0402", str(error), setting.value.span, f"take another rule: `{setting.name} = ones`, `constant(...)`, `normal(...)`"
        ) from None
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
    return untyped("E0701", f"`{claim.span.text}` does not hold{sides_of(evaluator, claim, env)}", Mark(claim.span))
