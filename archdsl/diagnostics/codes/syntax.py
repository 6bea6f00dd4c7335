"""E01: text that does not read as a spec."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

E0101 = Code(
    "E0101",
    "something else was expected here",
    """The text breaks off from what the grammar allows at this place. The message names what was found and what
    could have stood there. Most often two statements share a line without a `;`, two stages stand side by side
    without `->`, or a part of a statement is missing. Reading goes on at the next statement, so one mistake
    gives one error.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) bn relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> bn -> relu
    }
    """,
)

E0102 = Code(
    "E0102",
    "brackets do not match",
    """A bracket is opened and never closed, closed and never opened, or closed by one of another kind. The first
    mark is on the bracket at fault, a second one where the reader could tell. Where a brace is missing, look
    at the body before the place that is named: the missing `}` belongs there.""",
    bad="""
    block double(out) {
      conv(out, 3) -> bn -> relu

    network tiny {
      input image [3, 32, 32]
      double(16)
    }
    """,
    good="""
    block double(out) {
      conv(out, 3) -> bn -> relu
    }

    network tiny {
      input image [3, 32, 32]
      double(16)
    }
    """,
)

E0103 = Code(
    "E0103",
    "a string is not closed",
    """A string begins with `"` and ends with `"` on the same line. A quotation mark inside it is written `\\"`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      "stage{1}: conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      "stage{1}": conv(16, 3)
    }
    """,
)

E0104 = Code(
    "E0104",
    "a character without meaning",
    """The character at this place is not part of the language. Typical ones are single or typographic quotation
    marks, the arrow of a word processor in place of `->`, and `&` or `|` for `and` and `or`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) → relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> relu
    }
    """,
)

E0105 = Code(
    "E0105",
    "`=` and `:` are mixed up",
    """A label takes a colon (`conv1: conv(64, 7)`), an argument an equals sign (`stride = 2`), and a constant is
    written `let n = 3`. In comparisons, equality is `==`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv1 = conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv1: conv(16, 3)
    }
    """,
)

E0106 = Code(
    "E0106",
    "a word of another language",
    """This line reads like Python or a similar language. Specs have `block` where Python has `def`, `network` where
    it has a module class, braces in place of indentation, and no `return`: the value of a body is what its last
    statement leaves.""",
    bad="""
    def double(out):
        conv(out, 3)

    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    good="""
    block double(out) {
      conv(out, 3) -> conv(out, 3)
    }

    network tiny {
      input image [3, 32, 32]
      double(16)
    }
    """,
)

E0107 = Code(
    "E0107",
    "a keyword where a name has to stand",
    """The words of the language (`skip`, `add`, `input`, `output`, `repeat`, `if`, ...) cannot name a label, a
    parameter, a constant or a definition. Choose another name.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      skip: conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      shortcut: conv(16, 3)
    }
    """,
)

E0108 = Code(
    "E0108",
    "nested too deeply",
    """Brackets, braces and operators may stand 64 deep inside one another. No network that a person reads comes near
    that; a generated file may. Name the inner parts: `let` for expressions, `block` for bodies.""",
    bad=f"""
    network tiny {{
      input image [3, 32, 32]
      conv({"(" * 70}16{")" * 70}, 3)
    }}
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      let width = 16
      conv(width, 3)
    }
    """,
)

E0109 = Code(
    "E0109",
    "the file defines nothing",
    """The file is empty, or holds comments alone. A spec defines at least one network, or blocks for other files to
    import.""",
    bad="""
    # to be written
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    }
    """,
)
