"""Remedies for joins whose branches have different shapes, which the compiler can work out by trying them.

The statements in the braces of a join are branches. Who means two of them as one branch gets an error about sizes, and is not
helped by a way to change these. So each run of neighbouring statements is tried as one branch, by shapes alone; if some
grouping fits, the arrows that make it are the remedy. A gate of the wrong number of channels is told where it gets them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.diagnostics.record import Edit, Remedy, guess
from archdsl.elaborate.context import Context
from archdsl.elaborate.naming import Naming
from archdsl.elaborate.statements import pipeline
from archdsl.elaborate.values import Environment, MaybeValue
from archdsl.ir import OpNode, Value
from archdsl.ops import Category
from archdsl.ops.join import Join
from archdsl.shapes import SizeError
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_MOST = 8
"""How many branches are tried in groups."""


def with_branches_joined(
    context: Context,
    error: SpecError,
    op: Join,
    join: ast.Join,
    env: Environment,
    x: MaybeValue,
    branches: Sequence[Value],
    naming: Naming,
) -> SpecError:
    """Return the error of a join with a remedy that was found by trying it, if there is one."""
    found = error.diagnostic
    if not isinstance(found, codes.joins.Branches):
        return error
    remedy = _grouped(context, op, join, env, x, branches, naming) or _gate(op, branches)
    return error if remedy is None else SpecError(found.with_remedy(remedy), *error.diagnostics[1:])


def _grouped(
    context: Context, op: Join, join: ast.Join, env: Environment, x: MaybeValue, branches: Sequence[Value], naming: Naming
) -> Remedy | None:
    """Return the arrows that join statements into branches that fit; None if no grouping does."""
    statements = [statement for statement in join.body.statements if isinstance(statement, ast.Pipeline)]
    if len(statements) != len(join.body.statements) or len(statements) != len(branches) or len(statements) > _MOST:
        return None
    if any(isinstance(statement.stages[0], ast.Repeat | ast.For | ast.If) for statement in statements):
        return None
    chains = _chains(context, statements, env, branches, naming)
    for groups in sorted(_groupings(len(statements)), key=lambda groups: _unlikelihood(op, statements, groups)):
        values = [chains.get(group) for group in groups]
        known = [value for value in values if value is not None]
        if len(groups) > 1 and len(known) == len(values) and _fits(op, known):
            merged = [group for group in groups if group[0] != group[1]]
            written = "; ".join(" -> ".join(statement.span.text for statement in statements[a : b + 1]) for a, b in merged)
            text = f"each statement is a branch; the stages of one branch are joined by arrows: `{written}`"
            return guess(text, *[edit for a, b in merged for edit in _arrows(statements[a : b + 1])])
    whole = chains.get((0, len(statements) - 1))
    written = " -> ".join(statement.span.text for statement in statements)
    if whole is not None and len(statements) == 2 and _follows(branches[1], x):
        text = f"each statement is a branch, and `{statements[1].span.text}` takes what flows into the join"
        return guess(f"{text}: to run both in a row, write `{written}`", *_arrows(statements))
    if op.name == "add" and whole is not None and isinstance(x, Value) and whole.shape == x.shape:
        return guess(f"each statement is a branch; to add a row of stages to what flows in, write `skip {{ {written} }}`")
    return None


def _follows(branch: Value, x: MaybeValue) -> bool:
    """Return whether a branch is a normalization or activation of what flows in, which usually follows a layer."""
    node = branch.producer
    follower = isinstance(node, OpNode) and node.op.category in (Category.NORMALIZATION, Category.ACTIVATION)
    return follower and isinstance(node, OpNode) and node.inputs[0] is x


def _unlikelihood(op: Join, statements: Sequence[ast.Pipeline], groups: list[tuple[int, int]]) -> tuple[bool, int, int]:
    """Return how far a grouping is from the text: how many statements it joins, and how many of these over a line end.

    A sum or product of `x` and several stages is likely one of `x` and a row of these.
    """
    row = len(groups) == 2 and groups[0] == (0, 0) and op.name in ("add", "mul")
    gaps = [_gap(statements[at], statements[at + 1]) for first, last in groups for at in range(first, last)]
    return not row, len(gaps), sum("\n" in gap.text for gap in gaps)


def _chains(
    context: Context, statements: Sequence[ast.Pipeline], env: Environment, branches: Sequence[Value], naming: Naming
) -> dict[tuple[int, int], Value]:
    """Return the value of each run of statements, as far as they can run one after the other."""
    found = {(at, at): value for at, value in enumerate(branches)}
    for first in range(len(statements)):
        value = branches[first]
        for last in range(first + 1, len(statements)):
            made = _tried(context, statements[last], env, value, naming) if _begins_with_stage(statements[last], env) else None
            if made is None:
                break
            found[first, last] = value = made
    return found


def _begins_with_stage(statement: ast.Pipeline, env: Environment) -> bool:
    """Return whether a statement takes what flows in, and defines nothing."""
    stage = statement.stages[0]
    named = ast.bare(stage.call) if isinstance(stage, ast.CallStage) else None
    return statement.label is None and not (isinstance(named, ast.Name) and isinstance(env.find(named.id), Value))


def _tried(context: Context, statement: ast.Pipeline, env: Environment, x: Value, naming: Naming) -> Value | None:
    """Return what a statement makes of a value, by shapes alone; None if that is an error."""
    inside = Environment(env, env.module)
    inside.names["x"] = x
    with context.tentative():
        try:
            made = pipeline(context, statement, inside, x, naming.copy())
        except (SpecError, SizeError):
            return None
    return made if isinstance(made, Value) else None


def _groupings(count: int) -> Iterator[list[tuple[int, int]]]:
    """Yield the ways to cut a row of statements into groups of neighbours, at least one of them of several."""
    for way in range(1, 2 ** (count - 1)):  # each bit joins a statement with the next one
        groups, start = list[tuple[int, int]](), 0
        for at in range(count):
            if at == count - 1 or not way >> at & 1:
                groups.append((start, at))
                start = at + 1
        yield groups


def _fits(op: Join, values: Sequence[Value]) -> bool:
    try:
        op.infer(*(value.shape for value in values))
    except (SpecError, SizeError):
        return False
    return True


def _arrows(statements: Sequence[ast.Pipeline]) -> Iterator[Edit]:
    """Yield the edits that put arrows between statements; none if a comment stands there."""
    gaps = [_gap(first, second) for first, second in pairwise(statements)]
    if all(gap.text.strip() in ("", ";") for gap in gaps):
        yield from (Edit(gap, " -> ") for gap in gaps)


def _gap(first: ast.Pipeline, second: ast.Pipeline) -> Span:
    return first.span._replace(start=first.span.end, end=second.span.start)


def _gate(op: Join, branches: Sequence[Value]) -> Remedy | None:
    """Return what gives a gate `[C, 1, 1]` the channels of the maps that it scales; None if no branch is such a gate."""
    if not op.stretches or len({len(branch.shape) for branch in branches}) > 1:
        return None
    gates = [branch for branch in branches if len(branch.shape) > 1 and all(size == 1 for size in branch.shape[1:])]
    maps = {branch.shape[0] for branch in branches if branch not in gates}
    if len(gates) != 1 or len(maps) != 1 or (wanted := maps.pop()) == gates[0].shape[0]:
        return None
    node = gates[0].producer
    while isinstance(node, OpNode) and not node.op.weight_layer and node.inputs:
        node = node.inputs[0].producer
    given = gates[0].shape[0]
    text = f"a gate has as many channels as what it scales, {wanted}, and this one has {given}"
    if not isinstance(node, OpNode) or node.op.name not in ("conv", "bottleneck", "linear") or node.span is None:
        return guess(text)
    written = node.span.text
    instead = written.replace(f"({given}", f"({wanted}", 1)
    if instead == written:
        return guess(f"{text}: its last layer is `{written}`, and `let c = x.c` before the join keeps the number")
    return guess(f"{text}: `{instead}`", Edit(node.span, instead))


def operand_error(call: ast.Expr | None, join: ast.Join, family: Any) -> SpecError | None:
    """Return the error for a number or several values in the place of a branch, with what to write; None if it is neither."""
    if call is None:
        return None
    span, text = call.span, call.span.text
    if isinstance(call, ast.Name) or (isinstance(call, ast.Index) and isinstance(ast.bare(call.index), ast.RangeExpr)):
        loop = f"for v in {text} {{ v }}"
        remedy = guess(f"a loop gives a branch for each: `{loop}`", Edit(span, loop))
        last = max(family, default=0) if isinstance(call, ast.Name) else 0
        return SpecError(codes.expressions.FamilyAsStage(text, last).at(span).with_remedy(remedy))
    number = call.operand if isinstance(call, ast.Unary) and call.operator == "-" else call
    given = number.value if isinstance(number, ast.Literal) else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    found = codes.expressions.NotAStage(text, given if number is call else -given).at(span)
    others = [statement.span for statement in join.body.statements if statement.span.start != span.start]
    if len(others) != 1 or join.kind in ("concat", "shake"):
        return SpecError(found)
    begin = "" if others[0].text == "x" else f"{others[0].text} -> "
    stage = f"{'scale' if join.kind == 'mul' else join.kind}({text})"
    if span.start < others[0].start and join.kind in ("sub", "div"):
        stage = f"scale(-1) -> add({text})" if join.kind == "sub" else f"pow(-1) -> scale({text})"
    return SpecError(found.with_remedy(guess(f"a number is no branch: `{begin}{stage}`", Edit(join.span, f"{begin}{stage}"))))
