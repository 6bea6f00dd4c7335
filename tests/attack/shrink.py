"""Shrink a program while it keeps a disagreement: drop, splice and simplify one node of its tree after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from tests.attack.network import symbols_in
from tests.attack.program import (
    Apply,
    Binary,
    Choice,
    For,
    Group,
    If,
    Join,
    Label,
    Literal,
    Name,
    Pipeline,
    Program,
    Repeat,
    Skip,
    Take,
)


def shrink(program: Program, fails: Callable[[Program], bool], seconds: float) -> Program:
    """Return a program that is no larger, for which `fails` still holds, found in at most `seconds`."""
    end = time.monotonic() + seconds
    program = replace(program, style=0)
    tried: set[Program] = set()
    found = True
    while found:
        found = False
        for smaller in sorted(variants(program), key=weight):
            if time.monotonic() > end:
                return program
            candidate = _used_symbols(smaller)
            if candidate in tried or weight(candidate) >= weight(program):
                continue
            tried.add(candidate)
            if fails(candidate):
                program, found = candidate, True
                break
    return program


def weight(tree: Any) -> int:
    """Return the size of a tree: its nodes, and its numbers."""
    if isinstance(tree, tuple):
        return 1 + sum(map(weight, tree))
    if is_dataclass(tree):
        return 10 + sum(weight(getattr(tree, each.name)) for each in fields(tree) if each.name != "style")
    if isinstance(tree, bool) or tree is None:
        return 0
    return min(9, int(abs(tree))) if isinstance(tree, (int, float)) else 1


def _used_symbols(program: Program) -> Program:
    sizes = [size for item in program.inputs for size in item.sizes]
    read = frozenset().union(*(symbols_in(size, program.symbols) for size in sizes))
    return replace(program, symbols=tuple(symbol for symbol in program.symbols if symbol in read))


def variants(tree: Any) -> Iterator[Any]:
    """Yield trees that are one step simpler."""
    if isinstance(tree, tuple):
        yield from _of_tuple(tree)
        return
    if not is_dataclass(tree) or isinstance(tree, type):
        return
    yield from _simpler(tree)
    for each in fields(tree):
        value = getattr(tree, each.name)
        for simpler in variants(value):
            if each.name != "stages" or simpler != ():
                yield replace(tree, **{each.name: simpler})
        if value is not None and each.default is None:
            yield replace(tree, **{each.name: None})


def _of_tuple(items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for at in range(len(items)):
        before, item, after = items[:at], items[at], items[at + 1 :]
        yield before + after
        for body in _bodies(item):
            yield before + body + after
        for simpler in variants(item):
            yield (*before, simpler, *after)
    if len(items) > 3:
        yield items[: len(items) // 2]
        yield items[len(items) // 2 :]


def _bodies(item: Any) -> Iterator[tuple[Any, ...]]:
    """Yield what may stand in the place of a statement or stage: what it holds."""
    match item:
        case Pipeline((stage,), _):
            yield from _inner(stage)
        case Pipeline(stages, label) if len(stages) > 1:
            yield tuple(Pipeline((stage,), label if stage is stages[-1] else None) for stage in stages)
    match item:
        case Group() | Join() | Skip() | Repeat() | For() | If():
            for body in _inner(item):
                yield tuple(stage for statement in body if isinstance(statement, Pipeline) for stage in statement.stages)


def _inner(stage: Any) -> Iterator[tuple[Any, ...]]:
    match stage:
        case Group(body) | Repeat(_, body) | For(_, _, body, _, _):
            yield body
        case Join(_, branches, _):
            yield branches
        case Skip(body, via, _, _, _):
            yield body
            if via:
                yield via
        case If(_, body, otherwise):
            yield body
            yield otherwise


def _simpler(tree: Any) -> Iterator[Any]:
    """Yield simple nodes in the place of one expression or stage."""
    match tree:
        case Literal(int(value)) if value > 1:
            yield Literal(1)
            yield Literal(value - 1)
        case Binary(_, left, right):
            yield left
            yield right
        case Choice(then, _, other):
            yield then
            yield other
        case Name(text) if text.islower() and len(text) > 1:
            yield Literal(1)
        case Apply(name, arguments) if arguments or name not in ("relu", "gap"):
            yield Apply("relu")
        case Take(value) if value != Name("x"):
            yield Take(Name("x"))
        case Label(name, index, text) if index is not None or text:
            yield Label(name + "0")
