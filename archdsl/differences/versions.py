"""The networks to compare: of an address, of a whole file, or of files in a repository."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from archdsl.addresses import read_address, split_address
from archdsl.compiled import Compiled
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.differences.compare import Difference
from archdsl.differences.comparison import Comparison, Entry, Failure
from archdsl.driver import check_source, compile_source
from archdsl.elaborate import read_source
from archdsl.input_sizes import InputSizes
from archdsl.limits import DEFAULT, Limits
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse

if TYPE_CHECKING:
    from archdsl.differences.revisions import Repository, Revision


_UNREADABLE: Final = "\0"
"""Begins what stands for the text of a file that cannot be read; no text has this character."""


class Setup(NamedTuple):
    """How networks are compiled: the settings, sizes of inputs, and limits."""

    settings: Mapping[str, str] = {}
    sizes: InputSizes = ()
    limits: Limits = DEFAULT


class Version(NamedTuple):
    """The networks of a file by name, or the one of them that is meant. `file` is how messages call the file."""

    file: str
    networks: Mapping[str, Compiled]
    named: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read."""
        found = [path for one in self.networks.values() if (path := one.path) is not None]
        return tuple(
            dict.fromkeys([*found, *(Path(source.name) for one in self.networks.values() for source in one.sources[1:])])
        )

    def one(self, other: Version) -> Compiled:
        """Return the network to compare with another version: the only one, that of the same name, or that of the file's name.

        Raise `SpecError` E0208 if there are several others.
        """
        wanted = next(iter(other.networks)) if other.named else None
        for name in (wanted, Path(self.file).stem):
            if name is not None and name in self.networks:
                return self.networks[name]
        if len(self.networks) > 1:
            listed = [f"{self.file}:{name}" for name in self.networks]
            raise SpecError(codes.definitions.SeveralNetworks(self.file, Path(self.file).stem, listed))
        return next(iter(self.networks.values()))


def version_at(address: str, setup: Setup, stdin: IO[bytes] | None = None) -> Version:
    """Return the networks at an address. Raise `SpecError` with everything that was found if one has errors."""
    session = Session(setup.limits)
    path, name, source = read_address(address, session, stdin)
    return _version(source, path, name, setup, session)


def _version(source: SourceFile | Diagnostic, path: Path | None, name: str | None, setup: Setup, session: Session) -> Version:
    if isinstance(source, Diagnostic):
        raise SpecError(source)
    if name is not None:
        compiled = compile_source(source, path, name, setup.settings, session=session, sizes=setup.sizes)
        compiled.require()
        return Version(source.name, {name: compiled}, named=True)
    checked = check_source(source, path, None, setup.settings, session=session, sizes=setup.sizes)
    if any(found.is_error for found in checked.diagnostics):
        raise SpecError(*checked.diagnostics)
    return Version(source.name, dict(checked.networks))


def compare_versions(before: Version, after: Version, prefix: str = "") -> Comparison:
    """Return the difference of two networks, or of all networks of two files, matched by name."""
    files = before.files + after.files
    alone = len(before.networks) == len(after.networks) == 1
    if alone or before.named or after.named:
        found = Difference(before.one(after).require(), after.one(before).require())
        return Comparison((Entry(f"{prefix}{found.title}", found),), files=files)
    shared = [name for name in before.networks if name in after.networks]
    differences = [(name, Difference(before.networks[name].require(), after.networks[name].require())) for name in shared]
    return Comparison(
        tuple([Entry(f"{prefix}{name}", found) for name, found in differences]),
        tuple([f"{prefix}{name}" for name in after.networks if name not in before.networks]),
        tuple([f"{prefix}{name}" for name in before.networks if name not in after.networks]),
        files,
    )


def compare_revisions(range: str, address: str | None, setup: Setup) -> Comparison:
    """Return the differences of a file between revisions, or of all spec files that changed: see `Repository.revisions`.

    Raise `SpecError` E0609 if the old version cannot be read. For one file, raise that of the compiler if a version has errors;
    of several files, those with errors are listed.
    """
    from archdsl.differences.revisions import Repository  # here: two networks need no `subprocess`, which takes time to import

    if address is None:
        return _compare_all(Repository(Path()), range, setup)
    file, name = split_address(address)
    path = Path(file)
    repository = Repository(path.parent)
    old, new = repository.revisions(range)
    key = repository.relative(path)
    return compare_versions(_version_in(old, path, key, name, setup), _version_in(new, path, key, name, setup))


def _version_in(revision: Revision | None, path: Path, key: str, name: str | None, setup: Setup) -> Version:
    """Return the networks of a file in a revision, or in the working folder."""
    if revision is None:
        return _version(read_source(path, limits=setup.limits), path, name, setup, Session(setup.limits))
    session = Session(setup.limits, unsaved=revision)
    try:
        return _version(revision.source(key), path, name, setup, session)
    except SpecError as error:
        raise SpecError(*[_in_revision(found, revision.name) for found in error.diagnostics]) from None


def _in_revision(found: Diagnostic, name: str) -> Diagnostic:
    """Return an error with the revision in which it is, unless its text or its place says so: that of an import does not."""
    place = found.span.file.name if found.span is not None else ""
    return found if name in found.message or place.startswith(f"{name}:") else found.with_notes([f"in {name}"])


def _compare_all(repository: Repository, range: str, setup: Setup) -> Comparison:
    """Return the differences of all spec files that changed, or that import a file which did."""
    old, new = repository.revisions(range)
    names = old.names(), new.names() if new is not None else repository.present()
    texts = tuple({name: _text(repository, one, name) for name in found} for one, found in zip((old, new), names, strict=True))
    changed = {name for name in names[0] | names[1] if texts[0].get(name) != texts[1].get(name)}
    affected = changed | _importers(texts[0], changed) | _importers(texts[1], changed)
    holding = [{name for name in affected if name in found and _has_networks(name, found[name])} for found in texts]
    parts = []
    for name in sorted(affected):
        path = Path(os.path.relpath(repository.root / name))
        found: list[Version | None] = []
        errors: list[Diagnostic] = []
        for revision, present in zip((old, new), holding, strict=True):
            try:
                found.append(_version_in(revision, path, name, None, setup) if name in present else None)
            except SpecError as error:
                errors += error.diagnostics
        parts.append(Comparison(failed=(Failure(str(path), tuple(errors)),)) if errors else _both(found[0], found[1], f"{path}:"))
    return Comparison.of(parts)


def _both(before: Version | None, after: Version | None, prefix: str) -> Comparison:
    """Return the differences of a file that a revision may not have."""
    if before is not None and after is not None:
        return compare_versions(before, after, prefix)
    added = tuple([f"{prefix}{name}" for name in after.networks]) if after is not None else ()
    removed = tuple([f"{prefix}{name}" for name in before.networks]) if before is not None else ()
    return Comparison((), added, removed, tuple([path for one in (before, after) if one is not None for path in one.files]))


def _text(repository: Repository, revision: Revision | None, name: str) -> str:
    """Return a file of a revision or of the working folder; if it cannot be read, an error in place of its text."""
    path = repository.root / name
    found = revision.source(name) if revision is not None else read_source(path, os.path.relpath(path))
    return f"{_UNREADABLE}{found.message}" if isinstance(found, Diagnostic) else found.text


def _has_networks(name: str, text: str) -> bool:
    """Return whether a file defines networks, or has an error that may hide them; a file of blocks alone does not."""
    if text.startswith(_UNREADABLE):
        return True
    file, errors = parse(SourceFile(name, text), DEFAULT)
    return bool(errors) or any(isinstance(definition, ast.Network | ast.Alias) for definition in file.definitions)


def _importers(texts: Mapping[str, str], changed: Iterable[str]) -> set[str]:
    """Return the files that import changed ones, directly or not."""
    imports = {
        name: {os.path.normpath(os.path.join(os.path.dirname(name), item.path)) for item in _imports(name, text)}
        for name, text in texts.items()
        if "import" in text
    }
    found = set(changed)
    while more := {name for name, imported in imports.items() if name not in found and imported & found}:
        found |= more
    return found - set(changed)


def _imports(name: str, text: str) -> Iterable[ast.Import]:
    return parse(SourceFile(name, text), DEFAULT)[0].imports
