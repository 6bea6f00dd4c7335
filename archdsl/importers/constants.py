"""Tensors of a trace that follow from no input and no parameter, such as masks and coordinates: they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.importers.literal import Word

_FEW = 32
"""A person writes so many numbers of a constant."""
_RANDOM = ("rand", "bernoulli", "empty", "dropout", "normal", "uniform")
_LIKE = ("new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like")
"""Operations that take a tensor for its shape and type alone."""


def written(tensor: Tensor) -> Any:
    """Return the numbers of a constant as a person writes them; None if there are too many."""
    flat = tensor.detach().flatten().tolist()
    if len(set(flat)) == 1:
        return float(flat[0])
    if len(flat) > 2 and flat == list(range(len(flat))):
        return range(len(flat))
    return [float(n) for n in flat] if len(flat) <= _FEW else _powers(flat)


def _powers(values: list[float]) -> Word | None:
    """Return `[base^(i / n) for i in 0..n]` for numbers that grow from one by the same factor; None for others."""
    count = len(values)
    if abs(values[0] - 1) > 1e-6 or min(values) <= 0:
        return None
    base = float(f"{values[-1] ** (count / (count - 1)):.6g}")
    if any(abs(base ** (at / count) - value) > 3e-7 * value for at, value in enumerate(values)):
        return None
    return Word(f"[{base:g}^(i / {count}) for i in 0..{count}]")


class Constants:
    """The constants of a trace by the names of their nodes, and the stored buffers that they follow from."""

    def __init__(self, module: nn.Module, stored: Mapping[str, str]) -> None:
        self._stored = stored
        self._buffers = dict(module.named_buffers(remove_duplicate=False))
        self._kept = module.state_dict(keep_vars=True).keys()
        self._tensors: dict[str, Any] = {}
        self._keys: dict[str, str | None] = {}
        self._origins: dict[str, Any] = {}

    def add(self, name: str, tensor: Any) -> None:
        """Note the tensor of a node."""
        self._tensors[name], self._keys[name] = tensor, None

    def tensor(self, node: Any) -> Tensor | None:
        """Return the tensor of a node; None if it is no constant."""
        found = self._tensors.get(getattr(node, "name", ""))
        return found if isinstance(found, Tensor) else None

    def key_of(self, node: Any) -> str | None:
        """Return the key of the stored buffer that a constant follows from; None for other constants."""
        return self._keys.get(getattr(node, "name", ""))

    def origin(self, node: Any) -> Any:
        """Return the node whose constant a node only repeats for each example; itself for others."""
        return self._origins.get(node.name, node)

    def is_whole(self, node: Any) -> bool:
        """Whether a constant is a stored buffer itself, in some shape."""
        key, tensor = self.key_of(node), self.tensor(node)
        return key is not None and tensor is not None and torch.equal(tensor.flatten(), self._buffers[key].flatten())

    def fold(self, node: Any) -> bool:
        """Compute a node if it follows from constants alone. Return whether it does."""
        name = str(node.target).removeprefix("aten.").partition(".")[0]
        value = node.meta.get("val")
        if name in _LIKE and isinstance(value, Tensor):
            number = node.args[2] if name == "new_full" else node.args[1] if name == "full_like" else "ones" in name
            self.add(node.name, torch.full(tuple(int(n) for n in value.shape), number, dtype=value.dtype))
            return True
        for source in node.all_input_nodes:
            self._read(source)
        if any(source.name not in self._tensors for source in node.all_input_nodes) or any(word in name for word in _RANDOM):
            return False
        if not node.all_input_nodes and not isinstance(value, Tensor):
            return False
        if name.endswith("_") and self.key_of(node.args[0]) is not None:
            counted = node.args[0].name  # a counter, as that of batch norm, which nothing computes with
            self._tensors[node.name], self._keys[node.name] = self._tensors[counted], self._keys[counted]
            return True
        if name == "expand" and tuple(value.shape[1:]) == tuple(self._tensors[node.args[0].name].shape[1:]):
            source = self.origin(node.args[0])  # the same for each example
            self._tensors[node.name], self._keys[node.name] = self._tensors[source.name], self._keys[source.name]
            self._origins[node.name] = source
            return True
        self._compute(node)
        return True

    def _read(self, node: Any) -> None:
        """Note the tensor of a node that is a buffer."""
        key = self._stored.get(node.name)
        if key in self._buffers and node.name not in self._tensors:
            self._tensors[node.name] = self._buffers[key].detach().clone()
            self._keys[node.name] = key if key in self._kept else None

    def _compute(self, node: Any) -> None:
        arguments = torch.fx.node.map_arg((node.args, node.kwargs), lambda source: self._tensors[source.name])
        with torch.no_grad():
            self._tensors[node.name] = node.target(*arguments[0], **arguments[1])
        self._keys[node.name] = next((key for n in node.all_input_nodes if (key := self._keys[n.name]) is not None), None)
