"""`.npz` files: what is read of them, and whether their arrays can be examples and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from archdsl.train.formats import HELD_OUT, misshapen, unfit, unread
from archdsl.train.npz import read_npz


def read_arrays(path: Path) -> list[Any]:
    """`x_train, y_train, x_test, y_test`, or `x, y`. Nothing in the file is executed."""
    found, arrays = read_npz(path, _chosen)
    help = "save it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)"
    if not arrays:
        shown = ", ".join(f"`{name}`" for name in found[:8]) + (", ..." if len(found) > 8 else "")
        raise unread(f"{path} has {shown or 'nothing in it'}, where `x_train`, `y_train`, `x_test` and `y_test` are looked for", help)
    if not all(array.ndim for array in arrays.values()):
        raise unread(f"{path} has single numbers in place of arrays", help)
    _check(arrays)
    return list(arrays.values())


def _chosen(found: list[str]) -> tuple[str, ...]:
    """The names of the arrays to read, of those that there are; none where some are missing."""
    choices = [("x_train", "y_train", f"x_{part}", f"y_{part}") for part in HELD_OUT]
    return next((names for names in [*choices, ("x", "y")] if set(names) <= set(found)), ())


def _check(arrays: dict[str, Any]) -> None:
    """Each array by itself, examples against their labels, and the two parts against each other."""
    for name, array in arrays.items():
        _check_numbers(name, array)
    names = list(arrays)
    for x, y in zip(names[::2], names[1::2], strict=True):
        if len(arrays[x]) != len(arrays[y]):
            message = f"there are {len(arrays[x])} examples in `{x}` and {len(arrays[y])} labels in `{y}`"
            raise unread(message, "give one label to each example")
    if len(names) == 4:
        _check_examples(*((name, arrays[name]) for name in names[::2]))
        _check_labels(*((name, arrays[name]) for name in names[1::2]))


def _check_numbers(name: str, array: Any) -> None:
    kind = array.dtype.kind
    if kind == "c":
        raise unread(f"`{name}` is {array.dtype}, and numbers are real", f"save its real part: `{name}.real`")
    if kind not in "fiub" and name.startswith("y"):
        help = "give each example the number of its class: `names, y = numpy.unique(y, return_inverse=True)`"
        raise unread(f"`{name}` is {array.dtype}, and no numbers", help)
    if kind not in "fiub":
        raise unread(f"`{name}` is {array.dtype}, and no numbers", f"save numbers, as with `{name}.astype(float)`")
    if not array.size:
        raise unread(f"`{name}` has the shape {list(array.shape)}, and no numbers in it", "give arrays that are not empty")
    if kind == "f":
        _check_finite(name, array)
    elif name.startswith("y"):
        _check_classes(name, array)


def _check_finite(name: str, array: Any) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        at = ", ".join(str(index) for index in np.argwhere(~finite)[0])
        what = "labels" if name.startswith("y") else "values"
        message = f"`{name}` has {what} that are not finite, the first at `{name}[{at}]`"
        raise unread(message, f"remove those examples, and their labels: `numpy.argwhere(~numpy.isfinite({name}))[:, 0]` are their numbers")
    greatest = max(abs(float(array.min())), abs(float(array.max())))
    if greatest > float(np.finfo(np.float32).max):
        message = f"`{name}` has values up to {greatest:.3g}, and float32, in which training calculates, ends at 3.4e+38"
        raise unread(message, f"scale them, in all parts alike: `{name} / {greatest:.1g}`")


def _check_classes(name: str, array: Any) -> None:
    """The numbers of classes, before they are made int64, in which the greatest of uint64 would come out negative."""
    low, high = int(array.min()), int(array.max())
    if low < 0:
        raise unfit(f"a label in `{name}` is {low}, and classes are numbered from 0", f"number them from 0: `y + {-low}`")
    if high > np.iinfo(np.int64).max:
        help = "number them from 0 without gaps: `numpy.unique(y, return_inverse=True)[1]`"
        raise unfit(f"a label in `{name}` is {high}, and classes are numbered from 0", help)


def _check_examples(train: tuple[str, Any], test: tuple[str, Any]) -> None:
    shapes = [array.shape[1:] for _, array in (train, test)]
    if [size for size in shapes[0] if size != 1] != [size for size in shapes[1] if size != 1]:  # the channel of grey may be left out
        message = f"examples of `{train[0]}` are {list(shapes[0])}, and those of `{test[0]}` are {list(shapes[1])}"
        raise misshapen(message, "bring all examples to one shape")
    if (train[1].dtype == np.uint8) == (test[1].dtype == np.uint8):
        return
    (byte, array), (other, others) = (train, test) if train[1].dtype == np.uint8 else (test, train)
    if others.min() >= 0 and others.max() <= 1:
        help = f"save both from 0 to 1: `{byte} / 255`"
    elif others.min() >= 0 and others.max() <= 255:
        help = f"save both as bytes: `{other}.round().astype(numpy.uint8)`"
    else:
        help = f"save both as floats, on one scale: `{byte}.astype(float)`"
    message = f"`{byte}` is {array.dtype}, which is divided by 255, and `{other}` is {others.dtype}, which is taken as it is"
    raise unread(message, help)


def _check_labels(train: tuple[str, Any], test: tuple[str, Any]) -> None:
    (one, y_train), (two, y_test) = train, test
    if (y_train.dtype.kind == "f") != (y_test.dtype.kind == "f"):
        (floats, values), (wholes, classes) = (train, test) if y_train.dtype.kind == "f" else (test, train)
        message = f"`{floats}` is {values.dtype}, which means values, and `{wholes}` is {classes.dtype}, which means classes"
        whole = bool((values == values.round()).all())
        help = f"save both as whole numbers: `{floats}.astype(int)`; or, where they are values, " if whole else ""
        raise unfit(message, f"{help}save both as floats: `{wholes}.astype(float)`")
    if y_train.shape[1:] == y_test.shape[1:]:
        return
    shape = list(y_train.shape[1:])
    message = f"a label in `{one}` is {shape}, and in `{two}` {list(y_test.shape[1:])}"
    if np.prod(y_train.shape[1:]) == np.prod(y_test.shape[1:]):
        (wide, labels), (_, narrow) = (train, test) if y_train.ndim > y_test.ndim else (test, train)
        sizes = "".join(f", {size}" for size in narrow.shape[1:])
        raise unfit(message, f"save both in one shape: `{wide}.reshape({len(labels)}{sizes})`")
    hot = next((name for name, labels in (train, test) if labels.ndim == 2 and bool(((labels != 0).sum(1) == 1).all())), None)
    if hot and 1 in (y_train.ndim, y_test.ndim):
        raise unfit(message, f"give the number of each example's class in both: `{hot}.argmax(1)`")
    raise unfit(message, f"save both in one shape, `{two}` as [{', '.join(str(size) for size in (len(y_test), *shape))}]")
