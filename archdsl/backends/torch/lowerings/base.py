"""The table of lowerings: for each op class, the function that writes it in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from archdsl.backends.torch.expressions import Argument, Call, Expr, Listed, Target, X, nn
from archdsl.ops import Op
from archdsl.shapes import Shape


class Lowering(NamedTuple):
    """The forms of an op; at least one of `module` and `function`.

    `module` constructs an `nn.Module` that is called with the op's inputs. `function` is an expression of the inputs, for
    ops without state. `parameter` constructs a bare `nn.Parameter`, which `function` uses as `Own.PARAMETER`; `buffer` a tensor
    that becomes a buffer in no `state_dict`, which it uses likewise, unless it is `persistent`. A `sibling` is a
    second bare parameter, with its name in the module around the op. `applied` is how `forward` calls the
    module, if not with the inputs alone.
    """

    module: Call | None = None
    function: Expr | None = None
    parameter: Call | None = None
    buffer: Call | None = None
    persistent: bool = False
    sibling: tuple[str, Call] | None = None
    applied: Expr | None = None

    @property
    def bare(self) -> Call | None:
        """What constructs the parameter or buffer that an op has in place of a module."""
        return self.parameter or self.buffer

    @property
    def constructor(self) -> Call | Listed | None:
        """What constructs the op's module, or its bare tensors."""
        own = self.bare or self.module
        return own if self.sibling is None else Listed((Argument(own), Argument(self.sibling[1])))


class Rule(Protocol):
    """Return the lowering of an op for its input shapes. With `inplace`, the first input may be overwritten."""

    def __call__(self, op: Any, *inputs: Shape, inplace: bool = False) -> Lowering: ...  # noqa: D102


_rules: dict[type[Op], Rule] = {}
R = TypeVar("R", bound=Rule)


def lowers(*ops: type[Op]) -> Callable[[R], R]:
    """Register a function as the rule for some op classes. Raise `ValueError` if one has a rule already."""

    def register(rule: R) -> R:
        for op in ops:
            if op in _rules:
                raise ValueError(f"two lowerings of `{op.name}` to PyTorch")
            _rules[op] = rule
        return rule

    return register


def has_lowering(op: type[Op]) -> bool:
    """Return whether PyTorch code can be written for an op."""
    return op in _rules


def lower(op: Op, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return how an op is written for inputs of these shapes. With `inplace`, its first input may be overwritten.

    Raise `NotImplementedError` if the op has no lowering.
    """
    rule = _rules.get(type(op))
    if rule is None:
        raise NotImplementedError(f"`{op.name}` has no lowering to PyTorch: add one to archdsl/backends/torch/lowerings")
    return rule(op, *inputs, inplace=inplace)


def weight_normed(module: Call, wanted: bool) -> Call:
    """Return a module whose weight is a length times a direction, if that is wanted."""
    return Call(nn("utils.parametrizations.weight_norm"), (Argument(module),)) if wanted else module


def normed_module(module: Call) -> Call | None:
    """Return the module inside of `weight_norm`; None if it is not under one."""
    inner = module.arguments[0].value if module.target == nn("utils.parametrizations.weight_norm") else None
    return inner if isinstance(inner, Call) else None


def both(module: Target, function: Target, *arguments: Argument) -> Lowering:
    """Return a module and the function of the same arguments: `nn.MaxPool2d(2)` and `F.max_pool2d(x, 2)`."""
    return Lowering(Call(module, arguments), Call(function, (X, *arguments)))
