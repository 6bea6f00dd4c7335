"""Modules: `module tower: ...` declares one, and wherever its name is a stage, it runs with the same weights.

A use runs the body from the `x` of its place. Equal shapes share one function. Other shapes give another one, which must have
the same layers with the same weights: spatial sizes alone may differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.diagnostics import Edit, Mark, SpecError, codes
from archdsl.elaborate.apply import reserve
from archdsl.elaborate.blocks import holds_values
from archdsl.elaborate.context import Context
from archdsl.elaborate.declared import DeclaredModule, FirstUse, Known, OutOfReach
from archdsl.elaborate.dispatcher import run_stage, run_stages
from archdsl.elaborate.groups import grouped
from archdsl.elaborate.labels import Indices, label_indices, label_key
from archdsl.elaborate.naming import Key, Naming
from archdsl.elaborate.values import UNKNOWN, Environment, Family, MaybeValue, Unknown
from archdsl.ir import Call, Node, Value, difference
from archdsl.source import Span
from archdsl.syntax import nodes as ast


def declaration(context: Context, statement: ast.Declaration, env: Environment, x: MaybeValue, naming: Naming) -> MaybeValue:
    """Declare a module. It takes its key here; `x` goes on unchanged."""
    label = statement.pipeline.label
    if label is None or label.name == "":
        return x
    if label.name is None:
        raise SpecError(codes.modules.NoName().at(label.span))
    known = env.around_control().names.get(label.name)
    again = isinstance(known, DeclaredModule) and known.statement is statement  # its key is taken, which says why
    if known is not None and not again and not (label.indices and _is_family(known)):
        raise SpecError(codes.modules.NameTaken(label.name).at(label.span))
    indices = label_indices(context, label, env)
    key = label_key(context, label, indices, env, naming)
    if key is None:
        _bind(env, label, indices, UNKNOWN)
        return x
    placed = key.place()
    handle = None if context.detached else context.builder.declare(placed, label.span)
    key = key.of_module(handle, placed)
    inside = _visible(context, env, label.name, key.label)
    made = DeclaredModule(key.label, statement, key, inside, handle, tuple(context.active), context.variables)
    if context.evaluator.definition(label.name, env.module) is None:
        inside.names[label.name] = made
    _bind(env, label, indices, made)
    return x


def _is_family(value: object) -> bool:
    return isinstance(value, Family) and all(_is_family(item) or isinstance(item, DeclaredModule) for item in value.values())


def _bind(env: Environment, label: ast.Label, indices: Indices, made: DeclaredModule | Unknown) -> None:
    """Make the name of a module visible, as a label, in the braces around it but for those of loops and `if`."""
    assert label.name is not None
    env = env.around_control()
    if not indices:
        env.names[label.name] = made
        return
    found = env.names.get(label.name)
    family = found if isinstance(found, Family) else Family(label.name)
    env.names[label.name] = family
    *outer, last = indices
    for index in outer:
        if isinstance(index, Unknown):
            family.partial = True
            return
        inner = family.get(index)
        if not isinstance(inner, Family):
            inner = family[index] = Family(f"{family.name}[{index}]")
        family = inner
    if isinstance(last, Unknown):
        family.partial = True
    else:
        family[last] = made  # type: ignore[assignment]


def _visible(context: Context, env: Environment, name: str, label: str) -> Environment:
    """Return the names that the body of a module sees: those around it, as they are now, without values of the network."""
    inside = Environment(None, env.module)
    inside.damaged = env.damaged
    around: Environment | None = env
    while around is not None:
        for word, value in around.names.items():
            if word not in inside.names and word != "x":
                inside.names[word] = OutOfReach(label) if _is_outside(value) else value
        around = around.outer
    return inside


def _is_outside(value: object) -> bool:
    if isinstance(value, Family):
        return any(isinstance(item, Value) for item in value.values())
    return not isinstance(value, DeclaredModule | Unknown) and holds_values(value)


def run_module(context: Context, module: DeclaredModule, use: Span, x: MaybeValue, label: Key | None) -> MaybeValue:
    """Return what a use of a module makes of `x`. The label of its statement names that value alone."""
    if module.runs:
        raise SpecError(codes.modules.ModuleContainsItself(module.name, module.key.span).at(use))
    detached = context.detached or not isinstance(x, Value) or context.builder.is_detached(x) or module.handle is None
    if detached or not isinstance(x, Value):
        with context.out_of_the_graph():
            return _elaborated(context, module, use, x)
    assert module.handle is not None
    if not context.builder.is_within_reach(module.handle):
        raise SpecError(codes.modules.OutsideItsGroup(module.name, _group_of(module), module.key.span).at(use))
    x = context.builder.visible(x)
    result: MaybeValue
    same = x.shape, x.dtype
    known = module.known.get(same)
    if known is not None:
        result = _run_again(context, module, known, use, x)
    else:
        before, count = (len(context.results), len(context.diagnostics)), len(_applications(context, module))
        result = _elaborated(context, module, use, x)
        nodes = _applications(context, module)
        node = nodes[-1] if len(nodes) > count else None
        if not isinstance(result, Value) or before != (len(context.results), len(context.diagnostics)):
            return result
        _require_same(context, module, FirstUse(use, x.shape, node))
        if isinstance(node, Call) or (node is None and result is x):  # else it is an op, or only runs another module
            module.known[same] = Known(node.callee if node is not None else None, result is x)
    if label is not None and isinstance(result, Value) and result is not x:
        result.name = label.label
    return result


def _group_of(module: DeclaredModule) -> str:
    """Return the label of the scope that has the key of a module, or of its family."""
    scope = module.key.naming.scope
    while scope.kind == "family" and scope.parent is not None:
        scope = scope.parent
    return scope.name


def _applications(context: Context, module: DeclaredModule) -> list[Node]:
    assert module.handle is not None
    return context.builder.applications.get(module.handle, [])


def _run_again(context: Context, module: DeclaredModule, known: Known, use: Span, x: Value) -> Value:
    """Return the result of a use whose function is there."""
    if known.function is None:
        return x
    builder = context.builder
    reserve(context, builder.size_of(known.function), use)
    inputs = [x] * len(known.function.inputs)
    key = module.key
    call = builder.call(known.function, *inputs, key=key.place(), span=use, variables=context.variables, declared=key.declared)
    return x if known.unchanged else call.outputs[0]


def _elaborated(context: Context, module: DeclaredModule, use: Span, x: MaybeValue) -> MaybeValue:
    """Run the body of a module."""
    env = Environment(module.env, module.env.module)
    env.names["x"] = x
    stages, placed = module.statement.pipeline.stages, module.key.place()
    key = module.key.of_module(None if context.detached else module.key.declared, placed, use)
    with _in_its_place(context, module, use):
        try:
            if len(stages) == 1:
                context.pipeline = stages
                return run_stage(context, stages[0], env, x, key.naming, key)
            span = module.statement.pipeline.span
            return grouped(context, key.naming, key, span, lambda inner: run_stages(context, stages, env, x, inner))
        except SpecError as error:
            raise error.map(lambda found: found.with_marks([Mark(use, f"`{module.name}` runs here")])) from None


@contextmanager
def _in_its_place(context: Context, module: DeclaredModule, use: Span) -> Iterator[None]:
    """Elaborate what follows as if it stood where a module is declared."""
    outer = context.active, context.variables, context.pipeline, context.scope
    context.active, context.variables, context.scope = list(module.active), dict(module.variables), module.key.naming.scope
    context.modules += 1
    module.runs.append(use)
    try:
        yield
    finally:
        module.runs.pop()
        context.modules -= 1
        context.active, context.variables, context.pipeline, context.scope = outer


def _require_same(context: Context, module: DeclaredModule, use: FirstUse) -> None:
    """Raise `SpecError` if a use needs another module than the first one."""
    if not module.first:
        module.first.append(use)
        return
    first = module.first[0]
    if first.node is None and use.node is None:
        return
    if first.node is None or use.node is None:
        raise SpecError(codes.modules.OtherLayers(module.name, "", (None, None), first.span, first.shape, use.shape).at(use.span))
    found = difference(first.node, use.node)
    if found is None:
        return
    assert module.handle is not None
    context.builder.applications[module.handle].pop()
    if not any(value.uses for value in use.node.outputs):
        use.node.remove()
    kind = codes.modules.OtherShapesOfWeights if found.of_weights else codes.modules.OtherLayers
    wrong = kind(module.name, found.key, found.sides, first.span, first.shape, use.shape)
    raise SpecError(wrong.at(use.span))


def declaring_edits(value: ast.Expr, env: Environment) -> tuple[Edit, ...]:
    """Return the edits that turn the label of a value into a module that runs in its place; none if no label gave it."""
    file, use = env.module.file, value.span
    name = ast.bare(value)
    definition = next((d for d in file.definitions if d.span.start <= use.start < d.span.end), None)
    if not isinstance(name, ast.Name) or definition is None or definition.span.file is not use.file:
        return ()
    results = set[int]()
    for node in ast.walk(definition):
        if isinstance(node, ast.Aux | ast.Output):
            results.add(id(node.pipeline))
        if not isinstance(node, ast.Pipeline) or node.label is None or node.label.name != name.id or id(node) in results:
            continue
        single = node.stages[0] if len(node.stages) == 1 else None
        if node.label.indices or node.span.end > use.start or _names_value(single):
            return ()
        after, text = node.span.end, node.span.file.text
        line = text[text.rfind("\n", 0, node.span.start) + 1 : node.span.start]
        own_lines = not line.strip() and text[after:].partition("\n")[0].strip() == ""
        run = f"\n{line}{name.id}" if own_lines else f"; {name.id}"
        return Edit(node.span._replace(end=node.span.start), "module "), Edit(node.span._replace(start=after), run)
    return ()


def _names_value(stage: ast.Stage | None) -> bool:
    return isinstance(stage, ast.CallStage) and isinstance(name := ast.bare(stage.call), ast.Name) and name.id == "x"
