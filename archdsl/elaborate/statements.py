"""Statements to nodes: the flow of `x` through bodies, blocks, loops and joins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, Mark, SpecError, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate import budget, control, declarations, joins
from archdsl.elaborate.apply import Nodes
from archdsl.elaborate.arguments import Binder, CallCache, no_stage, with_input_unwritten
from archdsl.elaborate.block_cache import BlockCache, CachedCall, CallKey
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Key, Naming, Scope, check_label, joined
from archdsl.elaborate.values import NO_INPUT, UNKNOWN, Callee, Environment, Exhausted, Family, MaybeValue, Unknown, problem
from archdsl.initializers import Initializer
from archdsl.ir import Constant, GraphBuilder, Result, Value
from archdsl.limits import FLOAT
from archdsl.literals import show, type_name
from archdsl.ops import Op
from archdsl.session import Session
from archdsl.sizes import SizeSet
from archdsl.source import Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.uncalled_blocks import Assuming


class Bodies:
    """Elaborates bodies into nodes. One instance elaborates one network; errors gather in `diagnostics`."""

    def __init__(self, name: str, session: Session) -> None:
        self.session = session
        self.limits = session.limits
        self.results: dict[str, tuple[Result, Value]] = {}
        self.stated: dict[str, SizeSet] = {}
        self.stated_at: dict[str, Span] = {}
        self.initializers: dict[str, Initializer] = {}
        self.initialized: dict[str, Span] = {}
        self.claim_names: dict[int, set[str]] = {}
        self.diagnostics: list[Diagnostic] = []
        self.false_claims: list[Diagnostic] = []
        self.evaluator = Evaluator(session, partial(control.too_large, self))
        self.builder = GraphBuilder(name)
        self.nodes = Nodes(self.evaluator, self.builder)
        self.binder = Binder(self.evaluator)
        self._cache = CallCache(self.evaluator)
        self._blocks = BlockCache(self.builder)
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
        if diagnostic.is_error and len(kept) >= self.limits.errors:
            raise Exhausted

    def failed(self, found: SpecError) -> None:
        """Report what a problem says."""
        for diagnostic in found.diagnostics:
            self.report(diagnostic)

    # -- bodies and statements --

    def run(self, body: ast.Body, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
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
        if self._runs > self.limits.iterations:
            raise control.too_large(
                self, f"this network runs more than {self.limits.iterations:,} bodies", body.span, "iterations"
            )
        if self.depth > self.limits.call_depth:
            message = f"bodies run more than {self.limits.call_depth} deep inside one another here"
            raise control.too_large(self, message, body.span, "call_depth", "does a block call itself through a parameter?")
        self.evaluator.spend(budget.STAGE * (1 + len(body.statements)), body.span)

    def after_error(self, statement: ast.Statement, env: Environment, naming: Naming) -> Unknown:
        """Bind what the failed statement would have bound, as unknown, so that nothing follows from the error; it leaves nothing known."""
        naming.unsure = True
        if isinstance(statement, ast.Let | ast.Input):
            env.names[statement.name] = UNKNOWN
        pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output) else statement
        if isinstance(pipeline, ast.Pipeline) and pipeline.label is not None:
            self._bind(pipeline.label, env, UNKNOWN, UNKNOWN)
        return UNKNOWN

    def doubtful(self, statement: ast.Statement, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
        """Look at the bodies in a statement that a syntax error stands in; what it makes or defines is not known."""
        pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output) else statement
        if isinstance(pipeline, ast.Pipeline) and not all(isinstance(stage, ast.CallStage) for stage in pipeline.stages):
            self.statement(statement, env, x, naming)
        self._hide(env, naming)
        return self.after_error(statement, env, naming)

    def statement(self, statement: ast.Statement, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
        """The value of `x` after a statement; raises `SpecError`."""
        return _STATEMENTS[statement.__class__](self, statement, env, x, naming)

    def _skipped(self, statement: ast.Skipped, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
        self._hide(env, naming)
        return UNKNOWN

    def _hide(self, env: Environment, naming: Naming) -> None:
        """Take into account that a syntax error may hide names and positions."""
        around: Environment | None = env
        while around is not None:  # an indexed label is seen outside of the loop that it stands in
            around.damaged, around = True, around.outer
        naming.unsure = True

    def pipeline(self, pipeline: ast.Pipeline, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
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
        if key is None:
            with self.detached():
                inner = naming if len(pipeline.stages) == 1 else Naming(Scope("", naming.scope, "group", pipeline.span))
                x = self._flow(pipeline.stages, env, x, inner)
        elif len(pipeline.stages) == 1:
            x = _STAGES[pipeline.stages[0].__class__](self, pipeline.stages[0], env, x, naming, key)
        else:
            x = self.grouped(naming, key, pipeline.span, lambda inner: self._flow(pipeline.stages, env, x, inner))
        self._bind(label, env, index, x)
        return x

    def _flow(self, stages: tuple[ast.Stage, ...], env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
        """The value of stages one after the other; after a mistake in one, those behind it are still looked at."""
        self.evaluator.spend(budget.STAGE * len(stages), stages[0].span)
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
            name = joined(pieces, label.span, self.limits)
            return Key(naming, check_label(name, label.span, self.limits), name, label.span)
        assert label.name is not None
        if not label.name:  # it is missing
            return None
        if label.name == "x":
            raise problem("E0205", "`x` is the tensor that flows, and cannot be a label", label.span, "choose another name")
        check_label(label.name, label.span, self.limits)
        if label.index is None:
            return Key(naming, label.name, label.name, label.span)
        if index is UNKNOWN:
            return None
        return Key(naming.family(label.name, label.span), str(index), f"{label.name}[{index}]", label.span)

    def _bind(self, label: ast.Label, env: Environment, index: Any, value: MaybeValue) -> None:
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

    def _let(self, let: ast.Let, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
        if let.name == "x":
            raise problem("E0205", "`x` is the tensor that flows, and cannot be a constant", let.span, "choose another name")
        env.names[let.name] = self.evaluator.evaluate(let.value, env)
        return x

    # -- stages --

    @contextmanager
    def detached(self) -> Iterator[None]:
        """Around what is looked at for its mistakes alone, and stays out of the graph."""
        self.nodes.detached += 1
        try:
            yield
        finally:
            self.nodes.detached -= 1

    def grouped(self, naming: Naming, key: Key | None, span: Span, run: Callable[[Naming], MaybeValue]) -> MaybeValue:
        """Run the stages of a brace, in a function and a scope of their own if it is labelled."""
        if key is None:
            return run(naming)
        place = key.naming.place(key.name, key.span)
        inner = Naming(Scope(key.name, key.naming.scope, "group", span, variables=self.variables))
        if self.nodes.detached:
            return run(inner)
        self.builder.begin(place[0], "group", span)
        x: MaybeValue = UNKNOWN
        try:
            x = run(inner)
        finally:
            x = self._ended(x, place, labelled=True, span=span, variables=self.variables)
        return x

    def _ended(self, x: MaybeValue, place: tuple[str, ...], **about: Any) -> MaybeValue:
        """Close a function that gives `x`."""
        builder = self.builder
        inside = x if isinstance(x, Value) and not builder.is_detached(x) else None
        result = builder.end(inside, key=place, **about)
        return x if result is None else result

    def _call_stage(self, stage: ast.CallStage, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
        call = ast.bare(stage.call)
        known = self._cache.find(call, env)
        if known is not None:
            return self._apply_at(known, (), call.span, x, naming, key)
        try:
            value = self.evaluator.evaluate(call, env)
        except SpecError as found:
            name = ast.bare(call.callee if isinstance(call, ast.CallExpr) else call)
            if found.diagnostic.code != "E0201" or not isinstance(name, ast.Name) or found.diagnostic.mark != Mark(name.span):
                raise
            raise self.evaluator.unfound.stage(name, env) from None
        if isinstance(value, Callee):
            if isinstance(value.target, ast.Definition):
                return self._block(value, call, env, x, naming, key)
            return self._op(value, call, env, x, naming, key)
        if isinstance(value, Value):
            return self.builder.visible(value)
        if isinstance(value, Unknown):
            return value
        raise no_stage(value, call, self.evaluator, env)

    def _op(self, callee: Callee, call: ast.Expr, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
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
        operands: tuple[Value, ...],
        span: Span,
        x: MaybeValue,
        naming: Naming,
        key: Key | None,
        callee: Callee | None = None,
    ) -> MaybeValue:
        """The node of an op at its place in a scope; unknown where its input or arguments are."""
        place = naming.place(None, span) if key is None else key.naming.place(key.name, key.span)
        if op is None or x.__class__ is Unknown:
            return UNKNOWN
        return self.nodes.apply(op, (x, *operands), place, span, callee, key)  # type: ignore[arg-type]

    def _block(
        self, callee: Callee, call: ast.Expr, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
    ) -> MaybeValue:
        definition, span = callee.target, call.span
        assert isinstance(definition, ast.Definition) and callee.module is not None
        if not isinstance(definition, ast.Block):
            raise problem(
                "E0504",
                f"`{definition.name}` is a network, and a stage is an op or a block",
                span,
                "move what both share into a block",
            )
        name_of = ast.bare(call.callee if isinstance(call, ast.CallExpr) else call)
        if definition in self._active and not (isinstance(name_of, ast.Name) and env.find(name_of.id) is not Unknown):
            chain = " -> ".join(f"`{d.name}`" for d in [*self._active[self._active.index(definition) :], definition])
            raise problem("E0501", f"a block cannot contain itself: {chain}", span, "`repeat n { ... }` and `for` say how often")
        inside = Environment(None, callee.module)
        inside.names["x"] = x
        arguments, given = self.binder.block(callee, span, inside)
        within = key.naming if key is not None else naming
        place = within.place(None, span) if key is None else within.place(key.name, key.span)
        scope = Scope(place[-1], within.scope, "block", span, definition.name, given, self.variables)
        same = self._blocks.key(definition, arguments, x)
        known = self._blocks.lookup(same) if same is not None else None
        about = {
            "labelled": key is not None,
            "name": key.label if key else None,
            "span": span,
            "given": given,
            "variables": self.variables,
        }
        if same is not None and known is not None:
            return self._called_again(known, same, place, about)
        self._active.append(definition)
        self.called.add(definition)
        outer, self.variables = self.variables, {}
        before = len(self.results), len(self.diagnostics)
        damage = callee.module.file.damage
        blurred = damage is not None and damage.blurs(definition.span.start)
        detached = same is None and isinstance(x, Value) and self.builder.is_detached(x)
        self.nodes.detached += detached
        function = None
        if not self.nodes.detached:
            function = self.builder.begin(definition.name, "block", definition.span, _plain(arguments), definition.doc)
        result: MaybeValue = UNKNOWN
        try:
            result = self.run(definition.body, inside, x, Naming(scope))
        finally:
            self.variables = outer
            self._active.pop()
            self.nodes.detached -= detached
            if function is not None:
                function.constants = constants(definition.body, inside)
                result = self._ended(result, place, **about)
        if blurred:
            return UNKNOWN
        unchanged = before == (len(self.results), len(self.diagnostics))
        if function is not None and same is not None and isinstance(result, Value) and unchanged:
            self._blocks.store(same, function, result)
        return result

    def _called_again(self, known: CachedCall, same: CallKey, place: tuple[str, ...], about: dict[str, Any]) -> Value:
        """The result of a call whose function is there."""
        builder = self.builder
        if known.function is None:
            return same.values[known.result]
        self.nodes.room(builder.size_of(known.function), about["span"])
        if self.nodes.detached:
            if known.result < 0:
                return same.values[known.result]
            value = known.function.outputs[known.result]
            return builder.detached(value.shape, value.dtype)
        call = builder.call(known.function, *[same.values[i] for i in known.inputs], key=place, **about)
        return call.outputs[known.result] if known.result >= 0 else same.values[known.result]

    def _group(self, group: ast.Group, env: Environment, x: MaybeValue, naming: Naming, key: Key | None) -> MaybeValue:
        inside = Environment(env, env.module)
        return self.grouped(naming, key, group.span, lambda inner: self.run(group.body, inside, x, inner))

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
            if abs(value) > FLOAT:
                message = f"`{argument.name}` of `{name}` lies between -{FLOAT} and {FLOAT}, and is {show(value)}"
                raise problem("E0402", message, argument.span)
        return values


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a function: those that hold no value of the network."""
    return {name: value for name, value in arguments.items() if not _holds_values(value)}


def _holds_values(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_holds_values(item) for item in value)
    if isinstance(value, Callee):
        return any(_holds_values(item) for item in value.arguments)
    return isinstance(value, Value | Unknown | Family)


def constants(body: ast.Body, env: Environment) -> dict[str, Constant]:
    """The constants of a block."""
    names = [statement.name for statement in body.statements if isinstance(statement, ast.Let)]
    return {name: Constant(env.names[name]) for name in names if name in env.names and not _holds_values(env.names[name])}


def call_chain(scope: Scope | None) -> tuple[str, ...]:
    """The block calls around a scope, innermost first, with their arguments and loop variables."""
    notes = []
    for around in scope.enclosing() if scope is not None else ():
        if around.kind == "block" and around.parent is not None:
            given = ", ".join(show(v) if i == 0 else f"{k} = {show(v)}" for i, (k, v) in enumerate(around.given.items()))
            where = ", ".join(f"{k} = {show(v)}" for k, v in around.variables.items())
            notes.append(f"in {around.block}({given}), called at {around.span.place}" + (f" ({where})" if where else ""))
    return tuple(notes[:8])


_STATEMENTS: dict[type, Callable[[Bodies, Any, Environment, MaybeValue, Naming], MaybeValue]] = {
    ast.Pipeline: Bodies.pipeline,
    ast.Let: Bodies._let,
    ast.Expect: declarations.expect,
    ast.Aux: declarations.aux,
    ast.Output: declarations.output,
    ast.Input: declarations.input_,
    ast.Init: declarations.init,
    ast.Skipped: Bodies._skipped,
}
_STAGES: dict[type, Callable[[Bodies, Any, Environment, MaybeValue, Naming, Key | None], MaybeValue]] = {
    ast.CallStage: Bodies._call_stage,
    ast.Group: Bodies._group,
    ast.Skip: joins.skip,
    ast.Join: joins.join,
    ast.Repeat: control.repeat,
    ast.For: control.repeat,
    ast.If: control.repeat,
}
