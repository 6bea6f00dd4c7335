"""The spec files in the folders that are open in an editor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from archdsl.elaborate import read_source
from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.positions import path_of, uri_of
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse

_MOST: Final = 1000
"""How many files are looked at."""
_LEFT_OUT: Final = frozenset({"node_modules", "__pycache__", "runs", "site-packages"})


def spec_files(folders: Iterable[str]) -> list[Path]:
    """Return the spec files below folders, without hidden folders, by name."""
    found: list[Path] = []
    for uri in folders:
        path = path_of(uri)
        for base, below, names in os.walk(path) if path is not None else ():
            below[:] = sorted(name for name in below if not name.startswith(".") and name not in _LEFT_OUT)
            found += [Path(base, name) for name in sorted(names) if name.endswith(".arch")]
            if len(found) >= _MOST:
                return found[:_MOST]
    return found


def trees(folders: Iterable[str], session: Session) -> Iterator[tuple[str, ast.File]]:
    """Yield the tree of each spec file, with its address: of the text in the editor, if it is open."""
    for path in spec_files(folders):
        source = _source(path, session)
        if source is not None:
            yield uri_of(path), parse(source, session.limits)[0]


def importing(folders: Iterable[str], path: Path, known: Iterable[str], session: Session) -> list[Analysis]:
    """Return the analyses of the spec files that import a file and are not open."""
    left_out, target = set(known), path.resolve()
    found = []
    for uri, file in trees(folders, session):
        if uri not in left_out and any(_leads_to(uri, item, target) for item in file.imports):
            found.append(analyze(Text(uri, None, file.source.text, path_of(uri)), session))
    return found


def _leads_to(uri: str, item: ast.Import, target: Path) -> bool:
    path = path_of(uri)
    return path is not None and (path.parent / item.path).resolve() == target


def _source(path: Path, session: Session) -> SourceFile | None:
    unsaved = session.unsaved.get(path.resolve())
    if unsaved is not None:
        return SourceFile(str(path), unsaved)
    source = read_source(path, limits=session.limits)
    return source if isinstance(source, SourceFile) else None
