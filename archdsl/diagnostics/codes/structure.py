"""E05: networks that cannot be built as written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.limits import remedy as raising
from archdsl.shapes import Shape, format_shape

E0501 = Code(
    "E0501",
    "a definition contains itself",
    """A block that calls itself, directly or through others, would never end. `repeat n { ... }` and `for` say how often
    something happens; a block that takes another block as a parameter says what changes.""",
    bad="""
    block tower(width) { conv(width, 3) -> tower(width) }

    network tiny {
      input image [3, 32, 32]
      tower(16)
    }
    """,
    good="""
    block tower(width, height) { repeat height { conv(width, 3) } }

    network tiny {
      input image [3, 32, 32]
      tower(16, height = 4)
    }
    """,
)


class ContainsItself(Diagnostic, code=E0501):
    """A block that calls itself; `chain` are the blocks on the way, from it to it."""

    chain: Sequence[str]

    def summary(self) -> str:
        return f"a block cannot contain itself: {' -> '.join(f'`{name}`' for name in self.chain)}"

    def remedy(self) -> str:
        return "`repeat n { ... }` and `for` say how often"


E0502 = Code(
    "E0502",
    "the network is too large to be meant",
    """A network has at most 110,000 ops, 50,000 rounds of loops, bodies 64 deep inside one another and 200 files, and
    checking it takes at most 3,000,000 steps, about a second, unless `--limit` says otherwise. A size is at most 2,147,483,647, and a tensor for one image, or a weight, has at most 2^40 numbers. A count beyond
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


E0503 = Code(
    "E0503",
    "there is no input",
    """A network declares what goes in before anything uses it: `input NAME [sizes]`, channels first and without the
    batch.""",
    bad="""
    network tiny {
      conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    depends_on_braces=True,
)


class BeforeInput(Diagnostic, code=E0503):
    """A stage before the first input."""

    def summary(self) -> str:
        return "this stands before the input that it takes"

    def remedy(self) -> str:
        return "begin the network with `input`"


class XBeforeInput(BeforeInput, code=E0503):
    """An expression that reads `x` before the first input."""

    def summary(self) -> str:
        return "this reads `x` before the first input"


E0504 = Code(
    "E0504",
    "a statement in the wrong place",
    """Inputs and `init` stand in the body of a network, not in blocks or loops; heads and outputs are not branches of a
    join; a network is not a stage of another; `where` needs an open size to speak of.""",
    bad="""
    block unit(out) {
      input image [3, 32, 32]
      conv(out, 3)
    }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
    good="""
    block unit(out) {
      conv(out, 3)
    }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
    depends_on_braces=True,
)


class NetworkAsStage(Diagnostic, code=E0504):
    """A network in the place of a stage."""

    name: str

    def summary(self) -> str:
        return f"expected an op or a block as a stage, found the network `{self.name}`"

    def remedy(self) -> str:
        return "move what both share into a block"


class NotABranch(Diagnostic, code=E0504):
    """A statement among the branches of a join that leaves no value to join."""

    def summary(self) -> str:
        return "a head, an output or an input is not a branch"

    def remedy(self) -> str:
        return "put it before or after the join"


E0505 = Code(
    "E0505",
    "two results have one name",
    """In training, a network with heads or outputs returns them by name, so that no two can share one.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      head: { output mask: conv(1, 1) }
      output head_mask: conv(1, 1)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      output mask: conv(1, 1)
      output edges: conv(1, 1)
    }
    """,
    depends_on_braces=True,
)

E0506 = Code(
    "E0506",
    "a join of nothing",
    """The body of a `skip` leaves `x` as it is, or a `concat`, `add`, `mul` or `shake` has no branches: nothing would be
    joined. Perhaps an `if` around the branches never holds.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      skip { }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      skip { conv(3, 3) -> relu }
    }
    """,
    depends_on_braces=True,
)


class EmptySkip(Diagnostic, code=E0506):
    """A skip whose body leaves `x` as it is."""

    def summary(self) -> str:
        return "the body of this skip does nothing"

    def remedy(self) -> str:
        return "put the layers of the block into it"


class NoBranches(Diagnostic, code=E0506):
    """A join without branches."""

    join: str

    def summary(self) -> str:
        return f"this `{self.join}` has no branches"

    def remedy(self) -> str:
        return "each statement in its braces is a branch; `x` is the identity"
