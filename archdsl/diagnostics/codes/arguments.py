"""E0401, E0403 and E0404: arguments of calls, keys of recipes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, certain, guess
from archdsl.diagnostics.suggest import nearest
from archdsl.literals import article, show, type_name
from archdsl.source import Span


class ArgumentDiagnostic(Diagnostic):
    """Something about an argument of what is called by name."""

    owner: str
    argument: str

    def of(self, owner: str, argument: str) -> Self:
        """Return it about an argument of something else, which handed it on."""
        return self.with_fields(owner=owner, argument=argument)


class ValueDiagnostic(ArgumentDiagnostic):
    """Something about the value of an argument; `element` is its place if the value is part of a list."""

    given: Any
    element: int | None = None

    @property
    def place(self) -> str:
        """The argument, as a sentence names it."""
        return f"`{self.argument}{'' if self.element is None else f'[{self.element}]'}` of `{self.owner}`"


E0401 = Code(
    "E0401",
    "a value of the wrong kind",
    """A parameter, a condition or an index got a value of another kind than it takes: a string for a number, a number
    for a condition. Parameters with a type (`classes: int`) are checked where they are passed.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv("16", 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    evidence=Evidence.LITERAL,
)


class Undecided(Diagnostic, code=E0401):
    """A value that only an error elsewhere left unknown."""

    text: str

    def summary(self) -> str:
        return f"the value of `{self.text}` is not known here, so that the network cannot be checked"


class WrongType(ValueDiagnostic, code=E0401):
    """A value of another type than an argument takes."""

    expected: str = "something else"

    def summary(self) -> str:
        return f"{self.place}: expected {self.expected}, found {show(self.given)} ({type_name(self.given)})"


class NoOperand(WrongType, code=E0401):
    """Something else than a value of the network where an op takes one. `text` is what was written."""

    text: str = ""
    keeps_x: bool = False
    """Whether what flows is the input, too, so that another pipeline before it would replace that."""

    def remedy(self) -> str | None:
        if type_name(self.given) not in ("an op", "a block"):
            return None
        before = "; label what flows as well, to go on from it" if self.keeps_x else ""
        return f"label what it makes on a line before, `{self.argument}: {self.text}`, and pass `{self.argument}`{before}"


class WrongKind(Diagnostic, code=E0401):
    """A value under a key of a recipe that is none of the calls which the key takes, such as a number for `optimizer`."""

    argument: str
    kind: str
    given: Any
    given_kind: str | None
    """Of a call of another kind."""
    known: Sequence[str]

    def summary(self) -> str:
        given = article(self.given_kind) if self.given_kind else type_name(self.given)
        found = "none" if self.given is None else f"{show(self.given)} ({given})"
        return f"`{self.argument}` of `train`: expected {article(self.kind)}, found {found}"

    def remedy(self) -> str:
        return f"write {self._known()}"

    def _known(self) -> str:
        names, value = self.known, self.given
        if len(names) == 1 and type(value) in (int, float):
            return f"`{names[0]}({show(value)})`"
        if self.argument == "groups" and isinstance(value, str):  # a label
            return f"`group({value}, lr = 0.1)`, with its own factor"
        if isinstance(value, str) and (near := nearest(value, names)) is not None:
            return f"`{near}`, without quotes"
        if self.argument == "schedule" and value is None:
            return "`constant`"
        if self.argument == "normalize" and isinstance(value, list | tuple):
            return "`imagenet`, or `fixed(mean = [0.5], std = [0.25])` with your numbers"
        return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else f"`{names[0]}`"


class WrongParameterType(WrongType, code=E0401):
    """A value of another type than a parameter of a block or network is declared with, at `declared`; None for its default."""

    declared: Span | None = None

    def marks(self) -> Iterable[Mark]:
        return declared_mark(self.declared)

    def remedy(self) -> Remedy | None:
        if not isinstance(self.given, str) or "an op" not in self.expected or not self.given.isidentifier():
            return None
        quoted = self.span is not None and self.span.text == f'"{self.given}"'
        edits = [Edit(self.span, self.given)] if quoted and self.span is not None else []
        return guess(f"an op or block is passed without quotes: `{self.given}`", *edits)


class UnknownType(Diagnostic, code=E0401):
    """A parameter declared with a type that does not exist."""

    kind: str
    known: Sequence[str]

    def summary(self) -> str:
        return f"there is no type `{self.kind}`"

    def remedy(self) -> Remedy:
        near = nearest(self.kind, self.known)
        if near is None:
            return Remedy(f"the types are {', '.join(self.known)}")
        return guess(f"did you mean `{near}`?", *([Edit(self.span, near)] if self.span is not None else []))


class NotAnInt(Diagnostic, code=E0401):
    """Something else than a whole number where things are counted. `what` begins the sentence."""

    what: str
    given: Any

    def summary(self) -> str:
        return f"{self.what}: expected an int, found {show(self.given)} ({type_name(self.given)})"


class NotACondition(Diagnostic, code=E0401):
    """Something else than true or false as a condition."""

    given: Any

    def summary(self) -> str:
        return f"expected a condition that is true or false, found {show(self.given)} ({type_name(self.given)})"

    def remedy(self) -> Remedy:
        if self.span is not None and re.fullmatch(r"[\w.]+ *% *[\w.]+", self.span.text):
            return guess(f"compare it: `{self.span.text} == 0`", Edit(self.span, f"{self.span.text} == 0"))
        if self.span is None or not isinstance(self.given, int | float) or not _is_atom(self.span.text):
            return Remedy("compare it: `n > 0`")
        return guess(f"compare it: `{self.span.text} > 0`", Edit(self.span, f"{self.span.text} > 0"))


class NotIterable(Diagnostic, code=E0401):
    """Something else than a list in `for`."""

    given: Any
    text: str

    def summary(self) -> str:
        return f"`for` expected a list or a range, found {show(self.given)} ({type_name(self.given)})"

    def remedy(self) -> Remedy | str | None:
        if isinstance(self.given, bool) or not isinstance(self.given, int):
            return None
        rounds = f"0..{self.text}" if _is_atom(self.text) else f"0..({self.text})"
        edits = [Edit(self.span, rounds)] if self.span is not None else []
        return (certain if edits and self.text.isdecimal() else guess)(f"write `{rounds}`", *edits)


def _is_atom(text: str) -> bool:
    """Return whether an expression is a name or a number, which needs no parentheses."""
    return text.replace("_", "").replace(".", "").isalnum()


def declared_mark(place: Span | None) -> tuple[Mark, ...]:
    """Return a mark at the declaration of a parameter, if it has a place."""
    return (Mark(place, "declared here"),) if place is not None else ()


E0403 = Code(
    "E0403",
    "an argument is missing",
    """A parameter without a default was not given. The help shows the whole call.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    evidence=Evidence.TEXT,
)


class NoDataSet(Diagnostic, code=E0403, argument="data"):
    """A recipe without a data set."""

    def summary(self) -> str:
        return "`data` of `train` is missing"

    def remedy(self) -> str:
        return 'write `data = digits`, or a path: `data = "digits.npz"`'


class MissingArgument(ArgumentDiagnostic, code=E0403):
    """A parameter without a default that was not given."""

    signature: str

    def summary(self) -> str:
        return f"`{self.argument}` of `{self.owner}` is missing"

    def remedy(self) -> str:
        return f"the call is `{self.signature}`"


class MissingParameter(MissingArgument, code=E0403):
    """A parameter of a block or network without a default that was not given; of a network that is checked, if it is `alone`."""

    declared: Span
    alone: bool

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.declared, "declared here without a default"),)

    def remedy(self) -> str:
        if self.alone:
            return f"give it a default, or a value: `--set {self.argument}=...`"
        return f"the call is `{self.signature}`"


class MissingOperand(ArgumentDiagnostic, code=E0403):
    """An op without a value of the network that it needs, with all that it takes."""

    operands: tuple[str, ...]

    def summary(self) -> str:
        return f"`{self.argument}` of `{self.owner}` is missing: a value of the network"

    def remedy(self) -> str:
        given = ["enc1", "enc2", "enc3", "enc4"][: len(self.operands)]
        return f"write {'a label' if len(given) == 1 else 'labels'}: `{self.owner}({', '.join(given)})`"


E0404 = Code(
    "E0404",
    "too many arguments, or one given twice",
    """There are more arguments by position than parameters, one parameter is given both by position and by name, or an
    argument by position comes after one by name.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, k = 5)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, k = 5)
    }
    """,
    evidence=Evidence.TEXT,
)


class TooManyArguments(Diagnostic, code=E0404):
    """More arguments by position than a callee has parameters."""

    owner: str
    most: int
    given: int
    signature: str

    def summary(self) -> str:
        most = f"at most {self.most} argument{'s' if self.most > 1 else ''}" if self.most else "no arguments"
        return f"`{self.owner}` expected {most}, found {self.given}"

    def remedy(self) -> Remedy | str:
        return f"the call is `{self.signature}`" if self.most else f"write the name alone: `{self.owner}`"


class StageAsArgument(TooManyArguments):
    """A stage as the argument of an op that takes none, as in `relu(conv(16, 3))`; `call` is the place of the whole call."""

    stage: str
    call: Span | None

    def remedy(self) -> Remedy:
        text = f"{self.stage} -> {self.owner}"
        return guess(f"stages stand in a row: `{text}`", *([Edit(self.call, text)] if self.call is not None else []))


class WrongNumberOfArguments(Diagnostic, code=E0404):
    """More or fewer arguments than a function takes."""

    function: str
    given: int

    def summary(self) -> str:
        return f"`{self.function}` does not take {self.given} argument{'' if self.given == 1 else 's'}"


class GivenTwice(Diagnostic, code=E0404):
    """A parameter that is given twice by name, or by position and by name."""

    argument: str
    by_position: bool = False

    def summary(self) -> str:
        return f"`{self.argument}` is given twice{', by position and by name' if self.by_position else ''}"

    def remedy(self) -> str:
        return "leave one of them out"


class PositionAfterName(Diagnostic, code=E0404):
    """An argument by position after one by name."""

    def summary(self) -> str:
        return "an argument by position comes after one by name"

    def remedy(self) -> str:
        return "put the arguments by position first"
