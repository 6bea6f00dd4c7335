"""Run the stages in order: text, syntax, graph, passes, checks. Only this module knows the order.

Errors in a spec are returned as diagnostics, never raised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial as partial_of
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from archdsl.addresses import bases_of_aliases, read_address, stand_alone_networks
from archdsl.analysis import Costs, SymbolicSizes
from archdsl.analysis.claims import about_declared, check_claims
from archdsl.compiled import AS_DECLARED, Checked, Compiled, Variant
from archdsl.diagnostics import Diagnostic, SpecError, codes, gathered
from archdsl.elaborate import (
    FalseClaim,
    Module,
    Program,
    elaborate,
    files_of,
    not_explained,
    open_parameters,
    read_source,
    select_network,
)
from archdsl.input_sizes import InputSizes, by_input
from archdsl.ir import NO_NAMES, Graph
from archdsl.limits import Limits
from archdsl.lints import RULES, Tree, TreeRule, lint_graph, lint_recipe, lint_sizes, lint_tree, suppressed
from archdsl.passes import SIZE_PASSES, run_passes
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


_IN_TRAINING: Final = frozenset({"W0109", "W0110"})
"""Codes of warnings that may come up only when the data is there."""

_Train: TypeAlias = "tuple[Recipe | None, Mapping[str, Span], list[Diagnostic]]"
"""A recipe, the places of its keys, and what is wrong with it."""


def compile_address(
    address: str,
    settings: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
    *,
    session: Session | None = None,
    sizes: InputSizes = (),
) -> Compiled:
    """Compile a network by its address: `FILE`, `FILE:NETWORK`, or the name of a shipped network such as `resnet50`.

    `settings` are expressions by parameter name; those that begin with `train.` change the recipe.
    `-` is standard input, where that is given. Without a session, the default limits hold and nothing is kept for a later call.
    `sizes` replace those of the inputs. Raise `WrongInputs` for sizes of inputs that the network does not have.
    """
    session = session or Session()
    path, name, source = read_address(address, session, stdin)
    if isinstance(source, Diagnostic):
        return Compiled(None, None, [source])
    return compile_source(source, path, name, settings, session=session, sizes=sizes)


def compile_text(
    text: str,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    shown: str = "<text>",
    session: Session | None = None,
    sizes: InputSizes = (),
) -> Compiled:
    """Compile a network in a text. Such a text cannot import."""
    return compile_source(SourceFile(shown, text), None, name, settings, session=session, sizes=sizes)


def compile_source(
    source: SourceFile,
    path: Path | None,
    name: str | None,
    settings: Mapping[str, str] | None = None,
    *,
    session: Session | None = None,
    sizes: InputSizes = (),
) -> Compiled:
    """Compile a network in a source that lies at a path."""
    session = session or Session()
    with session.collector_paused():
        return _compile_source(source, path, name, Variant(settings or {}, sizes), session)


def _compile_source(source: SourceFile, path: Path | None, name: str | None, variant: Variant, session: Session) -> Compiled:
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
    compiled = _compile(program, module, chosen, variant, _recipe(module, variant.settings, session))
    return replace(compiled, path=path, variant=variant)


def _compile(program: Program, module: Module, chosen: ast.Definition, variant: Variant, train: _Train) -> Compiled:
    compiled, false_claims = _examine(program, module, chosen, variant, train)
    found = [*compiled.diagnostics, *not_explained(false_claims, compiled.diagnostics)]
    whole = compiled.ok and variant == AS_DECLARED and stand_alone_networks(module) == [chosen]
    found = _linted(program, module, found, variant.settings, whole=whole)
    return _specialized(replace(compiled, diagnostics=_in_order(found, program)), variant.sizes)


def _specialized(compiled: Compiled, given: InputSizes) -> Compiled:
    """Return what became of a network with the given sizes in place of symbolic ones, or the errors that this causes."""
    if compiled.graph is None or not given:
        return compiled
    from archdsl.analysis import at_sizes  # here: most networks are checked at their own sizes

    graph = compiled.graph
    graph_then, errors = at_sizes(graph, compiled.sizes, by_input([value.name or "" for value in graph.inputs], given))
    sizes = SymbolicSizes() if graph_then is not None else compiled.sizes
    return replace(compiled, graph=graph_then, diagnostics=[*compiled.diagnostics, *errors], sizes=sizes)


def _examine(
    program: Program, module: Module, chosen: ast.Definition, variant: Variant, train: _Train
) -> tuple[Compiled, list[FalseClaim]]:
    """Return what became of a network, at given sizes if no others do, and its false claims, which other errors may cause."""
    compiled, claims = _examine_with(NO_NAMES, program, module, chosen, variant, train)
    if compiled.graph is not None or not variant.sizes or compiled.partial is None or not compiled.partial.symbols:
        return compiled, claims
    from archdsl.analysis import numbers_instead  # here: most networks are checked at their own sizes

    numbers = numbers_instead(compiled.partial, compiled.diagnostics, variant.sizes)
    if isinstance(numbers, Diagnostic):
        return replace(compiled, diagnostics=[*compiled.diagnostics, numbers]), claims
    return _examine_with(numbers, program, module, chosen, variant, train) if numbers else (compiled, claims)


def _examine_with(
    numbers: Mapping[str, int], program: Program, module: Module, chosen: ast.Definition, variant: Variant, train: _Train
) -> tuple[Compiled, list[FalseClaim]]:
    """Return what became of a network with these numbers in place of symbolic sizes, and its false claims."""
    limits, session = program.session.limits, program.session
    elaborated = partial_of(elaborate, module, chosen, variant.own, session, known_ops=program.known_ops)
    elaboration = elaborated(variant.sizes, numbers=numbers)
    recipe, places, recipe_errors = train
    own = elaboration.diagnostics
    if elaboration.has_errors:
        from archdsl.analysis.working_sizes import with_working_sizes  # here: most networks are right

        own = with_working_sizes(elaboration, elaborated, variant.sizes, limits)
    shared = {(type(error), error.span) for error in own if error.span is not None}  # those of constants
    found = [*own, *(error for error in recipe_errors if (type(error), error.span) not in shared)]
    sizes, false_claims = SymbolicSizes(), elaboration.false_claims
    undecided, steps = elaboration.undecided, elaboration.steps
    partial = elaboration.graph
    sound = not elaboration.has_errors if variant.sizes else elaboration.ok  # claims may be about the declared sizes
    graph = partial if sound and partial.has_result else None
    if graph is not None:
        graph = partial = run_passes(graph)
        found += lint_graph(graph, partial=module.file.damaged)
        if graph.symbols:
            sizes, about_sizes = _decide_sizes(graph, limits)
            found += about_sizes
        if recipe is not None and not module.file.damaged:
            found += _about_recipe(graph, recipe, places, module)
        checked = check_claims(graph, Costs().named_counts, session, steps)
        found += checked.errors
        undecided, steps = undecided or checked.undecided, checked.steps
        false_claims += [FalseClaim(module, chosen, false, elaboration.unread) for false in checked.false]
    else:
        found += lint_graph(elaboration.graph, partial=True)
    if variant.sizes and false_claims:
        declared, false_then = _examine_with(NO_NAMES, program, module, chosen, variant._replace(sizes=()), train)
        false_claims, skipped = about_declared(false_claims, false_then, declared.partial)
        found += skipped
    found = [*program.diagnostics, *program.credible(found)]
    wrong = bool(false_claims) or any(diagnostic.is_error for diagnostic in found)
    if undecided is not None and not wrong:
        found.append(codes.arguments.Undecided(undecided.text).at(undecided))
        wrong = True
    if not wrong and variant == AS_DECLARED:
        found += _about_domains(program, module, chosen, partial)
    compiled = Compiled(
        None if wrong else graph,
        None if wrong else recipe,
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


def _about_recipe(graph: Graph, recipe: Recipe, places: Mapping[str, Span], module: Module) -> list[Diagnostic]:
    """Return what is wrong between a network and the recipe of its file."""
    from archdsl.analysis import unknown_labels  # here: most files have no recipe

    alone = len(stand_alone_networks(module)) == 1
    return [*unknown_labels(graph, recipe, places, alone=alone), *lint_recipe(graph, recipe, places)]


def _about_domains(program: Program, module: Module, chosen: ast.Definition, graph: Graph) -> list[Diagnostic]:
    """Return what is wrong with the search space of a network, if it declares one."""
    if not isinstance(chosen, ast.Network) or all(parameter.domain is None for parameter in chosen.parameters):
        return []
    from archdsl.lints.wrong_choices import wrong_choices  # here: most networks have no search space

    return list(wrong_choices(module, chosen, graph.main.arguments, program.session, program.known_ops))


def _decide_sizes(graph: Graph, limits: Limits) -> tuple[SymbolicSizes, list[Diagnostic]]:
    """Decide for which symbolic sizes a graph is valid, and write the sizes in it as simply as these allow."""
    from archdsl.analysis import beyond_all_limits, decide_sizes  # here: most networks have fixed sizes

    sizes = decide_sizes(graph, limits)
    found = sizes.diagnostics + lint_sizes(graph, sizes)
    if not any(diagnostic.is_error for diagnostic in sizes.diagnostics):
        found += beyond_all_limits(sizes, graph)
    graph.valid_sizes, graph.coupled_sizes = dict(sizes.work), [tie.sizes for tie in sizes.couplings]
    run_passes(graph, SIZE_PASSES)
    return sizes, found


def _recipe(module: Module, settings: Mapping[str, str], session: Session) -> _Train:
    """Return the recipe of a file, with the settings for it."""
    settings = {key.removeprefix("train."): text for key, text in settings.items() if key.startswith("train.")}
    if not module.file.recipes and not settings:
        return None, {}, []
    from archdsl.elaborate.recipes import elaborate_recipe  # here: most files have none, and its models take time to define

    return elaborate_recipe(module, settings, session)


def check_text(text: str, shown: str = "<text>", *, session: Session | None = None) -> list[Diagnostic]:
    """Return all errors and warnings for a text, in all of its networks."""
    return check_source(SourceFile(shown, text), None, session=session).diagnostics


def check_address(
    address: str,
    settings: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
    *,
    session: Session | None = None,
    sizes: InputSizes = (),
) -> Checked:
    """Check all networks of the file at an address, or the one that the address names."""
    session = session or Session()
    path, name, source = read_address(address, session, stdin)
    if isinstance(source, Diagnostic):
        return Checked([], [source])
    return check_source(source, path, name, settings, session=session, sizes=sizes)


def check_source(
    source: SourceFile,
    path: Path | None,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    session: Session | None = None,
    sizes: InputSizes = (),
) -> Checked:
    """Check all networks of a source that lies at a path, or one of them by name.

    A setting changes each network that has the parameter open.
    """
    session = session or Session()
    if name is not None:
        compiled = compile_source(source, path, name, settings, session=session, sizes=sizes)
        return Checked([(name, compiled)], compiled.diagnostics, compiled.sources, compiled.module)
    with session.collector_paused():
        return _check_source(source, path, Variant(settings or {}, sizes), session)


def _check_source(source: SourceFile, path: Path | None, variant: Variant, session: Session) -> Checked:
    program = Program(path.parent if path is not None else None, session)
    module = program.module(source, path)
    networks, false_claims = _networks(module, variant), list[FalseClaim]()
    checked: list[tuple[str, Compiled]] = []
    results: list[list[Diagnostic]] = []
    steps, train = 0, _recipe(module, variant.settings, session)
    variants = _variants(module, networks, variant, session)
    for network in networks:
        if steps > session.limits.steps:
            results.append([codes.limits.TooManySteps(network.name, session.limits.steps).at(network.name_span)])
            false_claims.clear()  # what makes the file too large may make them false
            break
        examined, claims = _examine(program, module, network, variants[network.name], train)
        compiled = _specialized(replace(examined, path=path), variant.sizes)
        results.append(_in_order(compiled.diagnostics, program))
        checked.append((network.name, replace(compiled, diagnostics=[*results[-1], *(claim.diagnostic for claim in claims)])))
        false_claims += claims
        steps += compiled.steps
    results.append(program.diagnostics if networks or program.diagnostics else [_no_network(module, source)])
    found = _once(diagnostic for result in results for diagnostic in result)
    found = _once([*found, *not_explained(false_claims, found)])
    whole = bool(networks) and variant == AS_DECLARED
    found = _in_order(_linted(program, module, found, variant.settings, whole=whole), program)
    return Checked(checked, found, program.sources, module)


def _networks(module: Module, variant: Variant) -> list[ast.Network | ast.Alias]:
    """Return the networks of a file that can be checked: those that stand alone, and templates whose parameters are all set."""
    found = stand_alone_networks(module)
    for definition in module.definitions.values():
        if isinstance(definition, ast.Network) and definition not in found:
            if all(parameter.is_optional or parameter.name in variant.own for parameter in definition.parameters):
                found.append(definition)
    return found


def _variants(module: Module, networks: list[ast.Network | ast.Alias], variant: Variant, session: Session) -> dict[str, Variant]:
    """Return what is set of each network: its open parameters. The first is told of a setting for which none has a parameter."""
    open_ones = {n.name: {p.name for p in open_parameters(module, n, session.limits)} for n in networks} if variant.own else {}
    known = {name for names in open_ones.values() for name in names}
    found = {}
    for network in networks:
        own = open_ones.get(network.name, set())
        first = network is networks[0]
        kept = {key: text for key, text in variant.own.items() if key in own or (first and key not in known)}
        found[network.name] = Variant(kept, variant.sizes)
    return found


def _linted(
    program: Program, module: Module, found: list[Diagnostic], settings: Mapping[str, str], *, whole: bool
) -> list[Diagnostic]:
    """Return the findings with those about the text, without what comments suppress. `whole` if every network was looked at."""
    tree = Tree(module.file, module.definitions, found, tuple(settings.values()))
    found = [*found, *program.credible(lint_tree(tree))]
    decided = {rule.code for rule in RULES if whole or isinstance(rule, TreeRule)} | ({"W0107"} if whole else set())
    return suppressed(found, files_of(module), decided - _IN_TRAINING if tree.is_sound else ())


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
        yield network, module.file, replace(_compile(program, module, network, AS_DECLARED, train), path=path)
