"""Atomic writing: write a temporary file next to the target, flush it to disk, and rename it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Any, Final

from archdsl.diagnostics import SpecError, codes

_REMEDIES: Final = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EFBIG: "raise the limit on file sizes",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "choose a place that you may write to",
    errno.ENOENT: "make the folder first",
    errno.EISDIR: "name a file in that folder",
    errno.ENOTDIR: "choose a path whose folders are folders",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "choose another name, or remove the link, which leads back to itself",
}


def write_file(path: Path, content: str | bytes) -> None:
    """Replace the content of a file, with text as UTF-8. Raise `SpecError` E0606 and change nothing if that fails.

    A special file, such as `/dev/null` or a named pipe, is written to and not replaced. Links are followed, and an
    existing file keeps its permissions.
    """
    data = content.encode() if isinstance(content, str) else content
    check_storable(path)
    try:
        target = _followed(path)
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            replace_file(target, lambda file: file.write(data))
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise cannot_write(path, error) from error


def _followed(path: Path) -> Path:
    """Return the target of a link, which need not exist. Raise `OSError` if the link forms a cycle."""
    if not path.is_symlink():
        return path
    with suppress(FileNotFoundError):
        path.stat()
    return Path(os.path.realpath(path))


def cannot_write(path: Path | str, error: OSError | ValueError) -> SpecError:
    """Return E0606, for a path that cannot be written."""
    otherwise, number = "choose another place with -o", getattr(error, "errno", None)
    help = otherwise if number == errno.ENOENT and os.path.isdir(Path(path).parent) else remedy(error, otherwise)
    return SpecError(codes.files.CannotWrite(str(path), str(getattr(error, "strerror", None) or error), help))


_DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")]
)
"""Names of devices in Windows, with any suffix (learn.microsoft.com/windows/win32/fileio/naming-a-file)."""


def windows_refuses(name: str) -> str | None:
    """Return why Windows does not support a file or folder of this name; None if it does."""
    if name.partition(".")[0].rstrip(" ").lower() in _DEVICES:
        return "Windows keeps that name for a device"
    if name.strip(".") and name[-1] in ". ":
        return f"Windows drops the {'dot' if name[-1] == '.' else 'space'} at its end"
    found = next((character for character in name if character in '<>:"/\\|?*' or ord(character) < 32), None)
    return f"Windows allows no {found!r} in a name" if found is not None else None


def check_storable(path: Path) -> None:
    """Raise `SpecError` E0606 on Windows for a path that would mean a device, a stream, or a shortened name."""
    if os.name != "nt":
        return
    for part in path.parts[1:] if path.anchor else path.parts:
        why = windows_refuses(part)
        if why is not None:
            raise SpecError(codes.files.CannotWrite(str(path), f"{why}, {part!r}", "choose another name"))


def remedy(error: OSError | ValueError, otherwise: str) -> str:
    """Return the remedy for a system error on writing."""
    return _REMEDIES.get(getattr(error, "errno", None) or 0, otherwise)


def replace_file(target: Path, fill: Callable[[IO[bytes]], Any], *, temporary: Path | None = None) -> None:
    """Replace a file by the content that `fill` writes. After an exception, which propagates, the file is unchanged.

    `temporary` is the path of the temporary file, in the same folder; default: a unique name. With a fixed name, the next
    write overwrites the remains of a killed process.
    """
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
    if temporary is None:
        handle, name = tempfile.mkstemp(prefix=".archdsl-", suffix=".partial", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def damaged_part(file: IO[bytes]) -> str | None:
    """Return the first part of a zip archive that is unreadable or has a wrong checksum; None if there is none.

    PyTorch does not verify checksums. It writes 0 instead of them after `torch.serialization.set_crc32_options(False)`.
    """
    import zipfile  # here: few commands read archives

    part = "table of contents"
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                part = info.filename
                with archive.open(info) if info.CRC else nullcontext() as member:
                    while member is not None and member.read(1 << 20):
                        pass
    except Exception:  # damage anywhere in the file raises many kinds of errors
        return part
    return None


def is_same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to the same file; False if one is inaccessible."""
    with suppress(OSError, ValueError):
        return one.samefile(other)
    return False
