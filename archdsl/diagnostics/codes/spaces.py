"""Search spaces: domains of parameters and recipe keys, and members: E0414, E0415, E0702 and W0127."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Mark
from archdsl.literals import show, type_name
from archdsl.source import Span

E0414 = Code(
    "E0414",
    "a domain that cannot be searched",
    """The domain of a parameter says which values a search may choose from: a list `[16, 24, 32]`, a range `2..6` (2, 3, 4
    and 5), `uniform(0.0, 0.5)` for real numbers of an interval, or `log(1e-3, 1)` for those of an interval on a logarithmic
    scale. Networks and the keys of `train` have domains; blocks and functions take what they are given.""",
    bad="""
    network tiny(width in []) {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
    good="""
    network tiny(width in [16, 24, 32]) {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
)


class NotADomain(Diagnostic, code=E0414):
    """A domain that is neither a list, nor a range, nor an interval."""

    name: str
    value: Any

    def summary(self) -> str:
        return f"the domain of `{self.name}` expected a list or a range, found {show(self.value)} ({type_name(self.value)})"

    def remedy(self) -> str:
        return f"write `{self.name} in [{show(self.value)}]`, or an interval: `{self.name} in log(1e-3, 1)`"


class EmptyDomain(Diagnostic, code=E0414):
    """A domain without a value."""

    name: str
    text: str

    def summary(self) -> str:
        return f"the domain of `{self.name}` is empty: `{self.text}` has no value"

    def remedy(self) -> str:
        return "list the values to choose from; a range ends before its second number: `2..6` is 2, 3, 4, 5"


class ChoiceTwice(Diagnostic, code=E0414):
    """A value that a domain lists twice."""

    name: str
    value: str

    def summary(self) -> str:
        return f"the domain of `{self.name}` has {self.value} twice"

    def remedy(self) -> str:
        return "remove one, since both are the same member"


class WrongInterval(Diagnostic, code=E0414):
    """An interval with wrong ends: `reason` says what is expected of them."""

    kind: str
    reason: str

    def summary(self) -> str:
        return f"`{self.kind}` expected {self.reason}"

    def remedy(self) -> str:
        return f"write the lower and the upper end: `{self.kind}({'1e-3, 1' if self.kind == 'log' else '0.0, 0.5'})`"


class DomainElsewhere(Diagnostic, code=E0414):
    """A domain of something that no search sets; `what` is that."""

    evidence = Evidence.TEXT

    what: str

    def summary(self) -> str:
        return f"{self.what} has no domain"

    def remedy(self) -> str:
        return "give the domain to a parameter of the network, and pass that on"


E0415 = Code(
    "E0415",
    "a value outside of its domain",
    """A parameter with a domain takes the values of the domain only. This holds for its default, for the arguments of an alias
    and for `--set`. The domain of a key of `train` says where to search, and `--set` may give another value.""",
    bad="""
    network tiny(width in [16, 24, 32] = 20) {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
    good="""
    network tiny(width in [16, 24, 32] = 24) {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
)


class NotInDomain(Diagnostic, code=E0415):
    """A value of a parameter, or of a key of the recipe, that its domain does not have; `declared` is where the domain stands."""

    name: str
    value: Any
    domain: str
    declared: Span | None

    def summary(self) -> str:
        return f"`{self.name}` is {show(self.value)}, which is not in its domain `{self.domain}`"

    def marks(self) -> tuple[Mark, ...]:
        return (Mark(self.declared, "the domain"),) if self.declared is not None else ()

    def remedy(self) -> str:
        return "choose a value of the domain, or extend the domain"


E0702 = Code(
    "E0702",
    "no member of the search space",
    """The `where` of a network says which combinations of its parameters belong to the search space. The combination that is
    checked does not: it has the default of each parameter that nothing sets, which is the first value of its domain
    unless another follows, as in `width in [16, 24] = 24`. `archdsl space FILE --sample 1` finds a member.""",
    bad="""
    network tiny(width in [8, 16]) where params > 300 {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
    good="""
    network tiny(width in [8, 16] = 16) where params > 300 {
      input image [3, 32, 32]
      conv(width, 3)
    }
    """,
)


class NotAMember(Diagnostic, code=E0702):
    """A condition of a search space that does not hold; `sides` are the values of what it compares, as the end of a sentence."""

    claim: str
    sides: str

    def summary(self) -> str:
        return f"this is no member of the search space: `{self.claim}` does not hold{self.sides}"

    def remedy(self) -> str:
        return "choose other values: `archdsl space FILE --sample 1` finds a member"


class NeverAMember(Diagnostic, code=E0702):
    """A condition of a search space that has the same value for all members: it names no parameter and counts nothing."""

    text: str
    holds: bool

    def summary(self) -> str:
        return f"`{self.text}` {'always' if self.holds else 'never'} holds: it names no parameter, size or count"

    def remedy(self) -> str:
        return "remove it, or state it of a parameter, a size or a count such as `macs`"


W0127 = Code(
    "W0127",
    "a value of a domain with which the network is wrong",
    """With this value of its domain, and the defaults of all other parameters, the network has an error. A search skips such
    members. If no other values make it right, remove it from the domain.""",
    bad="""
    network tiny(width in [8, 10]) {
      input image [3, 32, 32]
      conv(width, 3)
      conv(8, 3, groups = 4)
    }
    """,
    good="""
    network tiny(width in [8, 12]) {
      input image [3, 32, 32]
      conv(width, 3)
      conv(8, 3, groups = 4)
    }
    """,
)


class WrongChoice(Diagnostic, code=W0127):
    """A value of a domain with which the network has an error: its code and text."""

    name: str
    value: str
    error: str
    reason: str

    def summary(self) -> str:
        return f"`{self.name} = {self.value}` makes the network wrong: {self.reason} ({self.error})"

    def remedy(self) -> str:
        return "remove it from the domain, or exclude it with `where`"
