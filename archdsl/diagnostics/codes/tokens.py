"""E0322 to E0326: patterns of `rearrange`, attention, and tables of positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.shapes import ShapeDiagnostic
from archdsl.diagnostics.record import Diagnostic
from archdsl.shapes import Dim, Shape, format_shape
from archdsl.source import Span


class RefusedInput(ShapeDiagnostic):
    """Inputs that an op refuses: `reason` follows its name in the message, `advice` says what to do."""

    op: str
    reason: str
    advice: str | None = None

    def summary(self) -> str:
        return f"`{self.op}` {self.reason}"

    def remedy(self) -> str | None:
        return self.advice


E0322 = Code(
    "E0322",
    "a pattern of `rearrange` that cannot be read",
    """A pattern names the axes of the input, then an arrow, then the same axes in their new places: `"c h w -> (h w) c"`.
    Parentheses group axes that are one axis of the tensor. `1` is an axis of size one, and `...` stands for any number of axes.
    The batch axis is not written. Every name stands once on each side.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      rearrange("b c h w -> b (h w) c")
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      rearrange("c h w -> (h w) c")
    }
    """,
)


class PatternDiagnostic(Diagnostic, argument="pattern"):
    """Something about a part of a pattern, from `start` to `end` in its text."""

    pattern: str
    start: int
    end: int

    def at(self, span: Span | None) -> Self:
        """Return it at its part of the pattern, if the text at the place spells the pattern out."""
        if self.span is not None or span is None:
            return super().at(span)
        offset = span.text.find(f'"{self.pattern}"')
        if offset < 0:
            return super().at(span)
        first = span.start + offset + 1
        return super().at(span._replace(start=first + self.start, end=first + max(self.end, self.start + 1)))

    @property
    def part(self) -> str:
        """The part of the pattern at fault."""
        return self.pattern[self.start : self.end]


class UnreadablePattern(PatternDiagnostic, code=E0322):
    """A pattern with a mistake in its form: `reason` says which, `advice` what to write."""

    reason: str
    advice: str

    def summary(self) -> str:
        return f"`rearrange`: {self.reason}"

    def remedy(self) -> str:
        return self.advice


class BatchInPattern(PatternDiagnostic, code=E0322):
    """A pattern that names the batch axis. `without` is the pattern without it."""

    without: str

    def summary(self) -> str:
        return f"`rearrange`: `{self.part}` names the batch axis, which shapes and patterns omit"

    def remedy(self) -> str:
        return f'leave it out: `rearrange("{self.without}")`; if `{self.part}` is an axis of its own, give it another name'


class AxisOnOneSide(PatternDiagnostic, code=E0322):
    """A name that stands on one side of the arrow alone."""

    side: str

    def summary(self) -> str:
        other = "right" if self.side == "left" else "left"
        return f"`rearrange`: `{self.part}` stands on the {self.side} of `->`, and not on the {other}"

    def remedy(self) -> str:
        return "`rearrange` keeps every element: name each axis once on both sides; `mean(axis = ...)` reduces one"


E0323 = Code(
    "E0323",
    "a pattern that does not fit its input",
    """The left side of a pattern names each axis of the input. The size of a name follows from the input, or from an argument of
    this name: `rearrange("(h w) c -> c h w", h = 7)`. In each group, one size may follow from the others.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      rearrange("c (h p) (w p2) -> (h w) (p p2 c)", p = 4)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      rearrange("c (h p) (w q) -> (h w) (p q c)", p = 4, q = 4)
    }
    """,
    depends_on_braces=True,
)


class PatternRank(PatternDiagnostic, code=E0323):
    """A pattern for another number of axes than the input has."""

    named: int
    shape: Shape

    @property
    def about_shapes(self) -> bool:
        """The shapes of the inputs explain it."""
        return True

    def summary(self) -> str:
        least = "at least " if "..." in self.part else ""
        axes = f"{self.named} axis" if self.named == 1 else f"{self.named} axes"
        found = f"the input {format_shape(self.shape)} has {len(self.shape)}"
        return f"`rearrange`: `{self.part.strip()}` names {least}{axes}, and {found}"

    def remedy(self) -> str:
        if self.named == len(self.shape) + 1:
            return "name each axis of the input; the batch axis is not written"
        return "name each axis of the input; `...` stands for any number of axes"


class PatternSize(PatternDiagnostic, code=E0323):
    """A group or axis whose size is not that of the input's axis; `given` are the sizes of its names, none for a `1`."""

    size: Dim
    given: Mapping[str, Dim]

    @property
    def about_shapes(self) -> bool:
        """The shapes of the inputs explain it."""
        return True

    def summary(self) -> str:
        sizes = [f"{name} = {size}" for name, size in self.given.items()]
        wrong = f"which is not the product of `{', '.join(sizes)}`" if len(sizes) > 1 else f"not of {', '.join(sizes) or 1}"
        return f"`rearrange`: `{self.part}` stands for an axis of {self.size}, {wrong}"

    def remedy(self) -> str:
        if not self.given:
            return "`1` is an axis of size one; give this one a name"
        return f"leave out `{next(iter(self.given))}`: its size follows from the input"


class UnknownAxisSize(PatternDiagnostic, code=E0323):
    """A group in which more than one size is unknown."""

    unknown: Sequence[str]
    size: Dim

    def summary(self) -> str:
        names = ", ".join(f"`{name}`" for name in self.unknown)
        return f"`rearrange`: `{self.part}` splits an axis of {self.size}, and the sizes of {names} are not given"

    def remedy(self) -> str:
        given = ", ".join(f"{name} = ..." for name in self.unknown[1:])
        return f"give all but one, for example `{given}`"


class UndividedPattern(PatternDiagnostic, code=E0323):
    """A symbolic size that cannot be divided by a symbolic size exactly."""

    size: Dim
    divisor: Dim

    def summary(self) -> str:
        return (
            f"`rearrange`: `{self.part}` splits the size {self.size} by {self.divisor}, and the quotient is not known to be exact"
        )

    def remedy(self) -> str:
        return "give the sizes as numbers, or as sizes that the axis is a product of, such as `h = before.h`"


class AxisNotInPattern(Diagnostic, code=E0323):
    """The size of a name that the pattern does not have."""

    argument: str
    pattern: str
    names: Sequence[str]

    def summary(self) -> str:
        return f"`rearrange` gets a size for `{self.argument}`, which is no axis of `{self.pattern}`"

    def remedy(self) -> str:
        return f"the axes are {', '.join(f'`{name}`' for name in self.names)}"


E0324 = Code(
    "E0324",
    "attention between tensors that do not fit",
    """`attend(q, k, v)` takes queries `[..., L, d]`, keys `[..., S, d]` and values `[..., S, e]` with the same leading axes, such
    as the heads. A mask or bias has the shape `[L, S]`, with leading axes that are equal or 1. `mha(heads)` splits the features
    into equal heads.""",
    bad="""
    network tiny {
      input tokens [16, 30]
      mha(4)
    }
    """,
    good="""
    network tiny {
      input tokens [16, 32]
      mha(4)
    }
    """,
    depends_on_braces=True,
)


class AttentionShapes(RefusedInput, code=E0324):
    """Inputs of attention that do not fit: `reason` says which sizes, `advice` what to do."""


class NoTokens(ShapeDiagnostic, code=E0324):
    """Something else than tokens `[L, C]`."""

    op: str
    shape: Shape

    def summary(self) -> str:
        return f"`{self.op}` expected tokens [L, C], found {format_shape(self.shape)}"

    def remedy(self) -> str | None:
        if len(self.shape) == 3:
            return '`rearrange("c h w -> (h w) c")` turns an image into tokens'
        return None


E0325 = Code(
    "E0325",
    "a size that cannot be read from a value at run time",
    """The size of an axis may be symbolic: `rearrange("(h w) c -> c h w", h = before.h)`. The emitted code computes it from the
    shape of a value that is visible at the place, such as `before`. It must be that size, or a multiple or quotient of it,
    rounded or not.""",
    bad="""
    block image(h) { rearrange("(h w) c -> c h w", h = h) }

    network tiny {
      input picture [3, H, W]
      { rearrange("c h w -> (h w) c") -> image(picture.h) }
    }
    """,
    good="""
    block image(like) { rearrange("(h w) c -> c h w", h = like.h) }

    network tiny {
      input picture [3, H, W]
      { rearrange("c h w -> (h w) c") -> image(picture) }
    }
    """,
    depends_on_braces=True,
)


class SizeWithoutSource(Diagnostic, code=E0325):
    """A symbolic size that is no simple function of a size of a visible value."""

    op: str
    argument: str
    size: Dim

    def summary(self) -> str:
        return f"the size {self.size} of `{self.argument}` in `{self.op}` cannot be read from a value that is visible here"

    def remedy(self) -> str:
        return f"pass a value that has this size, and read it here: `{self.argument} = like.h`"


E0326 = Code(
    "E0326",
    "a table that does not fit",
    """`rel_bias` looks up a table of `(2 * h - 1) * (2 * w - 1)` rows for a window `[h, w]`. `pos_embed` adds a position to each
    token: its input has as many tokens as the grid has positions, plus the `prefix`. `lookup` takes the rows of a table
    `[n, d]`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      patches: conv(8, 4, stride = 4, pad = 0)
      rearrange("c h w -> (h w) c")
      pos_embed([4, 4], patches, prefix = 1)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      patches: conv(8, 4, stride = 4, pad = 0)
      rearrange("c h w -> (h w) c")
      pos_embed([4, 4], patches)
    }
    """,
    depends_on_braces=True,
)


class PositionTable(RefusedInput, code=E0326):
    """A table of another shape than an op reads: with another number of rows than there are positions, for example."""
