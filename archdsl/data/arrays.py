"""Read examples and labels from `.npz` files, and check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from archdsl.data.inputs import Input
from archdsl.data.labels import describe_labels, pieces
from archdsl.data.npz import read_npz
from archdsl.data.request import HELD_OUT, Request
from archdsl.data.sources import Arrays, Source
from archdsl.data.split import hold_out
from archdsl.diagnostics import SpecError, codes

_SPLIT_HELP = "give the held-out examples too: `x_train`, `y_train`, `x_test` and `y_test`"


def open_arrays(path: Path, request: Request) -> Source:
    """Open a `.npz` file without executing anything in it. Uncompressed arrays stay on disk."""
    arrays, parts, names = _read(path, request.inputs, whole=request.whole)
    for part in parts:
        _check_part(part, arrays, names)
    train, held_out, *test = parts if len(parts) > 1 else (parts[0], parts[0])
    if len(parts) > 1:
        for number in range(len(names)):
            _check_examples(*((part[number], arrays[part[number]]) for part in (train, held_out)))
        _check_labels(*((part[-1], arrays[part[-1]]) for part in (train, held_out)))
        made = [_part(part, arrays, request.inputs) for part in (train, held_out, *test)]
    elif request.whole:
        made = [_part(train, arrays, request.inputs)] * 2
    else:
        x, y = arrays[train[0]], arrays[train[-1]]
        classes = y if y.ndim == 1 and y.dtype.kind != "f" else None
        help = _SPLIT_HELP + (
            "; or, where the labels are values, save them as floats: `y.astype(float)`" if classes is not None else ""
        )
        made = [_part(train, arrays, request.inputs, rows) for rows in hold_out(len(x), classes, None, 0, help)]
    labels = [part.chosen(part.labels) for part in made]
    return Source(
        made[0], made[1], describe_labels(labels[0], labels[1:2], None, request.ignore), test=made[2] if made[2:] else None
    )


def _part(names: tuple[str, ...], arrays: dict[str, Any], inputs: tuple[Input, ...], rows: Any = None) -> Arrays:
    """Return the arrays of one split. Add the channel axis that grey images may omit."""
    examples = []
    for name, wanted in zip(names[:-1], inputs, strict=True):
        array = arrays[name]
        if wanted.image and wanted.shape[0] == 1 and array.ndim == 3:
            array = array[:, None]
        examples.append(array)
    return Arrays(tuple(examples), arrays[names[-1]], rows)


def _read(path: Path, inputs: tuple[Input, ...], *, whole: bool) -> tuple[dict[str, Any], list[tuple[str, ...]], tuple[str, ...]]:
    """Return the arrays by name; for each split the names of its arrays, labels last; and the names of the inputs."""
    help = _help(inputs)
    parts: list[tuple[str, ...]] = []
    names: tuple[str, ...] = ()

    def choose(found: list[str]) -> set[str]:
        nonlocal parts, names
        parts, names = _chosen(found, inputs, whole=whole)
        return {name for part in parts for name in part}

    found, arrays = read_npz(path, choose, help)
    if not arrays:
        raise SpecError(codes.data.MissingArrays(str(path), found, _own(inputs), help))
    if not all(array.ndim for array in arrays.values()):
        raise SpecError(codes.data.SingleNumbers(str(path), help))
    return arrays, parts, names


def _own(inputs: tuple[Input, ...]) -> tuple[str, ...]:
    """Return the names of the arrays of examples: `x` for one input, else the names of the inputs."""
    return ("x",) if len(inputs) == 1 else tuple(given.name for given in inputs)


def _help(inputs: tuple[Input, ...]) -> str:
    arrays = [f"{name}_{part}=..." for part in ("train", "test") for name in (*_own(inputs), "y")]
    return f"save it with numpy.savez(path, {', '.join(arrays)})"


def _chosen(found: list[str], inputs: tuple[Input, ...], *, whole: bool) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the names of the arrays to read for each split; an empty list if some are missing."""
    for names in dict.fromkeys((_own(inputs), tuple(given.name for given in inputs))):
        by_part = {part: tuple(f"{name}_{part}" for name in (*names, "y")) for part in ("train", *HELD_OUT)}
        there = {part: wanted for part, wanted in by_part.items() if set(wanted) <= set(found)}
        if "train" in there and len(there) > 1:
            return list(there.values()), names
        if {*names, "y"} <= set(found):
            return [(*names, "y")], names
        if whole and len(there) == 1:  # a test set alone, to evaluate a trained network on
            return list(there.values()), names
    return [], ()


def _check_part(part: tuple[str, ...], arrays: dict[str, Any], names: tuple[str, ...]) -> None:
    """Check each array of a split, and that there is a label for each example."""
    for name in part:
        check_numbers(name, arrays[name])
    *examples, y = part
    for x in examples:
        if len(arrays[x]) != len(arrays[y]):
            raise SpecError(codes.data.LabelCount(x, len(arrays[x]), y, len(arrays[y])))


def check_numbers(name: str, array: Any) -> None:
    """Raise `SpecError` E0802 for an array without usable numbers, and E0801 for labels that cannot be classes."""
    kind = array.dtype.kind
    if kind == "c":
        raise SpecError(codes.data.ComplexArray(name, str(array.dtype)))
    if kind not in "fiub":
        raise SpecError(codes.data.NoNumbers(name, str(array.dtype), name.startswith("y")))
    if not array.size:
        raise SpecError(codes.data.EmptyArray(name, array.shape))
    if kind == "f":
        _check_finite(name, array)
    elif name.startswith("y"):
        _check_classes(name, array)


def _check_finite(name: str, array: Any) -> None:
    first = _first_not_finite(array)
    if first is not None:
        raise SpecError(codes.data.NotFinite(name, first, name.startswith("y")))
    greatest = max(max(abs(float(piece.min())), abs(float(piece.max()))) for piece in pieces(array))
    if greatest > float(np.finfo(np.float32).max):
        raise SpecError(codes.data.BeyondFloat32(name, greatest))


def _first_not_finite(array: Any) -> list[int] | None:
    """Return the index of the first number that is not finite; None if all are finite."""
    start = 0
    for piece in pieces(array):
        finite = np.isfinite(piece)
        if not finite.all():
            first = [int(index) for index in np.argwhere(~finite)[0]]
            return [first[0] + start, *first[1:]]
        start += len(piece)
    return None


def _check_classes(name: str, array: Any) -> None:
    """Check class numbers before the conversion to int64, in which large numbers of uint64 would become negative."""
    high = int(array.max())
    if high > np.iinfo(np.int64).max:
        raise SpecError(codes.labels.UnnumberedClass(name, high))


def _check_examples(train: tuple[str, Any], test: tuple[str, Any]) -> None:
    shapes = [array.shape[1:] for _, array in (train, test)]
    if [size for size in shapes[0] if size != 1] != [
        size for size in shapes[1] if size != 1
    ]:  # grey images may omit the channel axis
        raise SpecError(codes.examples.ExampleShapesDiffer((train[0], test[0]), (list(shapes[0]), list(shapes[1]))))
    if (train[1].dtype == np.uint8) == (test[1].dtype == np.uint8):
        return
    (byte, array), (other, others) = (train, test) if train[1].dtype == np.uint8 else (test, train)
    low, high = float(others.min()), float(others.max())
    raise SpecError(codes.data.ScalesDiffer(byte, str(array.dtype), other, str(others.dtype), low, high))


def _check_labels(train: tuple[str, Any], test: tuple[str, Any]) -> None:
    (one, y_train), (two, y_test) = train, test
    if (y_train.dtype.kind == "f") != (y_test.dtype.kind == "f"):
        (floats, values), (wholes, classes) = (train, test) if y_train.dtype.kind == "f" else (test, train)
        whole = bool((values == values.round()).all())
        raise SpecError(codes.labels.LabelTypesDiffer(floats, str(values.dtype), wholes, str(classes.dtype), whole))
    if y_train.shape[1:] == y_test.shape[1:]:
        return
    shapes = list(y_train.shape[1:]), list(y_test.shape[1:])
    if np.prod(y_train.shape[1:]) == np.prod(y_test.shape[1:]):
        (wide, labels), (_, narrow) = (train, test) if y_train.ndim > y_test.ndim else (test, train)
        sizes = "".join(f", {size}" for size in narrow.shape[1:])
        help = f"save both in one shape: `{wide}.reshape({len(labels)}{sizes})`"
        raise SpecError(codes.labels.LabelShapesDiffer((one, two), shapes, help))
    hot = next((name for name, labels in (train, test) if labels.ndim == 2 and bool(((labels != 0).sum(1) == 1).all())), None)
    if hot and 1 in (y_train.ndim, y_test.ndim):
        help = f"save the number of each example's class in both: `{hot}.argmax(1)`"
    else:
        help = f"save both in one shape, `{two}` as [{', '.join(str(size) for size in (len(y_test), *shapes[0]))}]"
    raise SpecError(codes.labels.LabelShapesDiffer((one, two), shapes, help))
