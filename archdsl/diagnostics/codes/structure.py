"""E05: networks that cannot be built as written."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, certain, guess
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

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
)


E0507 = Code(
    "E0507",
    "a value where a stage should be",
    """A label, an input or `x` names a value, not the stages that made it. At the start of a pipeline it says where the pipeline
    begins. Behind an arrow it would take the place of what flows into it, which is lost, and as the whole body of a loop nothing
    runs. A join takes several values; a block names stages that run several times.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      early: conv(8, 3)
      maxpool(2) -> upsample(2) -> early -> relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      early: conv(8, 3)
      maxpool(2) -> upsample(2) -> add { x; early } -> relu
    }
    """,
)


class ReplacedValue(Diagnostic, code=E0507):
    """A value behind an arrow. What the stage before it makes is lost."""

    value: str
    before: Span

    def summary(self) -> str:
        return f"`{self.value}` is a value, and not a stage: it would replace what flows into it"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.before, "what this makes would be lost")]

    def details(self) -> Iterable[str]:
        return ("stages that are to run again go into a block, which can be called",)

    def remedy(self) -> Remedy:
        joined = f"add {{ x; {self.value} }}"
        text = f"to join both, write `{joined}`; to go on from `{self.value}`, begin another line with it"
        return guess(text, *([Edit(self.span, joined)] if self.span is not None else []))


class FlowNamed(Diagnostic, code=E0507):
    """`x` behind an arrow, from `before` on: it is what flows there anyway."""

    before: Span

    def summary(self) -> str:
        return "`x` is a value, and not a stage: it is what flows here already"

    def remedy(self) -> Remedy:
        if self.span is None:
            return certain("delete it")
        return certain("delete it", Edit(Span(self.before.file, self.before.end, self.span.end), ""))


class IdleLoop(Diagnostic, code=E0507):
    """A loop whose body only names a value."""

    value: str

    def summary(self) -> str:
        return f"`{self.value}` is a value, and not a stage: the loop runs nothing"

    def remedy(self) -> str:
        return "put the stages that are to run into a block, and call it"
