"""Hugging Face data sets, through the library `datasets`. Only `download` allows network access."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from archdsl.data.images import all_bad, headers, is_deep, mask_values, opened, undecodable
from archdsl.data.labels import describe_classes, describe_labels, distinct
from archdsl.data.request import Request
from archdsl.data.sources import Arrays, Decoded, Part, Source, as_classes
from archdsl.data.split import hold_out
from archdsl.diagnostics import SpecError, codes
from archdsl.diagnostics.suggest import nearest
from archdsl.optional_dependencies import extra_needed

_HELD_OUT = ("validation", "valid", "val", "test")
_MASKS_LOOKED_AT = 500


class Column:
    """The images in a column, as the bytes of their files."""

    def __init__(self, table: Any, name: str) -> None:
        self._table, self._name = table, name

    def __len__(self) -> int:
        return len(self._table)

    def name(self, index: int) -> str:
        """Return the row, and the path if there is one."""
        path = self._table[index][self._name]["path"]
        return f"row {index}" + (f" ({path})" if path else "")

    def source(self, index: int) -> Any:
        """Return the bytes, or the path if there are none."""
        held = self._table[index][self._name]
        return io.BytesIO(held["bytes"]) if held["bytes"] is not None else held["path"]


def open_hub(source: Any, request: Request) -> Source:
    """Open the training and validation splits of a data set, and its test split if it has one."""
    loaded = _load(source, request)
    if source.train not in loaded:
        raise SpecError(codes.hub.NoSplit(source.path, source.train, list(loaded), validation=False))
    wanted = source.validation or next((name for name in _HELD_OUT if name in loaded and name != source.train), None)
    if wanted is not None and wanted not in loaded:
        raise SpecError(codes.hub.NoSplit(source.path, wanted, list(loaded), validation=True))
    tables = [loaded[source.train], *([loaded[wanted]] if wanted is not None else [])]
    test = "test" if "test" in loaded and wanted not in (None, "test") and source.train != "test" else None
    tables += [loaded[test]] if test is not None else []
    for key in ("image", "label"):
        column = getattr(source, key)
        if column not in tables[0].column_names:
            present = tables[0].column_names
            meant = nearest(column, present) or present[min(1, len(present) - 1) if key == "label" else 0]
            raise SpecError(codes.hub.NoColumn(source.path, column, present, key, meant))
    return _source(tables, source, request)


def _load(source: Any, request: Request) -> Any:
    """Return all splits by name.

    Disable the progress bars of the library, and its network access unless downloads are allowed.
    """
    download = request.download or source.download
    local = request.root / source.path
    if not download:
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"  # the library reads these when it is imported
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    with extra_needed("hf", "a data set of Hugging Face"):
        import datasets
        import huggingface_hub.constants
    offline = not download
    datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = offline
    datasets.disable_progress_bars()
    path = str(local) if local.exists() else source.path
    try:
        if (local / "dataset_dict.json").is_file():
            return datasets.load_from_disk(path)
        if (local / "state.json").is_file():
            return {source.train: datasets.load_from_disk(path)}
        return datasets.load_dataset(path, source.config)
    except Exception as error:  # the library and its dependencies raise many kinds of errors
        reason = str(error).partition("\n")[0] or type(error).__name__
        if not local.exists() and not download:
            raise SpecError(codes.hub.NotInCache(source.path, str(request.root.resolve()))) from error
        help = "check the name and, for a folder, its files"
        raise SpecError(codes.data.UnreadableFile(f"`{source.path}`", reason, help)) from error


def _source(tables: Sequence[Any], source: Any, request: Request) -> Source:
    import datasets

    features = tables[0].features
    picture = isinstance(features[source.image], datasets.Image)
    masks = isinstance(features[source.label], datasets.Image)
    names: tuple[str, ...] | None = None
    given = None if masks else [as_classes(_numbers(table, source.label)) for table in tables]
    if given is not None:
        names = given[0][1]
        own = getattr(features[source.label], "names", None)
        names = tuple(own) if own else names
        if names is not None and any(other != given[0][1] for _, other in given[1:]):
            raise SpecError(codes.hub.TextsDiffer(source.label))
    every = [None] * len(tables) if given is None else [labels for labels, _ in given]
    if len(tables) == 1 and request.whole:
        rows: list[Any] = [np.arange(len(tables[0]))] * 2
        tables, every = [tables[0]] * 2, every * 2
    elif len(tables) == 1:
        count = len(tables[0])
        classes = every[0] if every[0] is not None and every[0].ndim == 1 and every[0].dtype.kind != "f" else None
        rows = list(hold_out(count, classes, None, 0, "name a split to validate on: `validation` in `hf(...)`", names))
        tables, every = [tables[0]] * 2, every * 2
    else:
        rows = [np.arange(len(table)) for table in tables]
    if not picture:
        return _of_arrays(tables, every, rows, source, request, names)
    return _of_pictures(tables, every, rows, masks, names, source, request)


def _numbers(table: Any, name: str) -> Any:
    column = table.with_format("numpy", columns=[name])[:][name]
    return np.stack(list(column)) if getattr(column, "dtype", np.dtype(object)).hasobject else np.asarray(column)


def _of_arrays(
    tables: Sequence[Any], every: Sequence[Any], rows: Sequence[Any], source: Any, request: Request, names: tuple[str, ...] | None
) -> Source:
    from archdsl.data.arrays import check_numbers

    parts = []
    for table, labels, own in zip(tables, every, rows, strict=True):
        if labels is None:
            raise SpecError(codes.hub.LabelsAreImages(source.label, source.image))
        try:
            x = _numbers(table, source.image)
        except ValueError as error:
            raise SpecError(codes.hub.RaggedColumn(source.image)) from error
        check_numbers(source.image, x)
        parts.append(Arrays((x,), labels, own))
    described = describe_labels(parts[0].chosen(every[0]), [parts[1].chosen(every[1])], names, request.ignore)
    return Source(parts[0], parts[1], described, test=parts[2] if parts[2:] else None)


def _of_pictures(
    tables: Sequence[Any], every: Sequence[Any], rows: list[Any], masks: bool, names: tuple[str, ...] | None, source: Any,
    request: Request
) -> Source:  # fmt: skip
    import datasets

    parts: list[Part] = []
    counts: list[dict[int, int]] = []
    heads, left_out = [], []
    for table, labels, own in zip(tables, every, rows, strict=True):
        raw = table.cast_column(source.image, datasets.Image(decode=False))
        raw = raw.cast_column(source.label, datasets.Image(decode=False)) if masks else raw
        pictures, own_masks = Column(raw, source.image), Column(raw, source.label) if masks else None
        if request.skip_bad:
            bad = undecodable(pictures)
            own = own[~np.isin(own, [index for index, _, _ in bad])]
            left_out += [name for _, name, _ in bad]
        found, wrong = headers(pictures, own)
        if wrong:
            raise all_bad(wrong, len(own))
        heads += found
        counts.append(_count(own_masks, own) if own_masks is not None else {})
        parts.append(Decoded(pictures, labels, own_masks, own))
    for part in parts:
        part.deep = is_deep(heads)  # type: ignore[union-attr]
    if masks:
        values = sorted({*counts[0], *counts[1]})
        for part in parts:
            part.known = frozenset().union(*counts)  # type: ignore[union-attr]
        described = describe_classes(
            values, counts[0], tuple(heads[0][1][:2]), names, request.ignore, yes_or_no=set(values) <= {0, 1}
        )
    else:
        described = describe_labels(every[0][parts[0].rows], [every[1][parts[1].rows]], names, request.ignore)  # type: ignore[union-attr]
    return Source(parts[0], parts[1], described, heads, parts[2] if parts[2:] else None, tuple(dict.fromkeys(left_out)))


def _count(masks: Column, rows: Any) -> dict[int, int]:
    """Return the values in some masks, with the number of pixels of each."""
    counts: dict[int, int] = {}
    for row in rows[:: -(-len(rows) // _MASKS_LOOKED_AT)]:
        with opened(masks.source(int(row)), masks.name(int(row))) as image:
            for value, count in zip(*distinct(mask_values(image, masks.name(int(row)))), strict=True):
                counts[value] = counts.get(value, 0) + count
    return counts
