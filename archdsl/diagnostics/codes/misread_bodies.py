"""W0123 to W0129: bodies that mean something other than they seem to: branches of joins, rounds of loops, lines in a row."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

W0123 = Code(
    "W0123",
    "a join of one branch",
    """Each statement in the braces of a join is a branch. With one, nothing is joined, and the result is that of the
    branch. What flows in is a branch if `x` stands among them; `skip { ... }` adds it by itself.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      add { conv(3, 3) -> bn }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      add { x; conv(3, 3) -> bn }
    }
    """,
)


class LoneBranch(Diagnostic, code=W0123):
    """A join of one branch. `edit` adds what flows in, where that may be meant."""

    join: str
    branch: str
    edit: Edit | None

    def summary(self) -> str:
        return f"this `{self.join}` has one branch, so that it joins nothing"

    def remedy(self) -> Remedy:
        if self.edit is None:
            return guess("each statement in its braces is a branch; write the others, or the stages alone")
        branch = self.branch if len(self.branch) < 40 and "\n" not in self.branch else "..."
        skip = f", or `skip {{ {branch} }}`" if self.join == "add" else ""
        return guess(f"each statement is a branch; with what flows in: `{self.join} {{ x; {branch} }}`{skip}", self.edit)


W0124 = Code(
    "W0124",
    "a stage that is a branch of its own",
    """Each statement in the braces of a join is a branch, and starts from the same `x`. A normalization or activation on the
    line below a layer does not take what the layer gives, as it would elsewhere. Braces or arrows make one branch of several
    stages.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      concat {
        conv(8, 1)
        conv(8, 3)
        relu
      }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      concat {
        conv(8, 1)
        conv(8, 3) -> relu
      }
    }
    """,
)


class StageAsBranch(Diagnostic, code=W0124):
    """A normalization or activation as a branch, behind one that ends with a layer. `edit` makes one branch of both."""

    join: str
    op: str
    layer: str
    before: Span
    edit: Edit

    def summary(self) -> str:
        return f"`{self.op}` is a branch of this `{self.join}`, and does not take what `{self.layer}` gives"

    def marks(self) -> list[Mark]:
        return [Mark(self.before, "another branch")]

    def remedy(self) -> Remedy:
        return guess(
            f"each statement is a branch; stages of one branch are joined by `->`: `{self.layer} -> {self.op}`", self.edit
        )


W0125 = Code(
    "W0125",
    "a constant that begins anew in each round",
    """A constant in the body of a loop belongs to one round: the next round does not see it. If it is computed from a constant of
    the same name, that is always the one outside of the loop, so that each round gets the same number.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      let width = 8
      for i in 0..3 {
        let width = width * 2
        conv(width, 3)
      }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      let width = 8
      for i in 0..3 { conv(width * 2^(i + 1), 3) }
    }
    """,
)


class AnewInEachRound(Diagnostic, code=W0125):
    """A constant in a loop that is computed from the one of the same name outside."""

    name: str
    outside: Span

    def summary(self) -> str:
        return f"`{self.name}` is the same in each round, computed from the `{self.name}` outside of the loop"

    def marks(self) -> list[Mark]:
        return [Mark(self.outside, "read in each round")]

    def remedy(self) -> Remedy:
        return guess(
            f"compute it from the counter of the loop, as `{self.name} * 2 ^ i`, or go through a list of numbers; or rename it"
        )


W0126 = Code(
    "W0126",
    "keys or values that are computed from queries",
    """Each stage takes what flows, also behind a label. Of three projections in a row, the second takes what the first gives,
    so that attention compares the queries with a projection of themselves. A value in front of a stage begins anew with it.""",
    bad="""
    network tiny {
      input tokens [16, 64]
      q: linear(64)
      k: linear(64)
      v: linear(64)
      attend(q, k, v)
    }
    """,
    good="""
    network tiny {
      input tokens [16, 64]
      q: linear(64)
      k: tokens -> linear(64)
      v: tokens -> linear(64)
      attend(q, k, v)
    }
    """,
)


class ChainedProjection(Diagnostic, code=W0126):
    """The "keys" or "values" of `attend`, if they are a projection of another input, the `origin`, whose place is `source`."""

    what: str
    origin: str
    layer: str
    source: Span

    def summary(self) -> str:
        return f"the {self.what} are a `{self.layer}` of the {self.origin}, and not of the input that these are computed from"

    def marks(self) -> list[Mark]:
        return [Mark(self.source, f"the {self.origin}")]

    def remedy(self) -> Remedy:
        return guess(
            f"name what flows in, and begin with it: `tokens: x` before the {self.origin}, and `tokens -> {self.layer}(...)`"
        )


W0128 = Code(
    "W0128",
    "features that are last, and an op that reads axis 0",
    """Most ops read channels at axis 0, as those of an image `[C, H, W]`. Tokens are `[L, C]`: their features are last, as in
    what `embedding`, `linear`, `mha` and `attend` give. There `ln` without an axis normalizes the positions of the tokens for
    each feature, and `gap` averages features. Shapes alone do not show it. Write the axis; `axis = 0` if that is meant.""",
    bad="""
    network tiny {
      input words: int [64]
      embedding(1000, 32) -> ln -> linear(32)
    }
    """,
    good="""
    network tiny {
      input words: int [64]
      embedding(1000, 32) -> ln(axis = -1) -> linear(32)
    }
    """,
)


class FeaturesLast(Diagnostic, code=W0128):
    """An op that reads axis 0 of a value whose features are last. `written` is the call that reads them, if there is one."""

    op: str
    shape: Shape
    written: str | None
    edit: Edit | None = None

    def summary(self) -> str:
        return f"`{self.op}` reads axis 0 of {format_shape(self.shape)}, and the features are last"

    def remedy(self) -> Remedy:
        if self.written is not None:
            return guess(f"write `{self.written}`", *([self.edit] if self.edit is not None else []))
        to, back = ("l c -> c l", "c l -> l c") if len(self.shape) == 2 else ("... c -> c ...", "c ... -> ... c")
        return guess(f'bring them to axis 0, `rearrange("{to}")` before it, and back behind it, `rearrange("{back}")`')


W0129 = Code(
    "W0129",
    "a name that means something else than it seems to",
    """A label that is called like an op is a key alone: `relu: conv(16, 3) -> relu` gives the key, and `relu` below it still runs
    the op on what flows. In a join it is easily read as the value of that label. In the same way, below a label that is
    called like an input, the name means the label.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      relu: conv(16, 3) -> relu
      conv(16, 3)
      add { x; relu }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      kept: conv(16, 3) -> relu
      conv(16, 3)
      add { x; kept }
    }
    """,
)


class OpAsBranch(Diagnostic, code=W0129):
    """An op alone as a branch, below a `label` of its name."""

    op: str
    first: Span

    def summary(self) -> str:
        return f"`{self.op}` is the op, which runs on what flows here, and not the value of the label `{self.op}`"

    def marks(self) -> list[Mark]:
        return [Mark(self.first, "a key alone")]

    def remedy(self) -> Remedy:
        here = [Edit(self.span, f"{self.op}()")] if self.span is not None else []
        return guess(f"for the value, give the label another name; for the op, write `{self.op}()`", *here)


class HiddenInput(Diagnostic, code=W0129):
    """A label that is called like an input, whose name is read at `read`."""

    name: str
    declared: Span
    read: Span

    def summary(self) -> str:
        return f"below this label, `{self.name}` is its value, and no longer the input"

    def marks(self) -> list[Mark]:
        return [Mark(self.declared, "the input"), Mark(self.read, "reads the label")]

    def remedy(self) -> str:
        return "give the label or the input another name"
