"""The keys of the `state_dict`: labels and positions within a scope."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.parts import Inside, Parts
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

_INTERNAL: Final = frozenset(
    """_apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
    _forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
    _get_abs_string_index _get_backward_hooks _get_backward_pre_hooks _get_item_by_idx _get_name
    _is_full_backward_hook _key_to_attr _keys _load_from_state_dict _load_state_dict_post_hooks
    _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members _non_persistent_buffers_set
    _parameters _register_load_state_dict_pre_hook _register_state_dict_hook _replicate_for_data_parallel
    _save_to_state_dict _size _slow_forward _state_dict_hooks _state_dict_pre_hooks _version _wrapped_call_impl""".split()
)
"""What they keep under a name that begins with `_`; a test compares it with torch, too. Names like `__init__` are Python's."""


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


class Key:
    """Where a labelled stage goes: the scope's naming, and its name there, below that of a `family`.

    A stage of a `declared` module goes where that was `placed`; it is `used` at another place.
    """

    __slots__ = ("_naming", "declared", "family", "inside", "label", "name", "placed", "span", "used")

    def __init__(self, naming: Naming, name: str, label: str, span: Span, family: tuple[str, ...] = ()) -> None:
        self._naming = naming
        self.name = name
        self.label = label
        self.span = span
        self.family = family
        self.inside: Inside | None = None
        """The scope that the stage opened, once it has run."""
        self.declared: Module | None = None
        self.used: Span | None = None
        self.placed: tuple[str, ...] | None = None

    def of_module(self, declared: Module | None, placed: tuple[str, ...], used: Span | None = None) -> Key:
        """Return the key of a declared module, or of a use of it."""
        made = Key(self._naming, self.name, self.label, self.span, self.family)
        made.declared, made.placed, made.used = declared, placed, used
        return made

    def place(self) -> tuple[str, ...]:
        """Return the key, which is taken now unless it is placed."""
        return self.naming.place(self.name, self.span) if self.placed is None else self.placed

    @property
    def naming(self) -> Naming:
        """The naming of the scope or family that the place is in; a family takes a place with its first member."""
        within = self._naming
        for name in self.family:
            within = within.family(name, self.span)
        return within


class Naming:
    """The keys taken in one scope, and the position that the next stage gets."""

    __slots__ = ("_above", "_families", "_position", "_taken", "parts", "scope", "unsure")

    def __init__(self, scope: Scope, above: tuple[str, ...] = ()) -> None:
        self.scope = scope
        self.parts = Parts()
        self._above = above
        """Of a family, its name, behind that of the family around it."""
        self._position = 0
        self._taken: dict[str, Span] = {}
        self._families: dict[str, Naming] = {}
        self.unsure = False
        """Whether a stage in the scope was not understood, so that positions after it may be others."""

    def copy(self) -> Naming:
        """Return a copy; what either takes later does not affect the other."""
        made = Naming(self.scope, self._above)
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
            raise SpecError(codes.keys.FamilyAndLabel(self._shown(name), self._taken[name]).at(span))
        if name in self._taken:
            raise _same_key(self.scope, name, span, self._taken[name])
        self._taken[name] = span
        self._position += 1
        return self._key(name)

    def places(self, keys: Sequence[str], span: Span) -> tuple[str, ...]:
        """Take several keys for one stage, which counts as one position. Return the last."""
        position = self._position
        taken = [self.place(key, span) for key in keys]
        self._position = position + 1
        return taken[-1]

    def _shown(self, name: str) -> str:
        """Return a name as the source writes it: `enc`, or `enc[0]` in a family."""
        outer, *indices = (*self._above, name)
        return outer + "".join([f"[{index}]" for index in indices])

    def _key(self, name: str) -> tuple[str, ...]:
        return (*self._above, name)

    def family(self, name: str, span: Span) -> Naming:
        """Return the scope of an indexed label, made the first time that it is asked for."""
        if name not in self._families:
            if name in self._taken:
                raise SpecError(codes.keys.FamilyAndLabel(self._shown(name), self._taken[name]).at(span))
            self.place(name, span)
            self._families[name] = Naming(Scope(name, self.scope, "family", span), (*self._above, name))
        return self._families[name]


def joined(pieces: list[Any], span: Span, limits: Limits) -> str:
    """Return a computed label. Raise `SpecError` before it is put together if it is too long."""
    texts = [str(piece) for piece in pieces]
    _check_length("".join(texts[:1]), sum(map(len, texts)), span, limits)
    return "".join(texts)


def _check_length(beginning: str, length: int, span: Span, limits: Limits) -> None:
    if length > limits.label_characters:
        raise SpecError(codes.keys.LabelTooLong(beginning[:20], length, limits.label_characters).at(span))


def check_label(name: str, span: Span, limits: Limits) -> str:
    """Return a label that is the name of a value, too. Raise `SpecError` if it cannot be one, or is no key."""
    check_key(name, span, limits)
    if keyword.iskeyword(name) or name.startswith("_"):
        raise SpecError(codes.keys.LabelNeedsQuotes(name).at(span))
    return name


def check_key(name: str, span: Span, limits: Limits) -> str:
    """Return the label. Raise `SpecError` if PyTorch cannot call a submodule like it, or it cannot be shown."""
    _check_length(name, len(name), span, limits)
    if not name:
        raise SpecError(codes.keys.EmptyLabel(name).at(span))
    if "." in name or not name.isprintable():
        raise SpecError(codes.keys.LabelNotAKey(name).at(span))
    if name in MODULE_ATTRIBUTES or name in _INTERNAL or (name.startswith("__") and name.endswith("__")):
        raise SpecError(codes.keys.LabelOfModules(name).at(span))
    return name


def _same_key(scope: Scope, name: str, span: Span, first: Span) -> SpecError:
    if first == span:
        return SpecError(codes.keys.SameKeyInLoop(name, scope.path).at(span))
    return SpecError(codes.keys.SameKey(name, scope.path, first).at(span))
