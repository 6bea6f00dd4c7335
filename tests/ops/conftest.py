"""How the tests of ops turn a lowering into a running module, without the emitter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.backends.torch import runtime, runtime_tokens
from archdsl.backends.torch.expressions import source
from archdsl.backends.torch.lowerings import Lowering, lower
from archdsl.ops import Op
from archdsl.shapes import Shape

NAMESPACE = {**vars(runtime), **vars(runtime_tokens), "torch": torch, "nn": nn, "F": F}


class Lowered(nn.Module):
    """An op as generated source would run it, in its module form or as a function."""

    def __init__(self, lowering: Lowering, form: str, count: int) -> None:
        super().__init__()
        self.module = eval(source(lowering.module), NAMESPACE) if form == "module" else None
        self.bare = eval(source(lowering.bare), NAMESPACE) if lowering.bare else None
        self.persistent = lowering.persistent
        name, sibling = lowering.sibling or ("", None)
        self.sibling = name
        if sibling is not None:
            setattr(self, name, eval(source(sibling), NAMESPACE))
        places = [f"inputs[{i}]" for i in range(count)]
        self.applied = source(lowering.applied, places, parameter="self.module") if lowering.applied else ""
        function = lowering.function
        self.text = source(function, places, training="training", parameter="bare") if function is not None else ""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Apply the op."""
        if self.module is not None:
            return eval(self.applied, NAMESPACE, {"inputs": inputs, "self": self}) if self.applied else self.module(*inputs)
        return eval(self.text, NAMESPACE, {"inputs": inputs, "self": self, "training": self.training, "bare": self.bare})

    def state(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """Shapes of parameters and of buffers in the `state_dict`, by key."""
        if self.module is None:
            own = {} if self.bare is None else {"": tuple(self.bare.shape)}
            parameters = own if isinstance(self.bare, nn.Parameter) else {}
            beside = {f"../{self.sibling}": tuple(getattr(self, self.sibling).shape)} if self.sibling else {}
            return parameters | beside, own if self.persistent else {}
        parameters = {key: tuple(t.shape) for key, t in self.module.named_parameters()}
        kept = self.module.state_dict()
        return parameters, {key: tuple(t.shape) for key, t in kept.items() if key not in parameters}


def _seeded(lowering: Lowering, form: str, count: int) -> Lowered:
    torch.manual_seed(0)
    return Lowered(lowering, form, count)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Threads cost more than they save on tensors this small."""
    torch.set_num_threads(1)


@pytest.fixture
def lowered() -> Callable[..., list[Lowered]]:
    """Every form of an op, for inputs of these shapes, with the same weights at every call."""

    def build(op: Op, *shapes: Shape, inplace: bool = False) -> list[Lowered]:
        lowering = lower(op, *shapes, inplace=inplace)
        forms = [form for form in ("module", "function") if getattr(lowering, form) is not None]
        assert forms
        return [_seeded(lowering, form, len(shapes)) for form in forms]

    return build
