"""Checkpoint files: written atomically, and read without executing code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from archdsl.diagnostics import SpecError, codes
from archdsl.file_io import damaged_part, remedy, replace_file
from archdsl.train.checkpoint_check import damaged
from archdsl.weights.weight_files import foreign


def write(path: Path, content: bytes | Callable[[IO[bytes]], Any]) -> None:
    """Replace a file atomically. Raise `SpecError` E0902 if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fill = (lambda file: file.write(content)) if isinstance(content, bytes) else content
        replace_file(path, fill, temporary=path.with_name(f".{path.name}.partial"))
    except (OSError, RuntimeError) as error:
        raise _unwritten(path, error) from error


def remove(path: Path) -> None:
    """Delete a file if it exists. Raise `SpecError` E0902 if that fails."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: Exception) -> SpecError:
    cause: BaseException | None = error
    while cause and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if not isinstance(cause, OSError):
        raise error
    help = remedy(cause, "choose another folder")
    return SpecError(codes.outputs.CannotWriteCheckpoint(str(path), str(cause.strerror or cause), path.exists(), help))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return a checkpoint with its tensors on the CPU, without executing code. Raise `SpecError` E0903 if it cannot be read."""
    if not path.is_file():
        raise SpecError(codes.outputs.NothingToResume(str(path)))
    try:
        with path.open("rb") as file:
            part = damaged_part(file)
            if part is not None:
                raise damaged(path, f"its {part} cannot be read" if " " in part else f"the checksum of `{part}` in it is wrong")
            file.seek(0)
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except SpecError:
        raise
    except Exception as error:  # damaged or malicious files raise many kinds of errors
        what = foreign(str(error))
        if what is not None:
            raise SpecError(codes.outputs.UnsafeCheckpoint(str(path), what)) from error
        raise damaged(path, str(error).partition("\n")[0] or type(error).__name__) from error
    if not isinstance(loaded, dict):
        raise damaged(path, "it holds no table")
    return loaded


class AtomicCheckpointIO(CheckpointIO):
    """A plugin for Lightning that uses `write` and `read_checkpoint`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint atomically."""
        write(Path(path), lambda file: torch.save(checkpoint, file))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint of tensors and plain values."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        remove(Path(path))
