"""The stages in their order: text, syntax, graph, passes, checks. The only module that knows it.

What is wrong with a spec comes back as diagnostics, never as an exception.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from archdsl.analysis import Costs, OpenSizes, beyond_all_limits, open_sizes, recipe_findings, value_counts
from archdsl.analysis.claims import check_claims
from archdsl.analysis.graph_warnings import graph_warnings
from archdsl.diagnostics import Diagnostic, SpecError, codes, gathered
from archdsl.elaborate import (
    FalseClaim,
    Module,
    Program,
    decode_source,
    elaborate,
    not_explained,
    open_parameters,
    read_source,
    select_network,
)
from archdsl.ir import Graph
from archdsl.limits import DEFAULT, Limits
from archdsl.passes import SIZE_PASSES, run_passes
from archdsl.records import record
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast

if TYPE_CHECKING:
    from archdsl.elaborate.symbols import SymbolTable
    from archdsl.recipe import Recipe


STDIN: Final = "/dev/stdin"


_Train: TypeAlias = "tuple[Recipe | None, Mapping[str, Span], list[Diagnostic]]"
"""A recipe, the places of its keys, and what is wrong with it."""


@record
class Compiled:
    """What became of a spec: a graph and a recipe where there is one, and everything that was found."""

    graph: Graph | None
    """The network; None if something is wrong."""
    recipe: Recipe | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...] = ()
    path: Path | None = None
    """Of the first source, where it is a file: imports and a recipe's paths start in its folder."""
    sizes: OpenSizes = field(default_factory=OpenSizes)
    """For which values of the sizes that the input leaves open the network works."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """Where each key of the recipe is set."""
    steps: int = 0
    """What checking it took: see `elaborate.steps`."""
    partial: Graph | None = None
    """What is known of the network, for editors and pictures: all of it, or a graph that ends where an error hides the rest."""
    limits: Limits = DEFAULT
    """Those of the session that checked it."""

    module: Module | None = None
    """The file with its imports; None if it could not be read."""

    @property
    def symbols(self) -> SymbolTable | None:
        """What every name in the file and its imports means; built when it is asked for."""
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


def split_address(address: str) -> tuple[str, str | None]:
    """Split `net.arch:resnet50` into its file and its network; the network is None if the address names none."""
    path, colon, name = address.rpartition(":")
    if colon and path and "/" not in name and "\\" not in name and "." not in name:
        return path, name
    return address, None


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


def read_address(
    address: str, session: Session, stdin: IO[bytes] | None = None
) -> tuple[Path | None, str | None, SourceFile | Diagnostic]:
    """Return the file of an address, the name of its network if it gives one, and its text."""
    path_text, name = split_address(address)
    if stdin is not None and path_text in ("-", STDIN):
        return None, name, _read_stream(stdin, "<stdin>", session.limits)
    if not path_text:
        return None, name, codes.files.NoFileNamed()
    path, bare = Path(path_text), "/" not in path_text and "." not in path_text
    if os.path.exists(path) or not bare:
        return path, name, read_source(path, str(path), limits=session.limits)
    shipped = (
        _shipped_file(path_text, session)
        if name is None
        else next((file for file in shipped_files() if file.stem == path_text), None)
    )
    if shipped is not None:
        return shipped, path_text if name is None else name, read_source(shipped, shipped.name, limits=session.limits)
    if name is not None and (file := _shipped_file(path_text, session)) is not None:
        return path, name, codes.files.NetworkForFile(path_text, file.stem, name)
    meant = f"{path_text}.arch"
    known = [] if os.path.exists(meant) else list(shipped_networks(session))
    return path, name, codes.files.NoSuchFile(address, path_text, None if known else meant, known)


def _read_stream(stream: IO[bytes], shown: str, limits: Limits) -> SourceFile | Diagnostic:
    """Return the text of a stream, of which no more is read than a spec may have."""
    try:
        data = stream.read(4 * limits.source_characters + 1)
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else error.strerror or error
        return codes.files.CannotRead(shown, str(reason), "name a file, or pipe one in")
    return decode_source(data, shown)


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
    return replace(compiled, diagnostics=_in_order(found, program))


def _examine(
    program: Program, module: Module, chosen: ast.Definition, settings: Mapping[str, str], train: _Train
) -> tuple[Compiled, list[FalseClaim]]:
    """Return what became of a network, and its false claims, which may follow from other errors."""
    limits = program.session.limits
    own = {key: text for key, text in settings.items() if not key.startswith("train.")}
    elaboration = elaborate(module, chosen, own, program.session)
    recipe, places, recipe_errors = train
    found = [*elaboration.diagnostics, *recipe_errors]
    sizes, false_claims = OpenSizes(), elaboration.false_claims
    undecided, steps = elaboration.undecided, elaboration.steps
    partial = elaboration.graph
    graph = partial if elaboration.ok and partial.has_result else None
    if graph is not None:
        graph = partial = run_passes(graph)
        if not module.file.damaged:
            found += graph_warnings(graph, module)
        sizes = open_sizes(graph, limits)
        found += sizes.diagnostics
        if not any(diagnostic.is_error for diagnostic in sizes.diagnostics):
            found += beyond_all_limits(sizes, graph)
        if sizes.work:
            graph.valid_sizes, graph.coupled_sizes = dict(sizes.work), [tie.sizes for tie in sizes.together]
            graph = partial = run_passes(graph, SIZE_PASSES)
        if recipe is not None and not module.file.damaged:
            found += recipe_findings(graph, recipe, places, alone=len(_networks(module)) == 1)
        costs = Costs()
        checked = check_claims(graph, lambda function: value_counts(costs.counts(function)), program.session, steps)
        found += checked.errors
        undecided, steps = undecided or checked.undecided, checked.steps
        false_claims += [FalseClaim(module, chosen, false, elaboration.unread) for false in checked.false]
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
    """Return everything that is wrong with a text, in all of its networks."""
    session = session or Session()
    with session.collector_paused():
        return _check_source(SourceFile(shown, text), session)


def _check_source(source: SourceFile, session: Session) -> list[Diagnostic]:
    program = Program(None, session)
    module = program.module(source, None)
    networks, false_claims = _networks(module), list[FalseClaim]()
    results: list[list[Diagnostic]] = []
    steps, train = 0, _recipe(module, {}, session)
    for network in networks:
        if steps > session.limits.steps:
            results.append([codes.structure.TooManySteps(network.name, session.limits.steps).at(network.name_span)])
            false_claims.clear()  # what makes the file too large may make them false
            break
        compiled, claims = _examine(program, module, network, {}, train)
        results.append(_in_order(compiled.diagnostics, program))
        false_claims += claims
        steps += compiled.steps
    results.append(program.diagnostics if networks or program.diagnostics else [_no_network(module, source)])
    found = _once(diagnostic for result in results for diagnostic in result)
    return _in_order(_once([*found, *not_explained(false_claims, found)]), program)


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of several networks, one for each place, although its sizes may differ between networks."""
    found: dict[tuple[object, ...], Diagnostic] = {}
    for diagnostic in diagnostics:
        found.setdefault(
            (diagnostic.code, diagnostic.mark.span if diagnostic.mark is not None else diagnostic.message), diagnostic
        )
    return list(found.values())


def networks_at(file: str) -> list[str]:
    """Return the names of the networks in a file or a shipped one; none if it cannot be read."""
    session = Session()
    path, _, source = read_address(f"{file}:any", session)
    if isinstance(source, Diagnostic):
        return []
    module = Program(path.parent if path is not None else None, session).module(source, path)
    return [name for name, d in module.definitions.items() if isinstance(d, ast.Network | ast.Alias)]


def parameters_at(address: str) -> dict[str, str]:
    """Return the open parameters of the network at an address, each with its text; none if there is no such network."""
    session = Session()
    path, name, source = read_address(address, session)
    if isinstance(source, Diagnostic):
        return {}
    module = Program(path.parent if path is not None else None, session).module(source, path)
    chosen = select_network(module, name, path.stem if path is not None else "", source.name)
    if isinstance(chosen, Diagnostic):
        return {}
    return {p.name: p.span.text for p in open_parameters(module, chosen, session.limits)}


def _bases(file: ast.File) -> set[str]:
    """The networks that aliases in the file give arguments to: what a family has in common."""
    targets = [ast.bare(d.target) for d in file.definitions if isinstance(d, ast.Alias)]
    callees = [ast.bare(target.callee) if isinstance(target, ast.CallExpr) else target for target in targets]
    called = {callee.id for callee in callees if isinstance(callee, ast.Name)}
    return {d.name for d in file.definitions if isinstance(d, ast.Network) and d.name in called}


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


def shipped_networks(session: Session | None = None) -> dict[str, Path]:
    """Return the networks that come with archdsl, by name, with their files."""
    session = session or Session()
    found: dict[str, Path] = {}
    for path in shipped_files():
        source = read_source(path)
        if isinstance(source, SourceFile):
            module = Program(path.parent, session).module(source, path)
            found |= dict.fromkeys((d.name for d in _networks(module)), path)
    return found


def _shipped_file(name: str, session: Session) -> Path | None:
    """The spec that defines a network. Those that do not hold its name are not parsed: all of them take longer than to check one."""
    for path in shipped_files():
        source = read_source(path, path.name)
        if isinstance(source, SourceFile) and name in source.text:
            definitions = Program(path.parent, session).module(source, path).definitions
            if isinstance(definitions.get(name), ast.Network | ast.Alias):
                return path
    return None


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
    left_out, train = set() if bases_too else _bases(module.file), _recipe(module, {}, session)
    for network in _networks(module):
        if network.name in left_out:
            continue
        yield network, module.file, replace(_compile(program, module, network, {}, train), path=path)


def _networks(module: Module) -> list[ast.Network | ast.Alias]:
    """Return the networks that need no arguments, without those that aliases in the file give arguments to."""
    waiting = _bases(module.file)

    def stands_alone(network: ast.Network) -> bool:
        return network.name not in waiting or all(parameter.default is not None for parameter in network.parameters)

    definitions = module.definitions.values()
    return [d for d in definitions if isinstance(d, ast.Alias) or (isinstance(d, ast.Network) and stands_alone(d))]
