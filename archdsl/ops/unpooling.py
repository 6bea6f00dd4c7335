"""The op that undoes a pool: each value returns to the place of the maximum that it came from."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import (
    Case,
    Category,
    DType,
    Equality,
    Need,
    Op,
    Padding,
    Stride,
    Window,
    channels_and_axes,
    demand,
    per_axis,
)
from archdsl.ops.crop import difference
from archdsl.shapes import Dim, Shape

T = TypeVar("T")


class MaxUnpool(Op, name="max_unpool"):
    """Puts each value where the maximum was in the input of `maxpool`, and zeros elsewhere (SegNet, arXiv:1511.00561).

    `indices` are the positions that `[y, indices]: maxpool(2, indices = true)` gave. The sizes are those of the pool's input,
    which `(n - 1) * stride - 2 * pad + k` must be: `like` names a value with its sizes if several sizes are pooled to one.
    """

    aliases = ("maxunpool", "unpool", "max_unpooling")
    category = Category.POOLING
    sign = "kept"
    integers = "kept"
    arity = None
    operands = ("indices",)
    optional_operands = ("like",)
    about_operands: ClassVar = {
        "indices": "the second output of `maxpool(..., indices = true)`", "like": "a value whose sizes the output has",
    }  # fmt: skip
    not_in_figures = ("k", "stride", "pad", "present")
    example = "[small, indices]: maxpool(2, indices = true); small -> max_unpool(indices, 2)"
    cases = (
        Case({"k": 2}, (((8, 6), (8, 6)), ((8, 6, 5), (8, 6, 5)), ((8, 3, 4, 3), (8, 3, 4, 3)))),
        Case({"k": 3, "stride": 2, "pad": 1}, (((8, 6, 5), (8, 6, 5)),)),
        Case({"k": (3, 2), "stride": (2, 3), "present": ("like",)}, (((8, 6, 5), (8, 6, 5), (4, 14, 16)),)),
    )

    k: Window = Field(description="window of the pool, one number or one per axis")
    stride: Stride | None = Field(None, description="stride of the pool; default: `k`")
    pad: Padding = Field(0, description="padding of the pool")
    present: tuple[str, ...] = Field((), description="whether there is `like`")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the parameters that a call has."""
        return ["k", "stride", "pad"]

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the parameters in positional order: `max_unpool(indices, 2)`."""
        return ["indices", "k", "stride", "pad", "like"]

    def data_of(self, inputs: Sequence[T]) -> Sequence[T]:
        """Return the values and their positions: of `like`, the sizes count."""
        return inputs[:2]

    def result_dtype(self, *inputs: DType) -> DType:
        """Return that of the values. Raise `SpecError` E0308 unless they are real, and their positions integers."""
        if inputs[1] != "int":
            raise SpecError(codes.shapes.NoPositions(self.name))
        if inputs[0] != "float":
            raise SpecError(codes.shapes.IntegersRefused(self.name))
        return "float"

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return window, stride and padding per axis."""
        axes = len(inputs[0]) - 1
        stride = self.k if self.stride is None else self.stride
        given = {"k": self.k, "stride": stride, "pad": self.pad}
        return {name: per_axis(value, axes, name) for name, value in given.items()}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the channels with the sizes of `like`, or those that follow from the window."""
        channels, _ = channels_and_axes(self.name, inputs[0])
        pairs = list(zip(inputs[0], inputs[1], strict=False))
        if len(inputs[1]) != len(inputs[0]) or any(a != b for a, b in pairs if isinstance(a, int) and isinstance(b, int)):
            raise SpecError(codes.shapes.OtherPositions(inputs[0], inputs[1]))
        if len(inputs) > 2 and len(inputs[2]) != len(inputs[0]):
            raise SpecError(codes.shapes.OtherRank(self.name, inputs[0], inputs[2]))
        demand(self.needs(*inputs))
        return (channels, *(inputs[2][1:] if len(inputs) > 2 else self._usual(inputs[0])))

    def equalities(self, *inputs: Shape) -> list[Equality]:
        """Return that there is a position for each value."""
        return [Equality(a, b, (0, 1)) for a, b in zip(inputs[0], inputs[1], strict=True)]

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that the sizes are positive, and that those of `like` are less than a stride from the usual ones."""
        message = "`max_unpool` cannot give a size of {}: {}"
        usual, strides = self._usual(inputs[0]), self.attributes(*inputs)["stride"]
        if len(inputs) < 3:
            return [Need(size, 1, message.format(size, "`pad` is too large")) for size in usual]
        found = []
        for size, other, stride in zip(inputs[2][1:], usual, strides, strict=True):
            text = message.format(size, f"its window and stride give {other}, and it may differ by less than {stride}")
            found += [Need(difference(a, b) + stride, 1, text) for a, b in ((size, other), (other, size))]
        return found

    def _usual(self, shape: Shape) -> tuple[Dim, ...]:
        given = self.attributes(shape)
        windows = zip(shape[1:], given["k"], given["stride"], given["pad"], strict=True)
        return tuple([(n - 1) * stride + (k - 2 * pad) for n, k, stride, pad in windows])
