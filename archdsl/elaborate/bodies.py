"""Statements to nodes: the flow of `x` through bodies, blocks, loops and joins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from archdsl import limits
from archdsl.diagnostics import Diagnostic, Mark, SpecError, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate import control, declarations, joins, steps
from archdsl.elaborate.calls import Binder, CallCache, no_stage, with_input_unwritten
from archdsl.elaborate.declarations import Claim
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.making import Nodes
from archdsl.elaborate.naming import Key, Naming, check_label, joined
from archdsl.elaborate.replay import Replay
from archdsl.elaborate.values import NO_INPUT, UNKNOWN, Callee, Environment, Exhausted, Family, Unknown, Value, problem
from archdsl.initializers import Initializer
from archdsl.ir.unrolled import Condition, Head, Node, Output, Scope
from archdsl.literals import show, type_name
from archdsl.ops import Op
from archdsl.sizes import SizeSet
from archdsl.source import Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.uncalled import Assuming


class Bodies:
    """Elaborates bodies into nodes. One instance elaborates one network; errors gather in `diagnostics`."""

    def __init__(self) -> None:
        self.inputs: list[int] = []
        self.results: dict[str, Head | Output] = {}
        self.conditions: list[Condition] = []
        self.stated: dict[str, SizeSet] = {}
        self.stated_at: dict[str, Span] = {}
        self.initializers: dict[str, Initializer] = {}
        self.initialized: dict[str, Span] = {}
        self.claims: list[Claim] = []
        self.claim_names: dict[int, set[str]] = {}
        self.diagnostics: list[Diagnostic] = []
        self.false_claims: list[Diagnostic] = []
        self.evaluator = Evaluator(partial(control.too_large, self))
        self.nodes = Nodes(self.evaluator)
        self.binder = Binder(self.evaluator)
        self._cache = CallCache(self.evaluator)
        self._replay = Replay(self)
        self.called: set[ast.Definition] = set()
        self._seen: set[tuple[str, Span]] = set()
        self._active: list[ast.Definition] = []
        self.depth = 0
        self.rounds = 0
        self._runs = 0
        self.variables: dict[str, Any] = {}
        self.scope: Scope | None = None
        self.assuming: Assuming | None = None
        """Set while a block is looked at that the network does not call."""

    # -- reports --

    def report(self, diagnostic: Diagnostic, claim: bool = False) -> None:
        """Keep a diagnostic, with the chain of calls that led to it; one place is reported once. Raises `Exhausted` after the last.

        What says that a `claim` is false is kept by itself: it may follow from other errors.
        """
        judged = self.assuming.judged(diagnostic, self.scope) if self.assuming is not None and diagnostic.is_error else diagnostic
        if judged is None:
            return
        claim = claim and judged.is_error
        diagnostic = judged
        place = (diagnostic.code, diagnostic.mark.span) if diagnostic.mark else None
        if place in self._seen:
            return
        if place is not None:
            self._seen.add(place)
        kept = self.false_claims if claim else self.diagnostics
        kept.append(diagnostic.called_from(call_chain(self.scope)))
        if diagnostic.is_error and len(kept) >= limits.ERRORS:
            raise Exhausted

    def failed(self, found: SpecError) -> None:
        """Report what a problem says."""
        for diagnostic in found.diagnostics:
            self.report(diagnostic)

    # -- bodies and statements --

    def run(self, body: ast.Body, env: Environment, x: Value, naming: Naming) -> Value:
        """The value of a body that starts from `x`: what its last statement leaves."""
        outer_scope, self.scope = self.scope, naming.scope
        try:
            self.enter(body)
            statements, damage = _STATEMENTS, env.module.file.damage
            for statement in body.statements:
                env.names["x"] = x
                try:
                    if damage is not None and damage.holds(statement.span.start):
                        x = self.doubtful(statement, env, x, naming)
                    else:
                        x = statements[statement.__class__](self, statement, env, x, naming)
                except SpecError as found:
                    self.failed(found)
                    x = self.after_error(statement, env, naming)
            env.names["x"] = x
            return x
        finally:
            self.depth -= 1
            self.scope = outer_scope

    def enter(self, body: ast.Body) -> None:
        """Count a body that begins to run; who calls this takes it from `depth` again when it has run."""
        self.depth += 1
        self._runs += 1
        if self._runs > limits.ITERATIONS:
            raise control.too_large(self, f"this network runs more than {limits.ITERATIONS:,} bodies", body.span, "ITERATIONS")
        if self.depth > limits.CALL_DEPTH:
            message = f"bodies run more than {limits.CALL_DEPTH} deep inside one another here"
            raise control.too_large(self, message, body.span, "CALL_DEPTH", "does a block call itself through a parameter?")
        self.evaluator.spend(steps.STAGE * (1 + len(body.statements)), body.span)

    def after_error(self, statement: ast.Statement, env: Environment, naming: Naming) -> Unknown:
        """Bind what the failed statement would have bound, as unknown, so that nothing follows from the error; it leaves nothing known."""
        naming.unsure = True
        if isinstance(statement, ast.Let | ast.Input):
            env.names[statement.name] = UNKNOWN
        pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output) else statement
        if isinstance(pipeline, ast.Pipeline) and pipeline.label is not None:
            self._bind(pipeline.label, env, UNKNOWN, UNKNOWN)
        return UNKNOWN

    def doubtful(self, statement: ast.Statement, env: Environment, x: Value, naming: Naming) -> Value:
        """Look at the bodies in a statement that a syntax error stands in; what it makes or defines is not known."""
        pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output) else statement
        if isinstance(pipeline, ast.Pipeline) and not all(isinstance(stage, ast.CallStage) for stage in pipeline.stages):
            self.statement(statement, env, x, naming)
        self._hide(env, naming)
        return self.after_error(statement, env, naming)

    def statement(self, statement: ast.Statement, env: Environment, x: Value, naming: Naming) -> Value:
        """The value of `x` after a statement; raises `SpecError`."""
        return _STATEMENTS[statement.__class__](self, statement, env, x, naming)

    def _damaged(self, statement: ast.Damaged, env: Environment, x: Value, naming: Naming) -> Value:
        self._hide(env, naming)
        return UNKNOWN

    def _hide(self, env: Environment, naming: Naming) -> None:
        """Take into account that a syntax error may hide names and positions."""
        around: Environment | None = env
        while around is not None:  # an indexed label is seen outside of the loop that it stands in
            around.damaged, around = True, around.outer
        naming.unsure = True

    def pipeline(self, pipeline: ast.Pipeline, env: Environment, x: Value, naming: Naming) -> Value:
        """The value of a pipeline, with its label bound."""
        if x is NO_INPUT:
            help = "begin the network with `input`"
            self.report(untyped("E0503", "this stands before the input that it takes", Mark(pipeline.span), help=help))
            env.names["x"] = x = UNKNOWN
        label = pipeline.label
        if label is None:
            return self._flow(pipeline.stages, env, x, naming)
        index = UNKNOWN if label.index is None else self.evaluator.count(label.index, env, "the index of a label")
        key = self._key(label, index, env, naming)
        if len(pipeline.stages) == 1:
            x = _STAGES[pipeline.stages[0].__class__](self, pipeline.stages[0], env, x, naming, key)
        else:
            inner = self._group_naming(naming, key, pipeline.span)
            x = self._flow(pipeline.stages, env, x, inner)
        self._bind(label, env, index, x)
        return x

    def _flow(self, stages: tuple[ast.Stage, ...], env: Environment, x: Value, naming: Naming) -> Value:
        """The value of stages one after the other; after a mistake in one, those behind it are still looked at."""
        self.evaluator.spend(steps.STAGE * len(stages), stages[0].span)
        for stage in stages:
            env.names["x"] = x
            try:
                x = _STAGES[stage.__class__](self, stage, env, x, naming, None)
            except SpecError as found:
                self.failed(found)
                naming.unsure = True
                x = UNKNOWN
        return x

    def _key(self, label: ast.Label, index: Any, env: Environment, naming: Naming) -> Key | None:
        """Where a label leads; none where it depends on something unknown."""
        if label.template is not None:
            pieces = [piece if isinstance(piece, str) else self.evaluator.evaluate(piece, env) for piece in label.template.pieces]
            if UNKNOWN in pieces:
                return None
            for piece in pieces:
                if isinstance(piece, bool) or not isinstance(piece, int | str):
                    raise problem(
                        "E0207", f"a label is made of text and whole numbers, and {show(piece)} is {type_name(piece)}", label.span
                    )
            name = joined(pieces, label.span)
            return Key(naming, check_label(name, label.span), name, label.span)
        assert label.name is not None
        if label.name == "x":
            raise problem("E0205", "`x` is the tensor that flows, and cannot be a label", label.span, "choose another name")
        check_label(label.name, label.span)
        if label.index is None:
            return Key(naming, label.name, label.name, label.span)
        if index is UNKNOWN:
            return None
        return Key(naming.family(label.name, label.span), str(index), f"{label.name}[{index}]", label.span)

    def _bind(self, label: ast.Label, env: Environment, index: Any, value: Value) -> None:
        """Make a label's value visible; a label called like an op or a block is a key alone."""
        if label.name is None or self.evaluator.definition(label.name, env.module) is not None:
            return
        if label.index is None:
            env.names[label.name] = value
            return
        while env.control and env.outer is not None:
            env = env.outer
        family = env.names.get(label.name)
        if not isinstance(family, Family):
            family = env.names[label.name] = Family(label.name)
        if index is UNKNOWN:
            family.partial = True
        else:
            family[index] = value

    def _let(self, let: ast.Let, env: Environment, x: Value, naming: Naming) -> Value:
        if let.name == "x":
            raise problem("E0205", "`x` is the tensor that flows, and cannot be a constant", let.span, "choose another name")
        env.names[let.name] = self.evaluator.evaluate(let.value, env)
        return x

    # -- stages --

    def _group_naming(self, naming: Naming, key: Key | None, span: Span) -> Naming:
        if key is None:
            return Naming(Scope("", naming.scope, "group", span))
        name = key.naming.place(key.name, key.span)
        return Naming(Scope(name, key.naming.scope, "group", span, definition=span, variables=self.variables))

    def inner(self, naming: Naming, key: Key | None, span: Span) -> Naming:
        """Where the stages of a brace go: into a scope of their own if it is labelled."""
        return naming if key is None else self._group_naming(naming, key, span)

    def _call_stage(self, stage: ast.CallStage, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        call = stage.call
        known = self._cache.find(call, env)
        if known is not None:
            return self._apply_at(known, (), call.span, x, naming, key)
        try:
            value = self.evaluator.evaluate(call, env)
        except SpecError as found:
            name = call.callee if isinstance(call, ast.CallExpr) else call
            if found.diagnostic.code != "E0201" or not isinstance(name, ast.Name) or found.diagnostic.mark != Mark(name.span):
                raise
            raise self.evaluator.unfound.stage(name, env) from None
        if isinstance(value, Callee):
            if isinstance(value.target, ast.Definition):
                return self._block(value, call, env, x, naming, key)
            return self._op(value, call, env, x, naming, key)
        if isinstance(value, Node | Unknown):
            return value
        raise no_stage(value, call, self.evaluator, env)

    def _op(self, callee: Callee, call: ast.Expr, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        assert isinstance(callee.target, type)
        if not issubclass(callee.target, Op):
            message = f"`{callee.name}` fills weights and is not a stage"
            raise problem("E0408", message, call.span, f"write `init = {callee.name}(...)` on an op")
        try:
            made = self.binder.declared(callee, call.span)
            if isinstance(made, Unknown):
                return self._apply_at(None, (), call.span, UNKNOWN, naming, key)
            op, operands = made
            assert isinstance(op, Op)
            if not operands:
                self._cache.keep(call, env, op)
            return self._apply_at(op, operands, call.span, x, naming, key, callee)
        except SpecError as found:
            raise with_input_unwritten(found, callee, x) from None

    def _apply_at(
        self,
        op: Op | None,
        operands: tuple[Node, ...],
        span: Span,
        x: Value,
        naming: Naming,
        key: Key | None,
        callee: Callee | None = None,
    ) -> Value:
        """The node of an op at its place in a scope; unknown where its input or arguments are."""
        if key is None:
            name = naming.place(None, span)
        else:
            naming = key.naming
            name = naming.place(key.name, key.span)
        if op is None or x.__class__ is Unknown:
            return UNKNOWN
        return self.nodes.apply(op, (x, *operands), naming.scope, name, span, callee, key)  # type: ignore[arg-type]

    def _block(self, callee: Callee, call: ast.Expr, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        definition, span = callee.target, call.span
        assert isinstance(definition, ast.Definition) and callee.module is not None
        if not isinstance(definition, ast.Block):
            raise problem(
                "E0504",
                f"`{definition.name}` is a network, and a stage is an op or a block",
                span,
                "move what both share into a block",
            )
        name_of = call.callee if isinstance(call, ast.CallExpr) else call
        if definition in self._active and not (isinstance(name_of, ast.Name) and env.find(name_of.id) is not Unknown):
            chain = " -> ".join(f"`{d.name}`" for d in [*self._active[self._active.index(definition) :], definition])
            raise problem("E0501", f"a block cannot contain itself: {chain}", span, "`repeat n { ... }` and `for` say how often")
        inside = Environment(None, callee.module)
        inside.names["x"] = x
        arguments, given = self.binder.block(callee, span, inside)
        place = key.naming if key is not None else naming
        name = place.place(key.name, key.span) if key is not None else place.place(None, span)
        scope = Scope(
            name, place.scope, "block", span, definition.name, arguments, given, self.variables, definition.span, definition.doc
        )
        same = self._replay.key(definition, arguments, x)
        known = self._replay.again(same, x, scope)
        if known is not None:
            return known
        self._active.append(definition)
        self.called.add(definition)
        outer, self.variables = self.variables, {}
        before = self._replay.extent()
        try:
            result = self.run(definition.body, inside, x, Naming(scope))
        finally:
            self.variables = outer
            self._active.pop()
        damage = callee.module.file.damage
        if damage is not None and damage.blurs(definition.span.start):
            return UNKNOWN
        scope.arguments = {name: value for name, value in inside.names.items() if not isinstance(value, Node | Unknown)}
        self._replay.keep(same, x, result, scope, before)
        return result

    def _group(self, group: ast.Group, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        return self.run(group.body, Environment(env, env.module), x, self.inner(naming, key, group.span))

    def options(self, name: str, arguments: tuple[ast.Argument, ...], env: Environment, known: dict[str, Any]) -> dict[str, Any]:
        """The settings of a statement such as `skip(drop = 0.2)`, by name, with their defaults."""
        values = dict(known)
        for argument in arguments:
            if argument.name not in known:
                what = f"`{argument.name}`" if argument.name else "an argument by position"
                help = did_you_mean(argument.name or "", known) or (f"it takes `{'`, `'.join(known)}`" if known else None)
                raise problem("E0202", f"`{name}` does not take {what}", argument.span, help)
            value = self.evaluator.evaluate(argument.value, env)
            values[argument.name] = value
            if isinstance(value, Unknown):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise problem(
                    "E0401", f"`{argument.name}` of `{name}` is a number, and {show(value)} is {type_name(value)}", argument.span
                )
            if abs(value) > limits.FLOAT:
                message = f"`{argument.name}` of `{name}` lies between -{limits.FLOAT} and {limits.FLOAT}, and is {show(value)}"
                raise problem("E0402", message, argument.span)
        return values


def call_chain(scope: Scope | None) -> tuple[str, ...]:
    """The block calls around a scope, innermost first, with their arguments and loop variables."""
    notes = []
    for around in scope.enclosing() if scope is not None else ():
        if around.kind == "block" and around.parent is not None:
            given = ", ".join(show(v) if i == 0 else f"{k} = {show(v)}" for i, (k, v) in enumerate(around.given.items()))
            where = ", ".join(f"{k} = {show(v)}" for k, v in around.variables.items())
            notes.append(f"in {around.block}({given}), called at {around.span.place}" + (f" ({where})" if where else ""))
    return tuple(notes[:8])


_STATEMENTS: dict[type, Callable[[Bodies, Any, Environment, Value, Naming], Value]] = {
    ast.Pipeline: Bodies.pipeline,
    ast.Let: Bodies._let,
    ast.Expect: declarations.expect,
    ast.Aux: declarations.aux,
    ast.Output: declarations.output,
    ast.Input: declarations.input_,
    ast.Init: declarations.init,
    ast.Damaged: Bodies._damaged,
}
_STAGES: dict[type, Callable[[Bodies, Any, Environment, Value, Naming, Key | None], Value]] = {
    ast.CallStage: Bodies._call_stage,
    ast.Group: Bodies._group,
    ast.Skip: joins.skip,
    ast.Join: joins.join,
    ast.Repeat: control.repeat,
    ast.For: control.repeat,
    ast.If: control.repeat,
}
