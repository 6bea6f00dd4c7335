"""E0307, E0310 and E0311: symbolic sizes where a number is needed, and conditions on them that nothing meets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.limits import E0502
from archdsl.diagnostics.codes.shapes import ShapeDiagnostic
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.literals import show
from archdsl.shapes import Dim, SymbolicSize
from archdsl.size_polynomials import MOST_FACTORS
from archdsl.size_words import describe, describe_choice
from archdsl.sizes import SizeSet

E0307 = Code(
    "E0307",
    "a fixed number is needed, and the size is symbolic",
    """The sizes of `input image [3, H, W]` are symbolic, so nothing may depend on their value: not the features of a `linear`,
    not the condition of an `if`, not the count of a loop. `gap` and `avgpool_to` give a fixed size for any input;
    or fix the size in `input`. Products such as `H*W` are exact sizes, but no condition may relate `H` to `W`.
    With `--size`, the network is compiled for one size of its inputs, where all sizes are numbers.""",
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
    depends_on_braces=True,
)


class SymbolicValue(Diagnostic, code=E0307):
    """A symbolic size, where an expression needs a fixed number. `what` begins the sentence."""

    what: str
    given: Any

    def summary(self) -> str:
        return f"{self.what}, and {show(self.given)} depends on a symbolic size"

    def remedy(self) -> str:
        return "fix the size in `input`; `crop_like`, `resize_like` and `avgpool_to` go by the size that comes"


class SymbolicSizeRefused(ShapeDiagnostic, code=E0307):
    """A symbolic size, where an op needs a number."""

    op: str
    what: str
    size: SymbolicSize
    advice: str | None = None

    def summary(self) -> str:
        return f"`{self.op}` needs {self.what} as a fixed number, found the symbolic size {self.size}"

    def remedy(self) -> str:
        return self.advice or f"write a number for {_names(self.size.symbols)} where the input is declared"


def _names(symbols: Sequence[str]) -> str:
    return " and ".join(f"`{symbol}`" for symbol in symbols)


class IncomparableSizes(ShapeDiagnostic, code=E0307):
    """Two symbolic sizes whose difference is no function of one of them."""

    size: Dim
    other: Dim
    reason: str

    def summary(self) -> str:
        return f"`crop_like` cannot compare {self.size} with {self.other}: {self.reason}"


class TiedSizes(ShapeDiagnostic, code=E0307):
    """A condition that ties symbolic sizes to each other: `equal` if by their equality, `several` if by several comparisons."""

    symbols: Sequence[str]
    equal: bool = False
    several: bool = False

    def summary(self) -> str:
        return f"this condition ties {' to '.join(self.symbols)}: each symbolic size has its own"

    def remedy(self) -> str:
        if self.several:
            return "join conditions on different sizes with `and`, or give both the same name"
        return "write equal sizes with one name: `[3, N, N]`" if self.equal else "compare one symbolic size with numbers"


class UndecidedSizes(ShapeDiagnostic, code=E0307):
    """A question about symbolic sizes that cannot be decided, for a reason of arithmetic."""

    reason: str
    advice: str | None = None

    def summary(self) -> str:
        return self.reason

    def remedy(self) -> str | None:
        return self.advice


class NoFormula(ShapeDiagnostic, code=E0307):
    """A size that is no formula of one symbolic size; `op` makes it, if no expression does."""

    reason: str
    op: str | None = None

    def summary(self) -> str:
        return f"`{self.op}`: {self.reason}" if self.op is not None else self.reason

    def remedy(self) -> str:
        return _FIX


class UndecidedComparison(Diagnostic, code=E0307):
    """A condition that symbolic sizes decide."""

    text: str
    symbols: Sequence[str]

    def summary(self) -> str:
        kind = "symbolic size" if len(self.symbols) == 1 else "symbolic sizes"
        return f"whether `{self.text}` holds depends on the {kind} {' and '.join(self.symbols)}"

    def remedy(self) -> str:
        return "fix the size in `input`, or compare something that is known"


class SymbolicPower(Diagnostic, code=E0307):
    """A power with a symbolic size that is no product of sizes."""

    def summary(self) -> str:
        return f"a power of a symbolic size needs a fixed exponent from 0 to {MOST_FACTORS}"

    def remedy(self) -> str:
        return _FIX


class FractionalSize(Diagnostic, code=E0307):
    """An operator that gives no whole number for some values of a symbolic size."""

    sign: str

    def summary(self) -> str:
        return f"`{self.sign}` of a symbolic size is not a whole number for every size"

    def remedy(self) -> Remedy | str:
        if self.sign != "/":
            return _FIX
        place = self.span
        edits = [Edit(place, place.text.replace("/", "//"))] if place is not None and place.text.count("/") == 1 else []
        return guess("use `//`, or fix the size in `input`", *edits)


class TwoSymbolicSizes(Diagnostic, code=E0307):
    """An expression of two symbolic sizes."""

    text: str
    first: str
    second: str

    def summary(self) -> str:
        return f"`{self.text}` depends on two symbolic sizes, {self.first} and {self.second}"

    def remedy(self) -> str:
        return "give both one name, `[3, N, N]`, or fix one in `input`"


_FIX = "fix the size in `input`"


E0310 = Code(
    "E0310",
    "no size works",
    """The input has a symbolic size, and no value of it satisfies everything that the network asks: two sides of a join that
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
    depends_on_braces=True,
)


class _Explained(ShapeDiagnostic):
    others: Sequence[Mark]
    """What each place needs."""

    def marks(self) -> Iterable[Mark]:
        return self.others


class NoSizeWorks(_Explained, code=E0310):
    """A place that leaves nothing of a symbolic size: it needs other `sizes` than the places before it, or none suit it."""

    symbol: str
    sides: str
    sizes: SizeSet
    join: bool

    label = "here"

    def summary(self) -> str:
        only = f", which needs {self.symbol} to be {describe(self.sizes)}" if self.sizes else ""
        return f"no {self.symbol} works: {self.sides}{only}"

    def remedy(self) -> str | None:
        return "the two never agree: do both sides have the same strides and paddings?" if self.join and not self.sizes else None


class NoSizesWorkTogether(_Explained, code=E0310):
    """A place that needs one of several symbolic sizes to be large enough, and other places allow none of them to be."""

    sizes: Mapping[str, SizeSet]
    reason: str

    @property
    def label(self) -> str:
        """What the place needs."""
        return describe_choice(self.sizes)

    def summary(self) -> str:
        return f"no {' and '.join(self.sizes)} work together: {self.reason}"


class OnlyHugeSizesWork(ShapeDiagnostic, code=E0310):
    """A symbolic size whose least value that works is larger than any size."""

    symbol: str
    smallest: int
    most: int

    def summary(self) -> str:
        return f"no {self.symbol} works: it must be at least {self.smallest:,}, and a size is at most {self.most:,}"

    def remedy(self) -> str:
        return "check for a window, a dilation or a bound that is larger than intended"


class OnlyHugeTensorsWork(Diagnostic, code=E0502):
    """A tensor that is too large even at the smallest sizes that work; `tensor` says how large it is then."""

    tensor: Diagnostic
    sizes: Mapping[str, int]

    def summary(self) -> str:
        return f"{self.tensor.summary()}, even at {values_text(self.sizes)}, the smallest that works"

    def remedy(self) -> str:
        return "check for a size that is larger than intended"


def values_text(sizes: Mapping[str, int]) -> str:
    """Return symbolic sizes with their values: `H = 3 and W = 4`."""
    return " and ".join(f"{symbol} = {number:,}" for symbol, number in sizes.items())


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
    depends_on_braces=True,
)


class ConditionNotEnough(_Explained, code=E0311):
    """A `where` that allows a size which does not work; `needed` are those that do."""

    symbol: str
    failing: int
    needed: SizeSet

    def summary(self) -> str:
        return f"this condition is not enough: {self.symbol} = {self.failing:,} meets it, and the network does not work there"

    def remedy(self) -> str:
        return f"{self.symbol} must be {describe(self.needed)}"


class ConditionsNotEnough(_Explained, code=E0311):
    """Conditions on several symbolic sizes that allow values which do not work together; one of `sizes` is needed."""

    failing: Mapping[str, int]
    sizes: Mapping[str, SizeSet]

    def summary(self) -> str:
        return f"these conditions are not enough: {values_text(self.failing)} meet them, and the network does not work there"

    def remedy(self) -> str:
        return describe_choice(self.sizes)
