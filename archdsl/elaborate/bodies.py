"""Statements to nodes: the flow of `x` through bodies, blocks, loops and joins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from archdsl import limits
from archdsl.declared import Fault, show, type_name
from archdsl.diagnostics import Diagnostic, Mark, Severity, did_you_mean
from archdsl.elaborate.calls import Binder
from archdsl.elaborate.expressions import Evaluator, problem
from archdsl.elaborate.joins import branches_differ, skip_differs
from archdsl.elaborate.naming import Naming, check_label
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, Family, Problem, Unknown, Value
from archdsl.initializers import Initializer
from archdsl.ir import Condition, Head, Node, Output, Scope
from archdsl.ops import Op
from archdsl.ops.join import Add, Concat, Input, Mul, Shake
from archdsl.shapes import OpenSize, Shape, SizeError, format_shape, open_size
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_JOINS: dict[str, type[Op]] = {"add": Add, "mul": Mul, "concat": Concat, "shake": Shake}
METRICS = ("params", "params_eval", "macs", "depth")
"""What an `expect` may count; known only when the network is complete."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """An `expect` about counts, to be checked when the network is complete."""

    statement: ast.Expect
    env: Environment
    scope: Scope


class Key(NamedTuple):
    """Where a labelled stage goes: the scope's naming, and its key there."""

    naming: Naming
    name: str
    label: str


class Bodies:
    """Elaborates bodies into nodes. One instance elaborates one network; errors gather in `diagnostics`."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[int] = []
        self.heads: list[Head] = []
        self.outputs: list[Output] = []
        self.conditions: list[Condition] = []
        self.initializers: dict[str, Initializer] = {}
        self.claims: list[Claim] = []
        self.diagnostics: list[Diagnostic] = []
        self.evaluator = Evaluator()
        self.binder = Binder(self.evaluator)
        self._seen: set[tuple[str, Span]] = set()
        self._inferred: dict[tuple[int, tuple[Shape, ...]], Shape] = {}
        self._active: list[ast.Definition] = []
        self._depth = 0
        self._rounds = 0
        self._variables: dict[str, Any] = {}
        self._scope: Scope | None = None
        self._statements: dict[type, Callable[[Any, Environment, Value, Naming], Value]] = {
            ast.Pipeline: self._pipeline,
            ast.Let: self._let,
            ast.Expect: self._expect,
            ast.Aux: self._aux,
            ast.Output: self._output,
            ast.Input: self._input,
            ast.Init: self._init,
            ast.Damaged: self._damaged,
        }
        self._stages: dict[type, Callable[[Any, Environment, Value, Naming, Key | None], Value]] = {
            ast.CallStage: self._call_stage,
            ast.Group: self._group,
            ast.Skip: self._skip,
            ast.Join: self._join,
            ast.Repeat: self._repeat,
            ast.For: self._for,
            ast.If: self._if,
        }

    # -- reports --

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, with the chain of calls that led to it; one place is reported once."""
        place = (diagnostic.code, diagnostic.mark.span) if diagnostic.mark else None
        if place in self._seen:
            return
        if place is not None:
            self._seen.add(place)
        notes = (*diagnostic.notes, *call_chain(self._scope))
        self.diagnostics.append(
            Diagnostic(diagnostic.code, diagnostic.message, diagnostic.mark, diagnostic.related, notes, diagnostic.help, diagnostic.severity)
        )

    # -- bodies and statements --

    def run(self, body: ast.Body, env: Environment, x: Value, naming: Naming) -> Value:
        """The value of a body that starts from `x`: what its last statement leaves."""
        outer_scope, self._scope = self._scope, naming.scope
        self._depth += 1
        try:
            if self._depth > limits.CALL_DEPTH:
                raise problem("E0502", f"bodies run more than {limits.CALL_DEPTH} deep inside one another here", body.span, "does a block call itself through a parameter?")
            for statement in body.statements:
                env.names["x"] = x
                try:
                    x = self._statements[statement.__class__](statement, env, x, naming)
                except Problem as found:
                    self.report(found.diagnostic)
                    self._after_error(statement, env)
                    x = UNKNOWN
            env.names["x"] = x
            return x
        finally:
            self._depth -= 1
            self._scope = outer_scope

    def _after_error(self, statement: ast.Statement, env: Environment) -> None:
        """Bind what the failed statement would have bound, as unknown, so that nothing follows from the error."""
        if isinstance(statement, ast.Let):
            env.names.setdefault(statement.name, UNKNOWN)
        pipeline = statement.pipeline if isinstance(statement, ast.Aux | ast.Output) else statement
        if isinstance(pipeline, ast.Pipeline) and pipeline.label is not None:
            self._bind(pipeline.label, env, UNKNOWN, UNKNOWN)

    def _damaged(self, statement: ast.Damaged, env: Environment, x: Value, naming: Naming) -> Value:
        env.damaged = True
        return UNKNOWN

    def _pipeline(self, pipeline: ast.Pipeline, env: Environment, x: Value, naming: Naming) -> Value:
        label = pipeline.label
        if label is None:
            for stage in pipeline.stages:
                env.names["x"] = x
                x = self._stages[stage.__class__](stage, env, x, naming, None)
            return x
        index = UNKNOWN if label.index is None else self.evaluator.count(label.index, env, "the index of a label")
        key = self._key(label, index, env, naming)
        if len(pipeline.stages) == 1:
            x = self._stages[pipeline.stages[0].__class__](pipeline.stages[0], env, x, naming, key)
        else:
            inner = self._group_naming(naming, key, pipeline.span)
            for stage in pipeline.stages:
                env.names["x"] = x
                x = self._stages[stage.__class__](stage, env, x, inner, None)
        self._bind(label, env, index, x)
        return x

    def _key(self, label: ast.Label, index: Any, env: Environment, naming: Naming) -> Key | None:
        """Where a label leads; none where it depends on something unknown."""
        if label.template is not None:
            pieces = [piece if isinstance(piece, str) else self.evaluator.evaluate(piece, env) for piece in label.template.pieces]
            if UNKNOWN in pieces:
                return None
            for piece in pieces:
                if isinstance(piece, bool) or not isinstance(piece, int | str):
                    raise problem("E0207", f"a label is made of text and whole numbers, and {show(piece)} is {type_name(piece)}", label.span)
            name = "".join(str(piece) for piece in pieces)
            return Key(naming, check_label(name, label.span), name)
        assert label.name is not None
        if label.name == "x":
            raise problem("E0205", "`x` is the tensor that flows, and cannot be a label", label.span, "choose another name")
        check_label(label.name, label.span)
        if label.index is None:
            return Key(naming, label.name, label.name)
        if index is UNKNOWN:
            return None
        return Key(naming.family(label.name, label.span), str(index), f"{label.name}[{index}]")

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
            family = env.names[label.name] = Family()
        if index is UNKNOWN:
            family.partial = True
        else:
            family[index] = value

    def _let(self, let: ast.Let, env: Environment, x: Value, naming: Naming) -> Value:
        if let.name == "x":
            raise problem("E0205", "`x` is the tensor that flows, and cannot be a constant", let.span, "choose another name")
        env.names[let.name] = self.evaluator.evaluate(let.value, env)
        return x

    def _expect(self, expect: ast.Expect, env: Environment, x: Value, naming: Naming) -> Value:
        names = {e.id for e in _names(expect.claim)} | ({e.id for e in _names(expect.condition)} if expect.condition else set())
        if any(name in METRICS and env.find(name) is Unknown for name in names):
            frozen = Environment(None, env.module)
            frozen.names = {name: env.find(name) for name in names if env.find(name) is not Unknown}
            self.claims.append(Claim(expect, frozen, naming.scope))
            return x
        try:
            check_claim(self.evaluator, expect, env)
        except Problem as found:
            self.report(found.diagnostic)
        return x

    def _aux(self, aux: ast.Aux, env: Environment, x: Value, naming: Naming) -> Value:
        options = self._options("aux", aux.arguments, env, {"weight": 1.0})
        value = self._pipeline(aux.pipeline, env, x, naming)
        weight = options["weight"]
        if isinstance(value, Node) and not isinstance(weight, Unknown):
            if weight < 0:
                raise problem("E0402", f"`weight` of a head must be at least 0, and is {weight}", aux.arguments[0].span)
            self.heads.append(Head(self._result_name(aux.pipeline, env, naming), value.index, float(weight), aux.span))
        return x

    def _output(self, output: ast.Output, env: Environment, x: Value, naming: Naming) -> Value:
        value = self._pipeline(output.pipeline, env, x, naming)
        if isinstance(value, Node):
            self.outputs.append(Output(self._result_name(output.pipeline, env, naming), value.index, output.span))
        return x

    def _result_name(self, pipeline: ast.Pipeline, env: Environment, naming: Naming) -> str:
        """The field of the result: the label, with the path to it."""
        label = pipeline.label
        assert label is not None
        index = UNKNOWN if label.index is None else self.evaluator.evaluate(label.index, env)
        own = label.name if label.name is not None else ""
        if label.template is not None:
            own = "".join(p if isinstance(p, str) else str(self.evaluator.evaluate(p, env)) for p in label.template.pieces)
        name = "_".join(part for part in (naming.scope.path.replace(".", "_"), own, "" if index is UNKNOWN else str(index)) if part)
        if name[0].isdigit() or name in ("main", "count", "index"):
            raise problem("E0207", f"a head or output cannot be called `{name}`: it is a field of the result", label.span, "choose another label")
        taken = {result.name: result.span for result in (*self.heads, *self.outputs)}
        if name in taken:
            raise Problem(Diagnostic("E0505", f"two heads or outputs are called `{name}`", Mark(label.span), (Mark(taken[name], "the first"),)))
        return name

    def _input(self, statement: ast.Input, env: Environment, x: Value, naming: Naming) -> Value:
        if naming.scope.kind != "network" or env.control:
            raise problem("E0504", "an input stands in the body of a network", statement.span, "a block's input is `x`")
        if statement.kind not in (None, "int", "float"):
            raise problem("E0401", f"a tensor holds int or float, not `{statement.kind}`", statement.span)
        check_label(statement.name, statement.span)
        shape = [self._input_size(size, env) for size in statement.sizes.items]
        if not shape:
            raise problem("E0402", "an input has at least one size", statement.sizes.span, "`[3, 224, 224]`: channels first, without the batch")
        op = Input(key=statement.name)
        node = Node(len(self.nodes), op, (), tuple(shape), naming.scope, None, True, statement.span, statement.kind == "int", statement.name)
        if any(self.nodes[i].label == statement.name for i in self.inputs):
            raise problem("E0203", f"two inputs are called `{statement.name}`", statement.span)
        self.nodes.append(node)
        self.inputs.append(node.index)
        env.names[statement.name] = node
        if statement.condition is not None:
            self._condition(statement.condition, env)
        return x if len(self.inputs) > 1 else node

    def _input_size(self, size: ast.Expr, env: Environment) -> Any:
        if isinstance(size, ast.Name) and size.id[0].isupper() and env.find(size.id) is Unknown:
            env.names[size.id] = open_size(size.id)
        value = self.evaluator.evaluate(size, env)
        if isinstance(value, OpenSize):
            return value
        fixed = self.evaluator.count(size, env, "a size")
        if fixed == 0:
            raise problem("E0402", "a size is at least 1, and not 0", size.span)
        if isinstance(fixed, Unknown):
            raise problem("E0401", "this size is not known", size.span)
        return fixed

    def _condition(self, condition: ast.Expr, env: Environment) -> None:
        """Check that a `where` reads as a condition on the open sizes, by trying sizes."""
        opened = {name: size for name, size in env.names.items() if isinstance(size, OpenSize)}
        if not opened:
            raise problem("E0504", "`where` states a condition on open sizes, and this input has none", condition.span, "leave a size open: `[3, H, W]`")
        trial = Environment(env, env.module)
        trial.names.update(dict.fromkeys(opened, 64))
        self.evaluator.truth(condition, trial)

    def _init(self, statement: ast.Init, env: Environment, x: Value, naming: Naming) -> Value:
        if naming.scope.kind != "network":
            raise problem("E0504", "`init` stands in the body of a network", statement.span, "an op takes its own: `conv(64, 3, init = he())`")
        for setting in statement.settings:
            weighted = [op.name for op in Op.registry if "init" in op.model_fields and not op.statement]
            if setting.name not in weighted:
                raise problem("E0201", f"`init` fills the weights of an op, and `{setting.name}` is none that has any", setting.name_span, did_you_mean(setting.name, weighted))
            value = self.evaluator.evaluate(setting.value, env)
            if isinstance(value, Callee) and isinstance(value.target, type) and issubclass(value.target, Initializer):
                made = self.binder.declared(value, setting.value.span)
                if not isinstance(made, Unknown) and isinstance(made[0], Initializer):
                    self.initializers[setting.name] = made[0]
            elif value is not UNKNOWN:
                known = ", ".join(Initializer.registry.names())
                raise problem("E0401", f"`init` takes a rule, and {show(value)} is {type_name(value)}", setting.value.span, f"the rules are {known}")
        return x

    # -- stages --

    def _group_naming(self, naming: Naming, key: Key | None, span: Span) -> Naming:
        if key is None:
            return Naming(Scope("", naming.scope, "group", span))
        name = key.naming.place(key.name, span)
        return Naming(Scope(name, key.naming.scope, "group", span, definition=span, variables=self._variables))

    def _inner(self, naming: Naming, key: Key | None, span: Span) -> Naming:
        """Where the stages of a brace go: into a scope of their own if it is labelled."""
        return naming if key is None else self._group_naming(naming, key, span)

    def _call_stage(self, stage: ast.CallStage, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        call = stage.call
        value = self.evaluator.evaluate(call, env)
        if isinstance(value, Callee):
            if isinstance(value.target, ast.Definition):
                return self._block(value, call, env, x, naming, key)
            return self._op(value, call.span, x, naming, key)
        if isinstance(value, Node | Unknown):
            return value
        if isinstance(value, Family):
            raise problem("E0408", f"`{call.span.text}` is a family: say which one", call.span, f"write `{call.span.text}[{max(value, default=0)}]`")
        raise problem("E0408", f"{show(value)} is {type_name(value)}, and a stage is an op, a block or a value", call.span)

    def _op(self, callee: Callee, span: Span, x: Value, naming: Naming, key: Key | None) -> Value:
        assert isinstance(callee.target, type)
        if not issubclass(callee.target, Op):
            raise problem("E0408", f"`{callee.name}` fills weights and is not a stage", span, f"write `init = {callee.name}(...)` on an op")
        made = self.binder.declared(callee, span)
        place = key.naming if key is not None else naming
        name = place.place(key.name if key is not None else None, span)
        if isinstance(made, Unknown) or isinstance(x, Unknown):
            return UNKNOWN
        op, operands = made
        assert isinstance(op, Op)
        return self.apply(op, (x, *operands), place.scope, name, span, callee, key)

    def apply(
        self, op: Op, inputs: tuple[Node, ...], scope: Scope, name: str | None, span: Span, callee: Callee | None = None, key: Key | None = None
    ) -> Node:
        """A new node, with the shape that the op infers."""
        shapes = tuple([node.shape for node in inputs])
        known = (id(op), shapes)
        shape = self._inferred.get(known)
        if shape is None:
            try:
                shape = op.infer(*shapes)
            except Fault as fault:
                raise self._shape_problem(fault, inputs, span, callee) from None
            except SizeError as error:
                raise problem("E0307", f"`{op.name}`: {error}", span) from None
            self._inferred[known] = shape
        integer = False
        if op.integers != "refused" or any([node.integer for node in inputs]):
            integer = _integer(op, inputs, span)
        if len(self.nodes) >= limits.NODES:
            raise _too_large(f"this network has more than {limits.NODES:,} ops", span)
        node = Node(len(self.nodes), op, tuple([node.index for node in inputs]), shape, scope, name, key is not None, span, integer, key.label if key else None)
        self.nodes.append(node)
        return node

    def _shape_problem(self, fault: Fault, inputs: tuple[Node, ...], span: Span, callee: Callee | None) -> Problem:
        """An op's fault at its place: the argument's, where it is one, and where the input came from."""
        place = span
        if callee is not None and fault.argument and fault.argument in (callee.keywords or {}):
            place = (callee.keywords or {})[fault.argument].span
        marks = tuple(Mark(node.span, f"gives {format_shape(node.shape)}") for node in inputs if node.span != span)
        related = marks if fault.code.startswith("E03") else ()
        return Problem(Diagnostic(fault.code, fault.message, Mark(place), related, help=fault.help))

    def _block(self, callee: Callee, call: ast.Expr, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        definition, span = callee.target, call.span
        assert isinstance(definition, ast.Definition) and callee.module is not None
        if not isinstance(definition, ast.Block):
            raise problem("E0504", f"`{definition.name}` is a network, and a stage is an op or a block", span, "move what both share into a block")
        name_of = call.callee if isinstance(call, ast.CallExpr) else call
        if definition in self._active and not (isinstance(name_of, ast.Name) and env.find(name_of.id) is not Unknown):
            chain = " -> ".join(f"`{d.name}`" for d in [*self._active[self._active.index(definition) :], definition])
            raise problem("E0501", f"a block cannot contain itself: {chain}", span, "`repeat n { ... }` and `for` say how often")
        inside = Environment(None, callee.module)
        inside.names["x"] = x
        arguments, given = self.binder.block(callee, span, inside)
        place = key.naming if key is not None else naming
        name = place.place(key.name if key is not None else None, span)
        scope = Scope(name, place.scope, "block", span, definition.name, arguments, given, self._variables, definition.span, definition.doc)
        self._active.append(definition)
        outer, self._variables = self._variables, {}
        try:
            return self.run(definition.body, inside, x, Naming(scope))
        finally:
            self._variables = outer
            self._active.pop()

    def _group(self, group: ast.Group, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        return self.run(group.body, Environment(env, env.module), x, self._inner(naming, key, group.span))

    # -- joins --

    def _skip(self, skip: ast.Skip, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        options = self._options("skip", skip.arguments, env, {"drop": 0.0, "scale": 1.0})
        spans = {argument.name: argument.span for argument in skip.arguments}
        naming = self._inner(naming, key, skip.span)
        body = self.run(skip.body, Environment(env, env.module), x, naming)
        shortcut = self.run(skip.via, Environment(env, env.module), x, naming) if skip.via is not None else x
        if not isinstance(body, Node) or not isinstance(shortcut, Node) or not isinstance(x, Node) or UNKNOWN in options.values():
            return UNKNOWN
        if body is x:
            raise problem("E0506", "the body of this skip does nothing", skip.body.span, "put the layers of the block into it")
        scope = naming.scope
        if body.shape != shortcut.shape:
            self._same_sizes(body, shortcut, x, skip)
        if options["scale"] != 1.0:
            body = self.apply(self._option_op("scale", "factor", options["scale"], spans.get("scale"), "scale"), (body,), scope, None, skip.keyword)
        if options["drop"] != 0.0:
            body = self.apply(self._option_op("droppath", "p", options["drop"], spans.get("drop"), "drop"), (body,), scope, None, skip.keyword)
        return self.apply(_ADD, (body, shortcut), scope, None, skip.keyword)

    def _same_sizes(self, body: Node, shortcut: Node, x: Node, skip: ast.Skip) -> None:
        """Record where open sizes have to agree; an error where fixed ones do not."""
        if len(body.shape) == len(shortcut.shape):
            differing = [(a, b) for a, b in zip(body.shape, shortcut.shape, strict=True) if a != b]
            if all(_may_agree(a, b) for a, b in differing):
                self.conditions += [Condition(a, b, skip.keyword, "skip") for a, b in differing]
                return
        raise skip_differs(self.nodes, x, body, shortcut, skip.keyword)

    def _option_op(self, name: str, field: str, value: float, span: Span | None, option: str) -> Op:
        op = Op.registry.get(name)
        assert op is not None
        try:
            return op.create({field: float(value)})  # type: ignore[no-any-return]
        except Fault as fault:
            assert span is not None
            raise problem(fault.code, fault.message.replace(f"`{field}` of `{name}`", f"`{option}` of `skip`"), span, fault.help) from None

    def _join(self, join: ast.Join, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        spans = {argument.name: argument.span for argument in join.arguments}
        options = self._options(join.kind, join.arguments, env, {"axis": 0} if join.kind == "concat" else {})
        naming = self._inner(naming, key, join.span)
        outer_scope, self._scope = self._scope, naming.scope
        branches = self._branches(join.body, Environment(env, env.module), x, naming)
        self._scope = outer_scope
        if not branches:
            raise problem("E0506", f"this `{join.kind}` has no branches", join.span, "each statement in its braces is a branch; `x` is the identity")
        if any(isinstance(branch, Unknown) for branch in branches) or UNKNOWN in options.values():
            return UNKNOWN
        nodes = tuple(branch for branch in branches if isinstance(branch, Node))
        cls = _JOINS[join.kind]
        try:
            op = cls.create(options)
            self._open_branches(op, nodes, join)
            return self.apply(op, nodes, naming.scope, None, join.keyword)  # type: ignore[arg-type]
        except Fault as fault:
            raise problem(fault.code, fault.message, spans.get(fault.argument, join.keyword), fault.help) from None
        except Problem as found:
            if found.diagnostic.code in ("E0302", "E0303"):
                raise branches_differ(found.diagnostic.code, found.diagnostic.message, join.keyword, nodes, found.diagnostic.help) from None
            raise

    def _open_branches(self, op: Any, nodes: tuple[Node, ...], join: ast.Join) -> None:
        """Record where open sizes of branches have to agree."""
        first = nodes[0].shape
        for node in nodes[1:]:
            if len(node.shape) != len(first):
                return
            for axis, (a, b) in enumerate(zip(first, node.shape, strict=True)):
                joined = join.kind == "concat" and axis == op.axis % len(first)
                gated = join.kind == "mul" and 1 in (a, b)
                if a != b and not joined and not gated and (isinstance(a, OpenSize) or isinstance(b, OpenSize)):
                    if not _may_agree(a, b):
                        code = "E0303" if join.kind == "concat" else "E0302"
                        raise problem(code, f"`{join.kind}` joins sizes that never agree: {a} and {b}", join.keyword)
                    self.conditions.append(Condition(a, b, join.keyword, join.kind))

    def _branches(self, body: ast.Body, env: Environment, x: Value, naming: Naming) -> list[Value]:
        """The value of each statement, each from the same `x`; loops and `if` add theirs."""
        found: list[Value] = []
        for statement in body.statements:
            env.names["x"] = x
            try:
                if isinstance(statement, ast.Pipeline):
                    stage = statement.stages[0]
                    if statement.label is None and len(statement.stages) == 1 and isinstance(stage, ast.Repeat | ast.For | ast.If):
                        for inner, inside in self._rounds_of(stage, env):
                            found += self._branches(inner, inside, x, naming)
                    else:
                        found.append(self._pipeline(statement, env, x, naming))
                elif isinstance(statement, ast.Let | ast.Expect | ast.Damaged):
                    self._statements[statement.__class__](statement, env, x, naming)
                    if isinstance(statement, ast.Damaged):
                        found.append(UNKNOWN)
                else:
                    raise problem("E0504", "a head, an output or an input is not a branch", statement.span, "put it before or after the join")
            except Problem as problem_found:
                self.report(problem_found.diagnostic)
                self._after_error(statement, env)
                found.append(UNKNOWN)
        return found

    # -- control --

    def _rounds_of(self, stage: ast.Repeat | ast.For | ast.If, env: Environment) -> Any:
        """Each body that control runs, with its environment. An unknown count runs once; an unknown condition, every arm."""
        if isinstance(stage, ast.If):
            for condition, body in stage.arms:
                truth = True if condition is None else self.evaluator.truth(condition, env)
                if truth is not False:
                    yield body, Environment(env, env.module, control=True)
                if truth is True:
                    return
            return
        for bound in self._loop_values(stage, env):
            self._rounds += 1
            if self._rounds > limits.ITERATIONS:
                raise _too_large(f"loops run more than {limits.ITERATIONS:,} rounds", stage.span)
            inside = Environment(env, env.module, control=True)
            inside.names.update(bound)
            outer = self._variables
            if bound:
                self._variables = outer | bound
            yield stage.body, inside
            self._variables = outer

    def _loop_values(self, stage: ast.Repeat | ast.For, env: Environment) -> Any:
        if isinstance(stage, ast.Repeat):
            count = self.evaluator.count(stage.count, env, "the count of `repeat`")
            if isinstance(count, int) and count > limits.ITERATIONS:
                raise _too_large(f"this `repeat` has {count:,} rounds, over the limit of {limits.ITERATIONS:,}", stage.count.span)
            return ({} for _ in range(1 if isinstance(count, Unknown) else count))
        values = self.evaluator.evaluate(stage.iterable, env)
        if isinstance(values, Unknown):
            return [dict.fromkeys(stage.names, UNKNOWN)]
        if not isinstance(values, tuple | range):
            raise problem("E0401", f"`for` goes through a list or a range, and {show(values)} is {type_name(values)}", stage.iterable.span,
                          f"write `0..{values}`" if isinstance(values, int) else None)  # fmt: skip
        if len(stage.names) == 1:
            return ({stage.names[0]: value} for value in values)
        return ({stage.names[0]: i, stage.names[1]: value} for i, value in enumerate(values))

    def _repeat(self, stage: ast.Repeat | ast.For | ast.If, env: Environment, x: Value, naming: Naming, key: Key | None) -> Value:
        naming = self._inner(naming, key, stage.span)
        for body, inside in self._rounds_of(stage, env):
            x = self.run(body, inside, x, naming)
        return x

    _for = _if = _repeat

    def _options(self, name: str, arguments: tuple[ast.Argument, ...], env: Environment, known: dict[str, Any]) -> dict[str, Any]:
        """The settings of a statement such as `skip(drop = 0.2)`, by name, with their defaults."""
        values = dict(known)
        for argument in arguments:
            if argument.name not in known:
                what = f"`{argument.name}`" if argument.name else "an argument by position"
                help = did_you_mean(argument.name or "", known) or (f"it takes `{'`, `'.join(known)}`" if known else None)
                raise problem("E0202", f"`{name}` does not take {what}", argument.span, help)
            value = self.evaluator.evaluate(argument.value, env)
            if value is not UNKNOWN and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise problem("E0401", f"`{argument.name}` of `{name}` is a number, and {show(value)} is {type_name(value)}", argument.span)
            values[argument.name] = value
        return values


_ADD = Add()


def check_claim(evaluator: Evaluator, expect: ast.Expect, env: Environment) -> None:
    """Raise `Problem` where an `expect` does not hold."""
    if expect.condition is not None and evaluator.truth(expect.condition, env) is not True:
        return
    if evaluator.truth(expect.claim, env) is not False:
        return
    claim, found = expect.claim, ""
    if isinstance(claim, ast.Chain) and claim.operators[0] not in ("and", "or"):
        sides = [(operand.span.text, evaluator.evaluate(operand, env)) for operand in claim.operands if not isinstance(operand, ast.Literal | ast.ListExpr)]
        found = ", and " + ", ".join(f"`{text}` is {_counted(value)}" for text, value in sides)
    raise problem("E0701", f"this does not hold: `{claim.span.text}`{found}", claim.span)


def call_chain(scope: Scope | None) -> tuple[str, ...]:
    """The block calls around a scope, innermost first, with their arguments and loop variables."""
    notes = []
    for around in scope.enclosing() if scope is not None else ():
        if around.kind == "block" and around.parent is not None:
            given = ", ".join(show(v) if i == 0 else f"{k} = {show(v)}" for i, (k, v) in enumerate(around.given.items()))
            where = ", ".join(f"{k} = {show(v)}" for k, v in around.variables.items())
            notes.append(f"in {around.block}({given}), called at {around.span.place}" + (f" ({where})" if where else ""))
    return tuple(notes[:8])


def _counted(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else show(value)


def _names(expression: ast.Expr) -> list[ast.Name]:
    """Every name in an expression."""
    found: list[ast.Name] = []
    pending: list[Any] = [expression]
    while pending:
        e = pending.pop()
        if isinstance(e, ast.Name):
            found.append(e)
        elif isinstance(e, ast.Expr | ast.Argument):
            pending += [getattr(e, field) for field in e.__dataclass_fields__ if field != "span"]
        elif isinstance(e, tuple):
            pending += e
    return found


def _may_agree(a: Any, b: Any) -> bool:
    return isinstance(a, OpenSize) or isinstance(b, OpenSize)


def _integer(op: Op, inputs: tuple[Node, ...], span: Span) -> bool:
    """Whether the result holds integers; a problem where the op cannot take what it gets."""
    integers = any(node.integer for node in inputs)
    if integers and op.integers == "refused":
        raise problem("E0308", f"`{op.name}` takes real numbers, and gets integers", span, "`embedding(n, dim)` turns tokens into vectors")
    if op.integers == "required" and not integers:
        raise problem("E0308", f"`{op.name}` takes integers, and gets real numbers", span, "declare the input so: `input tokens: int [512]`")
    return integers and op.integers == "kept"


def _too_large(message: str, span: Span) -> Problem:
    return Problem(Diagnostic("E0502", message, Mark(span), severity=Severity.ERROR, help="is a count larger than meant?"))
