"""Where in a recipe a setting belongs: `lr` is `optimizer.lr`, `batch_size` is `batch`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from archdsl.diagnostics.suggest import nearest
from archdsl.recipe.recipe import Recipe

_PATH: Final = re.compile(r"(?P<key>\w+)(\[(?P<item>\d+)\])?(\.(?P<parameter>\w+))?")
SHORTHANDS: Final = {"weights": ("pretrained", "file"), "clip": ("norm", "limit")}
"""Keys under which a plain value stands for a call, and the parameter that it is."""
ELSEWHERE: Final = {
    "class_weights": "loss.weights", "class_weight": "loss.weights", "pos_weight": "loss.weights", "ignore_index": "ignore",
    "learning_rate": "optimizer.lr", "metric": "metrics", "pretrained": "weights", "pretrained_weights": "weights",
}  # fmt: skip
"""What other libraries call settings, near as the names of other ones are, to the paths of them."""


class SettingPath(NamedTuple):
    """A key of the recipe, and in it an item of a list and a parameter: `augment[0].pixels`."""

    key: str
    item: int | None = None
    parameter: str | None = None


def parse_path(text: str) -> SettingPath | None:
    """A path; None if it is not written as one."""
    found = _PATH.fullmatch(text)
    if found is None:
        return None
    return SettingPath(found["key"], int(found["item"]) if found["item"] else None, found["parameter"])


def written(path: str, value: str) -> str:
    """What sets a path to a value: `train.optimizer.lr=0.1`; a call where the default of the key takes no such parameter."""
    key, _, parameter = path.partition(".")
    registry = Recipe.registry_for(key)
    default = Recipe.model_fields[key].default
    if not parameter or registry is None or parameter in getattr(type(default), "model_fields", ()):
        return f"train.{path}={value}"
    entry = next(entry for entry in registry if parameter in entry.model_fields)
    return f"'train.{key}={entry.name}({parameter} = {value})'"


def meant_path(name: str) -> str | None:
    """The path that a bare name stands for, such as `optimizer.lr` for `lr` or `learning_rate`; None for nothing in a recipe."""
    if name in Recipe.model_fields:
        return name
    if name.lower() in ELSEWHERE:
        return ELSEWHERE[name.lower()]
    owners: dict[str, str] = {}
    for key, field in Recipe.model_fields.items():
        default = getattr(field.default, "name", None)
        for entry in sorted(Recipe.registry_for(key) or (), key=lambda entry: entry.name != default):
            for parameter in entry.model_fields:
                owners.setdefault(parameter, key)
    if name in owners:
        return f"{owners[name]}.{name}"
    near = nearest(name, [*Recipe.model_fields, *owners])
    if near is None:
        return None
    return near if near in Recipe.model_fields else f"{owners[near]}.{near}"
