"""Notes on specs that work, and may be meant as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

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


class StrictCondition(Diagnostic, code=N0301):
    """A `where` that rules out a size for which the network works."""

    symbol: str
    works: int
    needed: str | None

    def summary(self) -> str:
        return f"this condition is stricter than the network needs: it also works where {self.symbol} is {self.works}"

    def remedy(self) -> str | None:
        return f"{self.symbol} must be {self.needed}" if self.needed is not None else None


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


class _Order(Diagnostic):
    """An input that is read in another order than its author may mean. `meant` are the sizes in the order of the language."""

    input: str
    sizes: tuple[str, ...]
    meant: tuple[str, ...]

    def _rewritten(self, why: str) -> Remedy:
        sizes = f"[{', '.join(self.meant)}]"
        edits = (Edit(self.span, sizes),) if self.span is not None else ()
        return guess(f"{why} `input {self.input} {sizes}`", *edits)


class BatchWritten(_Order, code=N0302):
    """Four sizes with a depth of 1 or 3."""

    def summary(self) -> str:
        channels, depth, height, width = self.sizes
        return f"the input `{self.input}` is a volume: channels {channels}, depth {depth}, height {height}, width {width}"

    def remedy(self) -> Remedy:
        return self._rewritten("a batch is not written: an image is")


class ChannelsLast(_Order, code=N0302):
    """A square image whose last size could be its channels."""

    def summary(self) -> str:
        return f"the input `{self.input}` is an image of {self.sizes[1]} by {self.sizes[2]}, with {self.sizes[0]} channels"

    def remedy(self) -> Remedy:
        return self._rewritten("channels come first:")


class ChannelsLeftOut(_Order, code=N0302):
    """A square image without channels."""

    def summary(self) -> str:
        return f"the input `{self.input}` is a signal of length {self.sizes[1]}, with {self.sizes[0]} channels"

    def remedy(self) -> Remedy:
        return self._rewritten("an image has channels too:")


N0303 = Code(
    "N0303",
    "claims about the declared size are skipped",
    """`--size`, or `size` of `archdsl.load`, gives the inputs other sizes than the declared ones. An `expect` that holds at
    the declared sizes but not at the given ones is skipped there. `archdsl check` without `--size` checks it.""",
    situation="`archdsl check resnet18 --size 3x160x160`: `expect x.shape == [64, 56, 56]` is about images of 224x224.",
)

_SHOWN = 6


class ClaimsSkipped(Diagnostic, code=N0303):
    """Claims that hold at the declared sizes of the inputs, and not at those that are given."""

    claims: Sequence[Span]
    declared: Sequence[tuple[str, Shape]]

    @property
    def label(self) -> str:
        """What becomes of the claim."""
        return "skipped"

    def summary(self) -> str:
        count = f"{len(self.claims)} claims" if len(self.claims) > 1 else "a claim"
        declared = " and ".join(f"`{name} {format_shape(shape)}`" for name, shape in self.declared)
        return f"skipped {count} about the declared {declared}"

    def marks(self) -> Iterable[Mark]:
        return [Mark(span, "skipped") for span in self.claims[1:_SHOWN]]
