"""E0312: sizes of inputs, given from outside, at which the network does not work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.shapes import ShapeDiagnostic
from archdsl.diagnostics.codes.symbolic_sizes import values_text
from archdsl.shapes import Shape, format_shape
from archdsl.size_words import describe
from archdsl.sizes import SizeSet

E0312 = Code(
    "E0312",
    "the network does not work at this size",
    """`archdsl check --size 3x517x389` asks about one size of the inputs. The message names the place that fails there and
    the two sides that meet, the help what the size must be.""",
    situation="`archdsl check unet --size 1x65x65`: U-Net needs multiples of 16.",
    depends_on_braces=True,
)


class SizesMissing(ShapeDiagnostic, code=E0312):
    """Sizes of inputs that leave some symbolic sizes without a value."""

    symbols: Sequence[str]

    def summary(self) -> str:
        return f"the size does not say what {' and '.join(self.symbols)} {'is' if len(self.symbols) == 1 else 'are'}"

    def remedy(self) -> str:
        return "give all sizes of the input, without the batch: `--size 3x160x160`; of one of several, `--size mask=1x160x160`"


class OtherInput(ShapeDiagnostic, code=E0312):
    """A shape that an input cannot have."""

    name: str
    shape: Shape
    given: Sequence[int]
    advice: str | None = None

    def summary(self) -> str:
        return f"`{self.name}` is {format_shape(self.shape)}, and cannot be {'x'.join(map(str, self.given))}"

    def remedy(self) -> str | None:
        if self.advice is None and len(self.given) != len(self.shape):
            return f"it has {len(self.shape)} sizes, without the batch"
        return self.advice


class TwoValues(ShapeDiagnostic, code=E0312):
    """Sizes of inputs that give one parameter two values."""

    name: str
    first: int
    second: int

    def summary(self) -> str:
        return f"the size gives `{self.name}` two values, {self.first:,} and {self.second:,}"

    def remedy(self) -> str:
        return "give equal numbers, or declare the input with another parameter for each size"


class FailsAtSize(ShapeDiagnostic, code=E0312):
    """A place that needs another value of a symbolic size; `working` are those that all places allow."""

    symbol: str
    size: int
    reason: str
    needed: SizeSet
    working: SizeSet

    @property
    def label(self) -> str:
        """What the place needs."""
        return f"needs {self.symbol} to be {describe(self.needed)}"

    def summary(self) -> str:
        return f"the network does not work at {self.symbol} = {self.size:,}: {self.reason}"

    def remedy(self) -> str:
        return f"{self.symbol} must be {describe(self.working)}"


class FailsCondition(ShapeDiagnostic, code=E0312):
    """A value of a symbolic size that the input's `where` rules out."""

    symbol: str
    size: int
    working: SizeSet

    def summary(self) -> str:
        return f"the condition of the input does not hold at {self.symbol} = {self.size:,}"

    def remedy(self) -> str:
        return f"{self.symbol} must be {describe(self.working)}"


class FailsAtSizes(ShapeDiagnostic, code=E0312):
    """A place that needs another value of one of several symbolic sizes, or makes too large a tensor."""

    sizes: Mapping[str, int]
    reason: str

    def summary(self) -> str:
        return f"the network does not work at {values_text(self.sizes)}: {self.reason}"
