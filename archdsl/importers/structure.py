"""From what happens inside a call to statements: pipelines, joins, residual connections, heads.

A join whose branches all begin at one value, and whose values nothing else reads, becomes a single step from that value to its
result. This is repeated from the inside out. What remains is a list of steps in the order of execution; a value that is not the
last one, and is read later, gets a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archdsl.importers.model import Apply, Call, Node, Value
from archdsl.importers.statements import Statement
from archdsl.importers.steps import Step, below, call_count, is_empty, needed_names, sole
from archdsl.importers.writer import Writer, operand_names

_HINTS = {"like": "whole", "a": "", "b": ""}
"""Names of operands that say little about the value."""
_LONG = 12
"""A branch of many more steps than this is not put into the braces of a join whose other branch is empty."""

_SEVERAL, _SHORT = 3, 2
"""A join of so many values has branches of at most so many steps that begin at values with names, as the fusions of HRNet."""
_APART = 3
"""A branch of so many layers or modules is not put into a concatenation of two in a list of layers."""


class Structure:
    """Makes statements of calls. `blocks` says which calls are calls of a block; others stand as groups, or are one op."""

    def __init__(self, blocks: set[Call], heads: dict[Value, str], outputs: dict[Value, str]) -> None:
        self.blocks, self._heads, self._outputs = blocks, heads, outputs
        self._consumers: dict[Value, list[Apply]] = {}

    def learn(self, main: Call) -> None:
        """Note who reads each value, for its name, and for biases that a normalization cancels."""
        from archdsl.importers.model import applications

        for node in applications(main):
            for value in node.reads:
                self._consumers.setdefault(value, []).append(node)
            named = dict(zip(operand_names(node), node.inputs, strict=False)) if len(node.inputs) > 1 else {}
            for name, value in {**named, **node.operands}.items():
                value.hint = value.hint or _HINTS.get(name, name)

    def statements(self, call: Call) -> list[Statement]:
        """Return the statements of a call's body."""
        nodes = [node if isinstance(node, Call) and node.shared else sole(node) for node in call.body]
        steps = [self._step(node) for node in nodes if not is_empty(node)]
        final = [value for value in call.outputs if value not in self._heads]
        steps = self._with_heads(steps, call)
        steps = self._collapsed(steps, final, call)
        return self._written(steps, call, final)

    def _step(self, node: Node) -> Step:
        if isinstance(node, Apply):
            return Step(list(node.inputs), list(node.outputs), node, operands=list(node.operands.values()))
        return Step(list(node.inputs), list(node.outputs), node)

    # -- auxiliary heads --

    def _with_heads(self, steps: list[Step], call: Call) -> list[Step]:
        """Make one step of all that only serves a head."""
        made_here = {value: step for step in steps for value in step.outputs}
        heads = self._heads.items() if call.path == "" else ()
        for value, name in [*((v, n) for v, n in heads if v in call.outputs), *self._further(call, made_here)]:
            if value not in made_here:
                continue
            kind = "aux" if value in self._heads else "output"
            chain: list[Step] = []
            at = value
            while kind == "aux" and at in made_here and len(made_here[at].inputs) == 1 and not made_here[at].operands:
                readers = [step for step in steps if at in step.reads]
                if (readers and chain == []) or len(readers) > 1 or (at is not value and at in call.outputs):
                    break
                chain.insert(0, made_here[at])
                at = chain[0].inputs[0]
            head = Step([at], [], head=(kind, name), chain=chain)
            if chain:
                steps = [step for step in steps if step not in chain]
                steps.insert(self._after(steps, at), head)
            else:
                steps = [*steps[: self._after(steps, at)], head, *steps[self._after(steps, at) :]]
        return steps

    def _further(self, call: Call, made: Iterable[Value]) -> list[tuple[Value, str]]:
        """Return the further outputs of the network. A module has those that it does not hand on, as a detector's head."""
        if call.path == "":
            outputs = [value for value in call.outputs if value in self._outputs][1:]
        else:
            outputs = [value for value in made if value in self._outputs and value not in call.outputs]
        return [(value, self._outputs[value]) for value in outputs]

    @staticmethod
    def _after(steps: list[Step], value: Value) -> int:
        return next((at + 1 for at, step in enumerate(steps) if value in step.outputs), 0)

    # -- joins --

    def _collapsed(self, steps: list[Step], final: list[Value], call: Call) -> list[Step]:
        """Make one step of each join whose branches begin at one value."""
        changed = True
        while changed:
            changed = False
            for step in steps:
                joined = self._with_branches(step, steps, final, call.origin.flat)
                if joined is not None:
                    inside = [inner for branch in joined.branches for inner in branch]
                    at = steps.index(step)
                    steps = [
                        joined if other is step else other
                        for position, other in enumerate(steps)
                        if other not in inside or position > at
                    ]
                    changed = True
                    break
        return steps

    def _with_branches(self, step: Step, steps: list[Step], final: list[Value], flat: bool) -> Step | None:
        """Return one step for a join and all of its branches, which begin at one value, or at the parts of a split."""
        if not isinstance(step.node, Apply) or not step.node.is_join:
            return None
        if (found := self._branches(step, steps, final, flat)) is not None:
            return Step([found[0]], step.outputs, join=step.node, branches=found[1])
        if (parted := _of_parts(step, steps, final) or _of_names(step, steps, final)) is not None:
            return Step(parted[0], step.outputs, join=step.node, branches=parted[1], starts=parted[0])
        return None

    def _branches(self, join: Step, steps: list[Step], final: list[Value], flat: bool) -> tuple[Value, list[list[Step]]] | None:
        """Return the value at which all branches of a join begin, and the branches; None if there is no such value."""
        reads = _reads(steps, final)
        chains = _chains(join, steps, reads)
        branches, origins = [chain for chain, _ in chains], [origin for _, origin in chains]
        known = [origin for origin in origins if origin is not None]
        if not known:
            return None
        origin = known[0]
        if len(set(known)) > 1:
            cut = self._shortened(branches, origins)
            if cut is None:
                return None
            origin, branches = cut
        if flat and join.node.op == "concat" and len(branches) == 2:  # type: ignore[union-attr]
            if max(map(call_count, branches)) >= _APART:
                return None
        if reads[origin] > 1 and any(not branch for branch in branches):
            if not _is_readable(join, branches) or _parts_a_family(join, origin, branches, steps):
                return None
        return origin, branches

    @staticmethod
    def _shortened(branches: list[list[Step]], origins: list[Value | None]) -> tuple[Value, list[list[Step]]] | None:
        """Return the latest value that lies on every branch, and what follows it; None if there is none."""
        paths: list[list[Value]] = []
        for branch, origin in zip(branches, origins, strict=True):
            if origin is None:
                continue
            paths.append([origin, *(step.outputs[0] for step in branch)])
        common = [value for value in paths[0] if all(value in path for path in paths[1:])]
        if not common:
            return None
        at = common[-1]
        cut = []
        for branch, origin in zip(branches, origins, strict=True):
            if origin is None:
                cut.append(branch)
            else:
                path = [origin, *(step.outputs[0] for step in branch)]
                cut.append(branch[path.index(at) :])
        return at, cut

    # -- writing --

    def _written(self, steps: list[Step], call: Call, final: list[Value]) -> list[Statement]:
        current: Value | None = call.inputs[0] if call.inputs else None
        written = Writer(self, call, current)
        needed = needed_names(steps, current, final if call.path else final[:1])
        written.names = needed
        if current is not None and current in needed and call.path != "":
            written.mark(current)
        for step in steps:
            written.step(step)
        if final and written.current is not final[0] and (len(final) == 1 or not call.path):
            written.start(final[0])
        return written.statements

    def label(self, node: Apply, call: Call) -> str | None:
        """Return the key of an op below that of the call around it."""
        return None if node.key is None else below(node.key, call.path)

    def auto_bias(self, node: Apply) -> bool:
        """Return whether `bias = auto` is a bias: not if the only consumer subtracts the mean of each channel."""
        readers = self._consumers.get(node.outputs[0], [])
        if len(readers) != 1:
            return True
        after = readers[0]
        return not (after.op in ("bn", "instance_norm") or (after.op == "gn" and after.args["groups"] == node.args["out"]))


def _chain(value: Value, makers: dict[Value, Step], reads: Counter[Value]) -> tuple[list[Step], Value | None]:
    """Return the steps that only lead to a value, and the value at which they begin; None if they begin with nothing."""
    chain: list[Step] = []
    at = value
    while reads[at] == 1 and at in makers:
        step = makers[at]
        if step.head or len(step.outputs) > 1 or step.operands or len(step.inputs) > 1:
            break
        chain.insert(0, step)
        if not step.inputs:
            return chain, None
        at = step.inputs[0]
    return chain, at


def _makers(steps: list[Step]) -> dict[Value, Step]:
    return {value: step for step in steps for value in step.outputs}


def _reads(steps: list[Step], final: list[Value]) -> Counter[Value]:
    """Return how often each value is read by steps, or as a result."""
    return Counter([*(value for step in steps for value in step.reads), *final])


def _chains(join: Step, steps: list[Step], reads: Counter[Value]) -> list[tuple[list[Step], Value | None]]:
    """Return the chain of steps that leads to each input of a join, and the value at which it begins."""
    makers = _makers(steps)
    return [_chain(value, makers, reads) for value in join.inputs]


def _of_parts(join: Step, steps: list[Step], final: list[Value]) -> tuple[list[Value], list[list[Step]]] | None:
    """Return the parts of a split at which the branches of a join begin, and the branches; None if they begin elsewhere."""
    makers = _makers(steps)
    chains = _chains(join, steps, _reads(steps, final))
    origins = [origin for _, origin in chains if origin is not None]
    sources = {id(makers[origin]) for origin in origins if origin in makers and len(makers[origin].outputs) > 1}
    branches = [chain for chain, _ in chains]
    layers = [branch for branch in branches if call_count(branch) == len(branch) == 1]
    if len(sources) != 1 or len(set(origins)) != len(join.inputs) or len(layers) < 2 or max(map(len, branches)) > 1:
        return None
    return origins, branches


def _of_names(join: Step, steps: list[Step], final: list[Value]) -> tuple[list[Value], list[list[Step]]] | None:
    """Return the values at which the branches of a join begin, and the branches, if short ones begin at several values."""
    chains = _chains(join, steps, _reads(steps, final))
    branches, origins = [chain for chain, _ in chains], [origin for _, origin in chains if origin is not None]
    several = len({origin for chain, origin in chains if chain}) > 1
    if not several or not len(origins) == len(chains) >= _SEVERAL or max(map(len, branches)) > _SHORT:
        return None
    return origins, branches


def _parts_a_family(join: Step, origin: Value, branches: list[list[Step]], steps: list[Step]) -> bool:
    """Whether a branch at a lower resolution has the last member of a family, as `enc[4]` of a U-Net, and others are outside."""
    branch = max(branches, key=len)
    if (
        not isinstance(join.node, Apply)
        or join.node.op != "concat"
        or not any(value.shape[1:] < origin.shape[1:] for step in branch for value in step.outputs)
    ):
        return False
    inside, outside = _families(branch), _families([step for step in steps if step not in branch])
    return not inside.isdisjoint(outside)


def _families(steps: list[Step]) -> set[str]:
    """Return the paths of the numbered modules that steps are, without their numbers."""
    nodes = [step.node for step in steps if isinstance(step.node, Call) or (step.node is not None and step.node.key is not None)]
    paths = [node.path.rpartition(".") for node in nodes]
    return {base for base, _, last in paths if base and last.isdigit()}


def _is_readable(join: Step, branches: list[list[Step]]) -> bool:
    """Whether a join with an empty branch reads better than names: its other branch is short, and joins nothing itself."""
    longest = max(branches, key=lambda branch: sum(step.size for step in branch))
    nested = max((step.depth for step in longest if step.join is not None and step.join.op == "concat"), default=0)
    if isinstance(join.node, Apply) and join.node.op == "concat" and nested:
        return False
    return sum(step.size for step in longest) <= 4 * _LONG or call_count(longest) <= _LONG
