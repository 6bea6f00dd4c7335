"""Completions of the recipe for a shell: its keys, paths to the parameters of a key's value, and values with their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Final, NamedTuple, get_args

from archdsl.ops import Op
from archdsl.recipe import Recipe
from archdsl.recipe.setting_paths import parse_path
from archdsl.registry import Registered, family_of
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import lex
from archdsl.syntax.tokens import Token

_PREFIX: Final = "train."
Completion = tuple[str, str | None]
"""A text and its description."""


def recipe_completions(incomplete: str, trains: Sequence[ast.Train]) -> list[Completion]:
    """Return what `train.KEY=VALUE` can begin with, or go on with. `trains` are the recipes of the file."""
    path, equals, value = incomplete.partition("=")
    if equals and path.startswith(_PREFIX):
        return [(f"{path}={written}", text) for written, text in _values(path.removeprefix(_PREFIX), value, trains)]
    keys = [(f"{_PREFIX}{key}=", Recipe.fields[key].description) for key in Recipe.parameters_in_order()]
    found = [(text, description) for text, description in keys if text.startswith(incomplete)]
    if not found and path.startswith(_PREFIX):
        found = [one for one in _parameters(incomplete.removeprefix(_PREFIX), trains) if one[0].startswith(incomplete)]
    return found


def _parameters(path: str, trains: Sequence[ast.Train]) -> Iterator[Completion]:
    """Yield the paths to the parameters of a key's value: `train.optimizer.lr=`."""
    start = path.partition(".")[0]
    found = parse_path(start)
    entry = _entry_of(found.key, found.item, trains) if found is not None and "." in path else None
    if entry is not None:
        yield from ((f"{_PREFIX}{start}.{name}=", field.description) for name, field in entry.fields.items())


def _entry_of(key: str, item: int | None, trains: Sequence[ast.Train]) -> type[Registered] | None:
    """Return the class of a key's value in the file, or else of its default."""
    registry = Recipe.registry_for(key)
    if registry is None:
        return None
    written = [setting.value for train in trains for setting in train.settings if setting.name == key]
    if not written:
        default = Recipe.fields[key].default
        return type(default) if isinstance(default, Registered) else None
    value = ast.bare(written[-1])
    if isinstance(value, ast.ListExpr):
        value = ast.bare(value.items[item]) if item is not None and item < len(value.items) else value
    callee = ast.bare(value.callee) if isinstance(value, ast.CallExpr) else value
    return registry.get(callee.id) if isinstance(callee, ast.Name) else None


# -- values --


class _Slot(NamedTuple):
    """What a value is given for at some place in a text: a parameter of a class, by name or by its position in a call."""

    owner: type[Registered] | None
    """The class; None if it is unknown."""
    name: str = ""
    position: int = 0
    in_list: bool = False

    @property
    def parameter(self) -> str:
        """The name of the parameter; nothing if there is none."""
        order = self.owner.call_order() if self.owner is not None and not self.name else []
        return self.name or (order[self.position] if self.position < len(order) else "")

    def entries(self) -> Iterator[type[Registered]]:
        """Yield the classes whose calls the parameter accepts."""
        known = self.owner is not None and self.parameter in self.owner.fields
        family = family_of(self.owner.fields[self.parameter].annotation) if self.owner is not None and known else None
        yield from family.registry if family is not None and family is not Op else ()

    def choices(self) -> Iterator[Completion]:
        """Yield the words and calls that the parameter accepts, and the names of those that follow if it is given by position."""
        if self.owner is None or self.parameter not in self.owner.fields:
            return
        field = self.owner.fields[self.parameter]
        plain = {bool: {"true", "false"}}.get(field.annotation, {"none"} if NoneType in get_args(field.annotation) else set())
        for word in sorted(field.words | plain):
            yield word, field.description
        for entry in self.entries():
            yield entry.name, (entry.__doc__ or "").strip().partition("\n")[0]
        if not self.name:
            for name in self.owner.call_order()[self.position :]:
                yield f"{name}=", self.owner.fields[name].description if name in self.owner.fields else None


def _values(path: str, value: str, trains: Sequence[ast.Train]) -> Iterator[Completion]:
    """Yield what the value of a key, or of a parameter of it, can go on with."""
    found = parse_path(path)
    if found is None:
        return
    entry = _entry_of(found.key, found.item, trains) if found.parameter is not None else None
    tokens, _ = lex(SourceFile("value", value))
    begun = tokens.pop() if tokens and tokens[-1].isidentifier() and tokens[-1].end_pos == len(value) else None
    before, word = (value, "") if begun is None else (value[: begun.start_pos], str(begun))
    slot = _slot_after(tokens, _Slot(Recipe, found.key) if found.parameter is None else _Slot(entry, found.parameter))
    for text, description in slot.choices() if slot is not None else ():
        if text.startswith(word):
            yield before + text, description


def _slot_after(tokens: Sequence[Token], first: _Slot) -> _Slot | None:
    """Return what a value behind some tokens is given for; None if none can stand there."""
    slots, before = [first], ""
    for token in tokens:
        slot = slots[-1]
        if token.type == "LPAR":
            slots.append(_Slot(next((entry for entry in slot.entries() if entry.name == before), None)))
        elif token.type == "LSQB":
            slots.append(_Slot(slot.owner, slot.parameter, in_list=True))
        elif token.type in ("RPAR", "RSQB"):
            slots.pop()
        elif token.type == "EQUAL":
            slots[-1] = slot._replace(name=before)
        elif token.type == "COMMA" and not slot.in_list:
            slots[-1] = _Slot(slot.owner, position=slot.position + 1)
        if not slots:
            return None
        before = str(token)
    return slots[-1] if not tokens or tokens[-1].type in ("LPAR", "LSQB", "COMMA", "EQUAL") else None
