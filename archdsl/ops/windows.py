"""Windows of images, as in Swin: padding to multiples, cyclic shifts, and the masks that go with them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Check, Field
from archdsl.ops.base import IMAGE, LINE, Case, Category, Division, NonNegativeInt, Op, PositiveInt, normal_axis, per_axis
from archdsl.shapes import Dim, Shape

PerAxis = PositiveInt | tuple[PositiveInt, ...]


def _some(axes: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if axes == ():
        raise ValueError("it names one axis or more, as in `[0, 1]`")
    return axes


Axes = Annotated[int | tuple[int, ...], Check(_some)]


class PadTo(Op, name="pad_to"):
    """Pads sizes with zeros at the end, up to multiples of a number: `pad_to(7)`. `crop_like(v, keep = start)` undoes it.

    For `[H, W, C]`, as in Swin, write `pad_to(7, axis = [0, 1])`. A size that is a multiple stays.
    """

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    not_in_figures = ("axis",)
    example = "pad_to(7)"
    cases = (
        Case({"multiple": 7}, (LINE, IMAGE)),
        Case({"multiple": (5, 3), "axis": (0, -1)}, (IMAGE,)),
        Case({"multiple": 4, "axis": 0}, (IMAGE,)),
    )

    multiple: PerAxis = Field(description="number that divides the sizes of the output, one or one per axis")
    axis: Axes | None = Field(None, description="axis or list of axes that are padded; default: all but axis 0, the channels")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axes, counted from the front, and the number for each."""
        axes = _axes(self.name, tuple(range(1, len(inputs[0]))) if self.axis is None else self.axis, inputs[0])
        return {"multiple": per_axis(self.multiple, len(axes), "multiple"), "axis": axes}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether all sizes are known multiples."""
        return self.infer(*inputs) == inputs[0] and all(isinstance(size, int) for size in inputs[0])

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes, rounded up to multiples."""
        given = self.attributes(*inputs)
        sizes = list(inputs[0])
        for axis, multiple in zip(given["axis"], given["multiple"], strict=True):
            sizes[axis] = (sizes[axis] + (multiple - 1)) // multiple * multiple
        return tuple(sizes)


class WindowShift(Op, name="window_shift"):
    """Moves positions cyclically along the axes that are longer than a window: `window_shift(-3, 7)` on `[H, W, C]`.

    An axis of at most one window stays, as in torchvision's Swin, also for symbolic sizes. Otherwise it is `roll`.
    """

    aliases = ("cyclic_shift",)
    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    not_in_figures = ("axis", "window")
    example = "window_shift(-2, 4, axis = [1, 2])"
    cases = (
        Case({"shift": -3, "window": 4, "axis": (1, 2)}, (IMAGE,)),
        Case({"shift": (2, 3), "window": (4, 10), "axis": (1, -1)}, (IMAGE,)),
        Case({"shift": 0, "window": 4}, (IMAGE,)),
    )

    shift: int | tuple[int, ...] = Field(description="positions to move by, one number or one per axis")
    window: PerAxis = Field(description="window size, one number or one per axis")
    axis: Axes = Field((0, 1), description="axis or list of axes: 0 and 1 for `[H, W, C]`, 1 and 2 for `[C, H, W]`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axes, counted from the front, with the shift and the window for each; no shift for a known short axis."""
        axes = _axes(self.name, self.axis, inputs[0])
        windows = per_axis(self.window, len(axes), "window")
        shifts = per_axis(self.shift, len(axes), "shift")
        sizes = [inputs[0][axis] for axis in axes]
        moved = [0 if isinstance(n, int) and n <= w else s for n, w, s in zip(sizes, windows, shifts, strict=True)]
        return {"shift": tuple(moved), "window": windows, "axis": axes}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether nothing moves."""
        return not any(self.attributes(*inputs)["shift"])

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        self.attributes(*inputs)
        return inputs[0]


class WindowMask(Op, name="window_mask"):
    """The mask of shifted windows: -100 between positions of a window that the cyclic shift brought together, else 0.

    `like` gives the sizes, which are multiples of the window. For windows `"(h p) (w q) c -> h w (p q) c"`, the shape is
    `[h, w, 1, p * q, p * q]`, with a 1 for the heads. It is computed as in torchvision's Swin (Liu et al. 2021,
    arXiv:2103.14030, section 3.2). An axis of at most one window is not shifted.
    """

    category = Category.ATTENTION
    arity = 0
    operands = ("like",)
    about_operands: ClassVar = {"like": "the value that is masked, of whole windows; its sizes count"}
    takes_x = False
    sizes_only = True
    integers = "kept"
    not_in_figures = ("axis",)
    example = """mask: window_mask(x, 4, 2, axis = [1, 2])
  rearrange("c (h p) (w q) -> h w 1 (p q) c", p = 4, q = 4); attend(x, x, x, mask = mask)"""
    cases = (
        Case({"window": 4, "shift": 2, "axis": (1, 2)}, (((3, 12, 8),), ((3, 4, 8),))),
        Case({"window": (5, 2), "shift": (2, 1)}, (((10, 6, 3),),)),
        Case({"window": 4, "shift": 0, "axis": -1}, ((LINE,),)),
    )

    window: PerAxis = Field(description="window size, one number or one per axis")
    shift: NonNegativeInt | tuple[NonNegativeInt, ...] = Field(description="how far the windows are shifted")
    axis: Axes = Field((0, 1), description="axis or list of axes: 0 and 1 for `[H, W, C]`, 1 and 2 for `[C, H, W]`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axes, counted from the front, with the shift and the window for each."""
        axes = _axes(self.name, self.axis, inputs[0])
        windows, shifts = (per_axis(getattr(self, name), len(axes), name) for name in ("window", "shift"))
        return {"window": windows, "shift": shifts, "axis": axes}

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return that the window divides each size."""
        given = self.attributes(*inputs)
        pairs = [(inputs[0][axis], window) for axis, window in zip(given["axis"], given["window"], strict=True)]
        message = "`window_mask` expected sizes that are multiples of the window: {} does not divide {}"
        return [Division(n, w, message.format(w, n), f"`pad_to({w})` before it pads the sizes") for n, w in pairs]

    def infer(self, *inputs: Shape) -> Shape:
        """Return the number of windows per axis, one for the heads, and the positions of a window twice."""
        given = self.attributes(*inputs)
        counts: list[Dim] = [inputs[0][axis] // window for axis, window in zip(given["axis"], given["window"], strict=True)]
        positions = 1
        for window in given["window"]:
            positions *= window
        return (*counts, 1, positions, positions)


def _axes(name: str, axis: int | tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """Return axes, counted from the front. Raise `SpecError` if one does not exist, or is there twice."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    found = tuple([normal_axis(name, one, len(shape)) for one in axes])
    if len(set(found)) < len(found):
        raise SpecError(codes.ranges.RepeatedAxis(name, axes))
    return found
