"""What the handlers of statements and stages share while one network is elaborated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeAlias

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate import budget
from archdsl.elaborate.arguments import ArgumentBinder, KnownOps, OpCache
from archdsl.elaborate.block_cache import BlockCache
from archdsl.elaborate.budget import Budget
from archdsl.elaborate.expression_text import ExpressionTexts
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Key, Naming, Scope
from archdsl.elaborate.values import Environment, Exhausted, MaybeValue
from archdsl.initializers import Initializer
from archdsl.ir import GraphBuilder, Result, Value
from archdsl.literals import show
from archdsl.session import Session
from archdsl.shapes import SymbolicSize
from archdsl.sizes import SizeSet
from archdsl.source import Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.uses import counter_and_element, parents_of


class Assumption(Protocol):
    """What is assumed about the place that is being elaborated: see `archdsl.elaborate.uncalled_blocks`."""

    conditions: list[str]

    def judge(self, error: Diagnostic, scope: Scope | None) -> Diagnostic | None:
        """Return what to report of an error; None for nothing."""


class Handlers(NamedTuple):
    """The handler of each kind of statement and stage. It returns the value of `x` behind it, and raises `SpecError`."""

    statements: Mapping[type[ast.Statement], StatementHandler]
    stages: Mapping[type[ast.Stage], StageHandler]


class Context:
    """The graph under construction, the budget, the sink of diagnostics, and the place that is being elaborated."""

    def __init__(self, name: str, session: Session, handlers: Handlers, known_ops: KnownOps | None = None) -> None:
        self.handlers = handlers
        self.session = session
        self.limits = session.limits
        self.budget = Budget(session.limits, self.exceeded)
        self.evaluator = Evaluator(session, self.budget)
        self.binder = ArgumentBinder(self.evaluator)
        self.builder = GraphBuilder(name)
        self.evaluator.paths.builder = self.builder
        self.op_cache = OpCache(self.evaluator, known_ops or KnownOps())
        self.block_cache = BlockCache(self.builder)
        self.expression_texts = ExpressionTexts()
        self.size_values = 0
        """The numbers that the formulas of symbolic sizes are kept as, all together."""

        self.results: dict[str, tuple[Result, Value]] = {}
        self.initializers: dict[str, Initializer] = {}
        self.initialized: dict[str, Span] = {}
        self.stated: dict[str, SizeSet] = {}
        self.stated_at: dict[str, Span] = {}
        self.claim_names: dict[int, set[str]] = {}

        self.given_sizes: Mapping[str, tuple[int, ...]] = {}
        """The shapes of inputs that replace the declared ones, by name."""
        self.numbers: Mapping[str, int] = {}
        """What symbolic sizes are set to, where the network is wanted for given sizes alone."""
        self.any_size = False
        """Whether the inputs have symbolic sizes in place of fixed ones; claims then say nothing."""
        self.replaced_by: dict[tuple[int, int], SymbolicSize] = {}
        """Those symbolic sizes, by the axis, counted from the last, and the size that they replace."""

        self.diagnostics: list[Diagnostic] = []
        self.false_claims: list[Diagnostic] = []
        self._reported: set[tuple[str, Span]] = set()
        self.assumption: Assumption | None = None
        """Set while a block is examined that the network does not call."""

        self.called: set[ast.Definition] = set()
        self.active: list[ast.Definition] = []
        self.variables: dict[str, Any] = {}
        self.pair_loops: tuple[ast.For, ...] = ()
        """The loops with a counter around the place whose elements are lists of two."""
        self.pipeline: tuple[ast.Stage, ...] = ()
        """The stages of the innermost pipeline that is under way."""
        self.declared: ast.Stage | None = None
        """The last op without an input: as a statement of its own it declares a value, and leaves `x` as it is."""
        self.keys_alone: dict[str, Span] = {}
        """Labels that are called like an op or a block, and so are no values."""
        self.scope: Scope | None = None
        self.modules = 0
        """How many modules that a body declares are running."""
        self.detached = 0
        """While it is over zero, code is examined for mistakes alone, and stays out of the graph."""
        self._depth = 0
        self._bodies = 0
        self._rounds = 0

    def declares(self, statement: ast.Statement) -> bool:
        """Return whether the statement that ran is an op without an input, which leaves `x` as it is."""
        return isinstance(statement, ast.Pipeline) and len(statement.stages) == 1 and statement.stages[0] is self.declared

    # -- diagnostics --

    def report(self, diagnostic: Diagnostic, claim: bool = False) -> None:
        """Keep a diagnostic with the chain of calls that led to it. One place is reported once. Raise `Exhausted` after the last.

        A false `claim` is kept apart: it may follow from other errors.
        """
        if self.assumption is not None and diagnostic.is_error:
            judged = self.assumption.judge(diagnostic, self.scope)
            if judged is None:
                return
            diagnostic = judged
            claim = claim and diagnostic.is_error
        place = (diagnostic.code, diagnostic.mark.span) if diagnostic.mark else None
        if place in self._reported:
            return
        if place is not None:
            self._reported.add(place)
        kept = self.false_claims if claim else self.diagnostics
        loops = map(_counter_note, self.pair_loops if diagnostic.is_error else ())
        kept.append(diagnostic.with_notes([*filter(None, loops), *call_chain(self.scope)]))
        if diagnostic.is_error and len(kept) >= self.limits.errors:
            raise Exhausted

    def failed(self, error: SpecError) -> None:
        """Report what an error carries."""
        for diagnostic in error.diagnostics:
            self.report(diagnostic)

    def exceeded(self, diagnostic: Diagnostic) -> Exhausted:
        """Report what goes over a limit, and return the exception that ends the elaboration."""
        self.report(diagnostic)
        return Exhausted()

    # -- limits --

    def enter(self, body: ast.Body) -> None:
        """Count a body that begins to run; `leave` follows."""
        self._depth += 1
        self._bodies += 1
        if self._bodies > self.limits.iterations:
            raise self.exceeded(codes.limits.TooManyBodies(self.limits.iterations).at(body.span))
        if self._depth > self.limits.call_depth:
            raise self.exceeded(codes.limits.BodiesTooDeep(self.limits.call_depth).at(body.span))
        self.budget.charge(budget.STAGE * (1 + len(body.statements)), body.span)

    def leave(self) -> None:
        """Count a body that has run."""
        self._depth -= 1

    def count_round(self, loop: Span) -> None:
        """Count a round of a loop."""
        self._rounds += 1
        if self._rounds > self.limits.iterations:
            raise self.exceeded(codes.limits.TooManyRounds(self.limits.iterations).at(loop))

    # -- places --

    @contextmanager
    def out_of_the_graph(self) -> Iterator[None]:
        """Examine what follows for mistakes alone."""
        self.detached += 1
        try:
            yield
        finally:
            self.detached -= 1

    @contextmanager
    def tentative(self) -> Iterator[None]:
        """Try something that is not in the text, and forget all that is found, errors included."""
        found, claims, places = len(self.diagnostics), len(self.false_claims), set(self._reported)
        try:
            with self.effects_discarded():
                yield
        finally:
            del self.diagnostics[found:], self.false_claims[claims:]
            self._reported = places

    @contextmanager
    def effects_discarded(self, condition: str | None = None) -> Iterator[None]:
        """Examine for mistakes alone what may not run; forget what it says about the network.

        The condition says when it runs, as a clause.
        """
        results, claims = len(self.results), len(self.builder.function.claims)
        assumption = self.assumption if condition is not None else None
        if assumption is not None and condition is not None:
            assumption.conditions.append(condition)
        try:
            with self.out_of_the_graph():
                yield
        finally:
            if assumption is not None:
                assumption.conditions.pop()
            while len(self.results) > results:
                self.results.popitem()
            del self.builder.function.claims[claims:]


StatementHandler: TypeAlias = Callable[[Context, Any, Environment, MaybeValue, Naming], MaybeValue]
StageHandler: TypeAlias = Callable[[Context, Any, Environment, MaybeValue, Naming, Key | None], MaybeValue]


def _counter_note(loop: ast.For) -> str | None:
    """Return what the names of a loop mean, if they may have been taken for the parts of each element; else None."""
    names = counter_and_element(loop.targets)
    if names is None or any(
        isinstance(node, ast.Index | ast.For | ast.Comprehension) for node in parents_of(names[1], loop.body)
    ):
        return None
    first, second = names
    return f"`{first}` counts from 0, and `{second}` is the whole element; `for [{first}, {second}] in ...` names its parts"


def call_chain(scope: Scope | None) -> tuple[str, ...]:
    """Return the block calls around a scope, innermost first, with their arguments and loop variables."""
    notes = []
    for around in scope.enclosing() if scope is not None else ():
        if around.kind == "block" and around.parent is not None:
            given = ", ".join(show(v) if i == 0 else f"{k} = {show(v)}" for i, (k, v) in enumerate(around.given.items()))
            where = ", ".join(f"{k} = {show(v)}" for k, v in around.variables.items())
            notes.append(f"in {around.block}({given}), called at {around.span.place}" + (f" ({where})" if where else ""))
        if around.used is not None:
            notes.append(f"in the module `{around.name}`, which runs at {around.used.place}")
    return tuple(notes[:8])
