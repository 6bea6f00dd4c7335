"""The forms of a network that are compared, and how each is made. A further one, such as that of an export, is one more entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from archdsl.network import Network

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
DTYPES: Final[Mapping[str, torch.dtype]] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

Runner: TypeAlias = Callable[..., Any]
"""What is measured: it takes the inputs, and computes the outputs or does a step of training."""


@dataclass(frozen=True)
class Subject:
    """What a form is made of: the network, the weights of its plain module, and the inputs on their device."""

    network: Network
    weights: Mapping[str, Tensor]
    inputs: Sequence[Tensor]
    device: torch.device
    precision: Precision = "fp32"
    train: bool = False

    def plain(self) -> nn.Module:
        """Return the plain module: for training in fp32, since autocast chooses the dtype of each op, else in evaluation mode."""
        dtype = torch.float32 if self.train else DTYPES[self.precision]
        return self.network.build(device=self.device, dtype=dtype, weights=self.weights).train(self.train)

    def optimized(self) -> nn.Module:
        """Return the optimized module."""
        return self.network.build(device=self.device, dtype=DTYPES[self.precision], weights=self.weights, optimize=True)

    def runner(self, module: Runner, parameters: Sequence[nn.Parameter]) -> Runner:
        """Return what is measured of a module: the call itself, or a step of training."""
        return _Step(module, parameters, self.device, self.precision) if self.train else module


class Form(NamedTuple):
    """A form: what it is, how to make it, and whether it is one for training."""

    about: str
    make: Callable[[Subject], tuple[Runner, int]]
    """Return what is measured, and the bytes of its weights."""
    trains: bool = False


class _Step:
    """A step of training: the mean square of all outputs as the loss, its gradients, and SGD with momentum."""

    def __init__(self, module: Runner, parameters: Sequence[nn.Parameter], device: torch.device, precision: Precision) -> None:
        self._module = module
        self._optimizer = torch.optim.SGD(parameters, lr=1e-6, momentum=0.9)
        self._cast = torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32")

    def __call__(self, *inputs: Tensor) -> None:
        self._optimizer.zero_grad()
        with self._cast:
            outputs = self._module(*inputs)
        tensors = [outputs] if isinstance(outputs, Tensor) else outputs
        torch.stack([tensor.float().square().mean() for tensor in tensors]).sum().backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()


def _eager(subject: Subject) -> tuple[Runner, int]:
    module = subject.plain()
    return subject.runner(module, list(module.parameters())), _bytes(module, subject.train)


def _optimized(subject: Subject) -> tuple[Runner, int]:
    module = subject.optimized()
    return module, _bytes(module)


def _compiled(subject: Subject) -> tuple[Runner, int]:
    module = subject.plain() if subject.train else subject.optimized()
    mode = "reduce-overhead" if subject.device.type == "cuda" and not subject.train else None
    compiled: Runner = torch.compile(module, mode=mode, dynamic=False)
    return subject.runner(compiled, list(module.parameters())), _bytes(module, subject.train)


def _exported(subject: Subject) -> tuple[Runner, int]:
    module = subject.optimized()
    program = torch.export.export(module, tuple(subject.inputs))
    return program.module(), _bytes(module)


def _bytes(module: nn.Module, train: bool = False) -> int:
    """Return the memory of parameters and buffers, and of the momentum in training."""
    parameters = sum(parameter.nbytes for parameter in module.parameters())
    return parameters * (2 if train else 1) + sum(buffer.nbytes for buffer in module.buffers())


FORMS: Final[dict[str, Form]] = {
    "eager": Form("the plain module", _eager, trains=True),
    "optimized": Form("`build(optimize=True)`", _optimized),
    "compiled": Form("the optimized module under `torch.compile`; in training the plain one", _compiled, trains=True),
    "exported": Form("the program that `torch.export` makes of the optimized module", _exported),
}
"""The forms by name, in the order of the table. Others may add theirs, such as runners of exported files."""
