"""Weight initialization in generated source: a loop over the kinds of module where all of a kind start alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from archdsl.backends.torch.plan import Leaf, Part
from archdsl.initializers import Initializer
from archdsl.ir.unrolled import Graph


def initialization_lines(graph: Graph, root: Part) -> list[str]:
    """The lines at the end of the network's constructor; none where nothing says how weights start."""
    by_target: dict[str, list[tuple[str, Initializer | None]]] = defaultdict(list)
    weightless: set[str] = set()
    for step, target in _constructed(root):
        if _weighted(graph, step):
            by_target[target].append((step.node.path, graph.initializer(step.node)))
        else:
            weightless.add(target)
    kinds: dict[Initializer, list[str]] = defaultdict(list)
    places: dict[Initializer, list[str]] = defaultdict(list)
    for target, found in by_target.items():
        rules = dict.fromkeys(rule for _, rule in found)
        if len(rules) == 1:
            rule = next(iter(rules))
            if rule is not None:
                kinds[rule].append(target)
            continue
        for path, rule in found:
            if rule is not None:
                places[rule].append(path)
    return [*_by_kind(kinds, weightless), *_by_place(places)]


def _constructed(root: Part) -> Iterator[tuple[Leaf, str]]:
    """Every op that has a module, with that module's class."""
    pending: list[Part] = [root]
    while pending:
        for step in pending.pop().steps:
            if isinstance(step, Part):
                pending.append(step)
            elif step.lowering.module is not None:
                yield step, str(step.lowering.module.target)


def _weighted(graph: Graph, step: Leaf) -> bool:
    return "weight" in step.node.op.parameters(*graph.input_shapes(step.node))


def _by_kind(kinds: dict[Initializer, list[str]], weightless: set[str]) -> list[str]:
    """A branch for each rule; a kind of which some have no weight, such as `nn.BatchNorm2d`, asks for it."""
    if not kinds:
        return []
    lines = ["        for module in self.modules():"]
    for position, (rule, targets) in enumerate(kinds.items()):
        tested = targets[0] if len(targets) == 1 else f"({', '.join(targets)})"
        asked = " and module.weight is not None" if weightless.intersection(targets) else ""
        lines.append(f"            {'if' if position == 0 else 'elif'} isinstance(module, {tested}){asked}:")
        lines += [" " * 16 + line for line in _fill(rule)]
    return lines


def _by_place(places: dict[Initializer, list[str]]) -> list[str]:
    lines: list[str] = []
    for rule, paths in places.items():
        lines.append("        for name in (")
        lines += [f"            {path!r}," for path in paths]
        lines += ["        ):", "            module = self.get_submodule(name)"]
        lines += [" " * 12 + line for line in _fill(rule)]
    return lines


def _fill(rule: Initializer) -> list[str]:
    arguments = "".join(f", {name}={value!r}" for name, value in rule.arguments().items())
    return [
        f"nn.init.{rule.function}(module.weight{arguments})",
        'if getattr(module, "bias", None) is not None:',
        "    nn.init.zeros_(module.bias)",
    ]
