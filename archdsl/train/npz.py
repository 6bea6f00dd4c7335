"""Arrays out of a `.npz` file, which is a zip archive of `.npy` files. Nothing in it is executed.

What an array's header claims is compared with the file before memory is taken for it: a header of a hundred bytes can claim
any size.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import numpy as np

from archdsl.declared import Fault
from archdsl.train.formats import unread

_SUFFIX: Final = ".npy"
_EXPANDED: Final = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
"""To how many bytes one expands at most: deflate makes 258 of two bits (zlib.net/zlib_tech.html). NumPy uses no other method."""
_SAVE: Final = "save it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)"


def read_npz(path: Path, choose: Callable[[list[str]], Collection[str]]) -> tuple[list[str], dict[str, Any]]:
    """The names of all arrays, and those of them that `choose` takes; raises `Fault` E0802."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise unread(f"{path} is not a .npz file", _SAVE)
            with zipfile.ZipFile(file) as archive:
                members = {info.filename.removesuffix(_SUFFIX): info for info in archive.infolist()}
                return list(members), {name: _array(path, archive, members[name]) for name in choose(list(members))}
    except Fault:
        raise
    except OSError as error:
        raise unread(f"cannot read {path}: {error.strerror or error}", _SAVE) from error
    except MemoryError as error:
        raise unread(f"the arrays of {path} are larger than the memory that is free", "save fewer examples, or smaller ones") from error
    except Exception as error:  # of many kinds: damage can be anywhere in the archive
        raise _damaged(path, str(error).partition("\n")[0] or type(error).__name__) from error


def _array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    most = _EXPANDED.get(info.compress_type)
    if most is None:
        raise unread(f"{path} is compressed in another way than NumPy does", _SAVE)
    if info.file_size > most * info.compress_size:
        raise _damaged(path, f"`{info.filename}` cannot have {info.file_size:,} bytes")
    with archive.open(info) as member:
        _check_header(path, info, member)
    with archive.open(info) as member, warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
        array = np.lib.format.read_array(member, allow_pickle=False)
        member.read(1)  # to the end, where the checksum is compared
    return array


def _check_header(path: Path, info: zipfile.ZipInfo, member: Any) -> None:
    """Raise `Fault` where a header claims other than the numbers that follow it."""
    if not member.peek(8).startswith(np.lib.format.MAGIC_PREFIX):
        raise unread(f"{path} has `{info.filename}`, which is no array", _SAVE)
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings(action="ignore"):
        shape, _, dtype = read(member)
    if dtype.hasobject:
        remedy = "save arrays of numbers; names of classes become numbers by `numpy.unique(y, return_inverse=True)[1]`"
        raise unread(f"cannot read {path}: an array in it is of Python objects", remedy)
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
        raise _damaged(path, f"`{info.filename}` claims to be {list(shape)} of {dtype}, and has {info.file_size:,} bytes")


def _damaged(path: Path, reason: str) -> Fault:
    return unread(f"cannot read {path}: it is damaged: {reason}", f"copy it again, or {_SAVE}")
