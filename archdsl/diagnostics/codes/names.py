"""E02: names that mean nothing, or two things."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import did_you_mean

E0201 = Code(
    "E0201",
    "nothing has this name here",
    """No op, block, parameter, constant, loop variable or label of this name is visible at this place. Labels become
    visible after their statement, in the braces they stand in and those inside; a block sees its own parameters
    and the definitions of its file, never the names of whoever calls it.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      convv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
)

E0202 = Code(
    "E0202",
    "no parameter or key of this name",
    """An op, a block, a network or the `train` block was given something by a name that it does not have. `archdsl ops
    conv` lists the parameters of an op.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, strides = 2)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, stride = 2)
    }
    """,
)


class UnknownKey(Diagnostic, code=E0202):
    """A key that `train` does not have; `owner` says where it belongs, if it is a part of another key."""

    argument: str
    known: Sequence[str]
    owner: str | None = None

    def summary(self) -> str:
        return f"`train` has no key `{self.argument}`"

    def remedy(self) -> str:
        return self.owner or did_you_mean(self.argument, self.known) or f"`train` takes {', '.join(self.known)}"


E0203 = Code(
    "E0203",
    "two stages have one key",
    """Labels and positions are the keys of the `state_dict`, so each may occur once in its scope. In a loop, an index
    (`enc[i]: ...`) or a computed label (`"layer{i}": ...`) keeps the rounds apart; leave the label away where no
    name is needed, and the stages are numbered.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      repeat 3 { body: conv(16, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..3 { body[i]: conv(16, 3) }
    }
    """,
)

E0204 = Code(
    "E0204",
    "the same thing is defined twice",
    """Two definitions or imports of a file share a name, a key of `train` is set twice, or a file has two recipes.
    Rename or delete one of them.""",
    bad="""
    block unit(out) { conv(out, 3) -> relu }
    block unit(out) { conv(out, 1) -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
    good="""
    block unit(out) { conv(out, 3) -> relu }
    block narrow(out) { conv(out, 1) -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16) -> narrow(8)
    }
    """,
)

E0205 = Code(
    "E0205",
    "the name belongs to the language",
    """A definition cannot take the name of a built-in op or function, and nothing can be called `x`, the tensor that
    flows. Whoever reads `conv` in a spec knows what it is.""",
    bad="""
    block conv(out) { linear(out) }

    network tiny {
      input features [8]
      conv(16)
    }
    """,
    good="""
    block dense(out) { linear(out) -> relu }

    network tiny {
      input features [8]
      dense(16)
    }
    """,
)

E0206 = Code(
    "E0206",
    "a label that is not visible here",
    """A label names a value after its statement, in the same braces and in those inside. Before its statement there is
    no such value yet, and outside its braces there may be none or many. An element of an indexed label such as `enc[i]`
    can be taken up after the statement that makes it; the message lists those there are so far.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { enc[i]: conv(16, 3) }
      concat { enc[2]; x }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { enc[i]: conv(16, 3) }
      concat { enc[0]; x }
    }
    """,
)

E0207 = Code(
    "E0207",
    "a label that cannot be a key",
    """A label becomes a key of the `state_dict` and an attribute of a PyTorch module. So it is a name (or, computed, a
    number), without dots, not a keyword of Python, and not something that every module already has, such as
    `forward`, `train` or `parameters`. A head or output cannot be called `main`, which is the network's own
    result.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      forward: conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      forward1: conv(16, 3)
    }
    """,
)

E0208 = Code(
    "E0208",
    "no such network",
    """The file has no network of this name, has none at all, or has several and none of them is called like the file.
    `net.arch:resnet50` says which one is meant. `network a = b(...)` needs a network on its right side.""",
    bad="""
    block unit(out) { conv(out, 3) -> relu }

    network tiny = unit(16)
    """,
    good="""
    network base(width) {
      input image [3, 32, 32]
      conv(width, 3) -> relu
    }

    network tiny = base(16)
    """,
)
