"""Run the stages in order: text, syntax, graph, passes, checks. Only this module knows the order.

Errors in a spec are returned as diagnostics, never raised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from archdsl.addresses import bases_of_aliases, read_address, stand_alone_networks
from archdsl.analysis import Costs, SymbolicSizes, beyond_all_limits, decide_sizes, unknown_labels, value_counts
from archdsl.analysis.claims import check_claims
from archdsl.diagnostics import Diagnostic, SpecError, codes, gathered
from archdsl.elaborate import (
    FalseClaim,
    Module,
    Program,
    elaborate,
    not_explained,
    read_source,
    select_network,
)
from archdsl.frozen_record import record
from archdsl.ir import Graph
from archdsl.limits import DEFAULT, Limits
from archdsl.lints import RULES, Tree, TreeRule, lint_graph, lint_recipe, lint_sizes, lint_tree, suppressed
from archdsl.passes import SIZE_PASSES, run_passes
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.symbols import SymbolTable
    from archdsl.recipe import Recipe


_IN_TRAINING: Final = frozenset({"W0109", "W0110"})
"""Codes of warnings that may come up only when the data is there."""

_Train: TypeAlias = "tuple[Recipe | None, Mapping[str, Span], list[Diagnostic]]"
"""A recipe, the places of its keys, and what is wrong with it."""


@record
class Compiled:
    """The result of compiling a spec: a graph, a recipe if there is one, and all diagnostics."""

    graph: Graph | None
    """The network; None if something is wrong."""
    recipe: Recipe | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...] = ()
    path: Path | None = None
    """The file of the first source, if it is one: imports and a recipe's paths start in its folder."""
    sizes: SymbolicSizes = field(default_factory=SymbolicSizes)
    """The valid values of the symbolic sizes."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """The place of each key of the recipe."""
    steps: int = 0
    """The number of steps that the check took: see `elaborate.steps`."""
    partial: Graph | None = None
    """The known part of the network, for editors and pictures: all of it, or a graph that ends at an error."""
    limits: Limits = DEFAULT
    """The limits of the session that checked it."""

    module: Module | None = None
    """The file with its imports; None if it could not be read."""

    @property
    def symbols(self) -> SymbolTable | None:
        """The meaning of every name in the file and its imports; built on demand."""
        from archdsl.elaborate.symbols import SymbolTable  # here: editors ask for it, and no command does

        return SymbolTable(self.module) if self.module is not None else None

    @property
    def ok(self) -> bool:
        """Whether there is a graph."""
        return self.graph is not None

    def require(self) -> Graph:
        """Return the graph. Raise `SpecError` with everything that was found if there is none."""
        if self.graph is None:
            raise SpecError(*self.diagnostics)
        return self.graph


def compile_address(
    address: str, settings: Mapping[str, str] | None = None, stdin: IO[bytes] | None = None, *, session: Session | None = None
) -> Compiled:
    """Compile a network by its address: `FILE`, `FILE:NETWORK`, or the name of a shipped network such as `resnet50`.

    `settings` are expressions by parameter name; those that begin with `train.` change the recipe.
    `-` is standard input, where that is given. Without a session, the default limits hold and nothing is kept for a later call.
    """
    session = session or Session()
    path, name, source = read_address(address, session, stdin)
    if isinstance(source, Diagnostic):
        return Compiled(None, None, [source])
    return compile_source(source, path, name, settings, session=session)


def compile_text(
    text: str,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    shown: str = "<text>",
    session: Session | None = None,
) -> Compiled:
    """Compile a network in a text. Such a text cannot import."""
    return compile_source(SourceFile(shown, text), None, name, settings, session=session)


def compile_source(
    source: SourceFile,
    path: Path | None,
    name: str | None,
    settings: Mapping[str, str] | None = None,
    *,
    session: Session | None = None,
) -> Compiled:
    """Compile a network in a source that lies at a path."""
    session = session or Session()
    with session.collector_paused():
        return _compile_source(source, path, name, settings or {}, session)


def _compile_source(
    source: SourceFile, path: Path | None, name: str | None, settings: Mapping[str, str], session: Session
) -> Compiled:
    program = Program(path.parent if path is not None else None, session)
    module = program.module(source, path)
    shown = source.name
    if module.file.damaged and not module.definitions:
        return Compiled(None, None, program.diagnostics, module=module)
    chosen = select_network(module, name, path.stem if path is not None else "", shown)
    if isinstance(chosen, Diagnostic):  # where a definition is damaged, it may be the one that is missed
        wrong = any(diagnostic.is_error for diagnostic in program.diagnostics)
        found = program.diagnostics if wrong else [*program.diagnostics, chosen]
        return Compiled(None, None, found, module=module)
    compiled = _compile(program, module, chosen, settings, _recipe(module, settings, session))
    return replace(compiled, path=path)


def _compile(program: Program, module: Module, chosen: ast.Definition, settings: Mapping[str, str], train: _Train) -> Compiled:
    compiled, false_claims = _examine(program, module, chosen, settings, train)
    found = [*compiled.diagnostics, *not_explained(false_claims, compiled.diagnostics)]
    whole = compiled.ok and not settings and stand_alone_networks(module) == [chosen]
    return replace(compiled, diagnostics=_in_order(_linted(program, module, found, settings, whole=whole), program))


def _examine(
    program: Program, module: Module, chosen: ast.Definition, settings: Mapping[str, str], train: _Train
) -> tuple[Compiled, list[FalseClaim]]:
    """Return what became of a network, and its false claims, which may follow from other errors."""
    limits = program.session.limits
    own = {key: text for key, text in settings.items() if not key.startswith("train.")}
    elaboration = elaborate(module, chosen, own, program.session)
    recipe, places, recipe_errors = train
    shared = {(type(error), error.span) for error in elaboration.diagnostics if error.span is not None}  # those of constants
    found = [*elaboration.diagnostics, *(error for error in recipe_errors if (type(error), error.span) not in shared)]
    sizes, false_claims = SymbolicSizes(), elaboration.false_claims
    undecided, steps = elaboration.undecided, elaboration.steps
    partial = elaboration.graph
    graph = partial if elaboration.ok and partial.has_result else None
    if graph is not None:
        graph = partial = run_passes(graph)
        found += lint_graph(graph, partial=module.file.damaged)
        sizes = decide_sizes(graph, limits)
        found += sizes.diagnostics + lint_sizes(graph, sizes)
        if not any(diagnostic.is_error for diagnostic in sizes.diagnostics):
            found += beyond_all_limits(sizes, graph)
        if sizes.work:
            graph.valid_sizes, graph.coupled_sizes = dict(sizes.work), [tie.sizes for tie in sizes.couplings]
            graph = partial = run_passes(graph, SIZE_PASSES)
        if recipe is not None and not module.file.damaged:
            found += unknown_labels(graph, recipe, places, alone=len(stand_alone_networks(module)) == 1)
            found += lint_recipe(graph, recipe, places)
        costs = Costs()
        checked = check_claims(graph, lambda function: value_counts(costs.counts(function)), program.session, steps)
        found += checked.errors
        undecided, steps = undecided or checked.undecided, checked.steps
        false_claims += [FalseClaim(module, chosen, false, elaboration.unread) for false in checked.false]
    else:
        found += lint_graph(elaboration.graph, partial=True)
    found = [*program.diagnostics, *program.credible(found)]
    wrong = bool(false_claims) or any(diagnostic.is_error for diagnostic in found)
    if undecided is not None and not wrong:
        found.append(codes.arguments.Undecided(undecided.text).at(undecided))
        wrong = True
    if wrong:
        graph = None
    compiled = Compiled(
        graph,
        recipe if graph is not None else None,
        found,
        program.sources,
        sizes=sizes,
        places=places,
        steps=steps,
        partial=partial,
        module=module,
        limits=limits,
    )
    return compiled, false_claims


def _recipe(module: Module, settings: Mapping[str, str], session: Session) -> _Train:
    """Return the recipe of a file, with the settings for it."""
    settings = {key.removeprefix("train."): text for key, text in settings.items() if key.startswith("train.")}
    if not module.file.recipes and not settings:
        return None, {}, []
    from archdsl.elaborate.recipes import elaborate_recipe  # here: most files have none, and its models take time to define

    return elaborate_recipe(module, settings, session)


def check_text(text: str, shown: str = "<text>", *, session: Session | None = None) -> list[Diagnostic]:
    """Return all errors and warnings for a text, in all of its networks."""
    session = session or Session()
    with session.collector_paused():
        return _check_source(SourceFile(shown, text), session)


def _check_source(source: SourceFile, session: Session) -> list[Diagnostic]:
    program = Program(None, session)
    module = program.module(source, None)
    networks, false_claims = stand_alone_networks(module), list[FalseClaim]()
    results: list[list[Diagnostic]] = []
    steps, train = 0, _recipe(module, {}, session)
    for network in networks:
        if steps > session.limits.steps:
            results.append([codes.limits.TooManySteps(network.name, session.limits.steps).at(network.name_span)])
            false_claims.clear()  # what makes the file too large may make them false
            break
        compiled, claims = _examine(program, module, network, {}, train)
        results.append(_in_order(compiled.diagnostics, program))
        false_claims += claims
        steps += compiled.steps
    results.append(program.diagnostics if networks or program.diagnostics else [_no_network(module, source)])
    found = _once(diagnostic for result in results for diagnostic in result)
    found = _once([*found, *not_explained(false_claims, found)])
    return _in_order(_linted(program, module, found, {}, whole=bool(networks)), program)


def _linted(
    program: Program, module: Module, found: list[Diagnostic], settings: Mapping[str, str], *, whole: bool
) -> list[Diagnostic]:
    """Return the findings with those about the text, without what comments suppress. `whole` if every network was looked at."""
    tree = Tree(module.file, module.definitions, found, tuple(settings.values()))
    found = [*found, *program.credible(lint_tree(tree))]
    decided = {rule.code for rule in RULES if whole or isinstance(rule, TreeRule)} | ({"W0107"} if whole else set())
    return suppressed(found, files_of(module), decided - _IN_TRAINING if tree.is_sound else ())


def files_of(module: Module) -> Iterator[ast.File]:
    """Yield the file of a module, then those that it imports, directly or not."""
    seen, pending = set[int](), [module]
    while pending:
        module = pending.pop(0)
        if id(module) not in seen:
            seen.add(id(module))
            yield module.file
            pending += module.imports.values()


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of several networks, one of a kind for each place, although sizes may differ between networks."""
    found: dict[object, Diagnostic] = {}
    for diagnostic in diagnostics:
        key = (type(diagnostic), diagnostic.span) if diagnostic.span is not None else diagnostic
        found.setdefault(key, diagnostic)
    return list(found.values())


def _no_network(module: Module, source: SourceFile) -> Diagnostic:
    chosen = select_network(module, None, "", source.name)
    assert isinstance(chosen, Diagnostic)
    return chosen


def _in_order(diagnostics: list[Diagnostic], program: Program) -> list[Diagnostic]:
    """Return the first few diagnostics by place, file by file as they are imported; those without a place come first."""
    files = {id(source): number for number, source in enumerate(program.sources)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        span = diagnostic.mark.span if diagnostic.mark is not None else None
        return (files.get(id(span.file), -1), span.start) if span is not None else (-2, 0)

    kept, counted = [], Counter[bool]()
    for diagnostic in gathered(sorted(diagnostics, key=place)):
        counted[diagnostic.is_error] += 1
        if counted[diagnostic.is_error] <= program.session.limits.errors:
            kept.append(diagnostic)
    return kept


def compile_networks(
    path: Path, *, bases_too: bool = True, session: Session | None = None
) -> Iterator[tuple[ast.Definition, ast.File, Compiled]]:
    """Yield every network of a file that can be built as it stands; with `bases_too` also those that aliases are made of."""
    session = session or Session()
    source = read_source(path, limits=session.limits)
    if isinstance(source, Diagnostic):
        raise SpecError(source)
    program = Program(path.parent, session)
    module = program.module(source, path)
    left_out, train = set() if bases_too else bases_of_aliases(module.file), _recipe(module, {}, session)
    for network in stand_alone_networks(module):
        if network.name in left_out:
            continue
        yield network, module.file, replace(_compile(program, module, network, {}, train), path=path)
