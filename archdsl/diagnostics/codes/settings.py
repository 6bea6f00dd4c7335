"""E0607: settings that do not apply."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import did_you_mean

E0607 = Code(
    "E0607",
    "a setting that does not apply",
    """`--set NAME=VALUE` gives a parameter of the network a value. The network has no such parameter, it is an alias that
    fixes the parameter already, or the value is missing. `--set train.KEY=VALUE` changes the recipe.""",
    situation="`archdsl check specs/resnet.arch:resnet50 --set layers=[1]`: `resnet50` fixes `layers`, "
    "and `resnet` leaves it open.",
)


class UnknownSetting(Diagnostic, code=E0607):
    """A setting for a parameter that the network does not have; `recipe` is the same setting of the recipe, if one is meant."""

    network: str
    name: str
    known: Sequence[str]
    signature: str
    recipe: str | None

    def summary(self) -> str:
        return f"`{self.network}` has no parameter `{self.name}`"

    def remedy(self) -> str:
        if self.recipe is not None:
            return f"it is a key of the recipe: `--set {self.recipe}`"
        return did_you_mean(self.name, self.known) or f"it is `{self.signature}`"


class ConstantSet(Diagnostic, code=E0607):
    """A setting for a constant, which is no parameter of the network."""

    network: str
    name: str
    header: str

    def summary(self) -> str:
        return f"`{self.name}` is a constant, and not a parameter of `{self.network}`"

    def remedy(self) -> str:
        return f"to set it, make it a parameter: `network {self.header}`"


class FixedSetting(Diagnostic, code=E0607):
    """A setting for a parameter that an alias fixes."""

    alias: str
    name: str
    network: str

    def summary(self) -> str:
        return f"`{self.alias}` fixes `{self.name}`"

    def remedy(self) -> str:
        return f"set it on `{self.network}`, which leaves it open"


class EmptySetting(Diagnostic, code=E0607):
    """A setting without a value."""

    name: str
    example: str

    def summary(self) -> str:
        return f"`--set {self.name}=` has no value"

    def remedy(self) -> str:
        return f"write `--set {self.name}={self.example}`"


class NotASettingPath(Diagnostic, code=E0607):
    """A setting by a name that is no path into a recipe."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` is no path into a recipe"

    def remedy(self) -> str:
        return "write it as `train.optimizer.lr` or `train.augment[0].pixels`"


class NoListItem(Diagnostic, code=E0607):
    """A path of a setting to an item of a key that holds no list."""

    key: str
    item: int

    def summary(self) -> str:
        return f"`{self.key}` is no list, and has no item {self.item}"

    def remedy(self) -> str:
        return f"write `--set train.{self.key}=...`"


class WhichItem(Diagnostic, code=E0607):
    """A path of a setting into a list that does not say which item is meant."""

    key: str
    items: int
    parameter: str | None
    value: str

    def summary(self) -> str:
        return f"`{self.key}` is a list of {self.items}"

    def remedy(self) -> str:
        return f"say which item: `--set train.{self.key}[0].{self.parameter}={self.value}`"


class ItemBeyondList(Diagnostic, code=E0607):
    """A path of a setting to an item beyond the end of a list."""

    key: str
    items: int
    item: int

    def summary(self) -> str:
        return f"`{self.key}` has {self.items} items, numbered from 0, and no item {self.item}"

    def remedy(self) -> str:
        return f"write the whole list: `--set 'train.{self.key}=[...]'`"


class NoSuchPart(Diagnostic, code=E0607):
    """A path of a setting to a parameter that the value does not have; `known` are the calls that a key takes."""

    key: str
    value: str
    parameter: str
    known: Sequence[str]

    def summary(self) -> str:
        return f"`{self.key}` is {self.value}, which has no `{self.parameter}`"

    def remedy(self) -> str:
        known = f", with one of {', '.join(self.known)}" if self.known else ""
        return f"write `--set train.{self.key}=...`{known}"
