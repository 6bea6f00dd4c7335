"""E0201, E0202, E0204, E0205 and E0208: names that mean nothing, or two things."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.foreign_calls import kept_probability, why_unwritten
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, certain, guess
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.source import Span

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
    evidence=Evidence.TEXT,
    depends_on_braces=True,
)


class Undefined(Diagnostic):
    """Base of names that mean nothing where they stand."""


class UndefinedName(Undefined, code=E0201):
    """A name that nothing defines. `near` is a known one, `hint` what could stand there."""

    name: str
    near: str | None
    hint: str

    def summary(self) -> str:
        return f"nothing is called `{self.name}` here"

    def remedy(self) -> Remedy | str:
        if self.name in ("True", "False", "None"):
            text, edits = f"write `{self.name.lower()}`", _replacing(self.span, self.name, self.name.lower())
            return certain(text, *edits) if edits else text
        if self.near is None:
            return self.hint
        return guess(self.near, *_replacing(self.span, self.name, _meant(self.near)))

    def same_mistake(self) -> tuple[object, ...]:
        return (self.name, self.near)


class OpForCount(Undefined, code=E0201):
    """The name of an op in a claim, close to that of a count."""

    name: str
    near: str

    def summary(self) -> str:
        return f"`{self.name}` is an op, and no count"

    def remedy(self) -> Remedy:
        return guess(self.near, *_replacing(self.span, self.name, _meant(self.near)))


class ForeignName(Undefined, code=E0201):
    """A name of another library. `missing` says what does not exist here; `written` replaces the `whole` call."""

    name: str
    missing: str | None
    advice: str
    written: str | None = None
    whole: Span | None = None

    def summary(self) -> str:
        return f"nothing is called `{self.name}` here" + (f": {self.missing}" if self.missing is not None else "")

    def remedy(self) -> Remedy | str:
        if self.written is None or self.whole is None:
            return self.advice
        return guess(self.advice, Edit(self.whole, self.written))

    def same_mistake(self) -> tuple[object, ...]:
        return (self.name, self.advice)


class FlowOutside(Undefined, code=E0201):
    """`x` where nothing flows: in a constant of the file, in an alias or in a recipe."""

    def summary(self) -> str:
        return "`x` is the tensor that flows through a body, and nothing flows here"

    def remedy(self) -> str:
        return "move the line into the block or network that it is about, or pass the size as an argument"


class FunctionAsValue(Undefined, code=E0201):
    """A function that is not called."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` is a function, and no value by itself"

    def remedy(self) -> str:
        return f"write `{self.name}(...)`"


class ReturnAlone(Undefined, code=E0201):
    """`return` on a line of its own."""

    def summary(self) -> str:
        return "`return` is not a word of this language"

    def remedy(self) -> str:
        return "leave it out: the value of a body is the value of its last statement"


class UnquotedWord(UndefinedName):
    """A word that some ops understand, where nothing takes it."""

    def remedy(self) -> Remedy:
        text = f'it is a word that some ops understand; to pass it on, put it in quotes: `"{self.name}"`'
        return guess(text, *_replacing(self.span, self.name, f'"{self.name}"'))


class NotInImport(Undefined, code=E0201):
    """A name that an imported file does not define."""

    imported: str
    name: str
    near: str | None

    def summary(self) -> str:
        return f"the import `{self.imported}` defines no `{self.name}`"

    def remedy(self) -> Remedy | None:
        if self.near is None:
            return None
        dotted, new = f"{self.imported}.{self.name}", f"{self.imported}.{_meant(self.near)}"
        return guess(self.near, *_replacing(self.span, dotted, new))


def _meant(help: str) -> str | None:
    """Return the name in "did you mean `name`?"; None if there are several."""
    parts = help.split("`")
    return parts[1] if len(parts) == 3 else None


def _replacing(span: Span | None, old: str, new: str | None) -> tuple[Edit, ...]:
    """Return the edit that replaces a text at the start of a place; none if the place holds something else."""
    if span is None or new is None or not span.text.startswith(old):
        return ()
    return (Edit(span._replace(end=span.start + len(old)), new),)


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
    evidence=Evidence.TEXT,
)


class UnknownParameter(Diagnostic, code=E0202):
    """An argument by a name that its owner does not have."""

    owner: str
    name: str
    known: Sequence[str]
    signature: str
    text: str = ""
    """The value, as it is written."""

    def summary(self) -> str:
        return f"`{self.owner}` has no parameter `{self.name}`"

    def remedy(self) -> Remedy:
        if "p" in self.known and (kept := kept_probability(self.name, self.text)) is not None:
            text = f"p = {kept}"
            return guess(
                f"write the probability of a drop: `{text}`", *([Edit(self.span, text)] if self.span is not None else [])
            )
        if self.owner == "upsample" and self.name in ("size", "output_size"):
            return Remedy(f"`upsample` takes a factor; `resize({self.text or '64'})` takes a size")
        near = did_you_mean(self.name, self.known)
        why = why_unwritten(self.name)
        if why is not None and (near is None or f"`{self.name}`" not in near):
            return Remedy(why)
        if near is None:
            return Remedy(f"it is `{self.signature}`")
        return guess(near, *_replacing(self.span, self.name, _meant(near)))


class UnknownOption(Diagnostic, code=E0202):
    """A setting that a statement such as `skip` does not take; None for an argument by position."""

    owner: str
    name: str | None
    known: Sequence[str]
    text: str = ""
    """The value, as it is written."""

    def summary(self) -> str:
        what = f"`{self.name}`" if self.name else "an argument by position"
        return f"`{self.owner}` does not take {what}"

    def remedy(self) -> Remedy | str | None:
        if self.name is None and self.text and self.known:
            number = self.text.replace(".", "").isdecimal()
            named = [f"`{self.owner}({known} = {self.text})`" for known in self.known if not (number and known == "when")]
            if self.owner == "concat" and self.text == "1":
                return "the batch is not written, so that the channels are axis 0, which is the default: `concat { ... }`"
            edit = [Edit(self.span, f"{self.known[0]} = {self.text}")] if self.span is not None and len(named) == 1 else []
            return guess(f"write it by name: {' or '.join(named)}", *edit)
        if self.name is not None and (kept := kept_probability(self.name, self.text)) is not None and "drop" in self.known:
            return f"write the probability of a drop: `drop = {kept}`"
        near = did_you_mean(self.name or "", self.known)
        return near or (f"it takes `{'`, `'.join(self.known)}`" if self.known else None)


class UnknownKey(Diagnostic, code=E0202):
    """A key that `train` does not have; `owner` says where it belongs, if it is a part of another key."""

    argument: str
    known: Sequence[str]
    owner: str | None = None

    def summary(self) -> str:
        return f"`train` has no key `{self.argument}`"

    def remedy(self) -> str:
        return self.owner or did_you_mean(self.argument, self.known) or f"`train` takes {', '.join(self.known)}"


class NamedArgument(Diagnostic, code=E0202):
    """An argument by name for a function; `prefix` is its name and the `=`."""

    function: str
    prefix: Span

    def summary(self) -> str:
        return f"`{self.function}` takes its arguments by position"

    def remedy(self) -> Remedy:
        return guess(f"remove `{self.prefix.text.strip()}`", Edit(self.prefix, ""))


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
    evidence=Evidence.TEXT,
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
    evidence=Evidence.TEXT,
)


class CalledX(Diagnostic, code=E0205):
    """A label, a constant or a loop variable called `x`."""

    what: str

    def summary(self) -> str:
        return f"`x` is the tensor that flows, and cannot be a {self.what}"

    def remedy(self) -> str:
        return "choose another name"


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
    evidence=Evidence.TEXT,
)
