"""Rearranging axes, as between images, windows and tokens."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final, NamedTuple, TypeVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import IMAGE, LINE, VECTOR, Case, Category, Division, Op
from archdsl.ops.patterns import Group, Pattern, read_pattern
from archdsl.shapes import Dim, Shape, SizeError, SymbolicSize

T = TypeVar("T")


class SizeOf(NamedTuple):
    """A size that is read from an input of the op: `(size * times + plus) // over + shift` of one of its axes."""

    input: int
    axis: int
    times: int = 1
    plus: int = 0
    over: int = 1
    shift: int = 0

    def of(self, size: Dim) -> Dim:
        """Return the size, given that of the axis."""
        return (size * self.times + self.plus) // self.over + self.shift if self.over > 1 else size * self.times + self.shift


class Axes(NamedTuple):
    """A pattern for one input: both sides with an axis for each that `...` stands for, and the size of each name."""

    left: tuple[Group, ...]
    right: tuple[Group, ...]
    sizes: Mapping[str, Dim]

    def size(self, group: Group) -> Dim:
        """Return the size of an axis."""
        return prod([self.sizes[name] for name in group.names], start=1)


class Rearrange(Op, name="rearrange"):
    """Splits, permutes and merges axes by a pattern: `rearrange("c h w -> (h w) c")` turns an image into tokens.

    The notation is that of einops (Rogozhnikov 2022), without the batch axis. The left side names the axes of the input,
    the right side those of the output. Parentheses group names that are one axis, the last varying fastest. `1` is
    an axis of size one, `...` any number of axes. Sizes follow from the input or from arguments with the names of the
    axes, as `p = 7`; in a group, one of them may be left out. A symbolic size such as `h = before.h` is read from the
    shape of a visible value.
    """

    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    sizes_only = True
    sizes_by_name = True
    example = 'rearrange("c (h p) (w q) -> (h w) (p q) c", p = 4, q = 4)'
    cases = (
        Case({"pattern": "c h w -> (h w) c"}, (IMAGE,)),
        Case({"pattern": "c (h p) (w q) -> (h w) (p q) c", "sizes": (("p", 4), ("q", 5))}, (IMAGE,)),
        Case({"pattern": "(g c) l -> l 1 g c", "sizes": (("g", 2), ("c", 4))}, (LINE,)),
        Case({"pattern": "c -> 1 c 1"}, (VECTOR,)),
        Case({"pattern": "c ... -> ... c"}, (VECTOR, LINE, IMAGE)),
        Case({"pattern": "(h w) c -> c h w", "sizes": (("h", SizeOf(1, 1)),)}, (((12, 8), (3, 4, 3)),)),
    )

    pattern: str = Field(description="the axes of the input, `->`, and those of the output")
    sizes: tuple[tuple[str, Any], ...] = Field((), description="the sizes of axes, by name")

    def validate(self) -> None:
        """Raise `SpecError` if the pattern has no meaning."""
        super().validate()
        read_pattern(self.pattern)

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the pattern alone: sizes are arguments of their own."""
        return ["pattern"]

    def data_of(self, inputs: Sequence[T]) -> Sequence[T]:
        """Return the input that is rearranged: of others, the sizes count."""
        return inputs[:1]

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the pattern and the size of each axis."""
        return {"pattern": self.pattern, "sizes": dict(self.axes(*inputs).sizes)}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the output has the axes of the input."""
        axes = self.axes(*inputs)
        return [group.names for group in axes.left] == [group.names for group in axes.right]

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes of the groups on the right side."""
        axes = self.axes(*inputs)
        return tuple([axes.size(group) for group in axes.right])

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return that the known part of a group divides the size of its axis."""
        pattern, given = read_pattern(self.pattern), self._known_sizes(inputs)
        found = []
        for size, group in zip(inputs[0], pattern.expanded(len(inputs[0]))[0], strict=True):
            known = prod([number for name in group.names if isinstance(number := given.get(name), int)], start=1)
            if known > 1 and len(group.names) > 1:
                text = pattern.text[group.start : group.end]
                message = f"`rearrange`: `{text}` splits an axis of {size} into parts of {known}, which does not divide it"
                found.append(Division(size, known, message, _otherwise(size, [(n, given[n]) for n in group.names if n in given])))
        return found

    def axes(self, *inputs: Shape) -> Axes:
        """Return the axes of both sides with their sizes. Raise `SpecError` if the pattern does not fit the input."""
        pattern, shape, given = read_pattern(self.pattern), inputs[0], self._known_sizes(inputs)
        for name in given:
            if name not in pattern.names:
                raise SpecError(codes.tokens.AxisNotInPattern(name, pattern.text, pattern.names))
        least = pattern.least_rank
        if len(shape) < least or (len(shape) > least and not pattern.any_rank):
            raise SpecError(codes.tokens.PatternRank(pattern.text, 0, pattern.arrow, least, shape))
        left, right = pattern.expanded(len(shape))
        sizes: dict[str, Dim] = {}
        for size, group in zip(shape, left, strict=True):
            sizes |= _sizes_of_group(pattern, group, size, given)
        return Axes(left, right, sizes)

    def _known_sizes(self, inputs: tuple[Shape, ...]) -> dict[str, Dim]:
        """Return the given sizes, those that are read from inputs as well."""
        read = {name: size for name, size in self.sizes if isinstance(size, SizeOf)}
        values = {name: size.of(inputs[size.input][size.axis]) for name, size in read.items()}
        return {name: values.get(name, size) for name, size in self.sizes}


def _otherwise(size: Dim, given: Sequence[tuple[str, Dim]]) -> str:
    """Return what to do about a size that a number does not divide."""
    padding = "`pad_to` pads sizes to multiples of a number"
    name, number = given[0]
    if len(given) != 1 or not isinstance(size, int) or not isinstance(number, int) or number > _MOST_TRIED:
        return padding
    fitting = max(n for n in range(1, number + 1) if size % n == 0)
    return f"`{name} = {fitting}` divides {size}; {padding}" if fitting > 1 else padding


_MOST_TRIED: Final = 10_000
"""The largest number of parts for which a smaller one is looked for."""


def _sizes_of_group(pattern: Pattern, group: Group, size: Dim, given: Mapping[str, Dim]) -> dict[str, Dim]:
    """Return the size of each name of a group that stands for an axis of a size."""
    place = (pattern.text, group.start, group.end)
    unknown = [name for name in group.names if name not in given]
    if len(unknown) > 1:
        raise SpecError(codes.tokens.UnknownAxisSize(*place, unknown, size))
    sizes = {name: given[name] for name in group.names if name in given}
    known = [number for number in sizes.values() if isinstance(number, int)]
    others = [number for number in sizes.values() if not isinstance(number, int)]
    rest = size // prod(known)  # `divisions` demands that this is exact
    for number in others:
        try:
            rest = 1 if rest == number else rest // number
        except SizeError:
            raise SpecError(codes.tokens.UndividedPattern(*place, size, number)) from None
    if unknown:
        return {name: sizes.get(name, rest) for name in group.names}
    if isinstance(rest, SymbolicSize) or rest != 1 or (not others and isinstance(size, int) and size != prod(known)):
        raise SpecError(codes.tokens.PatternSize(*place, size, sizes))
    return sizes
