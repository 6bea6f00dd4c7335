"""The stages in their order: text, syntax, graph, passes, checks. The only module that knows it.

What is wrong with a spec comes back as diagnostics, never as an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from archdsl import limits
from archdsl.analysis import Costs, OpenSizes, counts, open_sizes
from archdsl.diagnostics import Diagnostic, SpecError
from archdsl.elaborate import Module, Program, decode_source, elaborate, read_source, select_network
from archdsl.ir import Graph
from archdsl.passes import run_passes
from archdsl.resources import resource_folder
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import collector_paused

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """What became of a spec: a graph and a recipe where there is one, and everything that was found."""

    graph: Graph | None
    recipe: Recipe | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...] = ()
    folder: Path | None = None
    """Of the first source, where it is a file: imports and a recipe's paths start there."""
    sizes: OpenSizes = field(default_factory=OpenSizes)
    """For which values of the sizes that the input leaves open the network works."""

    @property
    def ok(self) -> bool:
        """Whether there is a graph."""
        return self.graph is not None

    def require(self) -> Graph:
        """The graph; raises `SpecError` with everything that was found where there is none."""
        if self.graph is None:
            raise SpecError(self.diagnostics)
        return self.graph


def split_address(address: str) -> tuple[str, str | None]:
    """`net.arch:resnet50` to its file and its network; the network is none where it is not said."""
    path, colon, name = address.rpartition(":")
    if colon and path and "/" not in name and "\\" not in name and "." not in name:
        return path, name
    return address, None


def compile_address(address: str, settings: Mapping[str, str] | None = None) -> Compiled:
    """A network by its address: `FILE`, `FILE:NETWORK`, or the name of a shipped one, such as `resnet50`.

    `settings` are expressions by parameter name; those that begin with `train.` change the recipe.
    """
    path_text, name = split_address(address)
    path = Path(path_text)
    if not path.exists() and path.suffix != ".arch" and "/" not in path_text:
        shipped = shipped_networks().get(name or path_text)
        if shipped is not None:
            path, name = shipped, name or path_text
    source = read_source(path, str(path) if path_text == str(path) else path.name)
    if isinstance(source, Diagnostic):
        return Compiled(None, None, [source])
    return compile_source(source, path, name, settings)


def compile_stream(
    stream: IO[bytes], name: str | None = None, settings: Mapping[str, str] | None = None, *, shown: str = "<stdin>"
) -> Compiled:
    """A network in a stream, of which no more is read than a spec may have; such a text cannot import."""
    source = decode_source(stream.read(4 * limits.SOURCE_CHARACTERS + 1), shown)
    if isinstance(source, Diagnostic):
        return Compiled(None, None, [source])
    return compile_source(source, None, name, settings)


def compile_text(
    text: str, name: str | None = None, settings: Mapping[str, str] | None = None, *, shown: str = "<text>"
) -> Compiled:
    """A network in a text; such a text cannot import."""
    return compile_source(SourceFile(shown, text), None, name, settings)


@collector_paused()
def compile_source(
    source: SourceFile, path: Path | None, name: str | None, settings: Mapping[str, str] | None = None
) -> Compiled:
    """A network in a source that lies at a path."""
    program = Program(path.parent if path is not None else None)
    module = program.module(source, path)
    shown = source.name
    if module.file.damaged and not module.definitions:
        return Compiled(None, None, program.diagnostics)
    chosen = select_network(module, name, path.stem if path is not None else "", shown)
    if isinstance(chosen, Diagnostic):
        return Compiled(None, None, [*program.diagnostics, chosen])
    compiled = _compile(program, module, chosen, settings or {})
    return replace(compiled, folder=path.parent if path is not None else None)


def _compile(program: Program, module: Module, chosen: ast.Definition, settings: Mapping[str, str]) -> Compiled:
    own = {key: text for key, text in settings.items() if not key.startswith("train.")}
    training = {key.removeprefix("train."): text for key, text in settings.items() if key.startswith("train.")}
    elaboration = elaborate(module, chosen, own)
    recipe, recipe_errors = _recipe(module, training)
    found = [*program.diagnostics, *elaboration.diagnostics, *recipe_errors]
    graph, sizes = elaboration.graph, OpenSizes()
    if graph is not None:
        graph = run_passes(graph)
        sizes = open_sizes(graph)
        found += sizes.diagnostics
        costs = Costs(graph)
        scopes = elaboration.scopes_counted()
        found += elaboration.settle({scope: counts(graph, costs, scope) for scope in scopes})
    if any(diagnostic.is_error for diagnostic in found):
        graph = None
    return Compiled(graph, recipe if graph is not None else None, _in_order(found), program.sources, sizes=sizes)


def _recipe(module: Module, settings: Mapping[str, str]) -> tuple[Recipe | None, list[Diagnostic]]:
    if not module.file.recipes and not settings:
        return None, []
    from archdsl.elaborate.recipes import elaborate_recipe  # here: most files have none, and its models take time to define

    return elaborate_recipe(module, settings)


def check_text(text: str, shown: str = "<text>") -> list[Diagnostic]:
    """Everything that is wrong with a text, in all of its networks."""
    source = SourceFile(shown, text)
    program = Program(None)
    module = program.module(source, None)
    found: dict[tuple[object, ...], Diagnostic] = {}
    networks = [d for d in module.definitions.values() if isinstance(d, ast.Network | ast.Alias) and not _is_template(d, module)]
    results = [_compile(program, module, network, {}).diagnostics for network in networks]
    results.append(program.diagnostics if networks or program.diagnostics else [_no_network(module, source)])
    for diagnostic in (d for result in results for d in result):
        found.setdefault((diagnostic.code, diagnostic.mark, diagnostic.message), diagnostic)
    return _in_order(list(found.values()))


def _is_template(definition: ast.Definition, module: Module) -> bool:
    """Whether a network waits for arguments that an alias in the file gives it."""
    if not isinstance(definition, ast.Network) or all(p.default is not None for p in definition.parameters):
        return False
    aliases = [d.target for d in module.definitions.values() if isinstance(d, ast.Alias)]
    callees = [target.callee if isinstance(target, ast.CallExpr) else target for target in aliases]
    return any(isinstance(callee, ast.Name) and callee.id == definition.name for callee in callees)


def _no_network(module: Module, source: SourceFile) -> Diagnostic:
    chosen = select_network(module, None, "", source.name)
    assert isinstance(chosen, Diagnostic)
    return chosen


def _in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """By place, file by file, errors without a place first."""

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        return (0, 0) if diagnostic.mark is None else (1, diagnostic.mark.span.start)

    return sorted(diagnostics, key=place)


def shipped_networks() -> dict[str, Path]:
    """The networks that come with archdsl, by name, with their files."""
    found: dict[str, Path] = {}
    for path in sorted(resource_folder("specs").glob("*.arch")):
        source = read_source(path)
        if isinstance(source, SourceFile):
            module = Program(path.parent).module(source, path)
            found |= {n: path for n, d in module.definitions.items() if isinstance(d, ast.Network | ast.Alias)}
    return found
