"""E03: tensors that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.literals import show
from archdsl.shapes import Dim, OpenSize, Shape, format_shape


class _Shapes(Diagnostic):
    """Something about shapes; the places that the inputs came from explain it."""

    about_shapes = True


E0301 = Code(
    "E0301",
    "the two sides of a skip differ",
    """`skip { body }` adds the body's result to what came in, so both need the same shape. The marks show where the
    shape changes. Where the change is meant, project the shortcut with `via { ... }`, usually by a 1x1
    convolution with the body's channels and stride.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      skip { conv(32, 3, stride = 2) -> bn -> relu }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      skip { conv(32, 3, stride = 2) -> bn -> relu } via { conv(32, 1, stride = 2) -> bn }
    }
    """,
)

E0302 = Code(
    "E0302",
    "branches of different shapes are added or multiplied",
    """`add` and `shake` need branches of one shape. `mul` also takes a size of 1 where another branch has more, which is
    how a gate `[C, 1, 1]` scales `[C, H, W]`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      add { conv(16, 3); conv(8, 1) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      add { conv(16, 3); conv(16, 1) }
    }
    """,
)


class _Branches(_Shapes):
    op: str
    shapes: Sequence[Shape]

    label = "joined here"

    @property
    def listed(self) -> str:
        """The shapes of the branches."""
        return ", ".join(map(format_shape, self.shapes))

    def same_map(self) -> str | None:
        """Return the remedy for maps of different sizes."""
        first, shapes = self.shapes[0], self.shapes
        if any(len(shape) != len(first) or len(shape) < 2 for shape in shapes) or len({shape[1:] for shape in shapes}) == 1:
            return None
        return (
            "bring the maps to one size: `crop_like(label)` or `resize_like(label)` after the one that differs, "
            "or another stride or padding in it"
        )


class _BranchRanks(_Branches):
    def summary(self) -> str:
        return f"`{self.op}` expected branches of equal rank, found {self.listed}"


class _BranchShapes(_Branches):
    stretches: bool = False
    """Whether a size of 1 goes with any other."""

    def summary(self) -> str:
        return f"`{self.op}` joins branches of different shapes: {self.listed}"

    def remedy(self) -> str | None:
        return "a size of 1 stretches to the size of the others; `gap` makes sizes of 1" if self.stretches else self.same_map()


class BranchRanks(_BranchRanks, code=E0302):
    """Branches of different rank, for a join of equal shapes."""


class BranchShapes(_BranchShapes, code=E0302):
    """Branches of different shapes, for a join of equal shapes."""


E0303 = Code(
    "E0303",
    "branches cannot be concatenated",
    """`concat` puts branches side by side along the channels, or along `axis`; all other sizes have to agree. Where one
    branch was pooled, `upsample`, `resize_like` or `crop_like` bring the sizes together.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(16, 3); maxpool(2) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(16, 3); maxpool(2) -> upsample(2) }
    }
    """,
)


class ConcatenatedRanks(_BranchRanks, code=E0303):
    """Branches of different rank, for a concatenation."""


class ConcatenatedShapes(_BranchShapes, code=E0303):
    """Branches that differ beside the axis of the concatenation."""


E0304 = Code(
    "E0304",
    "no size is left",
    """A window does not fit into what it slides over, so that the result would have a size of zero or less. The input is
    too small for the network's strides and poolings, or the window is too large.""",
    bad="""
    network tiny {
      input image [3, 4, 4]
      repeat 3 { conv(16, 3) -> maxpool(2) }
    }
    """,
    good="""
    network tiny {
      input image [3, 8, 8]
      repeat 3 { conv(16, 3) -> maxpool(2) }
    }
    """,
)


class WindowTooLarge(_Shapes, code=E0304):
    """A window that does not fit into the input; `padded` is the size with the padding, if there is any."""

    op: str
    window: int
    size: Dim
    padded: Dim | None

    def summary(self) -> str:
        padded = f" (padded to {self.padded})" if self.padded is not None else ""
        return f"`{self.op}` leaves nothing: a window of {self.window} does not fit a size of {self.size}{padded}"

    def remedy(self) -> str:
        return "increase the input size, or reduce the window, the stride, or the number of poolings before it"


class SizeTooSmall(_Shapes, code=E0304):
    """A size below what an op needs, for its own reason."""

    reason: str
    advice: str | None

    def summary(self) -> str:
        return self.reason

    def remedy(self) -> str | None:
        return self.advice


class NothingLeft(_Shapes, code=E0304, argument="pad"):
    """Padding that removes all of the output of a transposed convolution."""

    left: int

    def summary(self) -> str:
        return f"`upconv` leaves nothing: `pad` removes more than the output has, which leaves {self.left}"


E0305 = Code(
    "E0305",
    "an op gets a tensor of the wrong rank",
    """The op works on tensors with another number of axes. Convolutions and pools take `[C, L]`, `[C, H, W]` or
    `[C, D, H, W]`; `linear` works on the last axis of features. `gap` and `flatten` lead from images to features.""",
    bad="""
    network tiny {
      input features [128]
      conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input signal [1, 128]
      conv(16, 3)
    }
    """,
)


class WrongRank(_Shapes, code=E0305):
    """An input of another rank than an op takes; `forms` are those that it takes."""

    op: str
    forms: str
    shape: Shape

    def summary(self) -> str:
        return f"`{self.op}` expected {self.forms}, found {format_shape(self.shape)}"

    def remedy(self) -> str:
        if len(self.shape) > 1:
            return "`flatten` makes a vector of features, and `reshape` any other shape"
        return f"put it before `flatten`, or give the vector more axes: `reshape([1, {format_shape(self.shape)[1:-1]}])`"


class NeitherVectorNorTokens(_Shapes, code=E0305):
    """A map for `linear`."""

    shape: Shape

    def summary(self) -> str:
        return f"`linear` expected a vector [F] or tokens [L, F], found {format_shape(self.shape)}"

    def remedy(self) -> str:
        return "put `flatten` before it, or `gap; flatten` to average over the positions first"


class OtherRank(_Shapes, code=E0305):
    """Two values of different rank, for an op that takes two of one."""

    op: str
    first: Shape
    second: Shape

    def summary(self) -> str:
        return f"`{self.op}` expected two values of equal rank, found {format_shape(self.first)} and {format_shape(self.second)}"


class InterpolationRank(_Shapes, code=E0305, argument="mode"):
    """An interpolation for another number of axes than the input has."""

    op: str
    mode: str
    wanted: int
    axes: int

    def summary(self) -> str:
        return f"`mode = {self.mode}` of `{self.op}` needs {self.wanted} spatial axes, and the input has {self.axes}"

    def remedy(self) -> str:
        return "`linear` and `nearest` follow the rank of the input"


E0306 = Code(
    "E0306",
    "the channels do not divide",
    """A grouped operation splits the channels into equal groups, so the number of channels has to be a multiple of the
    number of groups (for `pixel_shuffle`, of the square of the factor).""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, groups = 2)
    }
    """,
    good="""
    network tiny {
      input image [4, 32, 32]
      conv(16, 3, groups = 2)
    }
    """,
)


class GroupsDoNotDivide(_Shapes, code=E0306, argument="groups"):
    """Groups that do not divide the channels; `fitting` is the largest smaller number that does."""

    op: str
    groups: int
    number: int
    what: str
    fitting: int

    def summary(self) -> str:
        return f"`groups` of `{self.op}` must divide its channels: {self.groups} does not divide {self.number} {self.what}"

    def remedy(self) -> str:
        return f"the largest smaller number that does is {self.fitting}"


class ShuffledChannels(_Shapes, code=E0306, argument="r"):
    """Channels that cannot be shuffled into pixels."""

    factor: int
    channels: int

    def summary(self) -> str:
        return f"`pixel_shuffle({self.factor})` needs a multiple of {self.factor**2} channels, found {self.channels}"


E0307 = Code(
    "E0307",
    "a fixed number is needed, and the size is open",
    """`input image [3, H, W]` leaves sizes open, so nothing may depend on their value: not the features of a `linear`, not
    the condition of an `if`, not the count of a loop. `gap` and `avgpool_to` give a fixed size for any input;
    or fix the size in `input`.""",
    bad="""
    network tiny {
      input image [3, H, W]
      conv(16, 3) -> flatten -> linear(10)
    }
    """,
    good="""
    network tiny {
      input image [3, H, W]
      conv(16, 3) -> gap -> flatten -> linear(10)
    }
    """,
)


class SymbolicValue(Diagnostic, code=E0307):
    """A symbolic size, where an expression needs a fixed number. `what` begins the sentence."""

    what: str
    given: Any

    def summary(self) -> str:
        return f"{self.what}, and {show(self.given)} depends on a size that the input leaves open"

    def remedy(self) -> str:
        return "fix the size in `input`; `crop_like`, `resize_like` and `avgpool_to` go by the size that comes"


class SymbolicSize(_Shapes, code=E0307):
    """A symbolic size, where an op needs a number."""

    op: str
    what: str
    size: OpenSize
    advice: str | None = None

    def summary(self) -> str:
        return f"`{self.op}` needs {self.what} as a fixed number, found the symbolic size {self.size}"

    def remedy(self) -> str:
        return self.advice or f"write a number for `{self.size.symbol}` where the input is declared"


class IncomparableSizes(_Shapes, code=E0307):
    """Two symbolic sizes whose difference is no function of one of them."""

    size: Dim
    other: Dim
    reason: str

    def summary(self) -> str:
        return f"`crop_like` cannot compare {self.size} with {self.other}: {self.reason}"


E0308 = Code(
    "E0308",
    "integers where real numbers are needed, or the other way round",
    """An input declared `int` holds tokens. `embedding` turns them into vectors; everything else takes real numbers.""",
    bad="""
    network tiny {
      input tokens: int [512]
      linear(64)
    }
    """,
    good="""
    network tiny {
      input tokens: int [512]
      embedding(1000, 64) -> linear(64)
    }
    """,
)


class IntegersRefused(_Shapes, code=E0308):
    """Integers, where an op takes real numbers."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` expected real numbers, found integers"

    def remedy(self) -> str:
        return "`embedding(n, dim)` turns tokens into vectors"


class IntegersRequired(_Shapes, code=E0308):
    """Real numbers, where an op takes integers."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` expected integers, found real numbers"

    def remedy(self) -> str:
        return "declare the input so: `input tokens: int [512]`"


E0309 = Code(
    "E0309",
    "a reshape changes the number of elements",
    """`reshape` arranges the same numbers differently: the product of the sizes before and after is equal.""",
    bad="""
    network tiny {
      input features [12]
      reshape([3, 5])
    }
    """,
    good="""
    network tiny {
      input features [12]
      reshape([3, 4])
    }
    """,
)


class ReshapedElements(_Shapes, code=E0309, argument="sizes"):
    """A shape with another number of elements."""

    total: int
    shape: Shape
    sizes: Any

    def summary(self) -> str:
        shown = format_shape(self.sizes)
        return f"`reshape` cannot arrange the {self.total} elements of {format_shape(self.shape)} as {shown}"

    def remedy(self) -> str:
        return f"the sizes must multiply to {self.total}; one of them may be -1, which is then computed"


E0310 = Code(
    "E0310",
    "no size works",
    """The input leaves a size open, and no value of it satisfies everything that the network asks: two sides of a join that
    are never equal, a condition that an earlier one rules out, or one that holds only above the largest size there is,
    2,147,483,647. The marks show what each place needs.""",
    bad="""
    network tiny {
      input image [3, H, 32]
      add { conv(8, 3, pad = [0, 1]); conv(8, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, H, 32]
      add { conv(8, 3); conv(8, 1) }
    }
    """,
)

E0311 = Code(
    "E0311",
    "the stated condition is not enough",
    """`where` states for which sizes the network is meant, and it fails for some of them. The message names the smallest such
    size, the marks the places that need more, and the help the whole condition.""",
    bad="""
    network tiny {
      input image [3, H, 32] where H % 2 == 0
      skip { maxpool(4) -> upsample(4) }
    }
    """,
    good="""
    network tiny {
      input image [3, H, 32] where H % 4 == 0 and H >= 4
      skip { maxpool(4) -> upsample(4) }
    }
    """,
)

E0312 = Code(
    "E0312",
    "the network does not work at this size",
    """`archdsl check --size 3x517x389` asks about one size of the inputs. The message names the place that fails there and
    the two sides that meet, the help what the size must be.""",
    situation="`archdsl check unet --size 1x65x65`: U-Net needs multiples of 16.",
)
