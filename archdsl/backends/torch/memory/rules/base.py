"""The table of rules: for each op, the functions of PyTorch to which it is lowered, as far as memory goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from archdsl.backends.torch.memory.tensors import FLOAT, LONG, Meter, Tensor
from archdsl.shapes import Shape


class Unmodelled(Exception):
    """An op whose memory is not modelled; the message is its name."""


class Applied(NamedTuple):
    """One application of an op: its inputs and stored tensors, and the shapes of its outputs, all with the batch axis."""

    op: Any
    meter: Meter
    inputs: Sequence[Tensor]
    stored: Mapping[str, Tensor]
    """Parameters by their keys, and the buffer that an op has in place of a module as `""`."""
    shapes: Sequence[Shape]
    plain: tuple[Shape, ...]
    """The shapes of the inputs without the batch axis."""
    training: bool
    in_place: bool

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        """The shape of the first output."""
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The number of axes behind that of the channels."""
        return len(self.plain[0]) - 1

    @property
    def given(self) -> Mapping[str, Any]:
        """The parameters of the op, with numbers for `same` and `auto`."""
        attributes: Mapping[str, Any] = self.op.attributes(*self.plain)
        return attributes

    @property
    def named(self) -> dict[str, Tensor]:
        """The inputs behind the required ones, by their names."""
        count = len(self.inputs) - len(self.op.present)
        return dict(zip(self.op.present, self.inputs[count:], strict=True))


Rule: TypeAlias = "Callable[[Applied], Tensor | list[Tensor]]"
_rules: dict[str, Rule] = {}
R = TypeVar("R", bound=Rule)


def allocates(*names: str) -> Callable[[R], R]:
    """Register a function as the rule for the ops of these names. Raise `ValueError` if one has a rule already."""

    def register(rule: R) -> R:
        for name in names:
            if name in _rules:
                raise ValueError(f"two rules for the memory of `{name}`")
            _rules[name] = rule
        return rule

    return register


def applied(at: Applied) -> list[Tensor]:
    """Return what an op makes. Raise `Unmodelled` if its memory is not modelled."""
    rule = _rules.get(at.op.name)
    if rule is None:
        raise Unmodelled(at.op.name)
    made = rule(at)
    return made if isinstance(made, list) else [made]


def own_buffer(op: Any, shapes: tuple[Shape, ...]) -> dict[str, tuple[tuple[int, ...], int]]:
    """Return shape and bytes of a number of the buffer that an op has in place of a module, whether stored or not."""
    if op.name in ("const", "rel_coords"):
        return {"": (op.infer(*shapes) if op.name == "const" else op.buffers(*shapes)[""], FLOAT)}
    if op.name == "rel_bias":
        return {"": (op.index_shape(), LONG)}
    if op.name == "blur_pool":
        return {"window": ((op.k,) * (len(shapes[0]) - 1), FLOAT)}
    return {}
