"""The passes in the order in which they run, with the properties that each requires and preserves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from archdsl.ir import Graph, copy_graph
from archdsl.passes.drop_training import drop_training
from archdsl.passes.fold_batch_norm import fold_batch_norm
from archdsl.passes.mark_usage import mark_usage
from archdsl.passes.resolve_bias import resolve_bias
from archdsl.passes.share_functions import share_functions
from archdsl.passes.simplify_sizes import simplify_sizes


class Fact(StrEnum):
    """Something that holds of a graph once a pass or an analysis has seen to it."""

    SHARED = "equal functions are one"
    USAGE = "every node has the usage that the results give it"
    BIAS = "no bias is `auto`"
    VALID_SIZES = "it is decided for which symbolic sizes the network is valid"
    SIMPLE_SIZES = "symbolic sizes read as simple as their valid values allow"
    EVALUATION = "everything is needed in evaluation"
    FOLDED = "no batch normalization is left that a layer could hold"


class Pass(NamedTuple):
    """A rewrite. It requires facts, establishes some, and preserves all but those that it `breaks`."""

    run: Callable[[Graph], Graph]
    establishes: Fact
    requires: frozenset[Fact] = frozenset()
    breaks: frozenset[Fact] = frozenset()

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.run.__name__

    @property
    def preserves(self) -> frozenset[Fact]:
        """The facts that hold behind the pass if they hold before it."""
        return frozenset(Fact) - self.breaks


PASSES: Final = (
    Pass(mark_usage, Fact.USAGE, breaks=frozenset({Fact.SHARED})),
    Pass(resolve_bias, Fact.BIAS, breaks=frozenset({Fact.SHARED})),
    Pass(share_functions, Fact.SHARED),
)
"""Before the symbolic sizes are decided. Sharing comes last: the others copy functions, some of which end up equal."""
SIZE_PASSES: Final = (Pass(simplify_sizes, Fact.SIMPLE_SIZES, requires=frozenset({Fact.VALID_SIZES})),)
"""Once the symbolic sizes are decided."""
INFERENCE_PASSES: Final[tuple[Pass, ...]] = (
    Pass(drop_training, Fact.EVALUATION, requires=frozenset({Fact.USAGE}), breaks=frozenset({Fact.SHARED})),
    Pass(
        fold_batch_norm,
        Fact.FOLDED,
        requires=frozenset({Fact.EVALUATION, Fact.BIAS}),
        breaks=frozenset({Fact.SHARED}),
    ),
    Pass(share_functions, Fact.SHARED),
)
"""On a copy of a finished graph, for evaluation alone."""


def run_passes(graph: Graph, passes: tuple[Pass, ...] = PASSES) -> Graph:
    """Return the graph after every pass."""
    for one in passes:
        graph = one.run(graph)
    return graph


def optimized(graph: Graph) -> Graph:
    """Return a copy of a finished graph for evaluation alone, with folded batch normalization."""
    return run_passes(replace(copy_graph(graph), inference=True), INFERENCE_PASSES)
