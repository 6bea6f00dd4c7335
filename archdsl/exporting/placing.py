"""Files that are written into a temporary folder, checked there, and put in their place together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Final

from archdsl.file_io import cannot_write, check_storable

_LEAST_PROBE: Final = 1 << 20


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside a path, from where a file can be renamed. Raise `SpecError` E0606 if there can be none."""
    check_storable(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(21, os.strerror(21))
        made = tempfile.TemporaryDirectory(prefix=".archdsl-", suffix=".partial", dir=path.parent, ignore_cleanup_errors=True)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from error
    with made as folder:
        yield Path(folder)


def place(files: Sequence[Path], target: Path) -> None:
    """Move files of a temporary folder beside it into its parent, all or none. Raise `SpecError` E0606 if that fails."""
    replaced: list[tuple[Path, Path | None]] = []
    try:
        for file in files:
            _flush(file)
        for file in files:
            place, kept = file.parent.parent / file.name, None
            if place.exists():
                kept = file.with_name(f"{file.name}.before")
                place.replace(kept)
            replaced.append((place, kept))
            file.replace(place)
    except BaseException as error:  # Ctrl-C, too
        for place, kept in reversed(replaced):
            with suppress(OSError):
                place.unlink(missing_ok=True)
                if kept is not None:
                    kept.replace(place)
        if isinstance(error, OSError):
            raise cannot_write(target, error) from error
        raise


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def write_from_memory(path: Path, write: Callable[[BytesIO], object]) -> None:
    """Write a file whose content goes to a buffer first: on a full disk, PyTorch's own writer of files ends the process."""
    buffer = BytesIO()
    write(buffer)
    path.write_bytes(buffer.getbuffer())


def require_space(folder: Path, target: Path, size: int) -> None:
    """Raise `SpecError` E0606 if a folder cannot take a file of a size: libraries report that as errors of many kinds."""
    probe = folder / "probe"
    try:
        with probe.open("wb") as file:
            for _ in range(max(size, _LEAST_PROBE) // _LEAST_PROBE):
                file.write(bytes(_LEAST_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        probe.unlink(missing_ok=True)
