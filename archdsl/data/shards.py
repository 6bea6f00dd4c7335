"""Tar files in the layout of WebDataset, read sequentially with the standard library."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archdsl.data.images import ENDINGS, header
from archdsl.data.labels import describe_classes
from archdsl.data.request import Request, unread
from archdsl.data.sources import Source, Stream
from archdsl.declared import Fault

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LOOKED_AT = 100
"""Before training, the headers of this many images are read."""


class Reader:
    """Read the examples of a tar file in order. The files of an example have the same name up to the first dot."""

    def __init__(self, label: str, classes: int | None) -> None:
        self.label, self.classes = label.lower().removeprefix("."), classes

    def __call__(self, shard: str, wanted: bool = True) -> Iterator[tuple[str, Any, int]]:
        """Yield name, bytes of the image and class of each example; no bytes if the images are not wanted."""
        current = ""
        members: dict[str, bytes] = {}
        try:
            with tarfile.open(shard) as archive:
                for member in archive:
                    folder, _, base = member.name.rpartition("/")
                    if not member.isfile() or base.startswith("."):
                        continue
                    stem, _, ending = base.partition(".")
                    key = f"{folder}/{stem}" if folder else stem
                    if key != current and members:
                        yield self._example(shard, current, members)
                        members = {}
                    current = key
                    picture = f".{ending.lower()}".endswith(ENDINGS)
                    if ending.lower() == self.label or (picture and wanted):
                        opened = archive.extractfile(member)
                        members[ending.lower()] = opened.read() if opened is not None else b""
                    elif picture:
                        members[ending.lower()] = b""
                if members:
                    yield self._example(shard, current, members)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise unread(f"cannot read {shard}: {error}", "replace or remove it") from error

    def _example(self, shard: str, key: str, members: dict[str, bytes]) -> tuple[str, Any, int]:
        name = f"{shard}:{key}"
        label = members.pop(self.label, None)
        if label is None:
            raise unread(
                f"{name} has no file `.{self.label}` with the number of its class",
                "name the ending of the labels: `label` of `webdataset`",
            )
        if not members:
            raise unread(f"{name} has no image", f"give each example an image ({', '.join(ENDINGS[:8])} and others are read)")
        text = label.decode(errors="replace").strip()
        if not text.isascii() or not text.isdigit():
            raise unread(
                f"the label of {name} is {text[:20]!r}, and no number of a class",
                "write the number of its class into the file, from 0",
            )
        if self.classes is not None and int(text) >= self.classes:
            message = f"the label of {name} is {text}, and `classes` is {self.classes}"
            raise Fault("E0801", message, argument="data", help="correct `classes` of `webdataset`; they are numbered from 0")
        return name, io.BytesIO(next(iter(members.values()))), int(text)


def open_shards(source: Any, request: Request) -> Source:
    """Open tar files. Without the numbers of examples and classes, read all labels once."""
    shards = _expanded(source.path, request.root)
    if source.validation is not None:
        held_out = _expanded(source.validation, request.root)
    else:
        count = max(1, len(shards) // 10)
        if len(shards) == 1:
            raise unread(
                f"there is one tar file, {shards[0]}, and none can be held out",
                "name the files to validate on: `validation = ...` in `webdataset`",
            )
        shards, held_out = shards[:-count], shards[-count:]
    read = Reader(source.label, source.classes)
    heads = []
    for name, picture, _ in read(shards[0]):
        heads.append((name, header(picture, name)))
        if len(heads) == _LOOKED_AT:
            break
    if not heads:
        raise unread(f"{shards[0]} has no examples", "give each example files of one name, such as 000.jpg and 000.cls")
    often = Counter[int]()
    examples = source.examples
    if examples is None or source.classes is None:
        for shard in shards:
            often.update(label for _, _, label in read(shard, False))
        examples = examples or often.total()
    others = Counter(label for shard in held_out for _, _, label in read(shard, False))
    if not others:
        raise unread(f"{held_out[0]} has no examples", "name files with examples")
    values = sorted({*often, *others, *([source.classes - 1] if source.classes else [])})
    labels = describe_classes(values, dict(often), (), None, request.ignore)
    parts = [
        Stream(number, tuple(files), read, source.buffer)
        for number, files in ((examples, shards), (others.total(), held_out))
    ]  # fmt: skip
    return Source(parts[0], parts[1], labels, heads)


def _expanded(pattern: str, root: Path) -> list[str]:
    """Return the files that a pattern such as `shards-{000..099}.tar` means. Raise `SpecError` E0802 if some are missing."""
    if re.match(r"[a-z]+:", pattern):
        raise unread(f"`{pattern}` is no path, and only files are read", "download the files, or mount the storage as a folder")
    names = [pattern]
    while any(_RANGE.search(name) for name in names):
        names = [part for name in names for part in _unfolded(name)]
    paths = [str(root / name) for name in names]
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise unread(
            f"{len(missing)} of {len(paths)} tar files do not exist, the first is {missing[0]}",
            f"paths start at {root.resolve()}; a range is `{{000..099}}`",
        )
    return paths


def _unfolded(name: str) -> list[str]:
    found = _RANGE.search(name)
    if found is None:
        return [name]
    low, high = found[1], found[2]
    if int(high) < int(low) or int(high) - int(low) > 1_000_000:
        raise unread(f"`{found[0]}` is no range of up to a million files", "write the lesser number first: `{000..099}`")
    return [
        name[: found.start()] + str(number).zfill(len(low)) + name[found.end() :] for number in range(int(low), int(high) + 1)
    ]
