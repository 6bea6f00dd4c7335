"""The keys of the `state_dict`: labels and positions within a scope."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Final, Literal, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.frozen_record import record
from archdsl.ir import Module
from archdsl.limits import Limits
from archdsl.source import Span

MODULE_ATTRIBUTES: Final = frozenset(
    """T_destination add_module append apply bfloat16 buffers call_super_init children compile copy cpu cuda double
    dump_patches eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half
    index insert ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters
    parameters pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
    train training type xpu zero_grad""".split()
)
"""What `torch.nn.Module`, `Sequential` and `ModuleList` already mean by a name; a test compares it with torch."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+")


@record
class Scope:
    """A named part of the network while it is elaborated: the network, a block call, a labelled group or an indexed family.

    `given` are the arguments that the call of a block writes, `variables` the loop variables around it. What a declared module
    runs is `used` at another place.
    """

    name: str
    parent: Scope | None
    kind: Literal["network", "block", "group", "family"]
    span: Span
    block: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    used: Span | None = None

    @property
    def path(self) -> str:
        """The dotted name from the network down; empty for the network itself."""
        return ".".join([scope.name for scope in self.enclosing() if scope.parent is not None][::-1])

    def enclosing(self) -> Iterator[Scope]:
        """Yield this scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class Key(NamedTuple):
    """Where a labelled stage goes: the scope's naming, and its key there.

    A stage of a `declared` module goes where that was `placed`; it is `used` at another place.
    """

    naming: Naming
    name: str
    label: str
    span: Span
    declared: Module | None = None
    used: Span | None = None
    placed: tuple[str, ...] | None = None

    def place(self) -> tuple[str, ...]:
        """Return the key, which is taken now unless it is placed."""
        return self.naming.place(self.name, self.span) if self.placed is None else self.placed


class Naming:
    """The keys taken in one scope, and the position that the next stage gets."""

    __slots__ = ("_families", "_position", "_taken", "scope", "unsure")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._position = 0
        self._taken: dict[str, Span] = {}
        self._families: dict[str, Naming] = {}
        self.unsure = False
        """Whether a stage in the scope was not understood, so that positions after it may be others."""

    def copy(self) -> Naming:
        """Return a copy; what either takes later does not affect the other."""
        made = Naming(self.scope)
        made._position, made._taken = self._position, dict(self._taken)
        made._families = {name: family.copy() for name, family in self._families.items()}
        made.unsure = self.unsure
        return made

    def place(self, key: str | None, span: Span) -> tuple[str, ...]:
        """Return the key of the next stage: its label, or its position among the stages of the scope."""
        name = str(self._position) if key is None else key
        if self.unsure and name.isdecimal():
            while key is None and name in self._taken:
                self._position += 1
                name = str(self._position)
            self._taken.setdefault(name, span)
            return self._key(name)
        if name in self._families:
            raise SpecError(codes.keys.FamilyAndLabel(name, self._taken[name]).at(span))
        if name in self._taken:
            raise _same_key(self.scope, name, span, self._taken[name])
        self._taken[name] = span
        self._position += 1
        return self._key(name)

    def _key(self, name: str) -> tuple[str, ...]:
        return (self.scope.name, name) if self.scope.kind == "family" else (name,)

    def family(self, name: str, span: Span) -> Naming:
        """Return the scope of an indexed label, made the first time that it is asked for."""
        if name not in self._families:
            if name in self._taken:
                raise SpecError(codes.keys.FamilyAndLabel(name, self._taken[name]).at(span))
            self.place(name, span)
            self._families[name] = Naming(Scope(name, self.scope, "family", span))
        return self._families[name]


def joined(pieces: list[Any], span: Span, limits: Limits) -> str:
    """Return a computed label. Raise `SpecError` before it is put together if it is too long."""
    texts = [str(piece) for piece in pieces]
    _check_length(texts[0], sum(map(len, texts)), span, limits)
    return "".join(texts)


def _check_length(beginning: str, length: int, span: Span, limits: Limits) -> None:
    if length > limits.label_characters:
        raise SpecError(codes.keys.LabelTooLong(beginning[:20], length, limits.label_characters).at(span))


def check_label(name: str, span: Span, limits: Limits) -> str:
    """Return the label. Raise `SpecError` if it cannot be a key of the `state_dict` and an attribute of a module."""
    _check_length(name, len(name), span, limits)
    if not _KEY.fullmatch(name):
        after_a_digit = bool(name) and _KEY.fullmatch(f"a{name}")
        kind = codes.keys.LabelBeginsWithDigit if after_a_digit else codes.keys.LabelNotAName
        raise SpecError(kind(name).at(span))
    if keyword.iskeyword(name) or name.startswith("__"):
        raise SpecError(codes.keys.LabelReservedByPython(name).at(span))
    if name in MODULE_ATTRIBUTES:
        raise SpecError(codes.keys.LabelOfModules(name).at(span))
    if name.startswith("_"):
        raise SpecError(codes.keys.LabelBeginsWithUnderscore(name).at(span))
    return name


def _same_key(scope: Scope, name: str, span: Span, first: Span) -> SpecError:
    if first == span:
        return SpecError(codes.keys.SameKeyInLoop(name, scope.path).at(span))
    return SpecError(codes.keys.SameKey(name, scope.path, first).at(span))
