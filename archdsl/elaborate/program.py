"""Files to modules: reading, imports, and what each file defines."""

from __future__ import annotations

import os
from pathlib import Path

from archdsl.diagnostics import Diagnostic, Mark, did_you_mean
from archdsl.diagnostics.untyped import untyped
from archdsl.elaborate.values import FUNCTIONS, Module
from archdsl.initializers import Initializer
from archdsl.limits import DEFAULT, Limits, remedy
from archdsl.ops import Op
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse

_KEPT_LENGTH = 100_000
"""Longer texts are parsed each time, so that those kept take little memory."""


def read_source(
    path: Path, shown: str | None = None, mark: Mark | None = None, *, limits: Limits = DEFAULT
) -> SourceFile | Diagnostic:
    """Return the text of a file, or what keeps it from being read. `mark` is the import that asked for it."""
    name = shown or str(path)
    most = 4 * limits.source_characters
    try:
        if mark is not None and path.exists() and not path.is_file():
            return untyped("E0601", f"{name} is no file", mark, help="an import names a file of definitions")
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            size = max(path.stat().st_size, len(data))
            return untyped(
                "E0603",
                f"{name} has {'over ' if size == len(data) else ''}{size:,} bytes, too many for a spec",
                mark,
                help=f"the limit is {limits.source_characters:,} characters; {remedy('source_characters')}",
            )
    except OSError as error:
        folder = os.path.isdir(path)
        within = [f"`{path / name}`" for name in _neighbours(path / "any.arch")] if folder else []
        help = f"name a file in it: {', '.join(within[:4])}" if within else did_you_mean(path.name, _neighbours(path))
        return untyped(
            "E0601", f"{name} cannot be read: {error.strerror or error}", mark, help=help if within or not folder else None
        )
    return decode_source(data, name, mark)


def decode_source(data: bytes, name: str, mark: Mark | None = None) -> SourceFile | Diagnostic:
    """Return the bytes as text, or what keeps them from being text."""
    if b"\0" in data:
        return untyped(
            "E0602",
            f"{name} is not text: it holds a zero byte at offset {data.index(0)}",
            mark,
            help="a spec is a UTF-8 text file",
        )
    try:
        return SourceFile(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return untyped(
            "E0602", f"{name} is not UTF-8: byte {data[error.start]:#04x} at offset {error.start}", mark, help="save it as UTF-8"
        )


def _owner(name: str) -> str | None:
    """Return what of the language has this name; None if it is free."""
    if name == "x":
        return "the tensor that flows"
    kinds = ((Op.registry, "an op"), (FUNCTIONS, "a function"), (Initializer.registry, "a rule of `init`"))
    return next((kind for known, kind in kinds if name in known), None)


def _neighbours(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except OSError:
        return []


def _parsed(name: str, text: str, limits: Limits) -> tuple[ast.File, list[Diagnostic]]:
    """Return the tree of a text, for the cache: a file is read again for each network, and imports for each change of a file."""
    return parse(SourceFile(name, text), limits)


class Program:
    """A file and all that it imports; `root` is the folder that imports may not leave, none where there is none."""

    def __init__(self, root: Path | None, session: Session) -> None:
        self.session = session
        self._limits = session.limits
        self.diagnostics: list[Diagnostic] = []
        self._root = root.resolve() if root is not None else None
        self._modules: dict[Path, Module] = {}
        self._loading: list[Path] = []
        self._files: list[ast.File] = []

    def credible(self, found: list[Diagnostic]) -> list[Diagnostic]:
        """Return what was found about the files, without what may follow from a syntax error alone."""
        damage = {id(file.source): file.damage for file in self._files if file.damage is not None}
        if not damage:
            return found
        by_file = [(diagnostic, damage.get(id(diagnostic.mark.span.file)) if diagnostic.mark else None) for diagnostic in found]
        return [diagnostic for diagnostic, hurt in by_file if hurt is None or not hurt.explains(diagnostic)]

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """Every file that was read."""
        return tuple(file.source for file in self._files)

    def module(self, source: SourceFile, path: Path | None) -> Module:
        """Return the module of a source that lies at a path, with its imports; errors gather in `diagnostics`."""
        with self.session.collector_paused():
            if len(source.text) <= _KEPT_LENGTH:
                file, errors = self.session.cached(_parsed, source.name, source.text, self._limits)
            else:
                file, errors = parse(source, self._limits)
        self._files.append(file)
        self.diagnostics += errors
        module = Module(file, {}, {})
        if path is not None:
            self._modules[_real(path)] = module
            self._loading.append(_real(path))
        self._define(module)
        for item in file.imports:
            self._import(module, item, path)
        if path is not None:
            self._loading.pop()
        for extra in file.recipes[1:]:
            self.diagnostics.append(
                untyped("E0204", "a file has one recipe", Mark(extra.span), (Mark(file.recipes[0].span, "the first"),))
            )
        return module

    def _define(self, module: Module) -> None:
        for definition in module.file.definitions:
            name, mark = definition.name, Mark(definition.name_span)
            first = module.definitions.get(name)
            if first is not None:
                self.diagnostics.append(
                    untyped("E0204", f"`{name}` is defined twice", mark, (Mark(first.name_span, "the first"),))
                )
                module.unclear.add(name)
            elif (owner := _owner(name)) is not None:
                message = f"`{name}` is {owner}, and a definition cannot take its name"
                self.diagnostics.append(untyped("E0205", message, mark, help=f"choose another, such as `my_{name}`"))
                module.unclear.add(name)
            else:
                module.definitions[name] = definition
            if isinstance(definition, ast.Block | ast.Network):
                self._check_parameters(definition)

    def _check_parameters(self, definition: ast.Block | ast.Network) -> None:
        first: dict[str, Span] = {}
        for parameter in definition.parameters:
            if parameter.name == "x":
                message = "`x` is the tensor that flows, and cannot be a parameter"
                self.diagnostics.append(untyped("E0205", message, Mark(parameter.span), help="choose another name"))
            if parameter.name in first:
                message = f"`{definition.name}` has two parameters called `{parameter.name}`"
                related = (Mark(first[parameter.name], "the first"),)
                self.diagnostics.append(
                    untyped("E0204", message, Mark(parameter.span), related, help="give one of them another name")
                )
            first.setdefault(parameter.name, parameter.span)

    def _import(self, module: Module, item: ast.Import, path: Path | None) -> None:
        found = self._resolve(item, path)
        if isinstance(found, Diagnostic):
            self.diagnostics.append(found)
            module.imports[item.name] = Module(ast.unread(item.span.file), {}, {})
        elif (owner := _owner(item.name)) is not None:
            message = f"`{item.name}` is {owner}, and an import cannot take its name"
            self.diagnostics.append(untyped("E0205", message, Mark(item.name_span), help="choose another name after `as`"))
            module.unclear.add(item.name)
        elif item.name in module.definitions or item.name in module.imports:
            first = module.definitions.get(item.name)
            related = (Mark(first.name_span, "the first"),) if first is not None else ()
            message = f"`{item.name}` is defined twice"
            self.diagnostics.append(
                untyped("E0204", message, Mark(item.name_span), related, help="choose another name after `as`")
            )
        else:
            module.imports[item.name] = found

    def _resolve(self, item: ast.Import, path: Path | None) -> Module | Diagnostic:
        """Return the module that an import names, loaded once."""
        mark = Mark(item.path_span)
        if path is None or self._root is None:
            return untyped(
                "E0605", "a text without a file cannot import: there is no folder to look in", mark, help="save it as a file"
            )
        wanted = Path(item.path)
        if wanted.is_absolute() or "\\" in item.path or "\0" in item.path:
            return untyped("E0605", f"an import's path is relative to its file, with `/` between folders: {item.path!r}", mark)
        target = _resolved(_real(path).parent / wanted)
        if target is None:
            return untyped("E0601", f"the import {item.path!r} cannot be read: it is a link to itself", mark)
        if not target.is_relative_to(self._root):
            return untyped(
                "E0605", f"the import {item.path!r} leaves the folder of the network's file", mark, help="copy the file beside it"
            )
        if target in self._loading:
            chain = " -> ".join(p.name for p in [*self._loading[self._loading.index(target) :], target])
            return untyped("E0604", f"imports go round in a circle: {chain}", mark, help="move what both need into a third file")
        if target in self._modules:
            return self._modules[target]
        for limit, count in (("imports", len(self._modules)), ("import_depth", len(self._loading))):
            if count >= getattr(self._limits, limit):
                message = f"a network draws on at most {self._limits.imports:,} files, {self._limits.import_depth:,} deep"
                return untyped("E0502", message, mark, help=remedy(limit))
        source = self._within_limits(read_source(target, str(Path(path.parent / wanted)), mark, limits=self._limits), mark)
        return source if isinstance(source, Diagnostic) else self.module(source, target)

    def _within_limits(self, source: SourceFile | Diagnostic, mark: Mark) -> SourceFile | Diagnostic:
        """Return a file that is imported, or the error if the spec becomes too long."""
        if isinstance(source, Diagnostic):
            return source
        characters = sum(len(read.text) for read in (*self.sources, source))
        if characters <= self._limits.source_characters or len(source.text) > self._limits.source_characters:
            return source
        message = (
            f"with {source.name}, this spec has {characters:,} characters, over the limit of {self._limits.source_characters:,}"
        )
        return untyped("E0603", message, mark, help=remedy("source_characters"))


def _resolved(path: Path) -> Path | None:
    """Return the path without links; None if they form a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return None


def _real(path: Path) -> Path:
    """Return the path without links, even if one leads back to itself, for which `Path.resolve` raises before Python 3.13."""
    return Path(os.path.realpath(path))


def open_parameters(module: Module, definition: ast.Definition, limits: Limits) -> list[ast.Parameter]:
    """Return the parameters of a network that no alias on the way to it fixes, as far as names tell."""
    fixed: list[ast.Argument] = []
    for _ in range(limits.call_depth):
        if not isinstance(definition, ast.Alias):
            break
        target = ast.bare(definition.target)
        if isinstance(target, ast.CallExpr):
            fixed += target.arguments
            target = ast.bare(target.callee)
        if isinstance(target, ast.Attribute) and isinstance(base := ast.bare(target.base), ast.Name):
            module, name = module.imports.get(base.id, module), target.name
        else:
            name = target.id if isinstance(target, ast.Name) else ""
        if name not in module.definitions:
            return []
        definition = module.definitions[name]
    if not isinstance(definition, ast.Network):
        return []
    named = {argument.name for argument in fixed if argument.name is not None}
    positional = len([argument for argument in fixed if argument.name is None])
    return [parameter for parameter in definition.parameters[positional:] if parameter.name not in named]


def select_network(module: Module, name: str | None, stem: str, shown: str) -> ast.Definition | Diagnostic:
    """Return the network by name, else the one that is called like the file, else the only one."""
    networks = {n: d for n, d in module.definitions.items() if isinstance(d, ast.Network | ast.Alias)}
    listed = ", ".join(f"{'-' if shown == '<stdin>' else shown}:{n}" for n in networks)
    if name == "":
        return untyped("E0208", f"a name is missing after `{shown}:`", help=f"it has {listed}" if listed else None)
    if name is not None:
        if name in networks:
            return networks[name]
        block = module.definitions.get(name)
        message = f"`{name}` in {shown} is a block" if block is not None else f"{shown} has no network `{name}`"
        mark = Mark(block.name_span) if block is not None else None
        return untyped("E0208", message, mark, help=did_you_mean(name, networks) or (f"it has {listed}" if listed else None))
    if stem in networks:
        return networks[stem]
    if len(networks) == 1:
        return next(iter(networks.values()))
    if not networks:
        return untyped("E0208", f"{shown} defines no network", help="`network name { input image [3, 32, 32] ... }`")
    unlike = f", and none is called `{stem}`" if stem else ""
    return untyped("E0208", f"{shown} defines several networks{unlike}", help=f"say which: {listed}")
