"""E0501 and E0503 to E0507: networks that cannot be built as written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, certain, guess
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
    evidence=Evidence.TEXT,
)


class ContainsItself(Diagnostic, code=E0501):
    """A block that calls itself; `chain` are the blocks on the way, from it to it."""

    chain: Sequence[str]

    def summary(self) -> str:
        return f"a block cannot contain itself: {' -> '.join(f'`{name}`' for name in self.chain)}"

    def remedy(self) -> str:
        return "`repeat n { ... }` and `for` say how often"


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
    evidence=Evidence.TEXT,
    depends_on_braces=True,
)


class BeforeInput(Diagnostic, code=E0503):
    """A stage before the first input."""

    def summary(self) -> str:
        return "this stands before the input that it takes"

    def remedy(self) -> str:
        return "begin the network with `input`"


class XBeforeInput(BeforeInput, code=E0503):
    """An expression that reads `x` before the first input."""

    def summary(self) -> str:
        return "this reads `x` before the first input"


E0504 = Code(
    "E0504",
    "a statement in the wrong place",
    """Inputs and `init` stand in the body of a network, not in blocks or loops; heads and outputs are not branches of a
    join; a network is not a stage of another; `where` needs a symbolic size to speak of.""",
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
    evidence=Evidence.TEXT,
    depends_on_braces=True,
)


class NetworkAsStage(Diagnostic, code=E0504):
    """A network in the place of a stage."""

    name: str

    def summary(self) -> str:
        return f"expected an op or a block as a stage, found the network `{self.name}`"

    def remedy(self) -> str:
        return "move what both share into a block"


class NotABranch(Diagnostic, code=E0504):
    """A statement among the branches of a join that leaves no value to join."""

    def summary(self) -> str:
        return "a head, an output or an input is not a branch"

    def remedy(self) -> str:
        return "put it before or after the join"


E0505 = Code(
    "E0505",
    "two results have one name",
    """In training, a network with heads or outputs returns them by name, so that no two can share one.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      head: { output mask: conv(1, 1) }
      output mask: conv(1, 1)
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
    depends_on_braces=True,
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
    evidence=Evidence.TEXT,
    depends_on_braces=True,
)


class EmptySkip(Diagnostic, code=E0506):
    """A skip whose body leaves `x` as it is."""

    def summary(self) -> str:
        return "the body of this skip does nothing"

    def remedy(self) -> str:
        return "put the layers of the block into it"


class NoBranches(Diagnostic, code=E0506):
    """A join without branches."""

    join: str

    def summary(self) -> str:
        return f"this `{self.join}` has no branches"

    def remedy(self) -> str:
        return "each statement in its braces is a branch; `x` is the identity"


E0507 = Code(
    "E0507",
    "a value where a stage should be",
    """A label, an input or `x` names a value, not the stages that made it. At the start of a pipeline it says where the pipeline
    begins. Behind an arrow it would take the place of what flows into it, which is lost, and as the whole body of a loop nothing
    runs. A join takes several values. A module names stages that run several times with the same weights, a block stages
    with other weights each time.""",
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
    """A value behind an arrow. What the stage before it makes is lost. `declaring` edits turn its label into a module."""

    value: str
    before: Span
    declaring: tuple[Edit, ...] = ()

    def summary(self) -> str:
        return f"`{self.value}` is a value, and not a stage: it would replace what flows into it"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.before, "what this makes would be lost")]

    def details(self) -> Iterable[str]:
        if self.declaring:
            return ("a label names what its stages made; a module names stages, which run wherever its name stands",)
        return ("stages that are to run again go into a module (`module tower: ...`), or a block for other weights each time",)

    def remedy(self) -> Remedy:
        if self.declaring:
            run = f"to run the same stages with the same weights, write `module {self.value}: ...`, and `{self.value}` below it"
            return guess(f"{run}; to join both values, write `add {{ x; {self.value} }}`", *self.declaring)
        joined = f"add {{ x; {self.value} }}"
        text = f"to join both, write `{joined}`; to go on from `{self.value}`, begin another line with it"
        return guess(text, *([Edit(self.span, joined)] if self.span is not None else []))


class FlowIgnored(Diagnostic, code=E0507):
    """An op behind an arrow that takes nothing of what flows: `param`, or `matmul(a, b)`. `operand` is the name of its first."""

    op: str
    text: str
    before: Span
    operand: str | None

    def summary(self) -> str:
        takes = f"takes its inputs in parentheses, `{self.operand}` first" if self.operand else "takes no input"
        return f"`{self.op}` {takes}: what flows into it would be lost"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.before, "what this makes would be lost")]

    def remedy(self) -> str:
        if self.operand:
            return f"give what flows a label on a line before, and pass it: `a: ...`, then `{self.op}(a, ...)`"
        return f"to join both, write `add {{ x; {self.text} }}`; to keep it for later, give it a label on a line of its own"


class UnnamedValue(Diagnostic, code=E0507):
    """An op without an input as a statement of its own, without a label."""

    text: str

    def summary(self) -> str:
        return f"nothing can take what `{self.text}` makes: it has no label, and no stage follows"

    def remedy(self) -> str:
        return f"give it a label, which is also its key: `value: {self.text}`"


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
    """A loop whose body only names a value. `declaring` edits turn its label into a module."""

    value: str
    declaring: tuple[Edit, ...] = ()

    def summary(self) -> str:
        return f"`{self.value}` is a value, and not a stage: the loop runs nothing"

    def remedy(self) -> Remedy:
        if self.declaring:
            run = f"to run the same stages with the same weights, write `module {self.value}: ...`, and `{self.value}` below it"
            return guess(run, *self.declaring)
        return guess("put the stages that are to run into a module (`module tower: ...`), or a block for other weights each time")
