"""E0304 to E0306, E0308 and E0309: tensors that do not fit an op."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.shapes import Dim, Shape, format_shape


class ShapeDiagnostic(Diagnostic):
    """Something about shapes; the places that the inputs came from explain it."""

    about_shapes = True


class ReasonedShapeDiagnostic(ShapeDiagnostic):
    """Sizes that an op refuses for its own reason: `reason` says which, `advice` what to do."""

    reason: str
    advice: str | None

    def summary(self) -> str:
        return self.reason

    def remedy(self) -> str | None:
        return self.advice


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
    depends_on_braces=True,
)


class WindowTooLarge(ShapeDiagnostic, code=E0304):
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


class SizeTooSmall(ReasonedShapeDiagnostic, code=E0304):
    """A size below what an op needs, for its own reason."""


class NothingLeft(ShapeDiagnostic, code=E0304, argument="pad"):
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
    depends_on_braces=True,
)


class WrongRank(ShapeDiagnostic, code=E0305):
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


class NeitherVectorNorTokens(ShapeDiagnostic, code=E0305):
    """A map for `linear`."""

    shape: Shape

    def summary(self) -> str:
        return f"`linear` expected a vector [F] or tokens [L, F], found {format_shape(self.shape)}"

    def remedy(self) -> str:
        return "put `flatten` before it, or `gap; flatten` to average over the positions first"


class OtherRank(ShapeDiagnostic, code=E0305):
    """Two values of different rank, for an op that takes two of one."""

    op: str
    first: Shape
    second: Shape

    def summary(self) -> str:
        return f"`{self.op}` expected two values of equal rank, found {format_shape(self.first)} and {format_shape(self.second)}"


class InterpolationRank(ShapeDiagnostic, code=E0305, argument="mode"):
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
    "a size does not divide",
    """A grouped operation splits the channels into equal groups, so the number of channels has to be a multiple of the
    number of groups (for `pixel_shuffle`, of the square of the factor). Other ops split an axis into equal parts, whose
    number or length has to divide its size; a symbolic size then has to be a multiple of it.""",
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
    depends_on_braces=True,
)


class GroupsDoNotDivide(ShapeDiagnostic, code=E0306, argument="groups"):
    """Groups that do not divide the channels; `fitting` is the largest smaller number that does."""

    op: str
    groups: int
    number: int
    what: str
    fitting: int

    def summary(self) -> str:
        return f"`groups` of `{self.op}` must divide its channels: {self.groups} does not divide {self.number} {self.what}"

    def remedy(self) -> str:
        below = self.number // self.groups * self.groups
        fitting = f"{below:,} and {below + self.groups:,}" if below else f"{self.groups:,}"
        return f"{self.groups} divides {fitting}; the largest smaller number that divides {self.number} is {self.fitting}"


class ShuffledChannels(ShapeDiagnostic, code=E0306, argument="r"):
    """Channels that cannot be shuffled into pixels."""

    factor: int
    channels: int

    def summary(self) -> str:
        return f"`pixel_shuffle({self.factor})` needs a multiple of {self.factor**2} channels, found {self.channels}"

    def remedy(self) -> str:
        unit = self.factor**2
        return f"a convolution before it gives them: `conv({max(unit, (self.channels + unit // 2) // unit * unit)}, 1)`"


class NotDivisible(ReasonedShapeDiagnostic, code=E0306):
    """A size that an op splits into equal parts, and that does not divide."""


class PartsDoNotFill(ShapeDiagnostic, code=E0306, argument="parts"):
    """Sizes of parts that add up to another size than that of the axis."""

    parts: tuple[int, ...]
    size: int

    def summary(self) -> str:
        return f"the parts {list(self.parts)} add up to {sum(self.parts)}, and the axis has {self.size}"

    def remedy(self) -> str | None:
        last = self.size - sum(self.parts[:-1])
        return f"write `{[*self.parts[:-1], last]}`" if last > 0 else f"the sizes add up to {self.size}"


E0308 = Code(
    "E0308",
    "integers where real numbers are needed, or the other way round",
    """An input declared `int` holds tokens. `embedding` turns them into vectors; everything else takes real numbers. One declared
    `bool` holds a mask, which `mul` takes beside real numbers.""",
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
    depends_on_braces=True,
)


class IntegersRefused(ShapeDiagnostic, code=E0308):
    """Integers, where an op takes real numbers."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` expected real numbers, found integers"

    def remedy(self) -> str:
        return "`embedding(n, dim)` turns tokens into vectors, and `real` makes real numbers of counts"


class BoolsRefused(ShapeDiagnostic, code=E0308):
    """Bools, where an op takes numbers."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` expected numbers, found bools"

    def remedy(self) -> str:
        return "`mul { x; mask }` multiplies real numbers with a mask, and `real` makes zeros and ones of it"


class IntegersRequired(ShapeDiagnostic, code=E0308):
    """Real numbers or bools, where an op takes integers."""

    op: str
    found: str = "real numbers"

    def summary(self) -> str:
        return f"`{self.op}` expected integers, found {self.found}"

    def remedy(self) -> str:
        return "declare the input so: `input tokens: int [512]`"


class NoPositions(ShapeDiagnostic, code=E0308):
    """Real numbers or bools, where an op takes positions."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` expected the positions that a pool gave"

    def remedy(self) -> str:
        return "take them up at the pool: `[small, indices]: maxpool(2, indices = true)`"


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
    depends_on_braces=True,
)


class ReshapedElements(ShapeDiagnostic, code=E0309, argument="sizes"):
    """A shape with another number of elements."""

    total: Dim
    shape: Shape
    sizes: Any

    def summary(self) -> str:
        shown = format_shape(self.sizes)
        return f"`reshape` cannot arrange the {self.total} elements of {format_shape(self.shape)} as {shown}"

    def remedy(self) -> str:
        if isinstance(self.total, int):
            return f"the sizes must multiply to {self.total}; one of them may be -1, which is then computed"
        if -1 not in self.sizes:
            return "the number of elements depends on the input: write -1 for the size that follows from it"
        return f"the other sizes must divide {self.total} for every size of the input"


E0319 = Code(
    "E0319",
    "positions of another size",
    """`maxpool(indices = true)` gives the position of each maximum in its input. `max_unpool` puts values there, so that it needs
    a value for each position, and must give the sizes of that input: in another size, the same numbers are other places. An odd
    size that is pooled to half of it needs `like`, with a value that has the sizes of the pool's input.""",
    bad="""
    network tiny {
      input image [3, 33, 33]
      conv(8, 3)
      [small, indices]: maxpool(2, indices = true)
      small -> max_unpool(indices, 2)
    }
    """,
    good="""
    network tiny {
      input image [3, 33, 33]
      full: conv(8, 3)
      [small, indices]: maxpool(2, indices = true)
      small -> max_unpool(indices, 2, like = full)
    }
    """,
    depends_on_braces=True,
)


class OtherPooledSizes(ShapeDiagnostic, code=E0319):
    """An unpooling to other sizes than those that were pooled. `like` says whether they are given."""

    made: Shape
    pooled: Shape
    like: bool

    def summary(self) -> str:
        return (
            f"`max_unpool` gives {format_shape(self.made)}, and the positions are those of a pool of {format_shape(self.pooled)}"
        )

    def remedy(self) -> str:
        if self.like:
            return "`like` is a value with the sizes of the pool's input"
        return "use the window, stride and padding of the pool; or label the input of the pool, and name its sizes: `like = full`"


class OtherPositions(ShapeDiagnostic, code=E0319):
    """Values and positions of different shapes."""

    values: Shape
    positions: Shape

    def summary(self) -> str:
        values, positions = format_shape(self.values), format_shape(self.positions)
        return f"`max_unpool` needs a position for each value: {values} has positions {positions}"
