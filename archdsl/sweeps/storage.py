"""Where the trials of a sweep are kept: Optuna's storages, and the description of the search that a study belongs to."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock

from archdsl.diagnostics import SpecError, codes
from archdsl.file_io import cannot_write
from archdsl.optional_dependencies import extra_needed
from archdsl.spaces import Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

DEFAULT: Final = "sweep.db"
_SQLITE: Final = (".db", ".sqlite", ".sqlite3")
_JOURNAL: Final = (".log", ".journal")
_IDENTITY: Final = "archdsl"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PATIENCE: Final = 60
"""Seconds to wait for another process that writes to a file of SQLite."""


def open_study(storage: str, name: str, identity: dict[str, Any], *, higher: bool) -> Study:
    """Return the study of a name, created if the storage has none.

    Raise `SpecError`: E0809 if the storage cannot be used or holds another search under this name, E0608 without Optuna.
    """
    with extra_needed("sweep", "searching"):
        import optuna  # here: takes half a second to import
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _opening(storage), _created_by_one(storage):
        study = optuna.create_study(
            storage=_opened(storage), study_name=name, direction="maximize" if higher else "minimize", load_if_exists=True
        )
        known = study.user_attrs.get(_IDENTITY)
        if known is None:
            study.set_user_attr(_IDENTITY, identity)
    different = None if known is None else _first_difference(known, identity)
    if different is not None:
        raise SpecError(codes.searches.OtherSpace(storage, name, different))
    return study


def _opened(storage: str) -> BaseStorage:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if "://" in storage:
        return RDBStorage(storage)
    path = Path(storage)
    if path.suffix.lower() in _SQLITE:
        return RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": _PATIENCE}})
    if path.suffix.lower() in _JOURNAL:
        return JournalStorage(JournalFileBackend(str(path)))
    raise SpecError(codes.searches.StorageUnusable(storage, "its name tells no kind of storage"))


@contextmanager
def _created_by_one(storage: str) -> Iterator[None]:
    """Keep processes that start together from creating the tables of one file at the same time, which SQLite does not survive."""
    path = Path(storage)
    if "://" in storage or path.suffix.lower() not in (*_SQLITE, *_JOURNAL):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        yield


@contextmanager
def _opening(storage: str) -> Iterator[None]:
    """Raise `SpecError` for whatever libraries raise if a storage cannot be opened."""
    try:
        yield
    except (SpecError, KeyboardInterrupt):
        raise
    except Exception as error:  # of SQLAlchemy, of a driver of a database, or of JSON
        raise _unusable(storage, error) from error


@contextmanager
def storage_errors(storage: str) -> Iterator[None]:
    """Raise `SpecError` if an open storage cannot be read or written any more: E0606 if its file cannot grow, else E0809."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise _unusable(storage, error) from error
    except OSError as error:  # of a journal
        if error.errno not in _FULL:
            raise
        raise _unusable(storage, error) from error


def _unusable(storage: str, error: BaseException) -> SpecError:
    """Return the error for a storage, by the first cause that libraries have wrapped into their own."""
    first = error
    while first.__cause__ is not None:
        first = first.__cause__
    if isinstance(first, OSError):
        return cannot_write(Path(first.filename or storage), first)
    if getattr(first, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return cannot_write(Path(storage), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    if isinstance(first, ModuleNotFoundError) and first.name is not None:
        return SpecError(codes.searches.StorageUnusable(storage, f"there is no module {first.name}", first.name))
    reason = next((line for line in str(first).splitlines() if line.strip()), type(first).__name__)
    return SpecError(codes.searches.StorageUnusable(storage, reason.strip()))


def identity_of(space: Space, metric: str) -> dict[str, Any]:
    """Return the description of a search. Trials of searches that differ in it are not comparable."""
    return {
        "network": space.name,
        "space": {one.name: one.text for one in space.dimensions},
        "recipe": {place.path: " ".join(place.node.choices.span.text.split()) for place in space.recipe},
        "settings": dict(sorted(space.settings.items())),
        "sizes": list(map(str, space.sizes)),
        "metric": metric,
        "spec": _digest(space),
    }


def _digest(space: Space) -> str:
    """Return a digest of the spec with its imports, without comments and blank lines."""
    digest, pending, seen = hashlib.sha256(), [space.module], set[int]()
    while pending:
        module = pending.pop()
        if id(module) not in seen:
            seen.add(id(module))
            lines = [line.partition("#")[0].rstrip() for line in module.file.source.text.splitlines()]
            digest.update("\n".join(line for line in lines if line).encode())
            pending += module.imports.values()
    return digest.hexdigest()[:16]


def _first_difference(known: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Return the first thing in which two searches differ, in words; None if they are the same."""
    for key, value in json.loads(json.dumps(now)).items():
        before = known.get(key)
        if before == value:
            continue
        if key == "spec":
            return "its spec has changed since"
        if isinstance(before, dict) and isinstance(value, dict):
            name = next(name for name in [*before, *value] if before.get(name) != value.get(name))
            return f"`{name}` was {before.get(name, 'absent')}, and is {value.get(name, 'absent')}"
        return f"its {key} was {before}, and is {value}"
    return None
