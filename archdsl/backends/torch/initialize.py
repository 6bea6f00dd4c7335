"""Weight initialization in generated source: one loop over the modules, with a branch for each rule."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from archdsl.backends.torch.attributes import quoted
from archdsl.backends.torch.lowerings.base import normed_module
from archdsl.backends.torch.module_nodes import ModuleNode, OpStep
from archdsl.backends.torch.module_tree import ModuleTree
from archdsl.backends.torch.pretty_print import Expression, Group, entry, lines
from archdsl.backends.torch.runtime_source import layer_class
from archdsl.initializers import Initializer
from archdsl.ir import Graph, join_path
from archdsl.ops.base import WeightedOp


class _Kind:
    """The modules of one class of PyTorch: how often each rule fills their weights, and which tensors they have."""

    def __init__(self) -> None:
        self.rules: Counter[Initializer | None] = Counter()
        self.with_weight: set[bool] = set()
        self.with_bias: set[bool] = set()

    @property
    def usual(self) -> Initializer | None:
        """The rule of most of them, unless some have none: then each place is named."""
        return None if None in self.rules or not self.rules else self.rules.most_common(1)[0][0]


_Form: TypeAlias = Literal["plain", "normed", "transposed"]


class _Layer(NamedTuple):
    """A class of layers, and whether their weight is under `weight_norm`, so that it has to be assigned."""

    name: str
    normed: bool

    @property
    def form(self) -> _Form:
        """How a rule fills the weight."""
        return "normed" if self.normed else "transposed" if self.name == "TransposedLinear" else "plain"


_NORMED = "nn.utils.parametrize.is_parametrized(module)"


class _Branch(NamedTuple):
    """A rule with the test of the modules that it fills."""

    test: Expression
    rule: Initializer
    bias: str
    form: _Form


def initialization_lines(graph: Graph, tree: ModuleTree) -> list[str]:
    """Return the lines at the end of the network's constructor; none if nothing says how weights start."""
    if not graph.initializers and not any(_own_rules(tree)):
        return []
    kinds: dict[_Layer, _Kind] = defaultdict(_Kind)
    for module in tree.in_order:
        for step, layer in _constructed(module):
            tensors = step.node.op.parameters(*step.node.input_shapes)
            kind = kinds[layer]
            kind.with_weight.add(_has_weight(tensors))
            if _has_weight(tensors):
                kind.with_bias.add("bias" in tensors)
                kind.rules[graph.initializer(step.node.op)] += 1
    if not any(rule is not None for kind in kinds.values() for rule in kind.rules):
        return []
    branches = [*_by_place(graph, tree, kinds), *_by_kind(kinds)]
    named = any(len(kind.rules) > 1 for kind in kinds.values())
    found = ["        for name, module in self.named_modules():" if named else "        for module in self.modules():"]
    for position, branch in enumerate(branches):
        found += lines(entry("elif " if position else "if ", branch.test, ":"), 12)
        found += [" " * 16 + line for line in _fill(branch)]
    return found


def _own_rules(tree: ModuleTree) -> Iterator[bool]:
    """Yield for each op whether it has a rule of its own."""
    for module in tree.in_order:
        for step in module.steps:
            if isinstance(step, OpStep) and isinstance(step.node.op, WeightedOp):
                yield step.node.op.init is not None


def _constructed(module: ModuleNode) -> Iterator[tuple[OpStep, _Layer]]:
    """Yield every op of a function that has a module, with that module's class."""
    for step in module.steps:
        if isinstance(step, OpStep) and step.lowering.module is not None and step.constructed:
            normed = normed_module(step.lowering.module)
            target = (normed or step.lowering.module).target
            name = layer_class(target.name) if target.namespace == "runtime" else str(target)
            yield step, _Layer(name, normed is not None)


def _has_weight(tensors: Mapping[str, object]) -> bool:
    return any(name == "weight" or name.startswith("parametrizations.weight.") for name in tensors)


def _by_kind(kinds: dict[_Layer, _Kind]) -> Iterator[_Branch]:
    """Yield a branch for each rule that fills all modules of some classes that have not been filled by their names."""
    targets: dict[tuple[_Form, Initializer], list[_Layer]] = defaultdict(list)
    for layer in sorted(kinds, key=lambda layer: not layer.normed):
        usual = kinds[layer].usual
        if usual is not None:
            targets[layer.form, usual].append(layer)
    for (form, rule), layers in targets.items():
        names = [layer.name for layer in layers]
        tested = names[0] if len(names) == 1 else f"({', '.join(names)})"
        asked = " and module.weight is not None" if any(False in kinds[layer].with_weight for layer in layers) else ""
        if any(layer._replace(normed=not layer.normed) in kinds for layer in layers):
            asked += f" and {'' if form == 'normed' else 'not '}{_NORMED}"
        yield _Branch(f"isinstance(module, {tested}){asked}", rule, _bias([kinds[layer] for layer in layers]), form)


def _by_place(graph: Graph, tree: ModuleTree, kinds: dict[_Layer, _Kind]) -> Iterator[_Branch]:
    """Yield a branch for each rule of single modules, by their names."""
    special = {layer for layer, kind in kinds.items() if len(kind.rules) > 1}
    places: dict[tuple[_Form, Initializer], list[str]] = defaultdict(list)
    of_rule: dict[tuple[_Form, Initializer], list[_Kind]] = defaultdict(list)
    for path, step, layer in _places(tree.root, "") if special else ():
        rule = graph.initializer(step.node.op) if layer in special else None
        weighted = rule is not None and _has_weight(step.node.op.parameters(*step.node.input_shapes))
        if rule is not None and weighted and rule != kinds[layer].usual:
            places[layer.form, rule].append(path)
            of_rule[layer.form, rule].append(kinds[layer])
    for (form, rule), paths in places.items():
        names = tuple([quoted(path) for path in paths])
        test = f"name == {names[0]}" if len(names) == 1 else Group("name in (", names)
        yield _Branch(test, rule, _bias(of_rule[form, rule]), form)


def _places(module: ModuleNode, path: str) -> Iterator[tuple[str, OpStep, _Layer]]:
    """Yield every op of the network that has a module, with its path and its class."""
    pending = [(module, path)]
    while pending:
        module, path = pending.pop()
        for step, layer in _constructed(module):
            yield join_path(path, *step.key), step, layer
        inner = [step for step in module.steps if not isinstance(step, OpStep) and step.constructed]
        pending += [(step.callee, join_path(path, *step.key)) for step in reversed(inner)]


def _bias(kinds: list[_Kind]) -> str:
    """Return whether modules have a bias: `always`, `never`, as an attribute that may be None, or perhaps not even that."""
    found = set().union(*(kind.with_bias for kind in kinds))
    if len(found) == 1:
        return "always" if True in found else "never"
    return "none" if all(True in kind.with_bias for kind in kinds) else "missing"


_BIAS = {
    "always": ["nn.init.zeros_(module.bias)"],
    "never": [],
    "none": ["if module.bias is not None:", "    nn.init.zeros_(module.bias)"],
    "missing": ['if getattr(module, "bias", None) is not None:', "    nn.init.zeros_(module.bias)"],
}


def _fill(branch: _Branch) -> list[str]:
    arguments = "".join(f", {name}={value!r}" for name, value in branch.rule.arguments().items())
    function = f"nn.init.{branch.rule.function}"
    if branch.form == "normed":
        return [f"module.weight = {function}(module.weight.detach().clone(){arguments})", *_BIAS[branch.bias]]
    weight = "module.weight.t()" if branch.form == "transposed" else "module.weight"
    return [f"{function}({weight}{arguments})", *_BIAS[branch.bias]]
