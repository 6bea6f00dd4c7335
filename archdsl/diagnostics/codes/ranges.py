"""E0402: values out of range."""

from __future__ import annotations

from archdsl.diagnostics.codes.arguments import ArgumentDiagnostic, TooManyArguments, ValueDiagnostic
from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.foreign_calls import padding_advice
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, guess
from archdsl.literals import show
from archdsl.source import Span

E0402 = Code(
    "E0402",
    "a value out of range",
    """The value is of the right kind, and outside what makes sense: a stride of 0, a dropout of 1.5, a padding `same` with
    an even window. The message says what is allowed.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, stride = 0)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, stride = 1)
    }
    """,
    evidence=Evidence.LITERAL,
)


class AxisCount(Diagnostic, code=E0402):
    """A list of another length than the input has spatial axes."""

    argument: str
    given: int
    axes: int

    def summary(self) -> str:
        axes = f"{self.axes} spatial {'axis' if self.axes == 1 else 'axes'}"
        return f"`{self.argument}` has {self.given} sizes, and the input has {axes}"


class NoSuchAxis(ArgumentDiagnostic, code=E0402):
    """An axis that the input does not have."""

    axis: int
    rank: int

    def summary(self) -> str:
        bounds = f"between {-self.rank} and {self.rank - 1}"
        return f"`{self.argument}` of `{self.owner}` must be {bounds} here, found {self.axis}"

    def remedy(self) -> str:
        return "axes are counted without the batch: the channels are 0, the last axis is -1"


class FewerChannels(Diagnostic, code=E0402, argument="to"):
    """A number of channels to pad to that is less than there are."""

    to: int
    channels: int

    def summary(self) -> str:
        return f"`pad_channels({self.to})` can only add channels, found {self.channels}"

    def remedy(self) -> str:
        return f"`slice(0..{self.to})` takes the first {self.to}"


class NoPermutation(Diagnostic, code=E0402, argument="order"):
    """An order that does not name each axis once."""

    rank: int
    order: tuple[int, ...]

    def summary(self) -> str:
        return f"`order` of `permute` must name each of the {self.rank} axes once, found {show(self.order)}"

    def remedy(self) -> str | None:
        if sorted(self.order) != list(range(self.rank + 1)) or self.order[0] != 0:
            return None
        return f"axes are counted without the batch: `permute({show(tuple(axis - 1 for axis in self.order[1:]))})`"


class NothingToAlign(Diagnostic, code=E0402, argument="align_corners"):
    """`align_corners` where nothing is interpolated."""

    op: str

    def summary(self) -> str:
        return f"`align_corners` of `{self.op}` has no effect with `mode = nearest`"


class AntialiasedMode(Diagnostic, code=E0402, argument="antialias"):
    """Antialiasing in a mode that has none."""

    mode: str

    def summary(self) -> str:
        return f"`antialias` of `resize` works with `mode = bilinear` and `mode = bicubic`, found {self.mode}"


class RepeatedAxis(Diagnostic, code=E0402, argument="axis"):
    """A list of axes that names one twice."""

    op: str
    axes: int | tuple[int, ...]

    def summary(self) -> str:
        return f"`axis` of `{self.op}` must name each axis once, found {show(self.axes)}"


class ShiftCount(Diagnostic, code=E0402, argument="shift"):
    """A list of shifts for another number of axes."""

    shifts: int | tuple[int, ...]
    axes: int | tuple[int, ...]

    def summary(self) -> str:
        return f"`roll` needs one shift for each axis, found `shift = {show(self.shifts)}` and `axis = {show(self.axes)}`"


class PoolPadding(Diagnostic, code=E0402, argument="pad"):
    """Padding of more than half the window of a pooling."""

    op: str
    window: int
    pad: int

    def summary(self) -> str:
        most = f"{self.window // 2} for {self.window}"
        return f"`pad` of `{self.op}` must be at most half the window, {most}, found {self.pad}"

    def remedy(self) -> str:
        return "put `pad(...)` before it to add more"


class EvenWindow(Diagnostic, code=E0402, argument="k"):
    """An even window with `pad = same`; `instead` is the convolution that a depthwise one is."""

    owner: str
    window: int
    instead: str | None = None

    def summary(self) -> str:
        return f"{self.owner} needs an odd window, found `k = {self.window}`: equal padding on both sides cannot keep the size"

    def remedy(self) -> str:
        if self.instead is not None:
            return f"write it as a convolution with its padding: `{self.instead}`"
        return "write the padding, such as `pad = 0`; `pad(...)` before the convolution can pad one side more"


class OutputPadding(Diagnostic, code=E0402, argument="output_pad"):
    """Output padding that reaches the next position."""

    stride: int
    dilation: int
    given: int

    def summary(self) -> str:
        steps = f"the stride {self.stride} or the dilation {self.dilation}"
        return f"`output_pad` must be less than {steps}, found {self.given}"


class OneValuePerGroup(Diagnostic, code=E0402, argument="groups"):
    """A normalization over single values."""

    groups: int

    def summary(self) -> str:
        return f"`gn({self.groups})` leaves one value per group, which is always normalized to zero"


class NormalizedAxis(Diagnostic, code=E0402, argument="axis"):
    """A layer normalization over an axis between the first and the last."""

    axis: int

    def summary(self) -> str:
        return f"`axis` of `ln` must be 0, the channels, or -1, the last axis, found {self.axis}"

    def remedy(self) -> str:
        return "axes are counted without the batch: for channels leave `axis` out, for features that are last write `axis = -1`"


class ResponseWindow(Diagnostic, code=E0402, argument="size"):
    """A window over channels that is wider than any use of it."""

    given: int
    widest: int
    channels: int

    def summary(self) -> str:
        return f"`size` of `lrn` must be at most {self.widest:,} for {self.channels:,} channels, found {self.given:,}"

    def remedy(self) -> str:
        return f"from {2 * self.channels - 1:,} on, every window covers all channels"


class OutOfBounds(ValueDiagnostic, code=E0402):
    """A number beyond a bound: `at least` 1, `less than` 1."""

    relation: str = "at least"
    bound: float = 0

    def summary(self) -> str:
        bound = f"{self.bound:,}" if isinstance(self.bound, int) else str(self.bound)
        return f"{self.place} must be {self.relation} {bound}, found {show(self.given)}"

    def remedy(self) -> str | None:
        if (self.argument, self.given) == ("std", 0):  # PyTorch and Keras have the mean first
            return f"the standard deviation comes first, and the mean is 0 without being written: `{self.owner}(0.02)`"
        return None


class UnknownWord(ValueDiagnostic, code=E0402):
    """A text that is none of the words that an argument takes."""

    expected: str = ""

    def summary(self) -> str:
        return f"{self.place}: expected {self.expected}, found {show(self.given)}"

    def remedy(self) -> str | None:
        return padding_advice(str(self.given), self.expected.split()) if self.argument == "pad" else None


class RefusedValue(ValueDiagnostic, code=E0402):
    """A value that what is called refuses, for its own reason."""

    reason: str = ""

    def summary(self) -> str:
        return f"{self.place}: {self.reason}"


class NothingToThaw(Diagnostic, code=E0402, argument="unfreeze"):
    """`unfreeze` in a recipe without `freeze`."""

    def summary(self) -> str:
        return "`unfreeze` thaws what `freeze` froze, and nothing is frozen"

    def remedy(self) -> str:
        return "write `freeze = all_but(fc)`"


class RefusedArguments(Diagnostic, code=E0402):
    """Arguments that do not go together."""

    owner: str
    reason: str

    def summary(self) -> str:
        return f"`{self.owner}`: {self.reason}"


class NegativeCount(Diagnostic, code=E0402):
    """A count below 0. `what` begins the sentence."""

    what: str
    given: int

    def summary(self) -> str:
        return f"{self.what} must be at least 0, found {self.given}"


class ListInParts(TooManyArguments):
    """`reshape(64, -1)`: the elements of a list as arguments, at `place`."""

    parameter: str
    items: str
    place: Span

    def remedy(self) -> Remedy:
        text = f"`{self.parameter}` is a list: `{self.owner}([{self.items}])`"
        return guess(text, Edit(self.place, f"[{self.items}]"))
