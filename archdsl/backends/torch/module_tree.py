"""The modules of a network as PyTorch nests them: one for each function of the graph, with what it runs in order.

A function becomes an `nn.Sequential` if it is a plain chain, and a class otherwise. Indexed families are containers, not
modules of their own: their members are steps of the function around them.
"""

from __future__ import annotations

from itertools import islice

from archdsl.backends.torch.batch_axis import BatchAxes, Expansion
from archdsl.backends.torch.module_nodes import CallStep, Foreign, Lowered, ModuleNode, OpStep, Step, batch_source, registry_of
from archdsl.ir import (
    Call,
    Declaration,
    Function,
    Graph,
    Module,
    Node,
    OpNode,
    Usage,
    Value,
    is_declared,
    join_path,
    less,
    standing_functions,
)
from archdsl.ops import Category, Op
from archdsl.ops.positions import PosEmbed, RelativeBias
from archdsl.ops.value import Param
from archdsl.shapes import Shape

_ALWAYS, _TRAINING, _NEVER = Usage.ALWAYS, Usage.TRAINING, Usage.NEVER
"""As names of this module: Python 3.11 takes ten times as long to read `Usage.ALWAYS`, and there are many nodes."""


class ModuleTree:
    """The modules of a graph whose usage is marked, a callee before its callers; the network is the last.

    Without `aux`, what only heads need is left out. Without `inplace`, nothing is overwritten and activations are modules.
    """

    def __init__(self, graph: Graph, *, aux: bool = True, inplace: bool = True) -> None:
        self.graph = graph
        self._alive = {_ALWAYS, _TRAINING} if aux else {_ALWAYS}
        self._inplace = inplace
        self._modules: dict[Function, ModuleNode] = {}
        self._known: dict[tuple[int, tuple[Shape, ...]], Lowered] = {}
        self._filled: dict[int, Op] = {}
        functions = graph.functions()
        self._needed = _needed_values(graph, functions)
        self._batch = BatchAxes(graph)
        self._given_away: dict[Value, bool] = {}
        self._standing = standing_functions(functions)
        self._counterparts: dict[Node, list[Node]] = {}
        for function in reversed(functions):  # callers first
            made = self._module(function)
            for call in function.calls:
                callee = self._module(call.callee)
                callee.calls.append(call)
                callee.caller = callee.caller or made
        for function, other in self._standing.items():
            self._modules[other].alike.append(function)
            for node, counterpart in zip(other.nodes, function.nodes, strict=True):
                self._counterparts.setdefault(node, []).append(counterpart)
        self.in_order = [made for function in self._constructed_functions() if self._fill(made := self._modules[function])]
        self.root = self._modules[graph.main]
        self._finish_root(aux)
        self._set_paths()

    def _module(self, function: Function) -> ModuleNode:
        function = self._standing.get(function, function)
        return self._modules.setdefault(function, ModuleNode(function))

    def _constructed_functions(self) -> list[Function]:
        """Return the functions that are emitted, callees first."""
        if not self._standing:
            return self.graph.functions()
        found: dict[Function, None] = {}

        def visit(function: Function) -> None:
            for item in function.items:
                node = item.application if isinstance(item, Declaration) else item
                callee = self._standing.get(node.callee, node.callee) if isinstance(node, Call) else None
                if callee is not None and callee not in found:
                    visit(callee)
            found[function] = None

        visit(self.graph.main)
        return list(found)

    # -- which steps there are --

    def _fill(self, made: ModuleNode) -> bool:
        """Fill in the steps of a module; return whether it has any."""
        function = made.function
        constructed: set[Module | None] = set()
        shared: set[Module | None] = set()
        foreign: dict[Foreign, None] = {}
        for node in function.items:
            step = self._step(node, node.module not in constructed)
            if step is None:
                continue
            made.steps.append(step)
            if step.foreign is not None:
                foreign[step.foreign] = None
            if isinstance(step, CallStep):
                foreign.update(dict.fromkeys([passed for passed in step.passed if passed.levels]))
            if node.module in constructed or isinstance(node, Declaration) or step.foreign is not None:
                shared.add(node.module)
            if node.module is not None:
                constructed.add(node.module)
        made.foreign = tuple(foreign)
        for step in made.steps:
            if isinstance(step, OpStep) and step.node.module in shared:
                step.overwrites = False  # a module is constructed once, for all its inputs
        made.outputs = [value for value in function.outputs if self._is_needed(value)]
        used = {value for step in made.steps for value in (*step.inputs, batch_source(step))} | set(made.outputs)
        made.inputs = [value for value in function.inputs if value in used]
        made.training_only = all([step.training_only for step in made.steps])
        made.chain = _is_chain(made)
        return bool(made.steps) or function is self.graph.main

    def _is_needed(self, value: Value) -> bool:
        return self._needed.get(value, _NEVER) in self._alive

    def _step(self, node: Node, constructed: bool) -> Step | None:
        """Return a node as a step; None if nothing is left of it.

        What never runs and has tensors is constructed all the same: the `state_dict` has them.
        """
        runs = node.usage in self._alive and not isinstance(node, Declaration)
        if isinstance(node, Declaration):
            if node.application is None:
                return None
            node, levels = node.application, 0
        else:
            levels = node.module.levels if node.module is not None else 0
        if isinstance(node, Call):
            step: Step | None = self._call_step(node, levels, runs, constructed and not levels)
        else:
            assert isinstance(node, OpNode)
            step = self._op_step(node, levels, runs, constructed and not levels)
        if step is not None:
            step.declared = runs and is_declared(node)
        return step

    def _call_step(self, node: Call, levels: int, runs: bool, constructed: bool) -> CallStep | None:
        callee = self._module(node.callee)
        left_out = node.usage is _TRAINING and not runs and node.callee in self._standing
        if not callee.steps or not (runs or constructed) or left_out:
            return None
        assert node.module is not None
        key = node.module.key
        inputs = [node.inputs[value.position] for value in callee.inputs] if runs else []
        given = set(callee.outputs)
        pairs = zip(node.outputs, callee.function.outputs, strict=True)
        outputs = [value for value, inner in pairs if inner in given] if runs else []
        foreign = Foreign(levels, key) if levels else None
        passed = tuple([needed._replace(levels=levels + needed.levels - 1) for needed in callee.foreign])
        only = node.usage is not _ALWAYS
        expanded = tuple([i for i, value in enumerate(callee.inputs) if self._batch.is_expanded(node, value.position)])
        expansion = Expansion(expanded) if expanded and runs else None
        return CallStep(
            node, key, callee, constructed, inputs, outputs, only, foreign=foreign, passed=passed, expansion=expansion
        )

    def _op_step(self, node: OpNode, levels: int, runs: bool, constructed: bool) -> OpStep | None:
        lowered = self._lowered(node)
        unused = node.usage is _NEVER and node.module is not None and lowered.has_state
        if not runs and not (constructed and (unused or node.usage in self._alive)):
            return None
        lowering = lowered.plain
        labelled = node.module is not None and node.module.labelled
        hooked = not self._inplace and node.module is not None and node.op.category is Category.ACTIVATION
        as_module = lowering.function is None or (
            lowering.module is not None and (labelled or hooked or (node.module is not None and lowered.has_state))
        )
        bare = lowering.bare is not None
        as_module = as_module and not bare
        if not runs and not as_module and not bare:
            return None
        key = node.module.key if node.module is not None else ()
        return OpStep(
            node,
            key,
            lowered,
            as_module=as_module,
            constructed=constructed,
            inputs=list(node.inputs) if runs else [],
            outputs=list(node.outputs) if runs else [],
            training_only=node.usage is not _ALWAYS,
            overwrites=runs and self._inplace and all(map(self._may_overwrite, self._alike(node))),
            removable=runs and not labelled and all([self._lowered(other).is_identity for other in self._alike(node)]),
            foreign=Foreign(levels, key, registry_of(lowering)) if levels and (as_module or bare) else None,
            expansion=self._batch.expansion(node) if runs else None,
        )

    def _alike(self, node: OpNode) -> list[OpNode]:
        """Return a node, and those that it stands for in functions for inputs of other sizes."""
        return [node, *(other for other in self._counterparts.get(node, ()) if isinstance(other, OpNode))]

    def _lowered(self, node: OpNode) -> Lowered:
        """Return what is known of an op for the shapes of its inputs; equal ops are asked once."""
        shapes = node.input_shapes
        key = (id(node.op), shapes)
        found = self._known.get(key)
        if found is None:
            op = node.op
            if (
                isinstance(op, Param | PosEmbed | RelativeBias)
                and op.init is None
                and (rule := self.graph.initializer(op)) is not None
            ):
                op = self._filled.setdefault(id(op), op.replace(init=rule))
            found = self._known[key] = Lowered(op, shapes)
        return found

    # -- what may be overwritten --

    def _may_overwrite(self, node: OpNode) -> bool:
        """Return whether an op may write over its input: nobody else reads it, and autograd does not keep it."""
        return node.op.gradient_from_output and len(node.inputs) == 1 and self._is_exclusive(node.inputs[0])

    def _is_exclusive(self, value: Value) -> bool:
        """Return whether a value has a single user, and a memory of its own that autograd does not keep."""
        alive = (user for user, _ in value.uses if isinstance(user, Function) or user.usage in self._alive)
        users = list(islice(alive, 2))  # a value may have thousands
        if len(users) != 1 or isinstance(users[0], Function):
            return False
        return self._is_given_away(value) if value.producer is None else self._has_own_memory(value)

    def _has_own_memory(self, value: Value) -> bool:
        producer = value.producer
        if isinstance(producer, Call):
            inner = producer.callee.outputs[value.position]
            return inner.producer is not None and len(inner.uses) == 1 and self._has_own_memory(inner)
        assert isinstance(producer, OpNode)
        return not producer.op.saves_output and not self._lowered(producer).is_identity

    def _is_given_away(self, value: Value) -> bool:
        """Return whether every call of a function gives this input of it away. Those of the network are the user's."""
        known = self._given_away.get(value)
        if known is None:
            calls = [call for call in self._module(value.function).calls if call.usage in self._alive]
            at = value.position
            known = bool(calls) and all(
                [self._is_exclusive(call.inputs[at]) and not self._batch.is_expanded(call, at) for call in calls]
            )
            self._given_away[value] = known
        return known

    # -- the network --

    def _finish_root(self, aux: bool) -> None:
        root, graph = self.root, self.graph
        heads = [value for _, value in graph.heads] if aux else []
        root.inputs = list(graph.inputs)
        root.outputs = list(dict.fromkeys([graph.result, *heads, *(value for _, value in graph.outputs)]))
        root.single = frozenset([value for value in root.outputs if self._batch.is_single(root.function, value)])
        root.chain = root.chain and len(graph.inputs) == 1 and not graph.outputs and not (aux and graph.heads)
        root.training_only = False  # it runs in evaluation too, even if its result is an input and all its steps are for heads

    def _set_paths(self) -> None:
        """Set the key of the first module that is made of each function."""
        seen = {self.root}
        for module in reversed(self.in_order):  # callers first
            for step in module.steps:
                if isinstance(step, CallStep) and step.constructed and step.callee not in seen:
                    seen.add(step.callee)
                    step.callee.path = join_path(module.path, *step.key)


def _needed_values(graph: Graph, functions: list[Function]) -> dict[Value, Usage]:
    """Return when each value is needed, for those that are: when an op takes it that runs, or the network returns it.

    A call needs those of its inputs that the called function needs, and an output of a function is needed when its calls need it.
    """
    needed: dict[Value, Usage] = {}

    def need(value: Value, usage: Usage) -> None:
        if usage is not _NEVER and needed.get(value) is not _ALWAYS:
            needed[value] = usage

    for function in functions:  # callees first
        for node in function.nodes:
            for position, value in enumerate(node.inputs):
                inside = needed.get(node.callee.inputs[position], _NEVER) if isinstance(node, Call) else _ALWAYS
                need(value, less(inside, node.usage))
    for result, value in zip(graph.results, graph.main.outputs, strict=True):
        need(value, _TRAINING if result.kind == "head" else _ALWAYS)
    for function in reversed(functions):  # callers first
        for call in function.calls:
            for value, inner in zip(call.outputs, call.callee.outputs, strict=True):
                need(inner, needed.get(value, _NEVER))
    return needed


def _is_chain(module: ModuleNode) -> bool:
    """Return whether each step takes the one before and nothing else, so that an `nn.Sequential` says it."""
    steps = module.steps
    if len(module.inputs) != 1 or len(module.outputs) != 1 or not steps or steps[-1].outputs != module.outputs:
        return False
    flowing = module.inputs
    for step in steps:
        single = step.inputs == flowing and len(step.outputs) == 1 and len(step.key) == 1 and step.constructed
        if isinstance(step, CallStep):
            as_module = not step.passed
        else:
            as_module = step.lowering.module is not None and step.lowering.applied is None
        if not single or not as_module or step.training_only != module.training_only:
            return False
        flowing = step.outputs
    return True
