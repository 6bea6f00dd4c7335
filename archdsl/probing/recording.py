"""Run a traced module: keep the values of its steps with their gradients, and open or close branches in the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx

from archdsl.probing.residual_blocks import ResidualBlock
from archdsl.probing.tracing import Traced


class Gates:
    """Which branch of each residual block lets gradients pass, for each example of a batch: set between backward passes."""

    def __init__(self, blocks: Sequence[ResidualBlock]) -> None:
        self.at = {pair: (number, skips) for number, block in enumerate(blocks) for pair, skips in block.passes.items()}
        self.residual: Tensor = torch.empty(0)
        """[blocks, examples]: 1 for the residual branch, 0 for the skip connection."""

    def factor(self, block: int, skips: bool, gradient: Tensor) -> Tensor:
        """Return what to multiply the gradient of a branch with."""
        chosen = self.residual[block].to(gradient.dtype)
        return (1 - chosen if skips else chosen).reshape(-1, *[1] * (gradient.ndim - 1))


class _Gate(torch.autograd.Function):
    """The identity, whose gradient a gate lets pass or not."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gates: Gates, block: int, skips: bool) -> Tensor:
        ctx.gate = gates, block, skips
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gates, block, skips = ctx.gate
        return gradients[0] * gates.factor(block, skips, gradients[0]), None, None, None


class Recording(fx.Interpreter):
    """One run of a traced module. `values` has the values of the wanted nodes, which keep their gradients."""

    def __init__(self, traced: Traced, wanted: Sequence[fx.Node], gates: Gates | None = None) -> None:
        super().__init__(traced.graph)
        self._wanted, self._gates = frozenset(wanted), gates
        self.values: dict[fx.Node, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, and keep its value."""
        value = super().run_node(n)
        if n in self._wanted and isinstance(value, Tensor) and value.is_floating_point():
            if value.requires_grad and not value.is_leaf:
                value.retain_grad()
            self.values[n] = value
        return value

    def fetch_args_kwargs_from_env(self, n: fx.Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a node, behind gates if it adds the branches of a residual block."""
        args, kwargs = super().fetch_args_kwargs_from_env(n)
        if self._gates is None:
            return args, kwargs
        places = [self._gates.at.get((n, given)) if isinstance(given, fx.Node) else None for given in n.args]
        gated = [
            value if place is None else _Gate.apply(value, self._gates, *place)  # type: ignore[no-untyped-call]
            for value, place in zip(args, places, strict=True)
        ]
        return tuple(gated), kwargs
