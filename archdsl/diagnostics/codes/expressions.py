"""E0405, E0407 and E0408: expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, certain, guess
from archdsl.literals import show, type_name
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

E0405 = Code(
    "E0405",
    "division by zero",
    """The right side of `/`, `//` or `%` is 0. Often the divisor is a length or a loop variable that begins at 0.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { conv(16 // i, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { conv(16 // (i + 1), 3) }
    }
    """,
    evidence=Evidence.LITERAL,
)


class DivisionByZero(Diagnostic, code=E0405):
    """A divisor of 0, or a negative power of 0."""

    left: Any
    sign: str
    right: Any

    def summary(self) -> str:
        return f"division by zero: `{show(self.left)} {self.sign} {show(self.right)}`"


E0407 = Code(
    "E0407",
    "an index beyond the list",
    """Indices count from 0, so the last element of a list of 4 is `list[3]`; `list[-1]` is the last one of any list.""",
    bad="""
    network tiny(widths = [16, 32]) {
      input image [3, 32, 32]
      conv(widths[2], 3)
    }
    """,
    good="""
    network tiny(widths = [16, 32]) {
      input image [3, 32, 32]
      conv(widths[-1], 3)
    }
    """,
    depends_on_braces=True,
)


class IndexOutOfRange(Diagnostic, code=E0407):
    """An index of no element."""

    index: int
    length: int

    def summary(self) -> str:
        return f"index {self.index} is out of range for a list of {self.length} element{'' if self.length == 1 else 's'}"

    def remedy(self) -> Remedy | str | None:
        if self.index != self.length or not self.length:
            return None
        last = self.length - 1
        literal = self.span is not None and self.span.text == str(self.index)
        edits = [Edit(self.span, str(last))] if literal and self.span is not None else []
        return guess(f"indices count from 0; the last one is {last}", *edits)


class PartOutOfRange(Diagnostic, code=E0407):
    """A range of indices that are not all of the list."""

    part: range
    length: int

    def summary(self) -> str:
        elements = f"{self.length} element{'' if self.length == 1 else 's'}"
        return f"the part {show(self.part)} is out of range for a list of {elements}"

    def remedy(self) -> str:
        return "a part is `from..to`, without `to` itself; both count from the start of the list"


E0408 = Code(
    "E0408",
    "an operation that does not fit the value",
    """A value is used as what it is not: a string is added to a number, a number stands as a stage, a size is asked of
    something that is no tensor, or a function has no result for its argument.""",
    bad="""
    network tiny(width = 16) {
      input image [3, 32, 32]
      conv(width + "0", 3)
    }
    """,
    good="""
    network tiny(width = 16) {
      input image [3, 32, 32]
      conv(width * 10, 3)
    }
    """,
    evidence=Evidence.LITERAL,
    depends_on_braces=True,
)


class NotANumber(Diagnostic, code=E0408):
    """Something else than a number, for a function or an operator of numbers."""

    function: str
    given: Any

    def summary(self) -> str:
        return f"`{self.function}` expected numbers, found {show(self.given)} ({type_name(self.given)})"

    def remedy(self) -> str | None:
        if type_name(self.given) not in ("a tensor", "an op", "a block"):
            return None
        return f"`{self.function}` computes arguments from numbers; the sizes of a tensor are numbers: `x.c`"


class NotAList(Diagnostic, code=E0408):
    """Something else than a list, for a function of lists."""

    function: str
    given: Any

    def summary(self) -> str:
        return f"`{self.function}` expected a list, found {show(self.given)} ({type_name(self.given)})"


class NoNumbersGiven(Diagnostic, code=E0408):
    """A least or greatest number of none."""

    function: str

    def summary(self) -> str:
        return f"`{self.function}` needs at least one number"


class OutsideDomain(Diagnostic, code=E0408):
    """A number for which a function has no value."""

    function: str
    domain: str
    given: Any

    def summary(self) -> str:
        return f"`{self.function}` expected {self.domain}, found {show(self.given)}"


class NotReal(Diagnostic, code=E0408):
    """A result that is no real number, as of `(-1)^0.5`."""

    left: Any
    sign: str
    right: Any

    def summary(self) -> str:
        return f"`{show(self.left)} {self.sign} {show(self.right)}` is not a real number"


class NoFunctionValue(Diagnostic, code=E0408):
    """An argument that a function refuses, for its own reason."""

    function: str
    reason: str

    def summary(self) -> str:
        return f"`{self.function}` has no value here: {self.reason}"


class WithoutSizes(Diagnostic, code=E0408):
    """A size of something that is no tensor."""

    attribute: str
    given: Any

    def summary(self) -> str:
        return f"`.{self.attribute}` expected a tensor, found {show(self.given)} ({type_name(self.given)})"

    def remedy(self) -> str:
        if type_name(self.given) in ("an op", "a block"):
            return f"stages are joined by `->`: `{show(self.given)} -> {self.attribute}`; only `x` and labels have sizes"
        if type_name(self.given) == "a module":
            return (
                "a module gives the value of its last stage alone; label its use to read the sizes of that: `out: ...`, `out.c`"
            )
        return "`x` and labels have sizes: `x.c`, `x.h`"


class OtherRankSize(Diagnostic, code=E0408):
    """A size that tensors of another rank have."""

    attribute: str
    shape: Shape

    def summary(self) -> str:
        return f"a tensor of rank {len(self.shape)} has no `.{self.attribute}`"

    def remedy(self) -> str:
        return f"its shape is {format_shape(self.shape)}"


class UnknownSize(Diagnostic, code=E0408):
    """A size that no tensor has; `place` is its name in the text."""

    attribute: str
    known: Sequence[str]
    place: Span | None
    op: str | None = None
    """The op that it names, as a method of PyTorch does."""
    of_x: bool = False
    """Whether it is asked of `x`, which labels are no part of."""

    def summary(self) -> str:
        return f"a tensor has no `.{self.attribute}`"

    def remedy(self) -> Remedy:
        if self.op is not None:
            return Remedy(f"`{self.op}` is a stage: write it behind an arrow or on a line of its own")
        meant = _SIZES.get(self.attribute.lower())
        if meant is not None:
            return guess(f"did you mean `.{meant}`?", *([Edit(self.place, meant)] if self.place is not None else []))
        known = ", ".join(f"`.{name}`" for name in self.known)
        path = "" if self.of_x else f"; a label inside of what made it is read by the path to it: `label.{self.attribute}`"
        return Remedy(f"it has {known}{path}")


_SIZES = {
    "channels": "c", "height": "h", "width": "w", "depth": "d", "length": "l", "size": "shape", "ndim": "rank", "dim": "rank",
}  # fmt: skip


class WithoutElements(Diagnostic, code=E0408):
    """An index of something that has no elements."""

    given: Any

    def summary(self) -> str:
        return f"`[ ]` expected a list or an indexed family, found {show(self.given)} ({type_name(self.given)})"

    def remedy(self) -> str | None:
        kind = type_name(self.given)
        if kind not in ("an op", "a block", "a network"):
            return None
        return f"a label that is called like {kind} is a key alone, and no value: choose another, such as `{show(self.given)}s`"


class NotCallable(Diagnostic, code=E0408):
    """Arguments for something that takes none."""

    text: str
    given: Any

    def summary(self) -> str:
        return f"expected an op, a block or a function to call, found `{self.text}` ({type_name(self.given)})"


class InitializerAsStage(Diagnostic, code=E0408):
    """An initializer in the place of a stage."""

    name: str

    def summary(self) -> str:
        return f"expected an op or a block as a stage, found the initializer `{self.name}`"

    def remedy(self) -> str:
        return f"write `init = {self.name}(...)` on an op"


class FunctionAsStage(Diagnostic, code=E0408):
    """A function of expressions in the place of a stage."""

    name: str

    def summary(self) -> str:
        return f"expected an op, a block or a value of the network as a stage, found the function `{self.name}`"

    def remedy(self) -> str:
        call = _CALLS.get(self.name, f"{self.name}(...)")
        return f"a function computes arguments, as in `conv({call}, 3)`; stages with a name are a `block`"


_CALLS = {
    "min": "min(n, 64)", "max": "max(n, 64)", "len": "len(widths)", "sum": "sum(widths)", "abs": "abs(n)",
    "make_divisible": "make_divisible(n, 8)", "log2": "8 * int(log2(n))", "sqrt": "int(sqrt(n))",
    **{name: f"{name}(n / 2)" for name in ("ceil", "floor", "round", "int")},
}  # fmt: skip


class FamilyAsStage(Diagnostic, code=E0408):
    """An indexed family in the place of a stage; `last` is its largest index."""

    text: str
    last: int

    def summary(self) -> str:
        return f"expected one value as a stage, found the indexed family `{self.text}`"

    def remedy(self) -> Remedy:
        text = f"{self.text}[{self.last}]"
        return guess(f"write which one: `{text}`", *([Edit(self.span, text)] if self.span is not None else []))


class NotAStage(Diagnostic, code=E0408):
    """A value in the place of a stage. `blocks` are those of an import, `callee` the op or block that a string names."""

    text: str
    given: Any
    blocks: Sequence[str] = ()
    callee: str | None = None

    def summary(self) -> str:
        what = f"{show(self.given)} ({type_name(self.given)})"
        return f"expected an op, a block or a value of the network as a stage, found {what}"

    def remedy(self) -> Remedy | str | None:
        if self.blocks:
            return f"name a block of it: {', '.join(f'`{self.text}.{name}`' for name in self.blocks[:8])}"
        if isinstance(self.given, int | float) and not isinstance(self.given, bool):
            return f"a number is an argument of an op: `x -> add({show(self.given)})`, `x -> scale({show(self.given)})`"
        if self.callee is None:
            return None
        quoted = self.span is not None and self.span.text == f'"{self.callee}"'
        edits = [Edit(self.span, self.callee)] if quoted and self.span is not None else []
        return (certain if edits else guess)(f"an op or block is passed without quotes: `{self.callee}`", *edits)
