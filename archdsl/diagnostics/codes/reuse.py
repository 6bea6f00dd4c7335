"""E0217, E0412, E0413 and W0130: constants that define each other, steps of ranges, and parts of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, guess
from archdsl.literals import show, type_name
from archdsl.source import Span

E0217 = Code(
    "E0217",
    "a constant that is defined by itself",
    """The constants and functions of a file may use each other in any order, but not in a circle: the value of each must be
    known before the value of those that use it. A function cannot call itself, neither directly nor through others; repetition
    is written as a list, `[f(v) for v in 0..n]`, or as a loop.""",
    evidence=Evidence.TEXT,
    bad="""
    let width = 4 * mid
    let mid = width // 4

    network tiny {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
    good="""
    let width = 64
    let mid = width // 4

    network tiny {
      input image [3, 32, 32]
      conv(width, 3) -> conv(mid, 3)
    }
    """,
)


class DefinedByItself(Diagnostic, code=E0217):
    """A constant or function that needs its own value. `chain` leads from it back to it."""

    chain: Sequence[str]
    function: bool

    def summary(self) -> str:
        name = self.chain[0]
        if len(self.chain) == 2:
            return f"`{name}` calls itself" if self.function else f"`{name}` is defined by itself"
        return f"`{name}` is defined by itself: {' -> '.join(self.chain)}"

    def remedy(self) -> str:
        if self.function:
            return "a function is one formula without recursion; several values are a list: `[... for i in 0..n]`"
        return "write the value of one of them"


E0412 = Code(
    "E0412",
    "the step of a range is not positive",
    """`a..b by n` counts up from `a` in steps of `n`, and ends before `b`. A step of 0 would never end. To count down, turn
    a range around: `reversed(0..4)` is 3, 2, 1, 0, and `reversed(0..10 by 2)` is 8, 6, 4, 2, 0.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 4..0 by -1 { conv(8 * i, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in reversed(1..5) { conv(8 * i, 3) }
    }
    """,
)


class StepNotPositive(Diagnostic, code=E0412):
    """A range with a step of 0 or less. `whole` is the place of the range, which is `literal` if it consists of numbers."""

    start: int
    stop: int
    step: int
    whole: Span
    literal: bool

    def summary(self) -> str:
        return f"the step of a range is at least 1, found {self.step}"

    def remedy(self) -> Remedy:
        if self.step == 0 or self.start <= self.stop:
            return guess("write a step of at least 1, such as `0..10 by 2`")
        if not self.literal:
            return guess("to count down, turn a range around that counts up: `reversed(0..n)`")
        last = self.start - (self.start - self.stop - 1) // -self.step * -self.step
        by = f" by {-self.step}" if self.step != -1 else ""
        text = f"reversed({last}..{self.start + 1}{by})"
        return guess(f"to count down, write `{text}`", Edit(self.whole, text))


E0413 = Code(
    "E0413",
    "an element has other parts than the names",
    """`for [k, wide] in rows` gives the parts of each element names, so that every element must be a list of as many parts.
    The message shows the one that is not. A part that nothing reads is called `_`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for [k, wide] in [[3, 16], [5, 32, 2]] { conv(wide, k) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for [k, wide, stride] in [[3, 16, 1], [5, 32, 2]] { conv(wide, k, stride) }
    }
    """,
)


class OtherParts(Diagnostic, code=E0413):
    """An element that does not have the parts that a pattern names. `pattern` is how many it names."""

    text: str
    pattern: int
    element: Any
    index: int

    def summary(self) -> str:
        is_list = isinstance(self.element, tuple | range)
        found = f"has {len(self.element)}" if is_list else f"is {type_name(self.element)}"
        return f"`{self.text}` names {self.pattern} parts, and the element at index {self.index} {found}: {show(self.element)}"

    def remedy(self) -> str:
        return "each element is a list with as many parts as there are names; `_` stands for a part that nothing reads"


W0130 = Code(
    "W0130",
    "a counter that looks like a part of an element",
    """Of two names after `for`, the first counts from 0, and the second is the element. Here each element is a list of two parts,
    and nothing takes them apart, so that the names may have been meant for the parts: `for [a, b] in rows`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for wide, depth in [[16, 1], [32, 2]] { conv(16 * (wide + 1), 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for [wide, depth] in [[16, 1], [32, 2]] { repeat depth { conv(wide, 3) } }
    }
    """,
)


class CounterForPart(Diagnostic, code=W0130):
    """`for a, b in rows`, where each row is a list of two parts that nothing takes apart. `place` holds both names."""

    first: str
    second: str
    place: Span

    def summary(self) -> str:
        return f"`{self.first}` counts from 0, and `{self.second}` is a list of two parts that nothing takes apart"

    def remedy(self) -> Remedy:
        text = f"[{self.first}, {self.second}]"
        return guess(f"to name the parts of each element, write `for {text} in ...`", Edit(self.place, text))
