"""From an `nn.Module` to a `Model`: `torch.export` follows one run, and every op of it becomes an op of the language.

The run is one in training mode, since dropout, stochastic depth and auxiliary heads exist only there. A run in evaluation mode
tells which of the results is which.
"""

from __future__ import annotations

import inspect
import io
import logging
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.aten import Random, Refused, Step, Translation, translate
from archdsl.importers.concatenation import simplify
from archdsl.importers.failures import not_traced, refuse_open_sizes
from archdsl.importers.frozen import compare, may_be_frozen, settle
from archdsl.importers.leaves import leaf_of
from archdsl.importers.model import Apply, Call, Model, Origin, Place, Value, connect, opened, walk
from archdsl.importers.open_sizes import inputs_elsewhere, open_shapes
from archdsl.importers.patterns import channel_norms, recognize
from archdsl.importers.refusals import Refusals, placeholder
from archdsl.importers.resizing import follow_grids
from archdsl.importers.sharing import share

BATCH = 2
"""Examples in the batch of a trace: in training mode, batch norm needs more than one."""

Arguments = Mapping[str, Mapping[str, Any]]
"""The arguments of each module's constructor, by the module's path."""


def trace(
    module: nn.Module, example: Sequence[Tensor], name: str, arguments: Arguments | None = None, *, partial: bool = False,
    follow: Callable[[Call], bool] = lambda main: True,
) -> Model:  # fmt: skip
    """Return the model that a module is for inputs like these. Raise `SpecError` E1202, E1203 or E1204 if it cannot be told.

    With `partial`, an op that the language lacks becomes one that is called `UNKNOWN`. If `follow` says so of the calls of a
    model whose numbers may be sizes, traces at further sizes tell which of them are.
    """
    was_training = module.training
    try:
        training = exported(module.train(), example, name)
        several = len(training.graph_signature.user_outputs) > 1
        plain = exported(module.eval(), example, name) if several else training
        return _Tracer(module, example, name, arguments or {}, partial).model(training, plain, follow)
    finally:
        module.train(was_training)


def model_of_program(module: nn.Module, program: Any, example: Sequence[Tensor], name: str, *, partial: bool = False) -> Model:
    """Return the model that an exported program is, whose modules those of `module` stand for. Errors are those of `trace`."""
    return _Tracer(module, example, name, {}, partial).model(program, program)


def exported(module: nn.Module, example: Sequence[Tensor], name: str) -> Any:
    """Return the program of a module for inputs like these. Raise `SpecError` E1202 if it cannot be traced."""
    with _quiet():
        try:
            return torch.export.export(module, tuple(example), strict=False)
        except Exception as error:
            raise not_traced(name, module, example, error) from error


@contextmanager
def _quiet() -> Any:
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class _Tracer:
    def __init__(self, module: nn.Module, example: Sequence[Tensor], name: str, arguments: Arguments, partial: bool) -> None:
        self._module, self._example, self._name = module, example, name
        self._arguments, self._partial = arguments, partial
        self._modules = dict(module.named_modules(remove_duplicate=False))
        self._refused = Refusals()

    def model(self, training: Any, plain: Any, follow: Callable[[Call], bool] = lambda main: False) -> Model:
        """Return the model of two exported programs; `follow` says whether further traces tell which of its numbers are sizes."""
        main = self._calls(training)
        names = [
            argument.arg.name if hasattr(argument, "arg") else argument for argument in training.graph_signature.user_outputs
        ]
        outputs = _named(training, [self._values.get(name) for name in names])
        shown = _named(plain, list(plain.graph_signature.user_outputs))
        for key, value in outputs.items():
            if isinstance(value, Random):
                self._refused.add_result(key, "random numbers")
        if self._refused and not self._partial:
            raise SpecError(codes.importing.NotExpressible(self._name, self._refused.lines()))
        found = {key: value for key, value in outputs.items() if isinstance(value, Value)}
        if not found:
            raise SpecError(codes.importing.NotTraced(self._name, "it returns no tensor that depends on its input"))
        first = next(iter(found))
        shared = {key: value for key, value in found.items() if key in shown or key == first}
        if len(shown) == 1:
            shared = {first: found[first]}
        main.outputs = list(dict.fromkeys([*shared.values(), *(v for k, v in found.items() if k not in shared)]))
        frozen = may_be_frozen(main) and follow(main)
        if frozen:
            compare(main, list(self._at_other_sizes(main)))
        channel_norms(main)
        opened(main)
        connect(main)
        if frozen:
            settle(main)
            connect(main)
        recognize(main)
        simplify(main)
        follow_grids(main)
        connect(main)
        state = {key: tuple(value.shape) for key, value in self._module.state_dict(keep_vars=True).items()}
        return Model(main, self._name, shared, {k: v for k, v in found.items() if k not in shared}, state)

    def _calls(self, program: Any) -> Call:
        signature = program.graph_signature
        stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        root = Call("", self._origin(""))
        self._latest = {"": root}
        self._values: dict[str, Any] = {}
        translation = Translation(self._module, stored, self._values, self._example[0].shape[0])
        nodes = list(program.graph.nodes)
        self._inputs(program, nodes, root, translation)
        stack: list[tuple[str, Call]] = [("", root)]
        leaves = _leaf_spans(nodes, self._modules)
        for position, node in enumerate(nodes):
            if node.op != "call_function":
                continue
            frames = _frames(node)
            leaf = leaves.get(position)
            if leaf is not None:
                frames = frames[: leaf.depth]
            self._enter(stack, frames)
            place = _place(node, frames[-1][1] if frames else "")
            refuse_open_sizes(self._name, node, f"{place.file}:{place.line}", place.code)
            if leaf is None:
                if not translation.constants.fold(node):
                    self._add(self._translated(translation, node, place), [call for _, call in stack])
            elif position == leaf.last:
                self._leaf(leaf, nodes, [call for _, call in stack], translation, place)
        self._check_shared(root)
        return root

    def _at_other_sizes(self, main: Call) -> Iterator[Call]:
        """Yield the calls of the module at other sizes that it takes."""
        for shape in open_shapes(main.inputs)[:1]:
            for example in inputs_elsewhere(self._example, shape):
                with suppress(SpecError):
                    program = exported(self._module.train(), example, self._name)
                    yield _Tracer(self._module, example, self._name, self._arguments, partial=True)._calls(program)

    def _inputs(self, program: Any, nodes: Sequence[Any], root: Call, translation: Translation) -> None:
        """Note the inputs of the network, and the constants of the program."""
        signature = program.graph_signature
        constants = getattr(signature, "inputs_to_lifted_tensor_constants", {})
        names = getattr(self._module, "input_names", None) or list(inspect.signature(self._module.forward).parameters)
        for node in nodes:
            if node.op != "placeholder":
                continue
            if node.name in signature.user_inputs:
                tensor = node.meta["val"]
                at = len(root.inputs)
                label = names[at] if at < len(names) else f"input{at}"
                kind = "float" if tensor.is_floating_point() else "bool" if tensor.dtype == torch.bool else "int"
                shape = tuple(int(n) for n in tensor.shape[1:])
                taken = {value.name for value in root.inputs}
                value = Value(shape, True, kind, None, _input_name(label, shape, kind, taken))
                root.inputs.append(value)
                self._values[node.name] = value
            elif node.name in constants:
                translation.constants.add(node.name, program.constants[constants[node.name]])

    def _translated(self, translation: Translation, node: Any, place: Place) -> list[Apply]:
        try:
            made = translate(translation, node, place)
        except SpecError as error:
            if any(found.code == "E1204" for found in error.diagnostics):
                raise
            return self._lost(translation, node, place, error)
        except Exception as error:  # an operation that the language lacks, or a use of one that no rule has foreseen
            return self._lost(translation, node, place, error)
        if translation.follows_lost(node):
            translation.lost.add(node.name)
        return made

    def _lost(self, translation: Translation, node: Any, place: Place, error: Exception) -> list[Apply]:
        """Note an operation that is refused, and return what stands for it."""
        self._refused.of_node(translation, node, place, error)
        return placeholder(translation, node, place, error)

    def _constant(self, node: Any, calls: list[Call], translation: Translation, place: Place) -> None:
        """Make a value of a constant that a module takes which is one op."""
        step = Step(translation, node, place)
        try:
            self._values.setdefault(node.name, step.loose(node)[0])
        except (Refused, NotImplementedError) as error:
            self._refused.add(place, str(error))
        self._add(step.extra, calls)

    def _add(self, ops: list[Apply], calls: list[Call]) -> None:
        """Add ops to the innermost of the open calls.

        A stored tensor, which another module may read, goes to the one that has it, and a constant to the one that computes it.
        """
        for op in ops:
            home = calls[-1]
            if op.key is not None and not op.inputs:
                home = [call for call in calls if not call.path or op.key.startswith(f"{call.path}.")][-1]
            elif op.key is None and op.place.module != home.path:
                home = self._latest.get(op.place.module, home)
            if home is not calls[-1] and home in calls:
                home.body.insert(len(home.body) - 1, op)  # before the call that is open there
            else:
                home.body.append(op)

    def _leaf(self, leaf: _Leaf, nodes: list[Any], calls: list[Call], translation: Translation, place: Place) -> None:
        inside = {node.name for node in nodes[leaf.first : leaf.last + 1]}
        given: list[Value] = []
        for node in nodes[leaf.first : leaf.last + 1]:
            for source in node.all_input_nodes:
                if source.name not in inside and translation.constants.tensor(source) is not None:
                    self._constant(source, calls, translation, place)
                if source.name not in inside and isinstance(value := self._values.get(source.name), Value):
                    given.append(value)
        results = [
            node for node in nodes[leaf.first : leaf.last + 1]
            if any(user.name not in inside and user.op != "placeholder" for user in node.users)
        ]  # fmt: skip
        if not given or not results:
            return
        try:
            made = leaf.rule(leaf.module, given, leaf.path, place)
        except Refused as refused:
            self._refused.add(place, str(refused))
            return
        calls[-1].body.append(made)
        made.outputs[0].shape = tuple(int(n) for n in results[-1].meta["val"].shape[1:])
        follows = any(translation.follows_lost(node) for node in nodes[leaf.first : leaf.last + 1])
        for node in results:
            self._values[node.name] = made.outputs[0]
            if follows:
                translation.lost.add(node.name)

    def _enter(self, stack: list[tuple[str, Call]], frames: list[tuple[str, str]]) -> None:
        """Make the calls in `frames` the open ones."""
        depth = 1
        while depth < len(stack) and depth <= len(frames) and stack[depth][0] == frames[depth - 1][0]:
            depth += 1
        del stack[depth:]
        for key, path in frames[depth - 1 :]:
            call = self._latest[path] = Call(path, self._origin(path), place=Place(path))
            stack[-1][1].body.append(call)
            stack.append((key, call))

    def _origin(self, path: str) -> Origin:
        module = self._modules.get(path, self._module)
        if isinstance(origin := getattr(module, "origin", None), Origin):
            return origin
        kind = type(module)
        forward = kind.forward
        container = forward in (nn.Sequential.forward, nn.ModuleList.forward, nn.ModuleDict.forward)
        plain = kind in (nn.Sequential, nn.ModuleList, nn.ModuleDict) or kind.__module__.startswith("torch.nn")
        parameters = tuple(inspect.signature(forward).parameters)[1:]
        return Origin("" if plain and container else kind.__name__, self._arguments.get(path, {}), container, parameters)

    def _check_shared(self, root: Call) -> None:
        """Mark modules that run several times. Raise `SpecError` E1204 if other ops use the tensors of one key."""
        from archdsl.importers.model import applications

        share(root)
        seen: dict[str, Place] = {}
        inside = {node for call in walk(root) if isinstance(call, Call) and call.shared for node in applications(call)}
        for node in applications(root):
            if node.key is None or node.op in ("param", "unembed") or node in inside:
                continue
            if node.key in seen:
                raise SpecError(codes.importing.SharedWeights(node.key, str(seen[node.key]), str(node.place)))
            seen[node.key] = node.place


class _Leaf:
    """A module that one op stands for: its rule, and the first and last node of its run."""

    def __init__(self, rule: Any, module: nn.Module, path: str, depth: int, first: int) -> None:
        self.rule, self.module, self.path, self.depth = rule, module, path, depth
        self.first = self.last = first


def _input_name(name: str, shape: tuple[int, ...], kind: str, taken: Collection[str]) -> str:
    """Return the name of an input: that of the argument of `forward`, or what it is."""
    from archdsl.importers.naming import can_name_a_value, kind_of_input

    if can_name_a_value(name):
        return name
    return "tokens" if kind == "int" and "tokens" not in taken else kind_of_input(len(shape), taken)


def _leaf_spans(nodes: list[Any], modules: Mapping[str, nn.Module]) -> dict[int, _Leaf]:
    """Return the leaf that each node belongs to, by the node's position."""
    found: dict[int, _Leaf] = {}
    open_leaf: tuple[str, _Leaf] | None = None
    for position, node in enumerate(nodes):
        if node.op != "call_function":
            continue
        frames = _frames(node)
        if open_leaf is not None and open_leaf[0] not in [key for key, _ in frames]:
            open_leaf = None
        for depth, (key, path) in enumerate(frames):
            module = modules.get(path)
            rule = leaf_of(module) if module is not None else None
            if rule is not None:
                if open_leaf is None or open_leaf[0] != key:
                    open_leaf = (key, _Leaf(rule, module, path, depth, position))  # type: ignore[arg-type]
                open_leaf[1].last = position
                found[position] = open_leaf[1]
                break
    return found


def _frames(node: Any) -> list[tuple[str, str]]:
    """Return the open module calls around a node, outermost first: a key for each call, and its path."""
    stack = node.meta.get("nn_module_stack") or {}
    return [(key, path) for key, (path, _) in stack.items() if path]


def _place(node: Any, path: str) -> Place:
    """Return where a node stems from: the innermost line outside of PyTorch."""
    lines = re.findall(r'File "([^"]+)", line (\d+)[^\n]*\n\s*([^\n]*)', node.meta.get("stack_trace") or "")
    for file, line, code in reversed(lines):
        if "/torch/nn/" not in file.replace("\\", "/"):
            return Place(path, file, int(line), code.strip())
    return Place(path)


def _named(program: Any, values: Iterable[Any]) -> dict[str, Any]:
    """Return the results of a program by name: the keys of a dictionary, the fields of a named tuple, or numbers."""
    from torch.utils import _pytree as pytree

    spec = program.call_spec.out_spec
    marked = pytree.tree_unflatten(list(values), spec)
    found: dict[str, Any] = {}

    def visit(item: Any, name: str) -> None:
        if hasattr(item, "_asdict"):
            item = item._asdict()
        if isinstance(item, Mapping):
            for key, inner in item.items():
                visit(inner, f"{name}_{key}" if name else str(key))
        elif isinstance(item, list | tuple):
            for at, inner in enumerate(item):
                visit(inner, f"{name}_{at}" if name else f"out{at}")
        elif item is not None:
            found[name or "out0"] = item

    visit(marked, "")
    return found
