"""Programs whose sizes are left to chance: one op more than in a program that was grown to work."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from tests.attack.program import Apply, Argument, Join, Literal, Pipeline, Program, Skip, Stage, Word


def disturbed(program: Program, chance: random.Random) -> Program:
    """Return the program with an op that changes sizes in one branch of a join, or anywhere if it has no join."""
    found = 0

    def count(pipeline: Pipeline) -> Pipeline:
        nonlocal found
        found += 1
        return pipeline

    for everywhere in (False, True):
        _changed(program.body, count, everywhere)
        if found:
            chosen = chance.randrange(found)
            return replace(program, body=_changed(program.body, _once(chosen, _stage(chance)), everywhere))
    return program


def _once(chosen: int, stage: Stage) -> Callable[[Pipeline], Pipeline]:
    """Return a function that adds a stage to the pipeline that it meets after so many others."""
    left = chosen

    def change(pipeline: Pipeline) -> Pipeline:
        nonlocal left
        left -= 1
        return replace(pipeline, stages=(*pipeline.stages, stage)) if left == -1 else pipeline

    return change


def _changed(tree: Any, change: Callable[[Pipeline], Pipeline], inside: bool) -> Any:
    """Return the tree with a change applied to its pipelines, or to those inside of joins and skips alone."""
    if isinstance(tree, tuple):
        return tuple(_changed(each, change, inside) for each in tree)
    if not is_dataclass(tree):
        return tree
    within = inside or isinstance(tree, Join | Skip)
    made = replace(tree, **{f.name: _changed(getattr(tree, f.name), change, within) for f in fields(tree)})  # type: ignore[type-var]
    return change(made) if inside and isinstance(made, Pipeline) else made


def _stage(chance: random.Random) -> Stage:
    """Return an op that changes a size by a little, or by a factor."""
    small, factor = chance.randint(1, 3), chance.choice((2, 2, 3))
    pad = {"pad": Literal(chance.randint(0, 1))}
    return chance.choice(
        (
            _call("pad", before=Literal(chance.randint(0, 2)), after=Literal(small)),
            _call("pad", small, mode=Word("replicate")),
            _call("maxpool", small + 1, stride=Literal(1)),
            _call("maxpool", factor, ceil=Literal(True)),
            _call("maxpool", 3, stride=Literal(factor), **pad),
            _call("avgpool", factor),
            _call("depthwise", 3, stride=Literal(factor)),
            _call("upsample", factor),
        )
    )


def _call(name: str, *numbers: int, **named: Literal | Word) -> Apply:
    arguments = [Argument(None, Literal(number)) for number in numbers]
    return Apply(name, (*arguments, *(Argument(key, value) for key, value in named.items())))
