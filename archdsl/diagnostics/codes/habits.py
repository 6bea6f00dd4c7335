"""W0115 to W0122: habits from other frameworks that are legal here, and mean something else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.literals import show
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

W0115 = Code(
    "W0115",
    "arguments in the order of PyTorch",
    """Ops take the number of channels from their input, so that what PyTorch writes as `Conv2d(3, 64, 7)` is `conv(64,
    7)`. With the channels of the input first, every number means the next parameter: 3 channels, a window of 64, and a
    stride of 7.""",
    bad="""
    network tiny {
      input image [3, 224, 224]
      conv(3, 64, 7, pad = 3) -> relu
    }
    """,
    good="""
    network tiny {
      input image [3, 224, 224]
      conv(64, 7, pad = 3) -> relu
    }
    """,
)


class ChannelsFirst(Diagnostic, code=W0115):
    """A call that begins with the channels of its input. `numbers` are what it says; `rest` is the call without the first."""

    op: str
    numbers: tuple[tuple[str, Any], ...]
    rest: str | None
    edits: tuple[Edit, ...] = ()

    def summary(self) -> str:
        (first, value), *others = self.numbers
        said = f"`{first}` of `{self.op}` is {show(value)}, the number of channels of its input"
        rest = " and ".join(f"`{name}` {'' if at else 'is '}{show(number)}" for at, (name, number) in enumerate(others))
        return f"{said}, {'and ' if len(others) == 1 else ''}{rest}" if others else said

    def remedy(self) -> Remedy:
        text = "the channels of the input are not written"
        return guess(f"{text}: `{self.rest}`" if self.rest is not None else text, *self.edits)


W0116 = Code(
    "W0116",
    "a large number as `eps`",
    """`eps` is added to the variance, so that nothing is divided by zero: 1e-5 or 1e-3. A large one weakens the
    normalization. It comes of another order of arguments: PyTorch's `GroupNorm(32, 64)` has the channels second, and
    Keras the momentum first.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(64, 3) -> gn(64, 32) -> relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(64, 3) -> gn(32) -> relu
    }
    """,
)


class LargeEpsilon(Diagnostic, code=W0116):
    """An `eps` of 0.1 or more. `instead` says what may be meant."""

    op: str
    eps: float
    instead: str | None = None
    edits: tuple[Edit, ...] = ()

    def summary(self) -> str:
        return f"`eps` of `{self.op}` is {self.eps:g}; it is added to the variance, and usually 1e-5 or 1e-3"

    def remedy(self) -> Remedy:
        return guess(self.instead or "write a small number: `eps = 1e-5`", *self.edits)


W0117 = Code(
    "W0117",
    "a momentum of the other convention",
    """`momentum` of `bn` is the weight of the new batch in the running statistics, as in PyTorch. Keras, TensorFlow, Caffe
    and many papers give the weight of the old statistics: their 0.99 is 0.01 here. With 0.99 the running statistics are
    those of the last batch, and a network that trains well fails in evaluation.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn(momentum = 0.99) -> relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn(momentum = 0.01) -> relu
    }
    """,
)


class OtherMomentum(Diagnostic, code=W0117):
    """A momentum above one half. `share` is the weight of the new batch if the other one was given."""

    op: str
    momentum: float
    share: str
    edit: Edit | None = None

    def summary(self) -> str:
        return f"`momentum` of `{self.op}` is the weight of the new batch, and {self.momentum:g} forgets all others"

    def remedy(self) -> Remedy:
        if self.momentum == 1:
            return guess("write the weight of the new batch: `momentum = 0.1`")
        text = f"{self.momentum:g} in Keras, TensorFlow and Caffe is `momentum = {self.share}` here"
        return guess(text, *([self.edit] if self.edit is not None else []))


W0118 = Code(
    "W0118",
    "axes that count the batch",
    """The batch is not written, so that the channels are axis 0, and axis 1 is the height of an image. PyTorch, Keras and
    Caffe count the batch: there the channels are axis 1. A negative axis, as -1 for the last, means the same
    everywhere. In the same way, `view(-1, 128, 7, 7)` is `reshape([128, 7, 7])` here: a size of -1 before them makes an
    axis of size 1.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      concat(axis = 1) { conv(8, 3); conv(8, 1) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(8, 3); conv(8, 1) }
    }
    """,
)

_AXES = {2: ("channels", "length"), 3: ("channels", "height", "width"), 4: ("channels", "depth", "height", "width")}


class AxisWithBatch(Diagnostic, code=W0118):
    """An axis 1. `channels` and `meant` are the calls for the channels, and for the same axis as a negative number."""

    op: str
    shape: Shape
    channels: str
    meant: str
    edit: Edit | None = None

    def summary(self) -> str:
        names = _AXES.get(len(self.shape))
        name = f", the {names[1]}" if names is not None else ""
        return f"axis 1 of `{self.op}` is not the channels: in {format_shape(self.shape)} it has size {self.shape[1]}{name}"

    def remedy(self) -> Remedy:
        text = f"axes are counted without the batch; for the channels write `{self.channels}`, for this axis `{self.meant}`"
        return guess(text, *([self.edit] if self.edit is not None else []))


class ReshapedBatch(Diagnostic, code=W0118):
    """A `reshape` whose first size is computed, and is 1. `written` is the call without it."""

    shape: Shape
    written: str
    edit: Edit | None = None

    def summary(self) -> str:
        return f"the first size of this `reshape` is 1, as all elements are in the others: {format_shape(self.shape)}"

    def remedy(self) -> Remedy:
        return guess(f"the batch is not written: `{self.written}`", *([self.edit] if self.edit is not None else []))


W0119 = Code(
    "W0119",
    "nearly everything is dropped",
    """`p` of `dropout` and `drop` of `skip` are the probability that something is dropped, as in PyTorch and Keras.
    TensorFlow 1, and papers on stochastic depth, give the probability that it is kept: `keep_prob = 0.8` is
    `dropout(0.2)`.""",
    bad="""
    network tiny {
      input features [64]
      linear(64) -> relu -> dropout(0.8) -> linear(10)
    }
    """,
    good="""
    network tiny {
      input features [64]
      linear(64) -> relu -> dropout(0.2) -> linear(10)
    }
    """,
)


class DropsMost(Diagnostic, code=W0119):
    """A probability of at least three quarters. `instead` is the call that keeps as much."""

    op: str
    parameter: str
    probability: float
    instead: str
    edit: Edit | None = None

    def summary(self) -> str:
        what = "everything is dropped" if self.probability == 1 else f"{100 * self.probability:g} % is dropped in training"
        return f"`{self.parameter}` of `{self.op}` is {self.probability:g}: {what}"

    def remedy(self) -> Remedy:
        if self.probability == 1:
            return guess("write the probability of a drop, which is less than 1")
        text = f"if {self.probability:g} is the probability of being kept, write `{self.instead}`"
        return guess(text, *([self.edit] if self.edit is not None else []))


W0120 = Code(
    "W0120",
    "an unusual slope of a leaky rectifier",
    """`leaky_relu(0.1)` multiplies negative numbers by 0.1. A negative slope makes them positive; with a slope of 1
    nothing is left of the rectifier. Some papers write the divisor, as in `x / 5.5`, which is `leaky_relu(0.18)`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn -> leaky_relu(-0.2)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn -> leaky_relu(0.2)
    }
    """,
)


class UnusualSlope(Diagnostic, code=W0120):
    """A slope that is negative, or above one half. `instead` is the number that may be meant."""

    op: str
    parameter: str
    slope: float
    instead: str | None = None
    edit: Edit | None = None

    def summary(self) -> str:
        effect = "keeps most of a negative number"
        if self.slope < 0:
            effect = "makes negative numbers positive"
        elif self.slope >= 1:
            effect = "leaves negative numbers as they are" if self.slope == 1 else "enlarges negative numbers"
        return f"`{self.parameter}` of `{self.op}` is {self.slope:g}, which {effect}"

    def remedy(self) -> Remedy:
        text = f"write `{self.op}({self.instead or '0.1'})`" if self.instead else "a usual slope is 0.01, 0.1 or 0.25"
        return guess(text, *([self.edit] if self.edit is not None else []))


W0121 = Code(
    "W0121",
    "a statement that changes nothing",
    """A label names the value that a stage made, not the stage. A statement that only names the value that `x` is already
    runs nothing, and neither does one right before a statement that begins with another value. Stages that are to run
    twice go into a block; with one set of weights for all of its uses, into a module.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      stem: conv(3, 3)
      stem
      relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      stem: conv(3, 3)
      relu
    }
    """,
)


class IdleValue(Diagnostic, code=W0121):
    """A statement that names what `x` is already; `made_by` is the label of the statement before it."""

    value: str
    made_by: Span | None
    deletion: Edit

    def summary(self) -> str:
        return f"`{self.value}` is the value that flows here already: this statement changes nothing"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.made_by, "this value"),) if self.made_by is not None else ()

    def remedy(self) -> Remedy:
        again = "" if self.value == "x" else f"; to run its stages again, declare them: `module {self.value}: ...`"
        return guess(f"delete it{again}", self.deletion)


class DroppedValue(Diagnostic, code=W0121):
    """A statement that only names a value, before one that begins with another value."""

    value: str
    following: Span
    deletion: Edit

    def summary(self) -> str:
        return f"`{self.value}` goes nowhere: the next statement begins with another value"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.following, "begins anew"),)

    def remedy(self) -> Remedy:
        joined = f"`add {{ {self.value}; {self.following.text} }}`"
        return guess(f"delete it; to join both, write a join, such as {joined}", self.deletion)


W0122 = Code(
    "W0122",
    "a size where a factor stands",
    """`upsample` takes the factor by which an image grows, as `scale_factor` of PyTorch's `Upsample`, whose first argument
    is the size of the result.""",
    bad="""
    network tiny {
      input image [3, 56, 56]
      conv(8, 3) -> upsample(224)
    }
    """,
    good="""
    network tiny {
      input image [3, 56, 56]
      conv(8, 3) -> upsample(4)
    }
    """,
)


class SizeAsFactor(Diagnostic, code=W0122):
    """A factor that no network enlarges by. `factor` gives the size that it may mean."""

    scale: Any
    result: Shape
    factor: int | None
    edit: Edit | None = None

    def summary(self) -> str:
        return f"`scale` of `upsample` is the factor {show(self.scale)}, which gives {format_shape(self.result)}"

    def remedy(self) -> Remedy:
        if self.factor is None:
            return guess("write the factor; `resize_like(label)` brings a map to the size of another")
        return guess(f"for a size of {show(self.scale)}, write `upsample({self.factor})`", *([self.edit] if self.edit else []))
