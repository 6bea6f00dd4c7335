"""What each operation of PyTorch is in the language: convolutions, normalizations, activations, pools and arithmetic.

A rule takes the node of an exported program and returns the op, with all of its arguments; the printer leaves out defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from archdsl.importers.model import Apply, Place, Value


class Refused(Exception):
    """An operation that the language lacks."""


class Translation:
    """What rules know: the module, the keys of the stored tensors by the names of their nodes, and the values made so far."""

    def __init__(
        self, module: nn.Module, stored: Mapping[str, str], constants: Mapping[str, Any], values: dict[str, Any]
    ) -> None:
        self.module, self.stored, self.values = module, stored, values
        self.constants: dict[str, Any] = dict(constants)
        self._state = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))

    def key(self, node: Any) -> str:
        """Return the key of a stored tensor."""
        return self.stored[node.name]

    def tensor(self, key: str) -> Tensor:
        """Return a stored tensor."""
        return self._state[key]


class Step:
    """A node of an exported program, with the access to its arguments that rules need."""

    def __init__(self, translation: Translation, node: Any, place: Place) -> None:
        self.t, self.node, self.place = translation, node, place
        self.target = str(node.target).removeprefix("aten.")
        schema = getattr(node.target, "_schema", None)
        self._names = [argument.name for argument in schema.arguments] if schema is not None else []
        self._defaults = (
            {a.name: a.default_value for a in schema.arguments if a.has_default_value()} if schema is not None else {}
        )

    def arg(self, name: str) -> Any:
        """Return an argument by its name in PyTorch, or its default."""
        if name in self.node.kwargs:
            return self.node.kwargs[name]
        at = self._names.index(name) if name in self._names else len(self.node.args)
        return self.node.args[at] if at < len(self.node.args) else self._defaults.get(name)

    @property
    def first(self) -> Any:
        """The first argument."""
        return self.node.args[0]

    def value(self, node: Any) -> Value:
        """Return the value of a node; a stored tensor becomes a `param`. Raise `Refused` if it is unknown."""
        found = self.t.values.get(node.name) if hasattr(node, "name") else None
        if isinstance(found, Value):
            return found
        if hasattr(node, "name") and node.name in self.t.stored:
            return self._param(node)
        raise Refused(f"{self.node.target}: it computes with a tensor that follows from no input and no parameter")

    def _param(self, node: Any) -> Value:
        key = self.t.key(node)
        tensor = self.t.tensor(key)
        if not isinstance(tensor, nn.Parameter):
            raise Refused(f"{self.node.target}: it computes with the buffer `{key}`")
        value = Value(tuple(tensor.shape), batched=False)
        op = Apply("param", {"shape": tuple(tensor.shape)}, [], [value], key, "", self.place)
        value.producer = op
        self.extra.append(op)
        self.t.values[node.name] = value
        return value

    extra: list[Apply]

    def is_stored(self, node: Any) -> bool:
        """Whether a node is a stored tensor."""
        return hasattr(node, "name") and node.name in self.t.stored

    def shape(self, node: Any | None = None) -> tuple[int, ...]:
        """Return the shape of a node with the batch axis; by default that of the result."""
        return tuple(int(n) for n in (node or self.node).meta["val"].shape)

    def prefix(self, *nodes: Any) -> str:
        """Return the key that stored tensors have in common, whose last part is `weight`, `bias` or the like."""
        keys = {self.t.key(node).rpartition(".")[0] for node in nodes if node is not None and self.is_stored(node)}
        if len(keys) != 1 or any(node is not None and not self.is_stored(node) for node in nodes):
            raise Refused(f"{self.node.target}: its weights are computed, or do not belong to one module")
        names = [self.t.key(node).rpartition(".")[2] for node in nodes if node is not None]
        if any(name not in ("weight", "bias", "running_mean", "running_var") for name in names):
            raise Refused(f"{self.node.target}: its tensors are called {', '.join(names)}")
        return keys.pop()

    def axis(self, dim: int, node: Any | None = None) -> int:
        """Return an axis of a node without the batch, counted from the front. Raise `Refused` for the batch axis."""
        rank = len(self.shape(node))
        at = dim + rank if dim < 0 else dim
        source = self.t.values.get((node or self.node).name)
        if isinstance(source, Value) and not source.batched and len(source.shape) == rank:
            return at
        if at == 0:
            raise Refused(f"{self.node.target}: it works on the batch axis")
        return at - 1

    def make(
        self, op: str, args: dict[str, Any], *inputs: Value, key: str | None = None, shape: tuple[int, ...] | None = None
    ) -> list[Apply]:
        """Return the op, and make its output the value of the node. Raise `SpecError` if its shape is not the traced one."""
        traced = shape if shape is not None else self.shape()[1:]
        batched = any(value.batched for value in inputs)
        if not batched and shape is None:
            traced = self.shape()
        value = Value(traced, batched)
        node = Apply(op, args, list(inputs), [value], key, self.place.module, self.place)
        value.producer = node
        self.t.values[self.node.name] = value
        return [*self.extra, node]

    def same(self, node: Any) -> list[Apply]:
        """Let the value of the node be that of another: the operation changes nothing."""
        self.t.values[self.node.name] = self.value(node)
        return list(self.extra)


Rule = Callable[[Step], list[Apply]]
RULES: dict[str, Rule] = {}


def rule(*targets: str) -> Callable[[Rule], Rule]:
    """Register a rule for operations of PyTorch."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(targets, function))
        return function

    return register


def translate(translation: Translation, node: Any, place: Place) -> list[Apply]:
    """Return the ops that a node is. Raise `Refused` if the language lacks it."""
    from archdsl.importers import aten_arithmetic, aten_layers, aten_shapes  # noqa: F401  # they add their rules

    step = Step(translation, node, place)
    step.extra = []
    name = step.target
    found = RULES.get(name) or RULES.get(name.partition(".")[0]) or RULES.get(name.partition(".")[0].removesuffix("_"))
    if found is None:
        owner = getattr(node.target, "namespace", "aten")
        what = "a custom operation" if owner not in ("aten", "prim", "prims", "_operator", "builtins") else "PyTorch's"
        raise Refused(f"{what} `{node.target}`" + (f", in `{place.code}`" if place.code else ""))
    return found(step)


def per_axis(value: Any, axes: int) -> int | tuple[int, ...]:
    """Return sizes per axis as one number if they agree."""
    sizes = (value,) * axes if isinstance(value, int) else tuple(value) * (axes if len(value) == 1 else 1)
    return sizes[0] if len(set(sizes)) == 1 else sizes
