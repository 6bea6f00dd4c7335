"""What each operation of PyTorch is in the language: convolutions, normalizations, activations, pools and arithmetic.

A rule takes the node of an exported program and returns the op, with all of its arguments; the printer leaves out defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from torch import Tensor, nn

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.constants import Constants, written
from archdsl.importers.layouts import BATCH_AXIS, Dims, plain, renumbered, sorting
from archdsl.importers.model import Apply, Place, Value


class Refused(Exception):
    """An operation that the language lacks."""


class Lacking(Refused):
    """An operation for which there is no rule at all."""


class TooManyNumbers(Refused):
    """A constant that nobody would write as a list."""


class Random:
    """A value that follows from random numbers, and is part of an op of the language at most."""


class Translation:
    """What rules know: the module, the keys of the stored tensors by the names of their nodes, and the values made so far."""

    def __init__(self, module: nn.Module, stored: Mapping[str, str], values: dict[str, Any], batch: int) -> None:
        self.module, self.stored, self.values, self.batch = module, stored, values, batch
        self.layouts: dict[str, Dims] = {}
        """The layouts of the values that are not plain, by the names of their nodes."""
        self.constants = Constants(module, stored)
        self.rolled: list[Apply] = []
        """The ops that have moved positions cyclically so far."""
        self.tables: dict[str, Apply] = {}
        """The embeddings so far, by the keys of their tables."""
        self.shared: dict[tuple[str, tuple[int, ...]], Value] = {}
        """The constants that several operations read, by the names of their nodes and their shapes."""
        self.unfolding = False
        """Whether constants are written as the ops that compute them, and not as their numbers."""
        self.lost: set[str] = set()
        """The nodes that are refused, and those that follow from them."""
        self._state = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))
        self._names: dict[int, list[str]] = {}
        for key, tensor in module.state_dict(keep_vars=True).items():
            self._names.setdefault(id(tensor), []).append(key)

    def follows_lost(self, node: Any) -> bool:
        """Whether a node takes what follows from a node that is refused."""
        return any(source.name in self.lost for source in node.all_input_nodes)

    def key(self, node: Any) -> str:
        """Return the key of a stored tensor."""
        return self.stored[node.name]

    def names_of(self, key: str) -> list[str]:
        """Return all keys of the `state_dict` under which it has a tensor."""
        return self._names.get(id(self._state[key]), [])

    def tensor(self, key: str) -> Tensor:
        """Return a stored tensor."""
        return self._state[key]


class Step:
    """A node of an exported program, with the access to its arguments that rules need."""

    def __init__(self, translation: Translation, node: Any, place: Place) -> None:
        self.t, self.node, self.place = translation, node, place
        self.target = str(node.target).removeprefix("aten.")
        self.name = self.target.partition(".")[0]
        self.extra: list[Apply] = []
        schema = getattr(node.target, "_schema", None)
        self._names = [argument.name for argument in schema.arguments] if schema is not None else []
        self._defaults = (
            {a.name: a.default_value for a in schema.arguments if a.has_default_value()} if schema is not None else {}
        )

    # -- arguments --

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

    def shape(self, node: Any | None = None) -> tuple[int, ...]:
        """Return the shape of a node with the batch axis; by default that of the result."""
        return tuple(int(n) for n in (node or self.node).meta["val"].shape)

    def constant(self, node: Any) -> Tensor | None:
        """Return the tensor of a node that follows from no input and no parameter; None for other nodes."""
        return self.t.constants.tensor(node)

    def number(self, node: Any) -> int | float | None:
        """Return a number, or the only element of a constant; None for anything else."""
        if isinstance(node, int | float):
            return node
        if self.t.unfolding and node.op == "call_function":
            return None
        tensor = self.constant(node)
        return None if tensor is None or tensor.numel() != 1 or self.t.constants.key_of(node) else tensor.item()

    # -- values --

    def loose(self, node: Any) -> tuple[Value, Dims]:
        """Return the value of a node with its layout; a stored tensor becomes a `param`. Raise `Refused` if it is unknown."""
        found = self.t.values.get(node.name) if hasattr(node, "name") else None
        if isinstance(found, Value):
            return found, self.t.layouts.get(node.name) or plain(len(found.shape), found.batched)
        if hasattr(node, "name") and node.name in self.t.stored and isinstance(self.t.tensor(self.t.key(node)), nn.Parameter):
            value = self._param(node)
            return value, plain(len(value.shape), False)
        if (tensor := self.constant(node)) is not None:
            try:
                return self._constant(node, tensor)
            except TooManyNumbers as many:
                return self.unfolded(node, many)
        kind = "random numbers" if isinstance(found, Random) else "a tensor that follows from no input and no parameter"
        raise Refused(f"{self.node.target}: it computes with {kind}")

    def _constant(self, node: Any, tensor: Tensor) -> tuple[Value, Dims]:
        from archdsl.importers.aten_positions import offsets_of_windows

        if (offsets := offsets_of_windows(self, node, tensor)) is not None:
            self.t.values[node.name] = offsets
            self.t.layouts[node.name] = ((), *plain(len(offsets.shape), False))  # its stored tensor has an axis for the batch
            return offsets, self.t.layouts[node.name]
        if self.t.unfolding and node.all_input_nodes:
            return self.unfolded(node)
        if self.shape(node) == (self.t.batch, *tensor.shape[1:]) and tensor.shape[0] == 1:
            value = self.const(node, tuple(tensor.shape[1:]))  # the same numbers for each example
            return value, ((), *plain(len(value.shape), False))
        value = self.const(node, tuple(tensor.shape))
        if self.t.unfolding:
            self.t.values[node.name] = value
        return value, plain(len(value.shape), False)

    def value(self, node: Any) -> Value:
        """Return the value of a node with the axes of its tensor. Raise `Refused` if the batch is not an axis in front."""
        value, dims = self.loose(node)
        if dims == plain(len(value.shape), value.batched):
            return value
        if value.batched and dims[0][:1] == (BATCH_AXIS,) and all(value.shape[axis] == 1 for axis in dims[0][1:]):
            dims = ((BATCH_AXIS,), *dims[1:])
        if value.batched and dims[0] != (BATCH_AXIS,):
            raise Refused(f"{self.node.target}: it takes a tensor whose batch is not an axis of its own, in front")
        value, dims = self.sorted(value, dims)
        own = dims[1:] if not value.batched and not dims[0] else dims  # an axis of one for the examples
        sizes = tuple(prod(value.shape[axis] for axis in entry) for entry in own if BATCH_AXIS not in entry)
        if sizes != value.shape:
            value = (
                self.then("flatten", {}, value, sizes)
                if len(sizes) == 1
                else self.then("reshape", {"sizes": sizes}, value, sizes)
            )
        self.t.values[node.name] = value
        self.t.layouts.pop(node.name, None)
        if own != dims:
            self.t.layouts[node.name] = ((), *plain(len(value.shape), False))
        return value

    def sorted(self, value: Value, dims: Dims) -> tuple[Value, Dims]:
        """Return a value whose axes are in the order of the tensor, with its layout."""
        order = sorting(len(value.shape), dims)
        if order == list(range(len(order))):
            return value, dims
        moved = [at for at, axis in enumerate(order) if at != axis]
        shape = tuple(value.shape[axis] for axis in order)
        if len(moved) == 2:
            return self.then("transpose", {"a": moved[0], "b": moved[1]}, value, shape), renumbered(dims, order)
        return self.then("permute", {"order": tuple(order)}, value, shape), renumbered(dims, order)

    def merged(self, node: Any, last: int) -> tuple[Value, Dims]:
        """Return the value of a node, sorted, whose `last` axes are one axis each, with its layout."""
        value, dims = self.sorted(*self.loose(node))
        if all(len(entry) == 1 for entry in dims[len(dims) - last :]):
            return value, dims
        sizes: list[int] = []
        entries: list[tuple[int, ...]] = []
        for at, entry in enumerate(dims):
            if at >= len(dims) - last and BATCH_AXIS not in entry:
                entries.append((len(sizes),))
                sizes.append(prod(value.shape[axis] for axis in entry))
            else:
                start = len(sizes)
                own = [axis for axis in entry if axis != BATCH_AXIS]
                sizes += [value.shape[axis] for axis in own]
                entries.append(tuple(BATCH_AXIS if axis == BATCH_AXIS else start + own.index(axis) for axis in entry))
        return self.then("reshape", {"sizes": tuple(sizes)}, value, tuple(sizes)), tuple(entries)

    def const(self, node: Any, shape: tuple[int, ...]) -> Value:
        """Return a constant as a value of a shape. Raise `Refused` if it has too many different numbers to be written."""
        tensor = self.constant(node)
        assert tensor is not None
        node = self.t.constants.origin(node)
        if (known := self.t.shared.get((node.name, shape))) is not None:
            return known
        key = self.t.constants.key_of(node)
        numbers = written(tensor)
        if numbers is None:
            raise TooManyNumbers(f"{self.node.target}: it computes with a table of {tensor.numel()} fixed numbers")
        args: dict[str, Any] = {"value": numbers}
        if isinstance(numbers, float) or shape != (tensor.numel(),):
            args["shape"] = shape
        if key is not None:
            if not self.t.constants.is_whole(node):
                raise Refused(f"{self.node.target}: it computes with a part of the buffer `{key}`")
            args["stored"] = True
        value, place = Value(shape, batched=False), self.place
        if len(node.users) > 1 and key is None and (home := _home(node)) is not None:
            self.t.shared[node.name, shape], place = value, home
        op = Apply("const", args, [], [value], key, place.module, place)
        value.producer = op
        self.extra.append(op)
        return value

    def unfolded(self, node: Any, many: TooManyNumbers | None = None) -> tuple[Value, Dims]:
        """Return a constant as the result of the ops that compute it. Raise `many` if the language lacks one of them."""
        known, layouts, before = dict(self.t.values), dict(self.t.layouts), self.t.unfolding
        self.t.unfolding = True
        try:
            self.extra += translate(self.t, node, _home(node) or self.place)
            return self.loose(node)
        except (Refused, SpecError) as refused:
            self.t.values.clear()
            self.t.values.update(known)
            self.t.layouts = layouts
            raise (many or refused) from refused
        finally:
            self.t.unfolding = before

    def _param(self, node: Any) -> Value:
        key = self.t.key(node)
        tensor = self.t.tensor(key)
        value = Value(tuple(tensor.shape), batched=False)
        op = Apply("param", {"shape": tuple(tensor.shape)}, [], [value], key, "", self.place)
        value.producer = op
        self.extra.append(op)
        self.t.values[node.name] = value
        return value

    def is_stored(self, node: Any) -> bool:
        """Whether a node is a stored tensor."""
        return hasattr(node, "name") and node.name in self.t.stored

    def prefix(self, *nodes: Any) -> str:
        """Return the key that stored tensors have in common, whose last part is `weight`, `bias` or the like."""
        for node in nodes:
            if self.is_stored(node) and len(shared := self.t.names_of(self.t.key(node))) > 1:
                raise SpecError(codes.importing.SharedTensor(shared[0], shared[1], str(self.place)))
        keys = {self.t.key(node).rpartition(".")[0] for node in nodes if node is not None and self.is_stored(node)}
        if len(keys) != 1 or any(node is not None and not self.is_stored(node) for node in nodes):
            raise Refused(f"{self.node.target}: its weights are computed, or do not belong to one module")
        names = [self.t.key(node).rpartition(".")[2] for node in nodes if node is not None]
        if any(name not in ("weight", "bias", "running_mean", "running_var") for name in names):
            raise Refused(f"{self.node.target}: its tensors are called {', '.join(names)}")
        return keys.pop()

    def axis(self, dim: int, node: Any | None = None) -> int:
        """Return an axis of a node as that of its value. Raise `Refused` for the batch axis, and for one that is several axes."""
        rank = len(self.shape(node))
        at = dim + rank if dim < 0 else dim
        source = self.t.values.get((node or self.node).name)
        if isinstance(source, Value):
            entry = self.loose(node)[1][at]
            if len(entry) != 1:
                raise Refused(f"{self.node.target}: it works on an axis that is several axes")
            if entry[0] != BATCH_AXIS:
                return entry[0]
            at = 0
        if at == 0:
            raise Refused(f"{self.node.target}: it works on the batch axis")
        return at - 1

    # -- results --

    def then(self, op: str, args: dict[str, Any], source: Value, shape: tuple[int, ...]) -> Value:
        """Return the result of an op that precedes that of the node."""
        value = Value(shape, source.batched)
        node = Apply(op, args, [source], [value], None, self.place.module, self.place)
        value.producer = node
        self.extra.append(node)
        return value

    def join(self, op: str, left: Value, right: Value) -> Value:
        """Return the result of a join of two values that precedes that of the node; the first one has all sizes."""
        value = Value(left.shape, left.batched or right.batched)
        node = Apply(op, {}, [left, right], [value], None, self.place.module, self.place)
        value.producer = node
        self.extra.append(node)
        return value

    def make(
        self, op: str, args: dict[str, Any], *inputs: Value, key: str | None = None, shape: tuple[int, ...] | None = None,
        dims: Dims | None = None,
    ) -> list[Apply]:  # fmt: skip
        """Return the op, and make its output the value of the node. Its axes are those of the tensor, unless `dims` has them."""
        traced = shape if shape is not None else self.shape()[1:]
        batched = any(value.batched for value in inputs)
        if not batched and shape is None:
            traced = self.shape()
        value = Value(traced, batched)
        node = Apply(op, args, list(inputs), [value], key, self.place.module, self.place)
        value.producer = node
        self.let(value, dims)
        return [*self.extra, node]

    def each(self, op: str, args: dict[str, Any], node: Any) -> list[Apply]:
        """Return an op that works on each number of its input."""
        value, dims = self.loose(node)
        return self.make(op, args, value, shape=value.shape, dims=dims)

    def let(self, value: Value, dims: Dims | None = None) -> list[Apply]:
        """Let the value of the node be this one: the operation changes nothing else."""
        self.t.values[self.node.name] = value
        if dims is not None and dims != plain(len(value.shape), value.batched):
            self.t.layouts[self.node.name] = dims
        return list(self.extra)

    def same(self, node: Any) -> list[Apply]:
        """Let the value of the node be that of another: the operation changes nothing."""
        return self.let(*self.loose(node))


def _home(node: Any) -> Place | None:
    """Return the module that computes a constant, which may be another one than that which reads it."""
    stack = node.meta.get("nn_module_stack")
    return Place([path for path, _ in stack.values()][-1]) if stack else None


def refuse_positions(step: Step) -> None:
    """Raise `Refused` if the second result of an operation, the positions of the largest numbers, is used."""
    if any(str(user.target) == "<built-in function getitem>" and user.args[1] == 1 and user.users for user in step.node.users):
        raise Refused(f"{step.node.target}: it takes the positions of the largest numbers")


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
    from archdsl.importers import (  # noqa: F401  # they add rules
        aten_arithmetic,
        aten_attention,
        aten_layers,
        aten_noise,
        aten_positions,
        aten_sampling,
        aten_shapes,
    )

    step = Step(translation, node, place)
    if aten_noise.random_alone(step):
        return []
    name = step.target
    found = RULES.get(name) or RULES.get(name.partition(".")[0]) or RULES.get(name.partition(".")[0].removesuffix("_"))
    if found is None:
        owner = getattr(node.target, "namespace", "aten")
        what = "a custom operation" if owner not in ("aten", "prim", "prims", "_operator", "builtins") else "PyTorch's"
        raise Lacking(f"{what} `{node.target}`" + (f", in `{place.code}`" if place.code else ""))
    return found(step)


def per_axis(value: Any, axes: int) -> int | tuple[int, ...]:
    """Return sizes per axis as one number if they agree."""
    sizes = (value,) * axes if isinstance(value, int) else tuple(value) * (axes if len(value) == 1 else 1)
    return sizes[0] if len(set(sizes)) == 1 else sizes
