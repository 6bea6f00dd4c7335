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
from archdsl.data.request import Request
from archdsl.data.sources import Source, Stream
from archdsl.diagnostics import SpecError, codes

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
            raise SpecError(codes.data.UnreadableFile(shard, str(error), "replace or remove it")) from error

    def _example(self, shard: str, key: str, members: dict[str, bytes]) -> tuple[str, Any, int]:
        name = f"{shard}:{key}"
        label = members.pop(self.label, None)
        if label is None:
            raise SpecError(codes.archives.NoLabelFile(name, self.label))
        if not members:
            raise SpecError(codes.archives.NoImageFile(name, ENDINGS[:8]))
        text = label.decode(errors="replace").strip()
        if not text.isascii() or not text.isdigit():
            raise SpecError(codes.archives.LabelNoNumber(name, text[:20]))
        if self.classes is not None and int(text) >= self.classes:
            raise SpecError(codes.labels.LabelBeyondClasses(name, text, self.classes))
        return name, io.BytesIO(next(iter(members.values()))), int(text)


def open_shards(source: Any, request: Request) -> Source:
    """Open tar files. Without the numbers of examples and classes, read all labels once."""
    shards = _expanded(source.path, request.root)
    if source.validation is not None:
        held_out = _expanded(source.validation, request.root)
    else:
        count = max(1, len(shards) // 10)
        if len(shards) == 1:
            raise SpecError(codes.archives.OneShard(shards[0]))
        shards, held_out = shards[:-count], shards[-count:]
    read = Reader(source.label, source.classes)
    heads = []
    for name, picture, _ in read(shards[0]):
        heads.append((name, header(picture, name)))
        if len(heads) == _LOOKED_AT:
            break
    if not heads:
        raise SpecError(codes.archives.EmptyShard(shards[0], held_out=False))
    often = Counter[int]()
    examples = source.examples
    if examples is None or source.classes is None:
        for shard in shards:
            often.update(label for _, _, label in read(shard, False))
        examples = examples or often.total()
    others = Counter(label for shard in held_out for _, _, label in read(shard, False))
    if not others:
        raise SpecError(codes.archives.EmptyShard(held_out[0], held_out=True))
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
        raise SpecError(codes.archives.NotAPath(pattern))
    names = [pattern]
    while any(_RANGE.search(name) for name in names):
        names = [part for name in names for part in _unfolded(name)]
    paths = [str(root / name) for name in names]
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise SpecError(codes.archives.MissingShards(len(missing), len(paths), missing[0], str(root.resolve())))
    return paths


def _unfolded(name: str) -> list[str]:
    found = _RANGE.search(name)
    if found is None:
        return [name]
    low, high = found[1], found[2]
    if int(high) < int(low) or int(high) - int(low) > 1_000_000:
        raise SpecError(codes.archives.BadRange(found[0]))
    return [
        name[: found.start()] + str(number).zfill(len(low)) + name[found.end() :] for number in range(int(low), int(high) + 1)
    ]
