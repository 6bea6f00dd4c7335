"""Warnings about the text of a file: what nothing uses, what never runs, and comments about warnings."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, certain, guess
from archdsl.source import Span

W0102 = Code(
    "W0102",
    "a parameter or constant is never read",
    """A block or network declares a parameter, or a constant or function with `let`, that nothing in its body reads, so that
    its value changes nothing; or a file with networks has such a `let` outside of them. Often a fixed number stands where the
    name was meant.""",
    bad="""
    block unit(out, stride = 1) { conv(out, 3) -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
    good="""
    block unit(out, stride = 1) { conv(out, 3, stride) -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
)


class NeverUsed(Diagnostic, code=W0102):
    """A constant or function of a file that nothing in the file uses, although the file has networks."""

    what: str
    name: str
    deletion: Edit

    def summary(self) -> str:
        return f"nothing uses the {self.what} `{self.name}`"

    def remedy(self) -> Remedy:
        text = "delete it, or use it; if other files import it, write `# arch: allow(W0102)` above it"
        return guess(text, self.deletion)


class NeverRead(Diagnostic, code=W0102):
    """A parameter or constant whose value changes nothing. `deletion` takes it out; it is `safe` if no other file can name it."""

    definition: str
    what: str
    name: str
    deletion: Edit | None = None
    safe: bool = False

    def summary(self) -> str:
        return f"`{self.definition}` never reads its {self.what} `{self.name}`"

    def remedy(self) -> Remedy:
        edits = (self.deletion,) if self.deletion is not None else ()
        return certain("delete it, or use it", *edits) if self.safe else guess("delete it, or use it", *edits)


W0107 = Code(
    "W0107",
    "a block that is not called may fail",
    """A network does not call this block, so that the values of its parameters, and its input, are not known. Where a loop
    runs, or a condition holds, that depends on them, the block fails. The message states what it assumes; a call with
    other values may work. What fails with any values is an error.""",
    bad="""
    block unit(k) {
      repeat x.c // 6 { conv(8, 3, stride = k - 1) }
    }
    block pair { unit(1) -> relu }

    network tiny {
      input image [3, 32, 32]
      conv(8, 3)
    }
    """,
    good="""
    block unit(k) {
      repeat x.c // 6 { conv(8, 3, stride = k - 1) }
    }
    block pair { unit(2) -> relu }

    network tiny {
      input image [3, 32, 32]
      conv(8, 3) -> pair
    }
    """,
)


class MayFail(Diagnostic, code=W0107):
    """What fails in a block that `network` does not call, if what is assumed about its values holds."""

    assumed: str
    error: Diagnostic
    block: str
    network: str

    def summary(self) -> str:
        return f"assuming {self.assumed}: {self.error.message}"

    @property
    def label(self) -> str:
        return self.error.label

    def marks(self) -> Iterable[Mark]:
        return self.error.related

    def details(self) -> Iterable[str]:
        return (f"`{self.network}` does not call `{self.block}`", *self.error.notes)

    def remedy(self) -> str | None:
        return self.error.help


W0111 = Code(
    "W0111",
    "a block is never called",
    """No network of the file calls this block, and no block that a network calls. Perhaps it was replaced by another one, or
    another one is called where it was meant. A file without networks is a library for others to import, so that nothing in it is
    reported. A block that is meant for other files beside a network of its own says so: `# arch: allow(W0111)` above it.""",
    bad="""
    block plain(out) { conv(out, 3) -> relu }
    block normed(out) { conv(out, 3) -> bn -> relu }

    network tiny {
      input image [3, 32, 32]
      normed(16)
    }
    """,
    good="""
    block plain(out) { conv(out, 3) -> relu }
    block normed(out) { conv(out, 3) -> bn -> relu }

    network tiny {
      input image [3, 32, 32]
      plain(8) -> normed(16)
    }
    """,
)


class UncalledBlock(Diagnostic, code=W0111):
    """A block that no network reaches. `alone` are the blocks that only it calls, by name, with their places."""

    block: str
    alone: tuple[tuple[str, Span], ...] = ()
    deletion: Edit | None = None

    def summary(self) -> str:
        return f"no network calls the block `{self.block}`"

    def marks(self) -> Iterable[Mark]:
        return [Mark(span, f"only `{self.block}` calls `{name}`") for name, span in self.alone]

    def remedy(self) -> Remedy:
        edits = (self.deletion,) if self.deletion is not None else ()
        return guess("call it, or delete it; if other files import it, write `# arch: allow(W0111)` above it", *edits)


W0112 = Code(
    "W0112",
    "a range holds no number",
    """`a..b` counts up from `a` and ends before `b`. If `b` is not greater, it holds nothing, and a loop over it never
    runs. To count down, a range is turned around: `reversed(1..4)` is 3, 2, 1.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 3..0 { conv(8 * i, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in reversed(1..4) { conv(8 * i, 3) }
    }
    """,
)


class EmptyRange(Diagnostic, code=W0112):
    """A range of literals that holds nothing. The step is none if it is computed."""

    start: int
    stop: int
    step: int | None

    def summary(self) -> str:
        by = f" by {self.step}" if self.step not in (1, None) else ""
        return f"the range `{self.start}..{self.stop}{by}` holds no number"

    def details(self) -> Iterable[str]:
        return ("a range counts up, and ends before its second number",)

    def remedy(self) -> Remedy:
        if self.step is None:
            return guess(f"to count down, turn around a range that counts up: `reversed({self.stop}..{self.start} by ...)`")
        if self.start == self.stop:
            return self._instead(f"to include {self.stop}", f"{self.start}..{self.stop + 1}")
        if self.step == 1:
            return self._instead("to count down", f"reversed({self.stop + 1}..{self.start + 1})")
        last = self.start - (self.start - self.stop - 1) // self.step * self.step
        return self._instead("to count down", f"reversed({last}..{self.start + 1} by {self.step})")

    def _instead(self, purpose: str, text: str) -> Remedy:
        return guess(f"{purpose}, write `{text}`", *([Edit(self.span, text)] if self.span is not None else []))


W0113 = Code(
    "W0113",
    "a comment that suppresses nothing",
    """`# arch: allow(W0105)` suppresses a warning or note on its line, or in the statement or definition below it. Here there is
    no such finding, so that the comment would hide one that comes later; or its code does not exist, or is that of an error,
    which nothing suppresses. Codes are separated by commas; a reason may follow: `# arch: allow(W0105) eps is meant`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(64, 3) -> bn -> relu  # arch: allow(W0105)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(64, 3) -> bn -> relu
    }
    """,
)


class _Comment(Diagnostic):
    """A code in a comment that does nothing there. `deletion` takes it out, or the comment if it is the only one."""

    allowed: str
    deletion: Edit

    def remedy(self) -> Remedy:
        return certain("delete it", self.deletion)


class UselessAllow(_Comment, code=W0113):
    """A code that is not reported where the comment applies."""

    def summary(self) -> str:
        return f"`allow({self.allowed})` suppresses nothing"


class UnknownAllow(_Comment, code=W0113):
    """A code that does not exist. `near` is the one that may be meant."""

    near: str | None = None

    def summary(self) -> str:
        return f"there is no code `{self.allowed}`"

    def remedy(self) -> Remedy:
        if self.near is None or self.span is None:
            return super().remedy()
        return guess(f"did you mean `{self.near}`?", Edit(self.span, self.near))


class ErrorAllow(_Comment, code=W0113):
    """A code that cannot be suppressed."""

    def summary(self) -> str:
        what = "is about these comments" if self.allowed.startswith("W") else "is an error"
        return f"`{self.allowed}` {what}, and cannot be suppressed"


class UnreadAllow(Diagnostic, code=W0113):
    """A comment that begins like one that suppresses, and cannot be read."""

    def summary(self) -> str:
        return "this comment suppresses nothing: its codes cannot be read"

    def remedy(self) -> str:
        return "write `# arch: allow(W0105)`, with the codes in parentheses"


W0114 = Code(
    "W0114",
    "a module that never runs",
    """`module NAME: ...` declares stages and does not run them: they run where the name is a stage. A module that never runs
    has no weights, and mistakes in it are not found.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      module tower: conv(16, 3)
      relu
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      module tower: conv(16, 3)
      tower -> relu
    }
    """,
)


class UnusedModule(Diagnostic, code=W0114):
    """A module that no stage names."""

    name: str
    deletion: Edit

    def summary(self) -> str:
        return f"the module `{self.name}` never runs"

    def remedy(self) -> Remedy:
        return guess(f"write `{self.name}` as a stage where it is to run, or delete the declaration", self.deletion)
