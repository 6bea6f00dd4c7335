"""Files to modules: reading, imports, and what each file defines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, codes, did_you_mean
from archdsl.elaborate.arguments import KnownOps
from archdsl.elaborate.file_constants import refuse_circles
from archdsl.elaborate.values import FUNCTIONS, Module
from archdsl.initializers import Initializer
from archdsl.limits import DEFAULT, Limits
from archdsl.ops import Op
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse

_KEPT_LENGTH = 100_000
"""Longer texts are parsed each time, so that those kept take little memory."""


def read_source(
    path: Path, shown: str | None = None, *, item: ast.Import | None = None, limits: Limits = DEFAULT
) -> SourceFile | Diagnostic:
    """Return the text of a file, or what keeps it from being read. `item` is the import that asked for it."""
    name, place = shown or str(path), item.path_span if item is not None else None
    most = 4 * limits.source_characters
    try:
        if item is not None and path.exists() and not path.is_file():
            return codes.imports.ImportedFolder(name).at(place)
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            if (binary := _binary(data, name)) is not None:
                return binary.at(place)
            size = max(path.stat().st_size, len(data))
            return codes.files.FileTooLarge(name, size, size == len(data), limits.source_characters).at(place)
    except OSError as error:
        reason = error.strerror or str(error)
        if item is not None:
            return codes.imports.UnreadableImport(name, item.path, reason, _neighbours(path)).at(place)
        return codes.files.CannotRead(name, reason, _readable(path))
    found = decode_source(data, name)
    return found if isinstance(found, SourceFile) else found.at(place)


def _readable(path: Path) -> str | None:
    """Return the remedy for a path that cannot be read: a file in the folder, or one of a similar name; None if there is none."""
    if not os.path.isdir(path):
        return did_you_mean(path.name, _neighbours(path))
    within = [f"`{path / name}`" for name in _neighbours(path / "any.arch")]
    return f"name a file in it: {', '.join(within[:4])}" if within else None


def decode_source(data: bytes, name: str) -> SourceFile | Diagnostic:
    """Return the bytes as text, or what keeps them from being text."""
    if b"\0" in data:
        return _binary(data, name) or codes.files.ZeroByte(name, data.index(0))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _binary(data, name) or codes.files.NotUtf8(name, data[error.start], error.start)
    binary = _binary(data, name) if text[:1] < "\t" else None
    return binary or SourceFile(name, text)


def _binary(data: bytes, name: str) -> Diagnostic | None:
    """Return the error for a file of a kind that is known by its first bytes; None for others."""
    from archdsl.syntax.other_formats import WEIGHTS, binary_format  # here: most files are text

    kind = binary_format(data)
    return codes.files.OtherBinary(name, kind, kind in WEIGHTS) if kind is not None else None


def _owner(name: str) -> str | None:
    """Return what of the language has this name; None if it is free."""
    if name == "x":
        return "the tensor that flows"
    kinds = ((Op.registry, "an op"), (FUNCTIONS, "a function"), (Initializer.registry, "a rule of `init`"))
    return next((kind for known, kind in kinds if name in known), None)


def _may_shadow(definition: ast.Definition) -> bool:
    """Return whether a definition may be called like an op: a constant, such as `let norm = bn(eps = 0.001)`, as in any body."""
    constant = isinstance(definition, ast.Constant) and definition.name not in FUNCTIONS
    return constant and definition.name in Op.registry


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
        self.known_ops = KnownOps()
        self._root = root.resolve() if root is not None else None
        self._modules: dict[Path, Module] = {}
        self._loading: list[Path] = []
        self._files: list[ast.File] = []

    def credible(self, found: list[Diagnostic]) -> list[Diagnostic]:
        """Return what was found about the files, without what may follow from a syntax error alone."""
        damage = {id(file.source): file.damage for file in self._files if file.damage is not None}
        if not damage:
            return found
        by_file = [(diagnostic, damage.get(id(diagnostic.span.file)) if diagnostic.span else None) for diagnostic in found]
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
        self.diagnostics += refuse_circles(module)
        if path is not None:
            self._loading.pop()
        for extra in file.recipes[1:]:
            self.diagnostics.append(codes.definitions.SecondRecipe(file.recipes[0].span).at(extra.span))
        return module

    def _define(self, module: Module) -> None:
        for definition in module.file.definitions:
            name, place = definition.name, definition.name_span
            first = module.definitions.get(name)
            if first is not None:
                self.diagnostics.append(codes.definitions.DefinedTwice(first.name_span, name).at(place))
                module.unclear.add(name)
            elif (owner := _owner(name)) is not None and not _may_shadow(definition):
                self.diagnostics.append(codes.definitions.TakenByLanguage(name, owner).at(place))
                module.unclear.add(name)
            else:
                module.definitions[name] = definition
            if isinstance(definition, ast.Block | ast.Network | ast.Constant):
                self._check_parameters(definition)
        self._hide_enclosed(module)

    @staticmethod
    def _hide_enclosed(module: Module) -> None:
        """Take the constants as unclear that stand in a body whose closing brace may be missing before them."""
        damage = module.file.damage
        for definition in module.file.definitions if damage is not None else ():
            if isinstance(definition, ast.Block | ast.Network) and damage is not None and damage.blurs(definition.span.start):
                lets = [statement for statement in definition.body.statements if isinstance(statement, ast.Let)]
                module.unclear.update(let.name for let in lets if let.name not in module.definitions)

    def _check_parameters(self, definition: ast.Block | ast.Network | ast.Constant) -> None:
        first: dict[str, Span] = {}
        for parameter in definition.parameters or ():
            name, place = parameter.name, parameter.span
            if name == "x":
                self.diagnostics.append(codes.definitions.ParameterCalledX().at(place))
            if name in first:
                self.diagnostics.append(codes.definitions.ParameterTwice(first[name], definition.name, name).at(place))
            first.setdefault(name, place)

    def _import(self, module: Module, item: ast.Import, path: Path | None) -> None:
        name, found = item.name, self._resolve(item, path)
        if isinstance(found, Diagnostic):
            self.diagnostics.append(found)
            module.imports[name] = Module(ast.unread(item.span.file), {}, {})
        elif (owner := _owner(name)) is not None:
            self.diagnostics.append(codes.definitions.ImportTakenByLanguage(name, owner).at(item.name_span))
            module.unclear.add(name)
        elif name in module.definitions or name in module.imports:
            first = module.definitions.get(name)
            named = first.name_span if first is not None else None
            self.diagnostics.append(codes.definitions.ImportedTwice(named, name).at(item.name_span))
        else:
            module.imports[name] = found

    def _resolve(self, item: ast.Import, path: Path | None) -> Module | Diagnostic:
        """Return the module that an import names, loaded once."""
        place = item.path_span
        if path is None or self._root is None:
            return codes.imports.ImportWithoutFile().at(place)
        wanted = Path(item.path)
        if wanted.is_absolute() or "\\" in item.path or "\0" in item.path:
            return codes.imports.NotARelativePath(item.path).at(place)
        target = _resolved(_real(path).parent / wanted)
        if target is None:
            return codes.imports.ImportLinksToItself(item.path).at(place)
        if not target.is_relative_to(self._root):
            return codes.imports.ImportLeavesFolder(item.path).at(place)
        if target in self._loading:
            chain = [p.name for p in [*self._loading[self._loading.index(target) :], target]]
            return codes.imports.CircularImport(chain).at(place)
        if target in self._modules:
            return self._modules[target]
        most = self._limits
        for limit, count in (("imports", len(self._modules)), ("import_depth", len(self._loading))):
            if count >= getattr(most, limit):
                return codes.imports.TooManyImports(limit, most.imports, most.import_depth).at(place)
        name, unsaved = str(path.parent / wanted), self.session.unsaved.get(target)
        text = SourceFile(name, unsaved) if unsaved is not None else read_source(target, name, item=item, limits=most)
        source = self._within_limits(text, place)
        return source if isinstance(source, Diagnostic) else self.module(source, target)

    def _within_limits(self, source: SourceFile | Diagnostic, place: Span) -> SourceFile | Diagnostic:
        """Return a file that is imported, or the error if the spec becomes too long."""
        if isinstance(source, Diagnostic):
            return source
        characters = sum(len(read.text) for read in (*self.sources, source))
        if characters <= self._limits.source_characters or len(source.text) > self._limits.source_characters:
            return source
        return codes.imports.SpecTooLong(source.name, characters, self._limits.source_characters).at(place)


def _resolved(path: Path) -> Path | None:
    """Return the path without links; None if they form a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return None


def _real(path: Path) -> Path:
    """Return the path without links, even if one leads back to itself, for which `Path.resolve` raises before Python 3.13."""
    return Path(os.path.realpath(path))


class Base(NamedTuple):
    """The network that an alias stands for, with its module, and the parameters that no alias on the way fixes."""

    module: Module
    network: ast.Network
    open: list[ast.Parameter]


def base_of(module: Module, definition: ast.Definition, limits: Limits) -> Base | None:
    """Return the network behind aliases, as far as names tell; None if there is none."""
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
            return None
        definition = module.definitions[name]
    if not isinstance(definition, ast.Network):
        return None
    named = {argument.name for argument in fixed if argument.name is not None}
    positional = len([argument for argument in fixed if argument.name is None])
    still_open = [parameter for parameter in definition.parameters[positional:] if parameter.name not in named]
    return Base(module, definition, still_open)


def open_parameters(module: Module, definition: ast.Definition, limits: Limits) -> list[ast.Parameter]:
    """Return the parameters of a network that no alias on the way to it fixes, as far as names tell."""
    base = base_of(module, definition, limits)
    return base.open if base is not None else []


def select_network(module: Module, name: str | None, stem: str, shown: str) -> ast.Definition | Diagnostic:
    """Return the network by name, else the one that is called like the file, else the only one."""
    networks = {n: d for n, d in module.definitions.items() if isinstance(d, ast.Network | ast.Alias)}
    listed = [f"{'-' if shown == '<stdin>' else shown}:{n}" for n in networks]
    if name == "":
        return codes.definitions.NetworkNameMissing(shown, listed)
    if name is not None:
        if name in networks:
            return networks[name]
        other = module.definitions.get(name)
        if other is not None:
            is_function = isinstance(other, ast.Constant) and other.parameters is not None
            what = "a block" if isinstance(other, ast.Block) else "a function" if is_function else "a constant"
            return codes.definitions.OtherChosen(name, shown, list(networks), listed, what).at(other.name_span)
        return codes.definitions.NoSuchNetwork(name, shown, list(networks), listed)
    if stem in networks:
        return networks[stem]
    if len(networks) == 1:
        return next(iter(networks.values()))
    return codes.definitions.SeveralNetworks(shown, stem, listed) if networks else codes.definitions.NoNetwork(shown)


def files_of(module: Module) -> Iterator[ast.File]:
    """Yield the file of a module, then those that it imports, directly or not."""
    seen, pending = set[int](), [module]
    while pending:
        module = pending.pop(0)
        if id(module) not in seen:
            seen.add(id(module))
            yield module.file
            pending += module.imports.values()
