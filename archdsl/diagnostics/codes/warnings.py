"""W01 and N03: specs that work, and may not say what was meant."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

N0301 = Code(
    "N0301",
    "the stated condition is stricter than needed",
    """`where` rules out sizes for which the network works as well. That may be meant, so it is a note and no warning.""",
    bad="""
    network tiny {
      input image [3, H, 32] where H % 8 == 0 and H > 0
      skip { maxpool(4) -> upsample(4) }
    }
    """,
    good="""
    network tiny {
      input image [3, H, 32] where H % 4 == 0 and H > 0
      skip { maxpool(4) -> upsample(4) }
    }
    """,
)

N0302 = Code(
    "N0302",
    "an input that looks like an image in another order",
    """An input's shape is that of one sample: channels, then height and width; the batch comes before it by itself. Four
    sizes are a volume: channels, depth, height and width. With a depth of 1 or 3, they may be meant as an image with its
    batch; `[224, 224, 3]` as one whose channels come last, `image [28, 28]` as one without channels.""",
    bad="""
    network tiny {
      input image [1, 3, 224, 224]
      conv(8, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 224, 224]
      conv(8, 3)
    }
    """,
)

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

W0102 = Code(
    "W0102",
    "a parameter or constant is never read",
    """A block or network declares a parameter, or a constant with `let`, that nothing in its body reads, so that its value
    changes nothing. Often a fixed number stands where the name was meant.""",
    bad="""
    block unit(out, stride = 1) { conv(out, 3) -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
    good="""
    block unit(out, stride = 1) { conv(out, 3, stride) -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
)

W0103 = Code(
    "W0103",
    "hardly any size works",
    """The input leaves a size open, and only a few values of it work, so that leaving it open promises more than the network
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

W0107 = Code(
    "W0107",
    "a block that is not called may fail",
    """A network does not call this block, so that the values of its parameters, and its input, are not known. Where a loop
    runs, or a condition holds, that depends on them, the block fails. The message states what it assumes; a call with
    other values may work. What fails with any values is an error.""",
    bad="""
    block unit(k) {
      repeat x.c // 6 { conv(8, 3, stride = k - 1) }
    }
    block pair { unit(1) -> relu }

    network tiny {
      input image [3, 32, 32]
      conv(8, 3)
    }
    """,
    good="""
    block unit(k) {
      repeat x.c // 6 { conv(8, 3, stride = k - 1) }
    }
    block pair { unit(2) -> relu }

    network tiny {
      input image [3, 32, 32]
      conv(8, 3)
    }
    """,
)

W0108 = Code(
    "W0108",
    "negative numbers under a root",
    """`lppool` sums `x^p` over each window and takes the `p`-th root, without an absolute value, as PyTorch does. Unless `p` is
    even, or 1, a negative sum has no real root, and the result is NaN, which training does not recover from. Ops such as
    `relu` and `sigmoid` before it keep numbers from being negative.""",
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
