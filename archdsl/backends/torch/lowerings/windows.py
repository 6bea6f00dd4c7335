"""Windows in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Call, Input, Method, X, functional, positional, runtime
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.windows import PadTo, WindowMask, WindowShift
from archdsl.shapes import Shape


@lowers(PadTo)
def pad_to(op: PadTo, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.functional.pad`; the runtime's `pad_to` for symbolic sizes."""
    given, sizes = op.attributes(*inputs), inputs[0]
    if not all(isinstance(sizes[axis], int) for axis in given["axis"]):
        arguments = positional(given["multiple"], "multiples", "multiple"), _dims(given["axis"])
        return Lowering(function=Call(runtime("pad_to"), (X, *arguments)))
    added = dict(
        zip(given["axis"], [-sizes[axis] % n for axis, n in zip(given["axis"], given["multiple"], strict=True)], strict=True)
    )
    rows = [row for axis in reversed(range(len(sizes))) for row in (0, added.get(axis, 0))]  # PyTorch lists the last axis first
    return Lowering(function=Call(functional("pad"), (X, positional(tuple(rows), "pad", "rows"))))


@lowers(WindowShift)
def window_shift(op: WindowShift, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `Tensor.roll`; the runtime's `window_shift` for symbolic sizes."""
    given = op.attributes(*inputs)
    shifts, axes = positional(given["shift"], "shifts", "shift"), _dims(given["axis"])
    if all(isinstance(inputs[0][axis], int) for axis in given["axis"]):
        return Lowering(function=Method(Input(0), "roll", (shifts, axes)))
    windows = positional(given["window"], "windows", "window")
    return Lowering(function=Call(runtime("window_shift"), (X, shifts, windows, axes)))


@lowers(WindowMask)
def window_mask(op: WindowMask, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the runtime's `window_mask`."""
    given = op.attributes(*inputs)
    windows, shifts = positional(given["window"], "windows", "window"), positional(given["shift"], "shifts", "shift")
    return Lowering(function=Call(runtime("window_mask"), (X, windows, shifts, _dims(given["axis"]))))


def _dims(axes: tuple[int, ...]) -> Argument:
    """Return axes as PyTorch counts them, behind the batch."""
    return positional(tuple([axis + 1 for axis in axes]), "dims", "axis")
