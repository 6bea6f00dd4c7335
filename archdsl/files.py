"""Writing that either happens or does not: beside the target, flushed to the disk, then renamed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from archdsl.declared import Fault

_REMEDIES = {
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
    """Replace the file by this content, text as UTF-8, or raise `Fault` E0606 and leave all as it was.

    What is no regular file, such as `/dev/null` or a named pipe, is written to and not replaced. A link
    is followed, and a file that was there keeps its permissions.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        target = path.resolve() if path.is_symlink() else path
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            replace_file(target, lambda file: file.write(data))
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path | str, error: OSError) -> Fault:
    """What to say where the system refuses to write; E0606."""
    otherwise = "choose another place with -o"
    help = otherwise if Path(path).parent.is_dir() and error.errno == errno.ENOENT else remedy(error, otherwise)
    return Fault("E0606", f"{path} cannot be written: {error.strerror or error}", help=help)


def remedy(error: OSError, otherwise: str) -> str:
    """What helps where the system refuses to write."""
    return _REMEDIES.get(error.errno or 0, otherwise)


def replace_file(target: Path, fill: Callable[[IO[bytes]], Any], *, temporary: Path | None = None) -> None:
    """Replace the file by what `fill` writes; whatever goes wrong leaves it as it was, and passes on.

    `temporary` is where it is written first, in the same folder; a name of its own where it is not said. With one
    name for every writing, what a killed process leaves is written over by the next.
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
    """The first part of a zip archive that cannot be read or has a wrong checksum; none where all is well.

    PyTorch does not look at the checksums. It writes 0 in their place after `torch.serialization.set_crc32_options(False)`.
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
    except Exception:  # of many kinds: damage can be anywhere
        return part
    return None
