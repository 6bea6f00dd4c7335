"""E0401 to E0404 and E0406: arguments of calls, keys of recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import nearest
from archdsl.literals import article, show, type_name


class _Argument(Diagnostic):
    """Something about an argument of what is called by name; `element` is its place in a list."""

    owner: str
    argument: str

    def of(self, owner: str, argument: str) -> Self:
        """Return it about an argument of something else, which handed it on."""
        return self.with_fields(owner=owner, argument=argument)


class _Value(_Argument):
    """Something about the value of an argument; `element` is its place if the value is part of a list."""

    given: Any
    element: int | None = None

    @property
    def place(self) -> str:
        """The argument, as a sentence names it."""
        return f"`{self.argument}{'' if self.element is None else f'[{self.element}]'}` of `{self.owner}`"


E0401 = Code(
    "E0401",
    "a value of the wrong kind",
    """A parameter, a condition or an index got a value of another kind than it takes: a string for a number, a number
    for a condition. Parameters with a type (`classes: int`) are checked where they are passed.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv("16", 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    evidence=Evidence.LITERAL,
)


class Undecided(Diagnostic, code=E0401):
    """A value that only an error elsewhere left unknown."""

    text: str

    def summary(self) -> str:
        return f"the value of `{self.text}` is not known here, so that the network cannot be checked"


class WrongType(_Value, code=E0401):
    """A value of another type than an argument takes."""

    expected: str = "something else"

    def summary(self) -> str:
        return f"{self.place}: expected {self.expected}, found {show(self.given)} ({type_name(self.given)})"


class WrongKind(Diagnostic, code=E0401):
    """A value under a key of a recipe that is none of the calls which the key takes, such as a number for `optimizer`."""

    argument: str
    kind: str
    given: Any
    given_kind: str | None
    """Of a call of another kind."""
    known: Sequence[str]

    def summary(self) -> str:
        given = article(self.given_kind) if self.given_kind else type_name(self.given)
        found = "none" if self.given is None else f"{show(self.given)} ({given})"
        return f"`{self.argument}` of `train`: expected {article(self.kind)}, found {found}"

    def remedy(self) -> str:
        return f"write {self._known()}"

    def _known(self) -> str:
        names, value = self.known, self.given
        if len(names) == 1 and type(value) in (int, float):
            return f"`{names[0]}({show(value)})`"
        if self.argument == "groups" and isinstance(value, str):  # a label
            return f"`group({value}, lr = 0.1)`, with its own factor"
        if isinstance(value, str) and (near := nearest(value, names)) is not None:
            return f"`{near}`, without quotes"
        if self.argument == "schedule" and value is None:
            return "`constant`"
        if self.argument == "normalize" and isinstance(value, list | tuple):
            return "`imagenet`, or `fixed(mean = [0.5], std = [0.25])` with your numbers"
        return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else f"`{names[0]}`"


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


class NoSuchAxis(_Argument, code=E0402):
    """An axis that the input does not have."""

    axis: int
    rank: int

    def summary(self) -> str:
        bounds = f"between {-self.rank} and {self.rank - 1}"
        return f"`{self.argument}` of `{self.owner}` must be {bounds} here, found {self.axis}"


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


class NothingToAlign(Diagnostic, code=E0402, argument="align_corners"):
    """`align_corners` where nothing is interpolated."""

    op: str

    def summary(self) -> str:
        return f"`align_corners` of `{self.op}` has no effect with `mode = nearest`"


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


class ResponseWindow(Diagnostic, code=E0402, argument="size"):
    """A window over channels that is wider than any use of it."""

    given: int
    widest: int
    channels: int

    def summary(self) -> str:
        return f"`size` of `lrn` must be at most {self.widest:,} for {self.channels:,} channels, found {self.given:,}"

    def remedy(self) -> str:
        return f"from {2 * self.channels - 1:,} on, every window covers all channels"


class OutOfBounds(_Value, code=E0402):
    """A number beyond a bound: `at least` 1, `less than` 1."""

    relation: str = "at least"
    bound: float = 0

    def summary(self) -> str:
        bound = f"{self.bound:,}" if isinstance(self.bound, int) else str(self.bound)
        return f"{self.place} must be {self.relation} {bound}, found {show(self.given)}"


class UnknownWord(_Value, code=E0402):
    """A text that is none of the words that an argument takes."""

    expected: str = ""

    def summary(self) -> str:
        return f"{self.place}: expected {self.expected}, found {show(self.given)}"


class RefusedValue(_Value, code=E0402):
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


E0403 = Code(
    "E0403",
    "an argument is missing",
    """A parameter without a default was not given. The help shows the whole call.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    evidence=Evidence.TEXT,
)


class NoDataSet(Diagnostic, code=E0403, argument="data"):
    """A recipe without a data set."""

    def summary(self) -> str:
        return "`data` of `train` is missing"

    def remedy(self) -> str:
        return 'write `data = digits`, or a path: `data = "digits.npz"`'


class MissingArgument(_Argument, code=E0403):
    """A parameter without a default that was not given."""

    signature: str

    def summary(self) -> str:
        return f"`{self.argument}` of `{self.owner}` is missing"

    def remedy(self) -> str:
        return f"the call is `{self.signature}`"


E0404 = Code(
    "E0404",
    "too many arguments, or one given twice",
    """There are more arguments by position than parameters, one parameter is given both by position and by name, or an
    argument by position comes after one by name.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, k = 5)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, k = 5)
    }
    """,
    evidence=Evidence.TEXT,
)


E0406 = Code(
    "E0406",
    "a float where a count is needed",
    """Channels, sizes and repetitions are whole numbers, and nothing is rounded in silence. `/` always gives a float;
    `//` divides without remainder, and `int`, `round`, `ceil` and `floor` say how to round.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(64 / 4, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(64 // 4, 3)
    }
    """,
    evidence=Evidence.LITERAL,
)


class FloatForCount(_Value, code=E0406):
    """A float where a whole number is counted."""

    def summary(self) -> str:
        return f"{self.place}: expected an int, found {show(self.given)} (a float)"

    def remedy(self) -> str:
        value = self.given
        if value != value or abs(value) >= 1e15:
            return "write a whole number"
        return f"write a whole number; `//` divides without a remainder, and `int(...)` truncates: {int(value)}"
