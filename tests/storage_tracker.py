"""A tracker of storages: the bytes of all tensors that exist at once, on any device, as PyTorch's dispatcher sees them."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archdsl.network import Network
from tests.networks import meta_inputs


class StorageTracker(TorchDispatchMode):
    """Counts the storages that operators return, each until it is freed; `live` bytes now, `peak` bytes at most."""

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def add(self, tensor: torch.Tensor) -> None:
        """Count the storage of a tensor."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known[key] = weakref.ref(storage, lambda _: self._freed(key, size))
            self.live += size
            self.peak = max(self.peak, self.live)

    def _freed(self, key: int, size: int) -> None:
        if self._known.pop(key, None) is not None:
            self.live -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.add(leaf)
        return result


class Tracked(NamedTuple):
    """Bytes of parameters, buffers and inputs; after the forward pass; and at most."""

    before: int
    forward: int
    peak: int


def tracked(network: Network, batch: int, *, training: bool, sizes: dict[str, int]) -> Tracked:
    """Return what a tracker measures on the meta device: of inference, or of a forward and a backward pass."""
    module = network.build(device="meta").train(training)
    inputs = meta_inputs(network, batch, sizes)
    with StorageTracker() as tracker, torch.set_grad_enabled(training):
        for tensor in (*module.parameters(), *module.buffers(), *inputs):
            tracker.add(tensor)
        before = tracker.live
        result = module(*inputs)
        forward = tracker.live
        if training:
            results = [result] if isinstance(result, torch.Tensor) else list(result)
            torch.autograd.backward(results, [torch.empty_like(one) for one in results])
    return Tracked(before, forward, tracker.peak)
