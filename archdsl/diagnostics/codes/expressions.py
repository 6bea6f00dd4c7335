"""E0405 and E0407 to E0409: expressions."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

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
)

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
)

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
)

E0409 = Code(
    "E0409",
    "a number or list beyond all measure",
    """Numbers in a spec have at most 256 bits and lists a bounded length, so that no expression can fill the memory. Look
    for a power or a range whose operand is larger than meant.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(2^1000, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(2^10, 3)
    }
    """,
)
