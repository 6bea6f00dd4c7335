"""E0307 and E0310 to E0312: symbolic sizes where a number is needed, and sizes for which the network does not work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.shapes import ShapeDiagnostic
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, guess
from archdsl.literals import show
from archdsl.shapes import Dim, SymbolicSize

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
    depends_on_braces=True,
)


class SymbolicValue(Diagnostic, code=E0307):
    """A symbolic size, where an expression needs a fixed number. `what` begins the sentence."""

    what: str
    given: Any

    def summary(self) -> str:
        return f"{self.what}, and {show(self.given)} depends on a size that the input leaves open"

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
        return self.advice or f"write a number for `{self.size.symbol}` where the input is declared"


class IncomparableSizes(ShapeDiagnostic, code=E0307):
    """Two symbolic sizes whose difference is no function of one of them."""

    size: Dim
    other: Dim
    reason: str

    def summary(self) -> str:
        return f"`crop_like` cannot compare {self.size} with {self.other}: {self.reason}"


class NoFormula(ShapeDiagnostic, code=E0307):
    """A size that is no formula of one symbolic size; `op` makes it, if no expression does."""

    reason: str
    op: str | None = None

    def summary(self) -> str:
        return f"`{self.op}`: {self.reason}" if self.op is not None else self.reason

    def remedy(self) -> str | None:
        return None if self.op is not None else _FIX


class UndecidedComparison(Diagnostic, code=E0307):
    """A condition that symbolic sizes decide."""

    text: str
    symbols: Sequence[str]

    def summary(self) -> str:
        return f"whether `{self.text}` holds depends on {' and '.join(self.symbols)}, which the input leaves open"

    def remedy(self) -> str:
        return "fix the size in `input`, or compare something that is known"


class SymbolicPower(Diagnostic, code=E0307):
    """A power with a symbolic size."""

    def summary(self) -> str:
        return "a power of a symbolic size is not linear in it"

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
    depends_on_braces=True,
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
    depends_on_braces=True,
)


E0312 = Code(
    "E0312",
    "the network does not work at this size",
    """`archdsl check --size 3x517x389` asks about one size of the inputs. The message names the place that fails there and
    the two sides that meet, the help what the size must be.""",
    situation="`archdsl check unet --size 1x65x65`: U-Net needs multiples of 16.",
    depends_on_braces=True,
)
