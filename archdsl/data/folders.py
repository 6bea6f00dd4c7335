"""Folders of images: one folder per class, or images and masks in parallel folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from archdsl.data.images import (
    ENDINGS,
    all_bad,
    as_listed,
    headers,
    is_deep,
    is_lossy,
    mask_values,
    opened,
    undecodable,
)
from archdsl.data.labels import describe_classes, describe_labels, distinct
from archdsl.data.request import HELD_OUT, Request
from archdsl.data.sources import Decoded, Header, Images, Source
from archdsl.data.split import hold_out
from archdsl.diagnostics import SpecError, codes
from archdsl.diagnostics.suggest import nearest

_SPLIT_HELP = "part the images yourself, into train/CLASS/*.png and test/CLASS/*.png; or put five images or more into each class"
_MASKS_LOOKED_AT = 500


class Files:
    """Paths in one array of bytes; a list of 100,000 strings would be copied into every worker process."""

    def __init__(self, paths: Sequence[str]) -> None:
        texts = [path.encode(errors="surrogateescape") for path in paths]
        self._ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        self._text = np.frombuffer(b"".join(texts), np.uint8)

    def __len__(self) -> int:
        return len(self._ends)

    def name(self, index: int) -> str:
        """Return the path."""
        start = int(self._ends[index - 1]) if index else 0
        return self._text[start : self._ends[index]].tobytes().decode(errors="surrogateescape")

    source = name


def open_folder(source: Any, request: Request) -> Source:
    """Open a folder of images. Raise `SpecError` E0802 that lists all unreadable files, unless they are skipped."""
    path = request.root / source.path
    if not path.is_dir():
        expected = "a folder" if path.exists() else None
        raise SpecError(codes.data.MissingData(str(path), expected, f"paths start at {request.root.resolve()}"))
    skip = request.skip_bad or source.skip_bad
    if source.masks is not None:
        return _open_masks(path, source, request, skip)
    parts, classes = _class_folders(path, source.path, request)
    listed = [_list(part, classes) for part in parts]
    files = Files([file for part in listed for file, _ in part])
    numbers = np.array([label for part in listed for _, label in part])
    bounds = np.cumsum([0, *(len(part) for part in listed)])
    kept, heads, left_out = _readable(files, skip)
    rows = [kept[(kept >= low) & (kept < high)] for low, high in pairwise(bounds)]
    if len(rows) == 1 and request.whole:
        rows *= 2
    elif len(rows) == 1:
        train, held_out = hold_out(len(rows[0]), numbers[rows[0]], None, 0, _SPLIT_HELP, tuple(classes))
        rows = [rows[0][train], rows[0][held_out]]
    if not all(len(own) for own in rows):
        raise SpecError(codes.images.EmptySplit(str(path), masks=False))
    made = [Decoded(files, numbers, rows=own, deep=is_deep(heads)) for own in rows]
    labels = describe_labels(numbers[rows[0]], [numbers[rows[1]]], tuple(classes), request.ignore)
    return Source(made[0], made[1], labels, heads, made[2] if len(made) > 2 else None, left_out)


def _readable(files: Images, skip: bool, what: str = "image") -> tuple[Any, list[tuple[str, Header]], tuple[str, ...]]:
    """Return the numbers of the readable files, headers, and the names of the skipped files."""
    kept = np.arange(len(files))
    left_out: tuple[str, ...] = ()
    if skip:
        bad = undecodable(files)
        kept = np.delete(kept, [index for index, _, _ in bad])
        left_out = tuple(name for _, name, _ in bad)
        if not len(kept):
            raise SpecError(codes.images.NoneReadable(len(files), what, bad[0][1], bad[0][2]))
    heads, unreadable = headers(files, kept.tolist())
    if unreadable:
        raise all_bad(unreadable, len(files))
    return kept, heads, left_out


def _parts(path: Path, *, whole: bool) -> list[Path]:
    """Return `train` and the existing ones of `val` and `test`; or the folder itself, if the validation set is split off.

    With `whole`, a lone `val` or `test` is all there is.
    """
    if not (path / "train").is_dir():
        alone = [path / part for part in _folders(path)] if whole else []
        return alone if len(alone) == 1 and alone[0].name in HELD_OUT else [path]
    others = [path / part for part in HELD_OUT if (path / part).is_dir() and any((path / part).iterdir())]
    return [path / "train", *(others or [path / "test"])]


def _class_folders(path: Path, written: str, request: Request) -> tuple[list[Path], list[str]]:
    """Return the folders of the splits, and the classes by number: those of the request, or those in the first folder."""
    parts, names = _parts(path, whole=request.whole), request.names
    classes = _folders(parts[0])
    _check_names(path, written, classes if parts[0] == path else ["train", *_folders(path)])
    if not classes:
        raise SpecError(codes.images.NoClassFolders(str(path), len(parts) > 1, _other_layout(path, written)))
    if len(parts) == 1 and set(classes) == {"images", "masks"}:
        raise SpecError(codes.images.MasksAsClasses(str(path), written))
    for part in parts[1:]:
        extra = [name for name in _folders(part) if name not in classes]
        if extra:
            raise SpecError(codes.images.ExtraClass(str(part), extra[0], str(parts[0])))
    others = [name for name in classes if names is not None and name not in names]
    if others:
        raise SpecError(codes.inference.OtherClasses(str(path), tuple(others), names or ()))
    return parts, list(names or classes)


_PARTS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test",
    "testing": "test"
}  # fmt: skip
"""Common names of split folders in lower case, mapped to the required names."""


def _check_names(path: Path, written: str, folders: list[str]) -> None:
    """Raise `SpecError` E0802 for folders that are splits under other names, or that contain the folders of all classes."""
    named = {name: _PARTS[name.lower()] for name in folders if name.lower() in _PARTS}
    missing = set(named.values()) - set(named)  # `valid` next to `val` is accepted
    if "train" in named.values() and len(named) > 1 and missing:
        renamed = [(name, right) for name, right in named.items() if right in missing]
        raise SpecError(codes.images.SplitNames(str(path), list(named), renamed))
    inner = path / folders[0] if len(folders) == 1 else None
    if inner is not None and inner.name != "train" and _folders(inner) and not any(map(_is_image, _files(inner))):
        raise SpecError(codes.images.NestedFolder(str(path), inner.name, written))


def _other_layout(path: Path, written: str) -> str:
    """Return the fix for a folder in another known format; `written` is its path in the recipe."""
    names = {file.name for file in path.glob("*")}
    if any(name.startswith("data_batch_") for name in names):
        return f'write `data = cifar10("{written}")`'
    if any(name.startswith("train-images") for name in names):
        return f'write `data = mnist("{written}")`'
    if any(name.endswith(".parquet") for name in names):
        return f'write `data = hf("{written}")`'
    if any(name.endswith(".tar") for name in names):
        return f'write `data = webdataset("{written}/*.tar")`, with the names of the shards'
    return "put images into train/CLASS/*.png and test/CLASS/*.png"


def _folders(path: Path) -> list[str]:
    """Return the names of the visible subfolders, sorted."""
    return sorted(entry.name for entry in path.glob("*") if entry.is_dir() and not entry.name.startswith("."))


def _list(part: Path, classes: list[str]) -> list[tuple[str, int]]:
    """Return the images of a split with their classes. Raise `SpecError` E0802 if the folder of a class has none."""
    images = []
    for label, name in enumerate(classes):
        folder = part / name
        files = _files(folder) if folder.is_dir() else []
        chosen = [(os.path.join(folder, file), label) for file in files if _is_image(file)]
        if folder.is_dir() and not chosen:
            raise SpecError(codes.images.EmptyClass(str(folder), files[0] if files else None, ENDINGS[:8]))
        images += chosen
    if not images:
        raise SpecError(codes.images.NoImages(str(part), f"put images into {part}/CLASS/*.png"))
    return images


def _files(folder: Path) -> list[str]:
    """Return the names of the visible files in a folder, sorted. `Path` objects for 100,000 files would take a second."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and not entry.is_dir())


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in ENDINGS


def _open_masks(path: Path, source: Any, request: Request, skip: bool) -> Source:
    """Open images and masks with the same names: images/a.jpg and masks/a.png, optionally below train and test."""
    parts = _parts(path, whole=request.whole)
    pairs = [_pairs(part, source) for part in parts]
    images = Files([image for part in pairs for image, _ in part])
    masks = Files([own for part in pairs for _, own in part])
    bounds = np.cumsum([0, *(len(part) for part in pairs)])
    kept, heads, left_out = _readable(images, skip)
    kept_masks, _, bad_masks = _readable(masks, skip, "mask")
    kept = np.intersect1d(kept, kept_masks)
    rows = [kept[(kept >= low) & (kept < high)] for low, high in pairwise(bounds)]
    if len(rows) == 1 and request.whole:
        rows *= 2
    elif len(rows) == 1:
        train, held_out = hold_out(len(rows[0]), None, None, 0, "")
        rows = [rows[0][train], rows[0][held_out]]
    if not all(len(own) for own in rows):
        raise SpecError(codes.images.EmptySplit(str(path), masks=True))
    _same_sizes(images, masks, kept)
    looked = [[own[i] for i in range(0, len(own), -(-len(own) // _MASKS_LOOKED_AT))] for own in rows]
    counts = [_count(masks, own, source.values) for own in looked]
    values = sorted(set(counts[0]) | set(counts[1])) if source.values is None else list(range(len(source.values)))
    if is_lossy(masks.name(rows[0][0])) and values != list(range(len(values))):
        raise SpecError(codes.masks.LossyMasks(tuple(values)))
    known = frozenset(values).union(*counts) if source.values is None else None
    shape = (heads[0][1].height, heads[0][1].width)
    labels = describe_classes(values, counts[0], shape, None, request.ignore, yes_or_no=set(values) <= {0, 1})
    made = [Decoded(images, None, masks, own, source.values, known, is_deep(heads)) for own in rows]
    return Source(made[0], made[1], labels, heads, made[2] if len(made) > 2 else None, (*left_out, *bad_masks))


def _pairs(part: Path, source: Any) -> list[tuple[str, str]]:
    folders = part / source.images, part / source.masks
    for name, folder in zip(("images", "masks"), folders, strict=True):
        if not folder.is_dir():
            present = [other for other in _folders(part) if other not in (source.images, source.masks)]
            near = nearest(folder.name, present) or (present[0] if len(present) == 1 else None)
            raise SpecError(codes.images.NoMaskFolder(str(folder), name, near, (str(folders[0]), str(folders[1]))))
    images = [file for file in _files(folders[0]) if _is_image(file)]
    masks = {os.path.splitext(file)[0]: file for file in _files(folders[1]) if _is_image(file)}
    lone = [file for file in images if os.path.splitext(file)[0] not in masks]
    if not images:
        help = f"put images into it ({', '.join(ENDINGS[:8])} and others are read)"
        raise SpecError(codes.images.NoImages(str(folders[0]), help))
    if lone:
        held = min(masks.values()) if len(lone) == len(images) and masks else None
        raise SpecError(codes.images.LoneImages(lone, len(images), (str(folders[0]), str(folders[1])), held))
    return [(os.path.join(folders[0], file), os.path.join(folders[1], masks[os.path.splitext(file)[0]])) for file in images]


def _same_sizes(images: Images, masks: Images, kept: Any) -> None:
    """Raise `SpecError` E0802 for a mask whose size differs from that of its image."""
    numbers = [int(index) for index in kept]
    found = zip(headers(images, numbers)[0], headers(masks, numbers)[0], strict=True)
    for (image, head), (own, other) in found:
        if head[:2] != other[:2]:
            raise SpecError(codes.images.MaskSizeDiffers(image, head[:2], own, other[:2]))


def _count(masks: Images, rows: Sequence[int], values: tuple[int, ...] | None) -> dict[int, int]:
    """Return the values in some masks, with the number of pixels of each."""
    counts: dict[int, int] = {}
    for row in rows:
        name = masks.name(row)
        with opened(masks.source(row), name) as image:
            numbers = mask_values(image, name)
        if values is not None:
            numbers = as_listed(numbers, values, name)
        for value, count in zip(*distinct(numbers), strict=True):
            counts[value] = counts.get(value, 0) + count
    return counts
