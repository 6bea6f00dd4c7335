"""The invariants of a graph. Tests run this before and after each pass; a failure is a bug, not a user's mistake."""

from __future__ import annotations

from archdsl.ir.attributes import Module, Usage
from archdsl.ir.core import Call, Function, Node, OpNode, Use, Value
from archdsl.ir.graph import Graph
from archdsl.ir.modules import Applications, difference


class InvariantError(AssertionError):
    """A graph that no part of the compiler may produce."""


def verify(graph: Graph) -> Graph:
    """Return the graph. Raise `InvariantError` if it breaks one of these rules, on which passes and backends rely.

    - A node takes values of its own function that are made before it; every use is recorded, once, by its value.
    - Shapes and types are what the ops infer, and those of a call what its function returns; a call passes what the function
      takes.
    - Within a function each key of the `state_dict` belongs to one module, and a family is no module itself.
    - A module belongs to one function. If it is applied several times, it is one op with the same tensors, or functions that
      differ in spatial sizes alone. Only one that is declared is applied in other functions; what applies it runs in no phase
      more than the application that stands for it.
    - No function calls itself; `main` is not called. A function that is called has nodes, and nothing takes an output that
      is only an input of it: see `remove_empty_calls`.
    - The network returns what `results` names, under different names; only heads need what runs in training alone.
    - Conditions compare values that are inputs of their function, or made by its nodes.

    A partial graph may lack results, and may have keys twice, since an error may hide what names or counts them.
    """
    functions = graph.functions()
    owners: dict[Module, Function] = {}
    _verify_no_recursion(functions)
    for function in functions:
        _verify_nodes(function)
        if graph.complete:
            _verify_keys(function)
        _verify_modules(function, owners)
        _verify_conditions(function)
        for call in function.calls:
            _verify_call(call)
            _require(call.callee is not graph.main, "the network calls itself")
            _require(not (graph.complete and call.callee.is_empty), f"{call!r} runs a function that does nothing")
            _require(not (graph.complete and _passes_on(call)), f"what {call!r} gives is used, and is its input")
        for failure in function.failures:
            _require(not graph.complete, f"something failed in {function!r}, and the graph is complete")
            here = all(value.function is function for value in failure.inputs)
            _require(here, f"a failure of {function!r} takes values of another function")
    _verify_declarations(graph, functions)
    count, named = len(graph.main.outputs), len(graph.results)
    _require(count == named, f"the network returns {count} values, and names {named}")
    if graph.complete:
        _verify_results(graph)
    return graph


def _verify_no_recursion(functions: list[Function]) -> None:
    done: set[Function] = set()
    for function in functions:  # a callee comes before its callers, unless it is among its own
        _require(all(call.callee in done for call in function.calls), f"{function!r} calls itself")
        done.add(function)


def _verify_nodes(function: Function) -> None:
    backwards = [*function.nodes_reversed]
    _require([*function.nodes] == backwards[::-1], f"the nodes of {function!r} are not the same backwards")
    made: set[Value] = set(function.inputs)
    uses: dict[Value, list[Use]] = {value: [] for value in function.values}
    for position, value in enumerate(function.inputs):
        _require(value.owner is function and value.position == position, f"input {position} of {function!r} is not its own")
    for node in function.nodes:
        _require(node.function is function, f"{node!r} does not know that it is in {function!r}")
        for position, value in enumerate(node.inputs):
            _require(value in made, f"{node!r} takes a value that is not made before it in {function!r}")
            uses[value].append(Use(node, position))
        for position, value in enumerate(node.outputs):
            _require(value.owner is node and value.position == position, f"output {position} of {node!r} is not its own")
        made.update(node.outputs)
        if isinstance(node, OpNode):
            made_shapes, inferred = tuple([value.shape for value in node.outputs]), node.op.output_shapes(*node.input_shapes)
            _require(inferred == made_shapes, f"{node!r} makes {made_shapes} and its op infers {inferred}")
            dtypes = node.op.result_dtypes(len(node.outputs), *[value.dtype for value in node.inputs])
            held = tuple([value.dtype for value in node.outputs])
            _require(held == dtypes, f"{node!r} holds {held} and its op infers {dtypes}")
    for position, value in enumerate(function.outputs):
        _require(value in made, f"{function!r} returns a value that is not its own")
        uses[value].append(Use(function, position))
    for value, expected in uses.items():
        recorded = sorted(value.uses, key=_order)
        _require(recorded == sorted(expected, key=_order), f"the uses of {value} in {function!r} are not as recorded")


def _order(use: Use) -> tuple[int, int]:
    return id(use.user), use.position


def _verify_call(call: Call) -> None:
    callee = call.callee
    _require(call.module is not None, f"{call!r} has no module")
    taken, expected = [(v.shape, v.dtype) for v in call.inputs], [(v.shape, v.dtype) for v in callee.inputs]
    _require(taken == expected, f"{call!r} passes {taken}, and its function takes {expected}")
    made, returned = [(v.shape, v.dtype) for v in call.outputs], [(v.shape, v.dtype) for v in callee.outputs]
    _require(made == returned, f"{call!r} makes {made}, and its function returns {returned}")


def _passes_on(call: Call) -> bool:
    """Return whether something takes an output of a call that is only an input of its function."""
    return any(value.uses and inner.producer is None for value, inner in zip(call.outputs, call.callee.outputs, strict=True))


def _verify_keys(function: Function) -> None:
    owners: dict[tuple[str, ...], object] = {}
    for node in function.items:
        if node.module is not None and not node.module.levels:
            _require(len(node.module.key) >= 1, f"{node!r} has the key {node.module.key}")
            owner = owners.setdefault(node.module.key, node.module)
            _require(owner is node.module, f"two modules of {function!r} are called {node.module!r}")
    families = {key[:end] for key in owners for end in range(1, len(key))}
    _require(not families & owners.keys(), f"{function!r} has families that are modules: {families & owners.keys()}")


def _verify_modules(function: Function, owners: dict[Module, Function]) -> None:
    first: dict[Module, Node] = {}
    for node in function.nodes:
        if node.module is not None:
            owner = owners.setdefault(node.module, function)
            _require(owner is function, f"the module {node.module!r} is in {owner!r} and in {function!r}")
            _verify_same(node, first.setdefault(node.module, node))


def _verify_same(node: Node, other: Node) -> None:
    found = difference(other, node)
    _require(found is None, f"{node.module!r} is not the same in every application: {found}")


def _verify_declarations(graph: Graph, functions: list[Function]) -> None:
    finder = Applications()
    outside = finder.foreign(graph.main)
    _require(not outside, f"the network applies modules that it does not have: {outside}")
    for function in functions:
        declared = {d.module.key for d in function.declarations if d.module is not None}
        inside = finder.seen_from(function)
        _require({found.key for found in inside if found.levels == 0} <= declared, f"{function!r} lacks a declaration")
        for declaration in function.declarations:
            assert declaration.module is not None
            nodes, application = finder.of(function)[declaration.module], declaration.application
            if application is None:
                _require(not nodes, f"{declaration.module!r} is applied, and nothing stands for it")
                continue
            _require(application in nodes, f"what stands for {declaration.module!r} does not apply it")
            for node in nodes:
                _verify_same(node, application)
                _require(_RANK[node.usage] <= _RANK[application.usage], f"{declaration.module!r} runs more than it says")


_RANK = {Usage.NEVER: 0, Usage.TRAINING: 1, Usage.ALWAYS: 2}


def _verify_conditions(function: Function) -> None:
    made = set(function.values) if function.conditions else set()
    for condition in function.conditions:
        _require(made.issuperset(condition.sides), f"a condition of {function!r} compares values that are not its own")


def _verify_results(graph: Graph) -> None:
    _require(len(graph.results) >= 1, "the network returns nothing")
    _require(graph.results[0].kind == "main", "the first value that the network returns is not its result")
    names = [result.name for result in graph.results]
    _require(len(set(names)) == len(names), f"results share a name: {names}")
    for result, value in zip(graph.results, graph.main.outputs, strict=True):
        node: Node | None = value.producer
        allowed = (Usage.ALWAYS, Usage.TRAINING) if result.kind == "head" else (Usage.ALWAYS,)
        _require(node is None or node.usage in allowed, f"`{result.name}` is not computed when it is returned")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantError(message)
