"""E05: networks that cannot be built as written."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic
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
    evidence=Evidence.TEXT,
)

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
        return "`--limit steps=N` raises the limit"


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
    evidence=Evidence.TEXT,
)

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
    evidence=Evidence.TEXT,
)

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
    evidence=Evidence.TEXT,
)
