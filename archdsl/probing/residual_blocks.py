"""The residual blocks of a traced network: additions of a short branch and of deeper ones from the same value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import fx

from archdsl.probing.tracing import Traced, branches, dominators, is_addition


class ResidualBlock(NamedTuple):
    """A residual block: the value from which its branches start, and its additions.

    For each addition and each branch that it takes, `passes` says whether the branch is the skip connection.
    """

    fork: fx.Node
    passes: Mapping[tuple[fx.Node, fx.Node], bool]


def residual_blocks(traced: Traced) -> list[ResidualBlock]:
    """Return the residual blocks in the order in which they run.

    All branches of the addition start from one value, and one of them, the skip connection, has fewer weight layers than every
    other one: none, or the one of a projection. Of blocks inside one another, the innermost count, so that a long skip connection
    around others, as in a U-Net, is none.
    """
    above = dominators(traced.depths)
    depths, found, ends = traced.depths, [], set[fx.Node]()
    for step in traced.steps:
        node, fork = step.node, above.get(step.node)
        if not is_addition(node) or fork is None:
            continue
        skip, other, *_ = sorted(branches(node, depths), key=depths.__getitem__)
        layers = depths[skip] - depths[fork]
        if layers > 1 or depths[other] == depths[skip]:
            continue
        inside, additions = _between(fork, node, traced)
        if not inside & ends:
            passes = {(add, given): given is skip for add in additions for given in add.all_input_nodes if given in depths}
            found.append(ResidualBlock(fork, {pair: skips for pair, skips in passes.items() if pair[1] not in additions}))
            ends.add(node)
    return found


def _between(fork: fx.Node, end: fx.Node, traced: Traced) -> tuple[set[fx.Node], set[fx.Node]]:
    """Return the values between two others, and the additions of which the second one consists: two for `a + b + c`."""
    direct = set(branches(end, traced.depths))
    inside: set[fx.Node] = set()
    additions, waiting = {end}, [end]
    while waiting:
        for given in waiting.pop().all_input_nodes:
            if given in traced.depths and given is not fork and given not in inside:
                inside.add(given)
                waiting.append(given)
    pending = [end]
    while pending:
        parts = [given for given in pending.pop().all_input_nodes if given in traced.depths and given not in direct]
        additions.update(parts)
        pending += parts
    return inside, additions
