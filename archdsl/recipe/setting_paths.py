"""Paths of settings in a recipe: `lr` means `optimizer.lr`, `batch_size` means `batch`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from archdsl.diagnostics.suggest import nearest
from archdsl.recipe.recipe import Recipe

_PATH: Final = re.compile(r"(?P<key>\w+)(\[(?P<item>\d+)\])?(\.(?P<parameter>\w+))?")
SHORTHANDS: Final = {"weights": ("pretrained", "file"), "clip": ("norm", "limit")}
"""Keys for which a plain value abbreviates a call: the call, and the parameter that the value sets."""
ELSEWHERE: Final = {
    "class_weights": "loss.weights", "class_weight": "loss.weights", "pos_weight": "loss.weights", "ignore_index": "ignore",
    "learning_rate": "optimizer.lr", "metric": "metrics", "pretrained": "weights", "pretrained_weights": "weights",
}  # fmt: skip
"""Names of settings in other libraries, mapped to paths; a search for similar names would find the wrong ones."""


class SettingPath(NamedTuple):
    """A key of the recipe, an index into its list, and a parameter: `augment[0].pixels`."""

    key: str
    item: int | None = None
    parameter: str | None = None


def parse_path(text: str) -> SettingPath | None:
    """Return the parsed path; None if the text is not a path."""
    found = _PATH.fullmatch(text)
    if found is None:
        return None
    return SettingPath(found["key"], int(found["item"]) if found["item"] else None, found["parameter"])


def assignment(path: str, value: str) -> str:
    """Return the setting for a path: `train.optimizer.lr=0.1`, or a call if the default of the key has no such parameter."""
    key, _, parameter = path.partition(".")
    registry = Recipe.registry_for(key)
    default = Recipe.fields[key].default
    if not parameter or registry is None or parameter in getattr(type(default), "fields", ()):
        return f"train.{path}={value}"
    entry = next(entry for entry in registry if parameter in entry.fields)
    return f"'train.{key}={entry.name}({parameter} = {value})'"


def meant_path(name: str) -> str | None:
    """Return the path that a name means, such as `optimizer.lr` for `lr` or `learning_rate`; None if it means no setting."""
    if name in Recipe.fields:
        return name
    if name.lower() in ELSEWHERE:
        return ELSEWHERE[name.lower()]
    owners: dict[str, str] = {}
    for key, field in Recipe.fields.items():
        default = getattr(field.default, "name", None)
        for entry in sorted(Recipe.registry_for(key) or (), key=lambda entry: entry.name != default):
            for parameter in entry.fields:
                owners.setdefault(parameter, key)
    if name in owners:
        return f"{owners[name]}.{name}"
    near = nearest(name, [*Recipe.fields, *owners])
    if near is None:
        return None
    return near if near in Recipe.fields else f"{owners[near]}.{near}"
