"""E0104 to E0107: slips of the pen, and habits of other languages."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, certain, guess
from archdsl.source import Span

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


class StrangeCharacter(Diagnostic, code=E0104):
    """A character that no token begins with. `edits` replace it, if it is clear what it stands for."""

    character: str
    edits: tuple[Edit, ...] = ()

    def summary(self) -> str:
        name = f"`{self.character}`" if self.character.isprintable() else f"the character U+{ord(self.character):04X}"
        return f"{name} has no meaning here"

    def remedy(self) -> Remedy | str | None:
        advice = _MEANT.get(self.character)
        return certain(advice, *self.edits) if advice is not None and self.edits else advice


_MEANT = {
    "\u00d7": "write `x` in a comment, or `*`", "→": "write `->`", "&": "write `and`", "|": "write `or`",
    "?": "write `a if condition else b`", "!": "write `not`, or `!=`", "@": "there are no decorators",
    "\\": "a line goes on inside `( )` and around `->`",
}  # fmt: skip


class OtherQuotes(Diagnostic, code=E0104):
    """A string in quotes that are none of the language; `edits` replace both of them."""

    character: str
    edits: tuple[Edit, ...] = ()

    def summary(self) -> str:
        return f"`{self.character}` does not begin a string"

    def remedy(self) -> Remedy:
        return (certain if self.edits else guess)('strings stand in `"double quotes"`', *self.edits)


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


class OtherSign(Diagnostic, code=E0105):
    """A sign that other languages use: `=>`, `**`, `//`, `:` in a call, `=` in a condition. `right` replaces it at `place`."""

    wrong: str
    purpose: str
    right: str
    place: Span
    written: str | None = None
    sure: bool = True

    def summary(self) -> str:
        return f"`{self.wrong}` {self.purpose}"

    def remedy(self) -> Remedy:
        return (certain if self.sure else guess)(self.written or f"write `{self.right}`", Edit(self.place, self.right))


class OtherForm(Diagnostic, code=E0105):
    """Something written as in another language, in words; no edit is sure to be what is meant."""

    text: str
    advice: str

    def summary(self) -> str:
        return self.text

    def remedy(self) -> str:
        return self.advice


class PipelineAsArgument(Diagnostic, code=E0105):
    """`attend(q -> relu, k, v)`, stages in the place of an argument; `name` is one for what they make."""

    pipeline: str
    name: str
    keeps_x: bool
    """Whether what flows is an input, too, so that another pipeline before it would replace that."""

    def summary(self) -> str:
        return "stages are no argument: an argument is a value"

    def remedy(self) -> str:
        before = "; label what flows as well, to go on from it" if self.keeps_x else ""
        return f"label what they make on a line before, `{self.name}: {self.pipeline}`, and pass `{self.name}`{before}"


class JoinByOperator(Diagnostic, code=E0105):
    """`a + b` of tensors, or `a + 2` of a tensor and a number. `written` is the join, or the stage."""

    operator: str
    written: str

    def summary(self) -> str:
        return f"`{self.operator}` does not join tensors"

    def remedy(self) -> str:
        return f"write `{self.written}`"


class RoundList(Diagnostic, code=E0105):
    """`(3, 3)`, a list as Python writes some."""

    items: str | None
    edits: tuple[Edit, ...]

    def summary(self) -> str:
        return "a list stands in square brackets"

    def remedy(self) -> Remedy:
        return (certain if self.edits else guess)(f"write `[{self.items or '..., ...'}]`", *self.edits)


class LetWithBody(Diagnostic, code=E0105):
    """`let unit(k) { ... }`: a body behind `let`. `edit` makes it a block."""

    header: str
    edit: Edit

    def summary(self) -> str:
        return "`let` gives a name one value, and stages in braces are none"

    def remedy(self) -> Remedy:
        return guess(f"stages with a name are a block: `block {self.header} {{ ... }}`", self.edit)


class MissingLet(Diagnostic, code=E0105):
    """`n = 3`, without `let`."""

    name: str
    edit: Edit | None

    def summary(self) -> str:
        return "`=` alone does not set a constant"

    def remedy(self) -> Remedy:
        text = f"write `let {self.name} = ...`"
        return certain(text, self.edit) if self.edit is not None else guess(text)


class LabelBehindArrow(Diagnostic, code=E0105):
    """`conv(8, 3) -> stem: relu`. If `flows`, only `x` stands before the arrow."""

    name: str
    flows: bool
    edit: Edit | None

    def summary(self) -> str:
        return f"the label `{self.name}` stands behind an arrow, and a label begins a statement"

    def remedy(self) -> Remedy:
        if self.flows:
            text = f"every stage takes `x` by itself: `{self.name}: ...`"
        else:
            text = f"end the statement before it: `...; {self.name}: ...`; as one branch of a join, put both in braces"
        return guess(text, *([self.edit] if self.edit is not None else []))


class BareDot(Diagnostic, code=E0105):
    """`.5` or `5.`, a number without a digit on one side of its point."""

    text: str
    written: str
    edit: Edit
    sure: bool

    def summary(self) -> str:
        return f"`{self.text}` is no number: digits stand on both sides of the point"

    def remedy(self) -> Remedy:
        return (certain if self.sure else guess)(f"write `{self.written}`", self.edit)


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


class OtherFile(Diagnostic, code=E0106):
    """A file of another program in the place of a spec: what it `is`, and what is written here instead.

    `path` is the file, if it can be imported.
    """

    kind: str
    example: str
    path: str | None = None

    def summary(self) -> str:
        return f"this is {self.kind}, and archdsl reads specs in its own language"

    def details(self) -> Iterable[str]:
        return ("`archdsl new mynet` writes a small network to begin with",) if self.path is None else ()

    def remedy(self) -> str:
        if self.path is not None:
            from shlex import quote  # here: few commands need it

            name = re.split(r"[/\\]", self.path)[-1]
            stem = "imported" if name.endswith(".arch") else re.sub(r"\.\w+$", "", name)
            return f"write it as a spec: `archdsl import {quote(self.path)} -o {quote(stem)}.arch`"
        return f"describe the network in a `.arch` file: {self.example}"


class OtherWord(Diagnostic, code=E0106):
    """A keyword of another language. `edit` replaces it, if one of this language means the same."""

    word: str
    advice: str
    edit: Edit | None = None

    def summary(self) -> str:
        return f"`{self.word}` is not a word of this language"

    def remedy(self) -> Remedy | str:
        return certain(self.advice, self.edit) if self.edit is not None else self.advice


class ReturnedFlow(Diagnostic, code=E0106):
    """`return x`, of what flows there anyway."""

    name: str
    edit: Edit | None

    def summary(self) -> str:
        return "`return` is not a word of this language: the value of a body is the value of its last statement"

    def remedy(self) -> Remedy:
        return guess("delete the line: the statement before it is the last one", *([self.edit] if self.edit is not None else []))


class Returned(Diagnostic, code=E0106):
    """`return a, b`; with one result, `edit` deletes the word."""

    results: tuple[str, ...]
    edit: Edit | None = None

    def summary(self) -> str:
        return "`return` is not a word of this language: the value of a body is the value of its last statement"

    def remedy(self) -> Remedy:
        first, *others = self.results
        if not others:
            return guess(f"write it as the last statement: `{first}`", *([self.edit] if self.edit is not None else []))
        outputs = "; ".join(f"output {text if text.isidentifier() else 'name'}_out: {text}" for text in others)
        return guess(f"a network has one result, and outputs besides it: `{outputs}; {first}`")


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


class KeywordAsName(Diagnostic, code=E0107):
    """A keyword where a name has to stand; `form` is what its statement looks like, if that may be meant."""

    word: str
    as_label: bool
    place: Span
    form: str | None = None

    def summary(self) -> str:
        return f"`{self.word}` is a word of the language and cannot be a {'label' if self.as_label else 'name'}"

    def remedy(self) -> Remedy | str:
        if self.form is not None:
            return f'{self.form}; as a key alone it stands in quotes: `"{self.word}": ...`' if self.as_label else self.form
        text = f"choose another name, such as `{self.word}1`"
        if self.as_label:
            text += f'; as a key alone it stands in quotes: `"{self.word}": ...`'
        return guess(text, Edit(self.place, f"{self.word}1"))
