"""W0109: a warm-up that the run does not get through, or cuts of the rate and thaws that it does not reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.lints.rule import RecipeRule
from archdsl.source import Span

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


def _check(graph: Graph, recipe: Recipe, places: Mapping[str, Span]) -> Iterable[Diagnostic]:
    for finding in _late(recipe):
        yield finding.at(places.get(finding.argument or "") or places.get("epochs"))


def _late(recipe: Recipe) -> Iterable[Diagnostic]:
    warmup, cuts = getattr(recipe.schedule, "warmup", 0.0), getattr(recipe.schedule, "at", ())
    if warmup > recipe.epochs:
        yield codes.warnings.LongWarmup(warmup, recipe.epochs, recipe.optimizer.lr)
    late = tuple(epoch for epoch in cuts if epoch >= recipe.epochs)
    if late:
        yield codes.warnings.LateCuts(late, recipe.epochs)
    for thaw in recipe.unfreeze:
        if thaw.epoch > recipe.epochs:
            yield codes.warnings.LateUnfreeze(thaw.epoch, recipe.epochs)


RULE = RecipeRule("W0109", _check)
