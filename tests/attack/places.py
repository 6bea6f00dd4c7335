"""The modules of an interpreted network, and the places where its ops are applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tests.attack.layers import Bare
from tests.attack.program import Apply, Argument, Expression
from tests.attack.values import Refused, Value, evaluate

BATCH = 2


@dataclass
class Modules:
    """The modules of a network by key, and the convolutions that `bias = auto` leaves without a bias."""

    by_path: dict[str, nn.Module] = field(default_factory=dict)
    unbiased: frozenset[str] = frozenset()
    training: bool = False

    def train(self, mode: bool) -> None:
        """Set all modules to training or evaluation."""
        self.training = mode
        for module in self.by_path.values():
            module.train(mode)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return parameters and buffers by the keys of the `state_dict`."""
        found = {}
        for path, module in self.by_path.items():
            for key, tensor in module.state_dict(keep_vars=True).items():
                found[path if isinstance(module, Bare) else f"{path}.{key}"] = tensor
        return found


class Site:
    """The place where an op is applied."""

    def __init__(self, modules: Modules, path: str, scope: str = "") -> None:
        self.modules, self.path, self.scope = modules, path, scope
        self.training = modules.training
        self.macs = 0
        self.others: list[Value] = []
        self.chances: list[float] = []

    def module(self, make: Callable[[], nn.Module]) -> nn.Module:
        if self.path not in self.modules.by_path:
            self.modules.by_path[self.path] = make().double().train(self.training)
        return self.modules.by_path[self.path]

    def beside(self, key: str, make: Callable[[], nn.Module]) -> nn.Module:
        return Site(self.modules, self.scope + key).module(make)

    def shared(self, module: Any, op: str) -> list[Any]:
        match getattr(module, "stages", ()):
            case [Apply(name, arguments)] if name == op:
                self.path = module.path
                return [evaluate(each.value, module.names) for each in arguments]
        raise Refused(f"no module that is one {op}", "E0401", "E0206", "E0408")

    def bias(self, wanted: bool | str) -> bool:
        if not isinstance(wanted, bool) and wanted != "auto":
            raise Refused(f"bias = {wanted}", "E0401")
        return wanted if isinstance(wanted, bool) else self.path not in self.modules.unbiased

    def count(self, macs: int) -> None:
        self.macs += macs

    def random(self, probability: float) -> None:
        self.chances.append(probability)

    def value(self, name: Any) -> Value:
        if not isinstance(name, Value):
            raise Refused(f"{name} is no value", "E0401", "E0206", "E0201")
        self.others.append(name)
        return name


def bind(parameters: Sequence[str], arguments: Sequence[Argument], value: Callable[[Expression], Any]) -> dict[str, Any]:
    """Return arguments by the names of the parameters that they are for."""
    bound: dict[str, Any] = {}
    for at, argument in enumerate(arguments):
        if argument.name is None and at >= len(parameters):
            raise Refused("too many arguments", "E0404")
        name = argument.name or parameters[at]
        if name not in parameters:
            raise Refused(f"no parameter {name}", "E0202")
        if name in bound or (argument.name is None and any(each.name for each in arguments[:at])):
            raise Refused(f"{name} is given twice", "E0404")
        bound[name] = value(argument.value)
    return bound
