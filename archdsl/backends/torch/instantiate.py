"""The emitted source as a live module: executed, visible in tracebacks, and able to be copied and pickled."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import Any

import torch
from torch import nn

from archdsl.backends.torch.emit import emit_module
from archdsl.ir import Graph


def build(
    graph: Graph,
    device: torch.device | str | None = None,
    *,
    aux: bool = True,
    dtype: torch.dtype | None = None,
    check_sizes: bool = True,
    inplace: bool = True,
) -> nn.Module:
    """Return the network as an `nn.Module` with fresh weights. `device` may be `meta`, which allocates nothing."""
    emitted = emit_module(graph, aux=aux, check_sizes=check_sizes, inplace=inplace)
    namespace = module_of(emitted.source, graph.name)
    with torch.device(device if device is not None else torch.get_default_device()):
        network: nn.Module = getattr(namespace, emitted.class_name)()
    return network.to(dtype) if dtype is not None else network


def module_of(source: str, name: str) -> ModuleType:
    """Return the Python module of a source, executed once; its lines show in tracebacks."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    key = f"archdsl_generated_{name}_{digest}"
    if key in sys.modules:
        return sys.modules[key]
    filename = f"<archdsl {name} {digest}>"
    module = ModuleType(key)
    module.__file__ = filename
    code = compile(source, filename, "exec")
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    sys.modules[key] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[key]
        raise
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == key and issubclass(value, nn.Module | tuple):
            value.__reduce_ex__ = _reducer(source, name)  # type: ignore[method-assign]
    return module


def _reducer(source: str, name: str) -> Any:
    """Return the function that pickles networks and results with the source of their class, for processes without it."""

    def reduce(self: Any, protocol: Any) -> tuple[Any, ...]:
        made = source, name, type(self).__qualname__
        return (_restore, (*made, tuple(self))) if isinstance(self, tuple) else (_restore, made, self.__dict__)

    return reduce


def _restore(source: str, name: str, class_name: str, items: tuple[Any, ...] = ()) -> Any:
    """Return a result with its fields, or a module without its state, which pickle fills in next."""
    cls = getattr(module_of(source, name), class_name)
    return cls.__new__(cls, *items)
