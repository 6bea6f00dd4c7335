"""Warnings about networks and recipes that work, and may not do what was meant."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, certain, guess
from archdsl.source import Span

W0101 = Code(
    "W0101",
    "a value is never used",
    """Something is computed that no result depends on: an input that no stage takes up, or a branch of which nothing is
    made. Take it up by its label, or delete it.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      input mask [1, 32, 32]
      conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      input mask [1, 32, 32]
      concat { image; mask } -> conv(16, 3)
    }
    """,
)


class UnusedValue(Diagnostic, code=W0101):
    """A value that nothing takes: what an op makes, or an input, whose statement `deletion` takes out.

    `restart` is the label with whose value the next statement begins instead, perhaps meant to run its stages again.
    """

    what: str
    deletion: Edit | None = None
    restart: str | None = None

    def summary(self) -> str:
        return f"{self.what} is never used"

    def remedy(self) -> Remedy:
        edits = (self.deletion,) if self.deletion is not None else ()
        text = "take it up by its label, or delete it"
        if self.restart is not None:
            again = f"to run its stages again, declare them: `module {self.restart}: ...`"
            text = f"`{self.restart}` goes on from its value; {again}; or {text}"
        return guess(text, *edits)


class UnusedName(Diagnostic, code=W0101):
    """A name in brackets for an output that nothing takes."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` is never used"

    def remedy(self) -> Remedy:
        edits = (Edit(self.span, "_"),) if self.span is not None else ()
        return certain("write `_` in its place", *edits)


W0103 = Code(
    "W0103",
    "hardly any size works",
    """The input has a symbolic size, and only a few values of it work, so that it promises more than the network
    holds. Usually two branches round differently. Fix the size, or state in `where` that this is meant.""",
    bad="""
    network tiny {
      input image [3, H, 32]
      add { conv(8, 3, stride = [2, 1]); conv(8, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, H, 32]
      add { conv(8, 3, stride = [2, 1]); conv(8, 1, stride = [2, 1]) }
    }
    """,
)


class FewSizes(Diagnostic, code=W0103):
    """Symbolic sizes of which only a few values work, and the condition that says so."""

    symbols: tuple[str, ...]
    works: str
    reason: str
    condition: str
    end_of_input: Span | None = None

    def summary(self) -> str:
        are = "is" if len(self.symbols) == 1 else "are"
        return f"this network works only where {' and '.join(self.symbols)} {are} {self.works}: {self.reason}"

    def remedy(self) -> Remedy:
        text = f"if that is meant, fix the size in `input`, or state it: `where {self.symbols[0]} {self.condition}`"
        stated = " and ".join(f"{symbol} {self.condition}" for symbol in self.symbols)
        return guess(text, *([Edit(self.end_of_input, f" where {stated}")] if self.end_of_input is not None else []))


W0104 = Code(
    "W0104",
    "a head runs in evaluation",
    """An auxiliary head exists in training alone: in evaluation neither it nor its weights are needed. Here the network's
    result is made from what the head gives, so that it has to run all the same.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(8, 3)
      aux early: conv(8, 3)
      add { early; x }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(8, 3)
      early: conv(8, 3)
      aux head: { gap; flatten; linear(10) }
      skip { conv(8, 3) }
    }
    """,
)


class HeadInEvaluation(Diagnostic, code=W0104):
    """A head that the result is made from."""

    head: str

    def summary(self) -> str:
        return f"the head `{self.head}` runs in evaluation, too: the result is made from it"

    def remedy(self) -> str:
        return (
            "what the result needs stands outside of `aux`, with a label of its own; "
            "what is wanted besides the result is an `output`"
        )


W0105 = Code(
    "W0105",
    "a number of channels where another number stands",
    """Ops take the number of channels from their input, so that what PyTorch writes as `BatchNorm2d(64)` is `bn`. The first
    number of `bn` and `ln` is `eps`, that of `prelu` and `layer_scale` the value at the start. One that equals the number
    of channels is allowed, and hardly meant.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(64, 3) -> bn(64) -> relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(64, 3) -> bn -> relu
    }
    """,
)


class ChannelsAsNumber(Diagnostic, code=W0105):
    """`bn(64)` after 64 channels. `instead` is the call without the number, if it is given by position."""

    op: str
    parameter: str
    value: float
    instead: str | None = None
    edit: Edit | None = None

    def summary(self) -> str:
        return f"`{self.parameter}` of `{self.op}` is {self.value:g}, the number of channels of its input"

    def remedy(self) -> Remedy:
        if self.instead is None:
            return guess("leave it out: channels are not written")
        return guess(f"channels are not written: `{self.instead}`", *([self.edit] if self.edit is not None else []))


W0106 = Code(
    "W0106",
    "the network ends in an op that spoils its scores",
    """Losses for classes take scores of any size, and apply `softmax` or `sigmoid` to them, together with the logarithm, which
    is more exact. If the network ends in the same op it is applied twice: gradients become small, and training slow. An
    activation at the end, such as `relu`, cuts scores off, and `dropout` replaces some by zero.""",
    bad="""
    network tiny {
      input image [1, 8, 8]
      conv(8, 3) -> gap -> flatten -> linear(10) -> softmax
    }
    train { data = digits; epochs = 1; loss = cross_entropy }
    """,
    good="""
    network tiny {
      input image [1, 8, 8]
      conv(8, 3) -> gap -> flatten -> linear(10)
    }
    train { data = digits; epochs = 1; loss = cross_entropy }
    """,
)


class AppliedTwice(Diagnostic, code=W0106):
    """A network that ends in the op that the loss applies."""

    loss: str
    op: str
    deletion: Edit | None = None

    def summary(self) -> str:
        return f"`{self.loss}` applies `{self.op}` by itself, and the network ends in it"

    def remedy(self) -> Remedy:
        edits = (self.deletion,) if self.deletion is not None else ()
        return guess(f"remove `{self.op}`; apply it to the output at inference time", *edits)


class ScoresCutOff(Diagnostic, code=W0106):
    """A network that ends in an op after which scores are no longer of any size. `effect` says what it does to them."""

    loss: str
    op: str
    effect: str
    deletion: Edit | None = None

    def summary(self) -> str:
        return f"`{self.loss}` takes scores of any size, and `{self.op}` at the end of the network {self.effect}"

    def remedy(self) -> Remedy:
        edits = (self.deletion,) if self.deletion is not None else ()
        return guess(f"remove `{self.op}`, or put it before the last layer", *edits)


W0108 = Code(
    "W0108",
    "negative numbers under a root",
    """`lppool` sums `x^p` over each window and takes the `p`-th root, without an absolute value, as PyTorch does. Unless `p` is
    even, or 1, a negative sum has no real root, and the result is NaN, which training does not recover from. Ops such as
    `relu` and `sigmoid` before it keep numbers from being negative. The same goes for `sqrt`, for `log`, and for `pow` with an
    exponent that is no integer.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn -> lppool(2, p = 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn -> relu -> lppool(2, p = 3)
    }
    """,
)


class RootOfNegatives(Diagnostic, code=W0108):
    """An `lppool` whose input may be negative."""

    p: float

    def summary(self) -> str:
        which = "windows whose sum is negative" if self.p % 2 == 1 else "negative numbers"
        return f"`lppool` with `p = {self.p:g}` gives NaN for {which}"

    def remedy(self) -> Remedy:
        edits = (Edit(self.span._replace(end=self.span.start), "relu -> "),) if self.span is not None else ()
        return guess("an even `p` takes any numbers; or write `relu` before it", *edits)


class NegativeInput(Diagnostic, code=W0108):
    """A root or logarithm whose input may be negative."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` gives NaN for negative numbers, and its input may be negative"

    def remedy(self) -> Remedy:
        edits = (Edit(self.span._replace(end=self.span.start), "relu -> "),) if self.span is not None else ()
        return guess("write `relu`, `abs` or `clamp(low = 1e-6)` before it", *edits)


W0109 = Code(
    "W0109",
    "a part of the recipe comes after the end of the run",
    """The learning rate climbs over the warm-up, and the run ends before that does: the rate that the optimizer names is never
    reached. In the same way a cut of the rate, `step(at = ...)`, or the epoch of an `unfreeze` may come too late.""",
    bad="""
    network tiny {
      input image [1, 8, 8]
      conv(8, 3) -> gap -> flatten -> linear(10)
    }
    train { data = digits; epochs = 3; schedule = cosine(warmup = 5) }
    """,
    good="""
    network tiny {
      input image [1, 8, 8]
      conv(8, 3) -> gap -> flatten -> linear(10)
    }
    train { data = digits; epochs = 25; schedule = cosine(warmup = 5) }
    """,
)


class LongWarmup(Diagnostic, code=W0109, argument="schedule"):
    """A warm-up of more epochs than the run has."""

    warmup: float
    epochs: int
    rate: float

    def summary(self) -> str:
        reached = self.rate * self.epochs / self.warmup
        return (
            f"the warm-up takes {self.warmup:g} epochs, and the run has {self.epochs}: "
            f"the learning rate reaches {reached:.3g} of {self.rate:g}"
        )

    def remedy(self) -> str:
        return f"write a shorter `warmup`, or `epochs = {int(-(-self.warmup // 1)) * 5}`"


class LateCuts(Diagnostic, code=W0109, argument="schedule"):
    """Cuts of the learning rate after the end of the run."""

    late: tuple[int, ...]
    epochs: int

    def summary(self) -> str:
        late = ", ".join(map(str, self.late))
        return f"the learning rate is cut after epoch {late}, and the run has {self.epochs}"

    def remedy(self) -> str:
        return f"write earlier epochs in `at`, or `epochs = {max(self.late) + 1}` or more"


class LateUnfreeze(Diagnostic, code=W0109, argument="unfreeze"):
    """Frozen parts that are to be trained after the end of the run."""

    epoch: int
    epochs: int

    def summary(self) -> str:
        return f"`unfreeze` trains frozen parts from epoch {self.epoch} on, and the run has {self.epochs}"

    def remedy(self) -> str:
        return f"write an earlier epoch, or `epochs = {self.epoch}` or more"


class WarmupInSteps(Diagnostic, code=W0109, argument="schedule"):
    """A warm-up of more steps than the run has."""

    warmup: int
    steps: int
    reached: float
    rate: float

    def summary(self) -> str:
        return (
            f"the warm-up takes {self.warmup:,} steps, and the run has {self.steps:,}: "
            f"the learning rate reaches {self.reached:.3g} of {self.rate:g}"
        )

    def remedy(self) -> str:
        return "write a shorter `warmup_steps`"


W0110 = Code(
    "W0110",
    "the labels are large numbers",
    """The outputs of a fresh network are near 1, and labels in the thousands are far from that: the first steps are huge, and
    training fails or takes long. With `scale = auto` the network learns labels with mean 0 and standard deviation 1, and the
    metrics are scaled back to the units of the labels. `scale = none` says that they are meant as they are.""",
    situation="`loss = mse` for prices of houses.",
)


class LargeLabels(Diagnostic, code=W0110, argument="loss"):
    """Labels that are far from what a fresh network gives."""

    size: float
    loss: str

    def summary(self) -> str:
        return f"the labels are numbers of about {self.size:,.0f}, and a network begins with outputs near 1"

    def remedy(self) -> str:
        return f"write `loss = {self.loss}(scale = auto)`, or `scale = none` to learn them as they are"
