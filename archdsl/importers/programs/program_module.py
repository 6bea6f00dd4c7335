"""A program of `torch.export` as a module: a tree of modules that hold its tensors, and whose `forward` runs the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx import Graph, Interpreter, Node
from torch.utils import _pytree as pytree

TRAINING_FLAGS: Final = {"batch_norm": "training", "dropout": "train", "feature_dropout": "train"}
"""The argument of an operation that says whether it runs in training mode."""


class _Program:
    """The parts of a program without its weights. Copies of a module share them."""

    def __init__(self, program: ExportedProgram) -> None:
        self.graph, self.signature, self.call_spec = program.graph_module, program.graph_signature, program.call_spec
        self.constants = {key: value for key, value in program.constants.items() if isinstance(value, Tensor)}

    def __deepcopy__(self, memo: object) -> _Program:
        return self


class ProgramModule(nn.Module):
    """The module of a program. Its modules have the paths, the classes and the tensors of those that were exported."""

    def __init__(self, program: ExportedProgram) -> None:
        super().__init__()
        self._run = _Program(program)
        self.input_names = list(program.graph_signature.user_inputs)
        for path, (kind, nodes) in sorted(_modules(program.graph.nodes).items()):
            if path:
                self._add(path, _shell(kind, nodes))
        kept = set(program.graph_signature.non_persistent_buffers)
        tensors = {**program.state_dict, **{key: program.constants[key] for key in kept}}
        for key, tensor in tensors.items():
            path, _, name = key.rpartition(".")
            owner = self._at(path)
            if isinstance(tensor, nn.Parameter):
                owner.register_parameter(name, tensor)
            else:
                owner.register_buffer(name, tensor, persistent=key not in kept)

    def forward(self, *inputs: Tensor) -> Any:
        """Run the program on its inputs, one after another."""
        results = Interpreter(self._run.graph).run(*self.arguments(inputs))
        found = []
        for spec, value in zip(self._run.signature.output_specs, results, strict=True):
            if spec.kind == OutputKind.USER_OUTPUT:
                found.append(value)
            elif spec.kind == OutputKind.BUFFER_MUTATION:
                with torch.no_grad():
                    self.get_buffer(spec.target).copy_(value)
        return pytree.tree_unflatten(found, self._run.call_spec.out_spec)

    def arguments(self, inputs: Sequence[Tensor]) -> list[Any]:
        """Return the arguments of the graph: stored tensors, and the inputs."""
        given = iter(inputs)
        found: list[Any] = []
        for spec in self._run.signature.input_specs:
            if spec.kind == InputKind.PARAMETER:
                found.append(self.get_parameter(spec.target))
            elif spec.kind == InputKind.BUFFER:
                found.append(self.get_buffer(spec.target))
            elif spec.kind == InputKind.CONSTANT_TENSOR:
                found.append(self._run.constants[spec.target].to(inputs[0].device))
            else:
                found.append(next(given))
        return found

    def at_sizes(self, inputs: Sequence[Tensor]) -> Any:
        """Return the program for inputs of one size: every node has the shape it has then, and no size is computed."""
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        values: dict[str, Any] = {}

        class Noting(Interpreter):
            def run_node(self, node: Node) -> Any:
                values[node.name] = super().run_node(node)
                return values[node.name]

        arguments = [mode.from_tensor(tensor) for tensor in self.arguments(inputs)]
        with mode, torch.no_grad():
            Noting(self._run.graph).run(*arguments)
        graph, copies = Graph(), dict[Node, Any]()
        for node in self._run.graph.graph.nodes:
            value = values.get(node.name)
            if node.op == "call_function" and not _has_tensors(value):
                copies[node] = value  # a number, which later nodes take as it is
                continue
            copies[node] = graph.node_copy(node, lambda other: copies[other])
            copies[node].meta = {**node.meta, "val": value}
        return SimpleNamespace(
            graph=graph, graph_signature=self._run.signature, call_spec=self._run.call_spec, constants=self._run.constants
        )

    def _add(self, path: str, module: nn.Module) -> None:
        parent, _, name = path.rpartition(".")
        self._at(parent).add_module(name, module)

    def _at(self, path: str) -> nn.Module:
        """Return the module at a path; those that the program does not call are made here."""
        found: nn.Module = self
        for name in path.split(".") if path else ():
            if name not in found._modules:
                found.add_module(name, nn.Module())
            found = found._modules[name]  # type: ignore[assignment]
        return found


def is_training(nodes: Iterable[Node]) -> bool:
    """Whether a program was exported in training mode: batch norm or dropout runs in that mode."""
    for node in nodes:
        name = str(node.target).removeprefix("aten.").partition(".")[0]
        flag = TRAINING_FLAGS.get(name)
        schema = getattr(node.target, "_schema", None)
        if flag is None or schema is None:
            continue
        at = [argument.name for argument in schema.arguments].index(flag)
        if node.kwargs.get(flag, node.args[at] if at < len(node.args) else False):
            return True
    return False


def _has_tensors(value: Any) -> bool:
    return any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(value))


def _modules(nodes: Iterable[Node]) -> Mapping[str, tuple[str, list[Node]]]:
    """Return the class of each module that a program calls, by its path, with the nodes inside."""
    found: dict[str, tuple[str, list[Node]]] = {}
    for node in nodes:
        for path, kind in (node.meta.get("nn_module_stack") or {}).values():
            name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
            found.setdefault(path, (name, []))[1].append(node)
    return found


def _shell(kind: str, nodes: list[Node]) -> nn.Module:
    """Return a module of a class of the same name, without its code."""
    module, _, name = kind.rpartition(".")
    if kind == "torch.nn.modules.container.Sequential":
        return nn.Sequential()
    if kind == "torch.nn.modules.activation.MultiheadAttention" and (attention := _attention(nodes)) is not None:
        return attention
    shell: nn.Module = type(name, (nn.Module,), {"__module__": module, "forward": _no_forward})()
    for attribute, value in _SETTINGS.get(name, lambda _: {})(nodes).items():
        setattr(shell, attribute, value)
    return shell


def _no_forward(self: nn.Module) -> None:
    raise NotImplementedError("only the program as a whole can run")


def _attention(nodes: list[Node]) -> nn.Module | None:
    """Return a module of attention for the nodes of one, without its tensors."""
    heads, drop = 0, 0.0
    for node in nodes:
        name = str(node.target)
        if "scaled_dot_product_attention" in name:
            heads = int(node.args[0].meta["val"].shape[1])  # type: ignore[union-attr]
            drop = float(node.kwargs.get("dropout_p") or (node.args[4] if len(node.args) > 4 else 0.0))  # type: ignore[arg-type]
        elif "_native_multi_head_attention" in name:
            heads = int(node.args[4])  # type: ignore[arg-type]
    if not heads:
        return None
    first = "transpose" in str(nodes[0].target) or "_native_multi_head" in str(nodes[0].target)
    found = nn.MultiheadAttention(heads, heads, drop, batch_first=first, device="meta")
    found.register_parameter("in_proj_bias", None)
    for name in list(found._parameters):
        found.register_parameter(name, None)
    found.out_proj = nn.Linear(1, 1, device="meta")  # type: ignore[assignment]
    return found


def _chance(nodes: list[Node]) -> float:
    kept = next((float(n.args[1]) for n in nodes if "bernoulli" in str(n.target) and len(n.args) > 1), 1.0)  # type: ignore[arg-type]
    return round(1.0 - kept, 6)


_SETTINGS: Final[Mapping[str, Any]] = {
    "StochasticDepth": lambda nodes: {"p": _chance(nodes), "mode": "row"},
    "DropPath": lambda nodes: {"drop_prob": _chance(nodes), "scale_by_keep": True},
    "FrozenBatchNorm2d": lambda nodes: {
        "eps": next((n.args[1] for n in nodes if str(n.target) == "aten.add.Tensor" and isinstance(n.args[1], float)), 0.0)
    },
}
"""Attributes that the importer reads from modules that are one op, from the nodes of a module."""
