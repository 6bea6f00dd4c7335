"""E0204, E0205 and E0208: what a file defines, and which network is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.diagnostics.codes.limits import E0502
from archdsl.diagnostics.codes.names import E0204, E0205, E0208
from archdsl.diagnostics.codes.structure import E0501
from archdsl.diagnostics.record import Diagnostic, Mark
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.limits import remedy as raising
from archdsl.literals import type_name
from archdsl.source import Span


class _Twice(Diagnostic):
    first: Span | None

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),) if self.first is not None else ()


class DefinedTwice(_Twice, code=E0204):
    """Two definitions of a file by one name."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` is defined twice"

    def remedy(self) -> str:
        return "rename or delete one of them"


class ImportedTwice(_Twice, code=E0204):
    """An import by a name that the file has already."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` is defined twice"

    def remedy(self) -> str:
        return "choose another name after `as`"


class ParameterTwice(_Twice, code=E0204):
    """Two parameters of one name."""

    owner: str
    name: str

    def summary(self) -> str:
        return f"`{self.owner}` has two parameters called `{self.name}`"

    def remedy(self) -> str:
        return "give one of them another name"


class NameTwice(_Twice, code=E0204):
    """A name that stands twice among those that one element is bound to."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` stands twice, for two parts of one element"

    def remedy(self) -> str:
        return "give one of them another name, or write `_` for what nothing reads"


class SecondRecipe(_Twice, code=E0204):
    """A second recipe in a file."""

    def summary(self) -> str:
        return "a file has one recipe"

    def remedy(self) -> str:
        return "move its keys into the first"


class _Taken(Diagnostic):
    name: str
    owner: str
    """What has the name: `an op`."""


class TakenByLanguage(_Taken, code=E0205):
    """A definition by a name that the language uses."""

    def summary(self) -> str:
        return f"`{self.name}` is {self.owner}, and a definition cannot take its name"

    def remedy(self) -> str:
        return f"choose another, such as `my_{self.name}`"


class ImportTakenByLanguage(_Taken, code=E0205):
    """An import by a name that the language uses."""

    def summary(self) -> str:
        return f"`{self.name}` is {self.owner}, and an import cannot take its name"

    def remedy(self) -> str:
        return "choose another name after `as`"


class ParameterCalledX(Diagnostic, code=E0205):
    """A parameter with the name of the tensor that flows."""

    def summary(self) -> str:
        return "`x` is the tensor that flows, and cannot be a parameter"

    def remedy(self) -> str:
        return "choose another name"


class NetworkNameMissing(Diagnostic, code=E0208):
    """An address that ends after its colon; `listed` are the addresses of the networks in the file."""

    shown: str
    listed: Sequence[str]

    def summary(self) -> str:
        return f"a name is missing after `{self.shown}:`"

    def remedy(self) -> str | None:
        return f"it has {', '.join(self.listed)}" if self.listed else None


class NoSuchNetwork(Diagnostic, code=E0208):
    """A name that no network of the file has."""

    name: str
    shown: str
    known: Sequence[str]
    listed: Sequence[str]

    def summary(self) -> str:
        return f"{self.shown} has no network `{self.name}`"

    def remedy(self) -> str | None:
        return did_you_mean(self.name, self.known) or (f"it has {', '.join(self.listed)}" if self.listed else None)


class OtherChosen(NoSuchNetwork):
    """The name of something else in place of that of a network. `what` it is, with its article."""

    what: str

    def summary(self) -> str:
        return f"`{self.name}` in {self.shown} is {self.what}"


class NoNetwork(Diagnostic, code=E0208):
    """A file without a network."""

    shown: str

    def summary(self) -> str:
        return f"{self.shown} defines no network"

    def remedy(self) -> str:
        return "write `network name { input image [3, 32, 32] ... }`"


class SeveralNetworks(Diagnostic, code=E0208):
    """A file of several networks, where none is named; `stem` is the name of the file, if it has one."""

    shown: str
    stem: str
    listed: Sequence[str]

    def summary(self) -> str:
        unlike = f", and none is called `{self.stem}`" if self.stem else ""
        return f"{self.shown} defines several networks{unlike}"

    def remedy(self) -> str:
        return f"say which: {', '.join(self.listed)}"


class ValueForNetwork(Diagnostic, code=E0208):
    """A value on the right side of `network a = b(...)`."""

    text: str
    given: Any

    def summary(self) -> str:
        return f"expected a network, found `{self.text}`, which is {type_name(self.given)}"


class NotANetwork(Diagnostic, code=E0208):
    """A block or an op on the right side of `network a = b(...)`."""

    name: str
    is_block: bool

    def summary(self) -> str:
        return f"expected a network, found `{self.name}`, which is {'a block' if self.is_block else 'an op'}"

    def remedy(self) -> str:
        return "`network name { input ... }` defines one"


class CircularAlias(Diagnostic, code=E0501):
    """A network that is defined by itself; `chain` leads from it back to it."""

    chain: Sequence[str]

    def summary(self) -> str:
        return f"a network cannot be defined by itself: {' -> '.join(f'`{name}`' for name in self.chain)}"


class TooManyAliases(Diagnostic, code=E0502):
    """A network that is defined by more others, one after the other, than the limit."""

    most: int

    def summary(self) -> str:
        return f"aliases go over more than {self.most} others"

    def remedy(self) -> str:
        return raising("call_depth")
