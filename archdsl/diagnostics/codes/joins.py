"""E0301 to E0303: tensors that a join cannot bring together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.shapes import ShapeDiagnostic
from archdsl.diagnostics.record import Diagnostic, Mark, Remedy, guess
from archdsl.shapes import Dim, Shape, format_shape
from archdsl.source import Span

E0301 = Code(
    "E0301",
    "the two sides of a skip differ",
    """`skip { body }` adds the body's result to what came in, so both need the same shape. The marks show where the
    shape changes. Where the change is meant, project the shortcut with `via { ... }`, usually by a 1x1
    convolution with the body's channels and stride.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      skip { conv(32, 3, stride = 2) -> bn -> relu }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      skip { conv(32, 3, stride = 2) -> bn -> relu } via { conv(32, 1, stride = 2) -> bn }
    }
    """,
    depends_on_braces=True,
)


class ShapeChange(NamedTuple):
    """A place on the way along one side of a skip where the shape changes."""

    place: Span
    before: Shape
    after: Shape

    @property
    def mark(self) -> Mark:
        """The place, with the sizes that change."""
        before, after = self.before, self.after
        if len(before) != len(after):
            return Mark(self.place, f"{format_shape(before)} -> {format_shape(after)} here")
        parts = []
        if before[0] != after[0]:
            parts.append(f"channels {before[0]} -> {after[0]}")
        if before[1:] != after[1:]:
            parts.append(f"{'x'.join(map(str, before[1:]))} -> {'x'.join(map(str, after[1:]))}")
        return Mark(self.place, f"{' and '.join(parts)} here")


class SkipMismatch(ShapeDiagnostic, code=E0301):
    """A body and a shortcut of different shapes, with the changes along each; `projection` is the shortcut that a skip lacks."""

    body: Shape
    shortcut: Shape
    body_changes: Sequence[ShapeChange]
    shortcut_changes: Sequence[ShapeChange]
    projection: Remedy | None
    ways: Sequence[Remedy] = ()
    """Further ways out that were found, such as sizes of the inputs that work."""

    label = "added here"

    @property
    def maps_differ(self) -> bool:
        """Whether the sides differ in the sizes of their maps alone."""
        return maps_differ((self.body, self.shortcut)) and self.body[0] == self.shortcut[0]

    def summary(self) -> str:
        sides = f"the body gives {format_shape(self.body)}, the shortcut {format_shape(self.shortcut)}"
        return f"the two sides of this skip differ: {sides}"

    def marks(self) -> Iterable[Mark]:
        return [change.mark for change in (*self.body_changes, *self.shortcut_changes)][:_MOST_MARKS]

    def remedy(self) -> Remedy | str:
        if self.ways and (self.projection is None or not self.projection.edits):
            return either(self.ways)
        return self.projection or f"the shortcut must give {format_shape(self.body)}, too"


_MOST_MARKS = 6


E0302 = Code(
    "E0302",
    "branches of different shapes are added or multiplied",
    """`add` and `shake` need branches of one shape. `mul`, `sub`, `div`, `min` and `max` also take a size of 1 where another
    branch has more, which is how a gate `[C, 1, 1]` scales `[C, H, W]`; so does `add(broadcast = true)`. `sub` and `div` have
    two branches.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      add { conv(16, 3); conv(8, 1) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      add { conv(16, 3); conv(16, 1) }
    }
    """,
    depends_on_braces=True,
)


def maps_differ(shapes: Sequence[Shape]) -> bool:
    """Return whether shapes are maps of one rank and of different sizes."""
    return len({len(shape) for shape in shapes}) == 1 and len(shapes[0]) > 1 and len({shape[1:] for shape in shapes}) > 1


def either(ways: Sequence[Remedy], *others: str) -> Remedy:
    """Return ways out as one remedy, with the edits of the first that has any."""
    edits = next((way.edits for way in ways if way.edits), ())
    return guess("; or ".join([*(way.text for way in ways), *others]), *edits)


class Branches(ShapeDiagnostic):
    """Base of errors about branches. `name` is a branch that is a label; `ways` are ways out that were found."""

    op: str
    shapes: Sequence[Shape]
    name: str | None = None
    ways: Sequence[Remedy] = ()

    label = "joined here"

    @property
    def maps_differ(self) -> bool:
        """Whether the branches are maps of different sizes."""
        return maps_differ(self.shapes)

    @property
    def listed(self) -> str:
        """The shapes of the branches."""
        return ", ".join(map(format_shape, self.shapes))

    def same_map(self) -> Remedy | str | None:
        """Return the remedy for maps of different sizes."""
        if self.ways:
            resized = self.name is not None and (self.op == "concat" or len({shape[0] for shape in self.shapes}) == 1)
            return either(self.ways, *([f"resize: `resize_like({self.name})`"] if resized else []))
        if not self.maps_differ:
            return None
        name = self.name or "label"
        return (
            f"bring the maps to one size: `crop_like({name})` or `resize_like({name})` after the one that differs, "
            "or another stride or padding in it"
        )


class _BranchRanks(Branches):
    def summary(self) -> str:
        return f"`{self.op}` expected branches of equal rank, found {self.listed}"

    def remedy(self) -> str | None:
        ranks = {len(shape) for shape in self.shapes}
        if self.op == "mul" and min(ranks) == 1 and len(ranks) == 2:
            return "a gate keeps its axes: leave out `flatten`, and write `conv(c, 1)` for `linear(c)`"
        short = next(shape for shape in self.shapes if len(shape) < max(ranks))
        if any(short == shape[1:] for shape in self.shapes):
            names = " ".join("chwd"[-len(short) :] if len(short) > 3 else {1: "c", 2: "hw", 3: "dhw"}[len(short)])
            return f'`rearrange("{names} -> 1 {names}")` gives it an axis of size 1 in front'
        if len(short) != 1 or self.op in ("concat", "shake"):
            return None
        return f"`reshape({format_shape((*short, *[1] * (max(ranks) - 1)))})` gives it axes of size 1, which stretch"


class _BranchShapes(Branches):
    stretches: bool = False
    """Whether a size of 1 goes with any other."""

    def summary(self) -> str:
        return f"`{self.op}` joins branches of different shapes: {self.listed}"

    def remedy(self) -> Remedy | str | None:
        if self.ways:
            return self.same_map()
        longest = max(self.shapes, key=len)
        if longest[:1] == (1,) and any(shape == longest[1:] for shape in self.shapes):
            return f"the batch is not written: the value of {format_shape(longest)} should be {format_shape(longest[1:])}"
        if self.stretches:
            return "a size of 1 stretches to the size of the others; `gap` makes sizes of 1"
        same_rank = len({len(shape) for shape in self.shapes}) == 1
        if self.op == "concat" and same_rank and len({shape[1:] for shape in self.shapes}) == 1:
            return "they differ in axis 0 alone, along which they fit side by side: `concat(axis = 0) { ... }`"
        if self.op == "add" and same_rank and all(len({*sizes} - {1}) <= 1 for sizes in zip(*self.shapes, strict=True)):
            return "to stretch sizes of 1, write `add(broadcast = true) { ... }`"
        return self.same_map()


class BranchRanks(_BranchRanks, code=E0302):
    """Branches of different rank, for a join of equal shapes."""


class TwoBranches(Diagnostic, code=E0302):
    """Another number of branches than two, for a join whose order matters."""

    op: str
    count: int

    def summary(self) -> str:
        return f"`{self.op}` expected two branches, found {self.count}"

    def remedy(self) -> str:
        sides = ("a", "b") if self.op == "sub" else ("dividend", "divisor")
        return f"each statement is a branch; put stages that belong together on one line: `{self.op} {{ {'; '.join(sides)} }}`"


class BranchShapes(_BranchShapes, code=E0302):
    """Branches of different shapes, for a join of equal shapes."""


E0303 = Code(
    "E0303",
    "branches cannot be concatenated",
    """`concat` puts branches side by side along the channels, or along `axis`; all other sizes have to agree. Where one
    branch was pooled, `upsample`, `resize_like` or `crop_like` bring the sizes together.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(16, 3); maxpool(2) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(16, 3); maxpool(2) -> upsample(2) }
    }
    """,
    depends_on_braces=True,
)


class ConcatenatedRanks(_BranchRanks, code=E0303):
    """Branches of different rank, for a concatenation."""


class ConcatenatedShapes(_BranchShapes, code=E0303):
    """Branches that differ beside the axis of the concatenation."""


E0315 = Code(
    "E0315",
    "two matrices cannot be multiplied",
    """`matmul(a, b)` multiplies the last two axes of its values, `[..., L, D]` with `[..., D, M]`: the columns of `a` are the
    rows of `b`. The axes before them agree, or one of the two is 1. In attention, the keys are transposed: `transpose_b = true`.
    """,
    bad="""
    network tiny {
      input tokens [16, 32]
      keys: linear(32)
      matmul(tokens, keys)
    }
    """,
    good="""
    network tiny {
      input tokens [16, 32]
      keys: linear(32)
      matmul(tokens, keys, transpose_b = true)
    }
    """,
    depends_on_braces=True,
)


class OtherVectors(ShapeDiagnostic, code=E0315):
    """Vectors that are not as long as the rows of a table."""

    op: str
    given: Shape
    length: int

    def summary(self) -> str:
        given = format_shape(self.given)
        return f"`{self.op}` multiplies with vectors of length {self.length}, and the last axis of {given} differs"

    def remedy(self) -> str:
        return f"project the vectors: `linear({self.length}, bias = false)`"


class NoMatrices(ShapeDiagnostic, code=E0315):
    """Factors without two axes, or with different ranks."""

    op: str
    a: Shape
    b: Shape

    def summary(self) -> str:
        expected = "two values of equal rank, with two axes or more"
        return f"`{self.op}` expected {expected}, found {format_shape(self.a)} and {format_shape(self.b)}"

    def remedy(self) -> str:
        return "`reshape` adds axes: `reshape([1, 16])` makes a row of a vector `[16]`"


class MatrixSizes(ShapeDiagnostic, code=E0315):
    """Matrices of which sizes differ that have to agree: those that are summed over, or axes before the last two."""

    a: Shape
    b: Shape
    inner: Dim
    other: Dim
    transpose_a: bool
    transpose_b: bool

    def summary(self) -> str:
        sides = f"{format_shape(self.a)} with {format_shape(self.b)}"
        if self.inner == self.other:
            return f"`matmul` cannot multiply {sides}: the axes before the last two differ"
        of_a, of_b = ("rows" if self.transpose_a else "columns"), ("columns" if self.transpose_b else "rows")
        return f"`matmul` cannot multiply {sides}: `a` has {self.inner} {of_a}, and `b` has {self.other} {of_b}"

    def remedy(self) -> str | None:
        if self.inner == self.other:
            return "`rearrange` or `reshape` bring the axes into one form; a size of 1 goes with any other"
        if self.inner == (self.b[-1] if not self.transpose_b else self.b[-2]):
            return f"to multiply with the transposed `b`, write `transpose_b = {'false' if self.transpose_b else 'true'}`"
        return None
