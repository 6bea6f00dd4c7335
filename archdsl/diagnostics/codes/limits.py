"""E0502: networks beyond the limits."""

from __future__ import annotations

from typing import ClassVar

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.limits import remedy as raising
from archdsl.shapes import Shape, format_shape

E0502 = Code(
    "E0502",
    "the network is too large to be meant",
    """A network has at most 110,000 ops, 50,000 rounds of loops, bodies 64 deep inside one another and 200 files, and
    checking it takes at most 3,000,000 steps, about a second, unless `--limit` says otherwise. A size is at most
    2,147,483,647, and a tensor for one image, or a weight, has at most 2^40 numbers. A count beyond
    that is nearly always a slip.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      repeat 10^9 { conv(16, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      repeat 9 { conv(16, 3) }
    }
    """,
    depends_on_braces=True,
)


class TensorTooLarge(Diagnostic, code=E0502):
    """A shape beyond what PyTorch can handle: `axes`, `size` or `elements` of a tensor. `what` begins the sentence."""

    what: str
    shape: Shape
    bound: str
    most: int

    def summary(self) -> str:
        if self.bound == "axes":
            return f"{self.what} a shape of {len(self.shape):,} axes; a tensor has at most {self.most}, including the batch axis"
        limit = f"a size is at most {self.most:,}" if self.bound == "size" else f"a tensor has at most {self.most:,} elements"
        return f"{self.what} {format_shape(self.shape)}; {limit}"

    def remedy(self) -> str | None:
        return None if self.bound == "axes" else "check for a size that is larger than intended"


class TooManySteps(Diagnostic, code=E0502):
    """A file whose networks take longer to check than the limit."""

    network: str
    most: int

    def summary(self) -> str:
        return f"checking the networks before `{self.network}` took more than {self.most:,} steps, and ends here"

    def remedy(self) -> str:
        return raising("steps")


class LimitExceeded(Diagnostic, code=E0502):
    """Base of what goes over a limit that can be raised; `most` is the limit's value."""

    most: int

    limit: ClassVar[str]
    advice: ClassVar[str] = "is a count larger than intended?"

    def remedy(self) -> str:
        return f"{self.advice} {raising(self.limit)}"


class TooManyOps(LimitExceeded, code=E0502):
    """A network of more ops than the limit."""

    limit = "nodes"

    def summary(self) -> str:
        return f"this network has more than {self.most:,} ops"


class TooManyBodies(LimitExceeded, code=E0502):
    """A network that runs more bodies than the limit."""

    limit = "iterations"

    def summary(self) -> str:
        return f"this network runs more than {self.most:,} bodies"


class TooManyRounds(LimitExceeded, code=E0502):
    """Loops that run more rounds than the limit, all together."""

    limit = "iterations"

    def summary(self) -> str:
        return f"loops run more than {self.most:,} rounds"


class RepeatTooLong(LimitExceeded, code=E0502):
    """A single `repeat` of more rounds than the limit."""

    rounds: int

    limit = "iterations"

    def summary(self) -> str:
        return f"this `repeat` has {self.rounds:,} rounds; the limit is {self.most:,}"


class BodiesTooDeep(LimitExceeded, code=E0502):
    """Calls, loops and groups inside one another, deeper than the limit."""

    limit = "call_depth"
    advice = "does a block call itself through a parameter?"

    def summary(self) -> str:
        return f"bodies run more than {self.most} deep inside one another here"


class FormulasTooLong(LimitExceeded, code=E0502):
    """Formulas of symbolic sizes that take more numbers than the limit."""

    limit = "size_values"
    advice = "fix a size in `input`, or use strides with common factors;"

    def summary(self) -> str:
        return f"the formulas of the symbolic sizes take more than {self.most:,} numbers"


class OutOfSteps(LimitExceeded, code=E0502):
    """A network that takes longer to check than the limit."""

    limit = "steps"
    advice = "are loops or lists longer than intended? move what stays the same before the loop, into a `let`;"

    def summary(self) -> str:
        return f"checking takes more than {self.most:,} steps, and ends here"
