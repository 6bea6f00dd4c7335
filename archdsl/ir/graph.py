"""The graph of a network: its functions, its results, and the conditions on its symbolic sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, NamedTuple

from archdsl.frozen_record import record
from archdsl.initializers import Initializer
from archdsl.ir.core import Function, Value
from archdsl.ops.base import Op, WeightedOp
from archdsl.shapes import Shape, symbols_of
from archdsl.sizes import SizeSet
from archdsl.source import Span


class Result(NamedTuple):
    """One output of a network: its result, a further output, or an auxiliary head.

    A head is computed in training alone, and its loss counts with this `weight`.
    """

    name: str
    kind: Literal["main", "output", "head"] = "main"
    weight: float = 1.0
    span: Span | None = None


class FoldedNorm(NamedTuple):
    """A normalization that was folded into the layer before which or after which it was: its key, and its op."""

    path: str
    op: Op
    side: Literal["before", "after"]


class FoldedLayer(NamedTuple):
    """A layer whose weight and bias are computed from tensors of the network as it is written.

    `path` is its key there and here, `op` what it is there, `inputs` the shapes that it takes. The `norms` are in the order of
    folding: each was next to what the layer and the ones before it compute together.
    """

    path: str
    op: Op
    inputs: tuple[Shape, ...]
    norms: tuple[FoldedNorm, ...] = ()


@record(frozen=False)
class Graph:
    """A network, elaborated: every parameter bound, every loop unrolled, every size known or a formula.

    `results` says what each output of `main` is, in the same order; the first is the network's result.
    """

    main: Function
    results: list[Result]
    initializers: Mapping[str, Initializer] = field(default_factory=dict)
    """By op, the rules that fill its weights."""
    stated: Mapping[str, SizeSet] = field(default_factory=dict)
    """For each symbolic size on which an input states a condition, the sizes that meet it."""
    stated_at: Mapping[str, Span] = field(default_factory=dict)
    valid_sizes: Mapping[str, SizeSet] = field(default_factory=dict)
    """For each symbolic size the values for which the network is valid, once that is decided."""
    coupled_sizes: Sequence[Mapping[str, SizeSet]] = ()
    """Couplings of symbolic sizes: of each, one of the sizes must be in its set."""
    inference: bool = False
    """Whether it is optimized for evaluation alone: see `passes.optimized`."""
    folded: Sequence[FoldedLayer] = ()
    """The layers whose weights are computed from those of the network as it is written."""
    complete: bool = True
    """Whether the whole network is there. A partial graph ends where an error hides what comes next, and may lack its result.

    It holds what is known: no pass has run on it, a call may make fewer values than its text suggests, and
    `Function.failures` say what could not be applied.
    """

    @property
    def name(self) -> str:
        """The network's name."""
        return self.main.name

    @property
    def doc(self) -> str:
        """The network's documentation."""
        return self.main.doc

    @property
    def inputs(self) -> Sequence[Value]:
        """The network's inputs."""
        return self.main.inputs

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbolic sizes of the inputs, of which all others are functions."""
        return symbols_of(*(size for value in self.inputs for size in value.shape))

    @property
    def result(self) -> Value:
        """The network's result."""
        return self.main.outputs[0]

    @property
    def has_result(self) -> bool:
        """Whether there is a result: a partial graph may have none."""
        return bool(self.results) and self.results[0].kind == "main"

    def returned(self, kind: Literal["main", "output", "head"]) -> list[tuple[Result, Value]]:
        """Return the results of a kind, with their values."""
        pairs = zip(self.results, self.main.outputs, strict=True)
        return [(result, value) for result, value in pairs if result.kind == kind]

    @property
    def heads(self) -> list[tuple[Result, Value]]:
        """The auxiliary heads with their values."""
        return self.returned("head")

    @property
    def outputs(self) -> list[tuple[Result, Value]]:
        """The further outputs with their values."""
        return self.returned("output")

    def functions(self) -> list[Function]:
        """Return every function, a callee before its callers, in the order in which they are first needed; `main` is the last."""
        found: list[Function] = []
        seen = {self.main}

        def visit(function: Function) -> None:
            for call in function.calls:
                if call.callee not in seen:
                    seen.add(call.callee)
                    visit(call.callee)
            found.append(function)

        visit(self.main)
        return found

    def initializer(self, op: Op) -> Initializer | None:
        """Return the rule that fills an op's weight: its own, else the network's for it or for the op of which it is a kind."""
        if not isinstance(op, WeightedOp):
            return None
        kind = op.kind_of
        return op.init or self.initializers.get(op.name) or (self.initializers.get(kind) if kind else None)
