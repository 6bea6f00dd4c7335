"""Statements that say something about the network: `input`, `output`, `aux`, `init` and `expect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from archdsl.diagnostics import Diagnostic, Mark, SpecError, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Naming, Scope, check_label, joined
from archdsl.elaborate.size_conditions import sides_of, stated_sizes
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, MaybeValue, Unknown, problem
from archdsl.initializers import Initializer
from archdsl.ir import Claim, Result, Value
from archdsl.literals import show, type_name
from archdsl.ops import Op
from archdsl.ops.base import WeightedOp, check_limits
from archdsl.shapes import OpenSize, Shape, SizeError, open_size
from archdsl.sizes import ALL
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.statements import Bodies

METRICS = ("params", "params_eval", "macs", "depth")
"""What an `expect` may count; known only when the network is complete."""


def expect(bodies: Bodies, expect: ast.Expect, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Check a claim about shapes at once; keep one about counts for later."""
    names = bodies.claim_names.get(id(expect))
    if names is None:
        names = bodies.claim_names[id(expect)] = {name.id for name in ast.names(expect.claim, expect.condition)}
    if any(name in METRICS and env.find(name) is Unknown for name in names):
        frozen = Environment(None, env.module)
        frozen.names = {name: env.find(name) for name in names if env.find(name) is not Unknown}
        bodies.builder.function.claims.append(Claim(expect, frozen))
        return x
    countable = Environment(env, env.module)  # a name that is misspelled may be one of these
    countable.names = {name: UNKNOWN for name in METRICS if env.find(name) is Unknown}
    false = check_claim(bodies.evaluator, expect, countable)
    if false is not None:
        bodies.report(false, claim=True)
    return x


def aux(bodies: Bodies, aux: ast.Aux, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an auxiliary head; `x` goes on unchanged."""
    options = bodies.options("aux", aux.arguments, env, {"weight": 1.0})
    value = bodies.pipeline(aux.pipeline, env, x, naming)
    weight = options["weight"]
    if isinstance(value, Value) and not isinstance(weight, Unknown):
        if weight < 0:
            raise problem("E0402", f"`weight` of a head must be at least 0, and is {weight}", aux.arguments[0].span)
        name = _result_name(bodies, aux.pipeline, env, naming)
        bodies.results[name] = Result(name, "head", float(weight), aux.span), value
    return x


def output(bodies: Bodies, output: ast.Output, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an output; `x` goes on unchanged."""
    value = bodies.pipeline(output.pipeline, env, x, naming)
    if isinstance(value, Value):
        name = _result_name(bodies, output.pipeline, env, naming)
        bodies.results[name] = Result(name, "output", span=output.span), value
    return x


def _result_name(bodies: Bodies, pipeline: ast.Pipeline, env: Environment, naming: Naming) -> str:
    """The field of the result: the label, with the path to it."""
    label = pipeline.label
    assert label is not None
    index = UNKNOWN if label.index is None else bodies.evaluator.evaluate(label.index, env)
    own = label.name if label.name is not None else ""
    if label.template is not None:
        own = joined(
            [p if isinstance(p, str) else bodies.evaluator.evaluate(p, env) for p in label.template.pieces],
            label.span,
            bodies.limits,
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
    if name in bodies.results:
        raise SpecError(
            untyped(
                "E0505",
                f"two heads or outputs are called `{name}`",
                Mark(label.span),
                _first(bodies.results[name][0]),
                help="rename a label: a result is called like its label, with the labels around it",
            )
        )
    return name


def _first(result: Result) -> tuple[Mark, ...]:
    return (Mark(result.span, "the first"),) if result.span is not None else ()


def _to_label(scope: Scope) -> str:
    """The remedy for a path that begins with a position: a label for what stands at it."""
    around = next((s for s in scope.enclosing() if s.parent is not None and s.parent.parent is None), None)
    if around is None or around.block is None:
        return "label the stage that it stands in: `name: ...`"
    return f"label the call of the block: `name: {around.span.text}`"


def input_(bodies: Bodies, statement: ast.Input, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Add an input of the network; the first becomes `x`."""
    if naming.scope.kind != "network" or env.control:
        raise problem("E0504", "an input stands in the body of a network", statement.span, "a block's input is `x`")
    if statement.kind not in (None, "int", "float"):
        raise problem("E0401", f"a tensor holds int or float, not `{statement.kind}`", statement.span)
    check_label(statement.name, statement.span, bodies.limits)
    shape = [_input_size(bodies, statement, place, env) for place in range(len(statement.sizes.items))]
    if not shape:
        raise problem(
            "E0402", "an input has at least one size", statement.sizes.span, "`[3, 224, 224]`: channels first, without the batch"
        )
    try:
        check_limits("this input is", tuple(shape))
    except SpecError as error:
        raise error.at(statement.sizes.span) from None
    inputs = bodies.builder.main.inputs
    if any(value.name == statement.name for value in inputs):
        raise problem("E0203", f"two inputs are called `{statement.name}`", statement.span)
    value = bodies.builder.input(statement.name, tuple(shape), "int" if statement.kind == "int" else "float", statement.span)
    env.names[statement.name] = value
    if len(inputs) == 1:
        env.names["x"] = value
    if statement.condition is not None:
        _condition(bodies, statement.condition, env, value.shape)
    return x if len(inputs) > 1 else value


_OPEN_ELSEWHERE: Final = {"none": ("E0401", "an int"), "-1": ("E0402", "at least 1")}
"""What leaves a size open in PyTorch and Keras, and what a size is instead."""


def _input_size(bodies: Bodies, statement: ast.Input, place: int, env: Environment) -> Any:
    size = ast.bare(statement.sizes.items[place])
    if isinstance(size, ast.Name) and size.id[0].isupper() and env.find(size.id) is Unknown:
        env.names[size.id] = open_size(size.id, bodies.session)
    if isinstance(size, ast.Name) and bodies.evaluator.named(size, env) is Unknown:
        batch = _without_batch(statement, place)
        known = env.visible() if batch is None else ()
        raise bodies.evaluator.unfound.name(size, env, known, batch or _named(statement, env))
    if size.span.text in _OPEN_ELSEWHERE:
        code, what = _OPEN_ELSEWHERE[size.span.text]
        help = _without_batch(statement, place) or _named(statement, env)
        raise problem(code, f"a size is {what}, and not {size.span.text}", size.span, help)
    try:
        value = bodies.evaluator.evaluate(size, env)
    except SpecError as found:
        at = found.diagnostic.mark.span if found.diagnostic.code == "E0201" and found.diagnostic.mark is not None else None
        symbol = next((name.id for name in ast.names(size) if name.span == at and name.id[0].isupper()), None)
        if symbol is None:
            raise
        raise SpecError(found.diagnostic.with_remedy(_calculated(statement, symbol))) from None
    if isinstance(value, OpenSize):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise problem("E0402", f"a size is at least 1, and not {value}", size.span)
    fixed = bodies.evaluator.count(size, env, "a size")
    if isinstance(fixed, Unknown):
        raise problem("E0401", "this size is not known", size.span)
    return fixed


def _without_batch(statement: ast.Input, place: int) -> str | None:
    """The remedy where the first of four sizes stands for the batch; none where this one does not."""
    sizes = statement.sizes.items
    if place > 0 or not (len(sizes) == 4 or (len(sizes) > 1 and "batch" in sizes[0].span.text.lower())):
        return None
    return f"the batch is not written: `input {statement.name} [{', '.join(size.span.text for size in sizes[1:])}]`"


def _named(statement: ast.Input, env: Environment) -> str:
    """The remedy for sizes that are meant to be open: names that begin with capitals."""
    texts = [size.span.text for size in statement.sizes.items]
    free = (letter for letter in "HWDLMN" if letter not in {text.upper() for text in texts})
    for place, size in enumerate(map(ast.bare, statement.sizes.items)):
        text = size.id if isinstance(size, ast.Name) else texts[place]
        if text in _OPEN_ELSEWHERE or (isinstance(size, ast.Name) and env.find(text) is Unknown):
            texts[place] = text[0].upper() + text[1:] if text[0].isalpha() and text != "none" else next(free, "N")
    return f"a size that is left open begins with a capital: `[{', '.join(texts)}]`"


def _calculated(statement: ast.Input, symbol: str) -> str:
    """The remedy where an open size is calculated with before it stands by itself."""
    sizes = statement.sizes.items
    texts = [symbol if symbol in [name.id for name in ast.names(size)] else size.span.text for size in sizes]
    return f"an open size stands by itself first: `[{', '.join(texts)}]`; a condition on it follows: `where {symbol} % 2 == 0`"


def _condition(bodies: Bodies, condition: ast.Expr, env: Environment, shape: Shape) -> None:
    """Take in what a `where` states about the open sizes."""
    if not any(isinstance(size, OpenSize) for size in env.names.values()):
        message = "`where` states a condition on open sizes, and this input has none"
        raise problem("E0504", message, condition.span, "leave a size open: `[3, H, W]`")
    own = [size.symbol for size in shape if isinstance(size, OpenSize)]
    for symbol, sizes in stated_sizes(bodies.evaluator, condition, env, own).items():
        if sizes == ALL and symbol in bodies.stated:
            continue  # the earlier condition says more
        try:
            bodies.stated[symbol] = bodies.stated.get(symbol, ALL) & sizes
        except SizeError as error:
            raise problem("E0307", str(error), condition.span) from None
        bodies.stated_at[symbol] = condition.span


def init(bodies: Bodies, statement: ast.Init, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Take in the rules that fill weights."""
    if naming.scope.kind != "network":
        raise problem(
            "E0504", "`init` stands in the body of a network", statement.span, "an op takes its own: `conv(64, 3, init = he())`"
        )
    for setting in statement.settings:
        try:
            _rule(bodies, setting, env)
        except SpecError as found:
            bodies.failed(found)
    return x


def _rule(bodies: Bodies, setting: ast.Setting, env: Environment) -> None:
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
    if isinstance(name, ast.Name) and bodies.evaluator.named(name, env) is Unknown:
        raise bodies.evaluator.unfound.name(name, env, rules, known)
    value = bodies.evaluator.evaluate(setting.value, env)
    if isinstance(value, Callee) and isinstance(value.target, type) and issubclass(value.target, Initializer):
        made = bodies.binder.declared(value, setting.value.span)
        if not isinstance(made, Unknown) and isinstance(made[0], Initializer):
            _set_rule(bodies, setting, made[0])
    elif value is not UNKNOWN:
        raise problem("E0401", f"`init` takes a rule, and {show(value)} is {type_name(value)}", setting.value.span, known)


def _set_rule(bodies: Bodies, setting: ast.Setting, rule: Initializer) -> None:
    """Keep the rule of an op, once."""
    first = bodies.initialized.setdefault(setting.name, setting.name_span)
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
    bodies.initializers[setting.name] = rule


def check_claim(evaluator: Evaluator, expect: ast.Expect, env: Environment) -> Diagnostic | None:
    """What there is to say where an `expect` does not hold; raises `SpecError` where it is no condition."""
    if expect.condition is not None and evaluator.truth(expect.condition, env) is not True:
        return None
    claim = expect.claim
    if evaluator.truth(claim, env) is not False:
        return None
    while isinstance(choice := ast.bare(claim), ast.Choice):  # of `expect a if c else b`, what does not hold is quoted
        claim = choice.then if evaluator.truth(choice.condition, env) else choice.other
    return untyped("E0701", f"`{claim.span.text}` does not hold{sides_of(evaluator, claim, env)}", Mark(claim.span))
