"""E0401, E0403, E0404 and E0406: arguments of calls, keys of recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import nearest
from archdsl.literals import article, show, type_name


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
)


E0406 = Code(
    "E0406",
    "a float where a count is needed",
    """Channels, sizes and repetitions are whole numbers, and nothing is rounded in silence. `/` always gives a float;
    `//` divides without remainder, and `int`, `round`, `ceil` and `floor` say how to round.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(64 / 4, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(64 // 4, 3)
    }
    """,
)


class FloatForCount(ValueDiagnostic, code=E0406):
    """A float where a whole number is counted."""

    def summary(self) -> str:
        return f"{self.place}: expected an int, found {show(self.given)} (a float)"

    def remedy(self) -> str:
        value = self.given
        if value != value or abs(value) >= 1e15:
            return "write a whole number"
        return f"write a whole number; `//` divides without a remainder, and `int(...)` truncates: {int(value)}"
