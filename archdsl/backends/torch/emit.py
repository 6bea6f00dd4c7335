"""The PyTorch code generator: a graph as Python source that a person can read, and that imports torch alone.

The module that trains is this source, executed; there is no other path from a graph to PyTorch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple, TypeAlias

from archdsl.analysis import Costs
from archdsl.backends.torch import inference
from archdsl.backends.torch.attributes import is_attribute, quoted
from archdsl.backends.torch.class_names import name_classes
from archdsl.backends.torch.class_templates import CallText, ClassTemplate, OpText, StepText, Written
from archdsl.backends.torch.expressions import Call, Target, literals
from archdsl.backends.torch.forward import attribute, chain_lines, forward_lines, kept_parameters, value_text
from archdsl.backends.torch.initialize import initialization_lines
from archdsl.backends.torch.module_nodes import ModuleNode, Registry
from archdsl.backends.torch.module_tree import ModuleTree
from archdsl.backends.torch.outline_classes import Classes
from archdsl.backends.torch.pretty_print import Expression, Group, entry, lines, repeated
from archdsl.backends.torch.results import Results
from archdsl.backends.torch.runtime_source import definitions_for, names_used
from archdsl.backends.torch.size_check import NAME, size_check
from archdsl.diagnostics import printable
from archdsl.ir import Graph
from archdsl.source import Span

_Member: TypeAlias = "Expression | dict[str, _Member]"
"""What constructs a child, or the members of a family by their keys."""


class Emitted(NamedTuple):
    """Source, and the name of the network's class in it."""

    source: str
    class_name: str


def emit(graph: Graph, *, aux: bool = True, check_sizes: bool = True, inplace: bool = True) -> str:
    """Return the network as Python source. Without `aux` the heads are left out, and with them their weights.

    With `check_sizes`, `forward` first compares its inputs with the shapes that the network declares and the sizes for which
    it is valid. Without `inplace`, activations are modules and overwrite nothing, as hooks need it.
    """
    return emit_module(graph, aux=aux, check_sizes=check_sizes, inplace=inplace).source


def emit_module(graph: Graph, *, aux: bool = True, check_sizes: bool = True, inplace: bool = True) -> Emitted:
    """Return the source, with the name of the class to construct."""
    return _Emitter(graph, aux, check_sizes, inplace).module()


class _Emitter:
    def __init__(self, graph: Graph, aux: bool, check_sizes: bool, inplace: bool) -> None:
        self.graph = graph
        self.aux = aux
        self.check_sizes = check_sizes
        self.size_check: list[str] = []
        self.ordered = False
        """Whether an `nn.Sequential` is written with names."""
        self.tree = ModuleTree(graph, aux=aux, inplace=inplace)
        self.classes = Classes(self.tree)
        self.results = Results.of(graph, aux)
        name_classes(self.classes, graph.name, self.results.class_names)
        self.root = self.classes.of[self.tree.root]

    def module(self) -> Emitted:
        body: list[str] = []
        for template in self.classes.in_order:
            if template is self.root:
                body += self.results.lines()
            lines_of_class = self._class(template)
            body += [*(self.size_check if template is self.root else []), "", "", *lines_of_class]
        named = set(self.classes.targets())
        runtime = definitions_for(target.name for target in named if target.namespace == "runtime")
        imports = _imports(self._used_names(named) | names_used(runtime))
        definitions = [line for definition in runtime.values() for line in ("", "", definition)]
        pieces = [*self._heading(), "", *imports, *definitions, *body]
        return Emitted("\n".join(pieces).rstrip() + "\n", self.root.name)

    def _used_names(self, named: set[Target]) -> set[str]:
        """Return the imported names that the classes use."""
        found = {target.namespace for target in named if target.namespace != "runtime"} | {"nn"}
        found |= {"OrderedDict"} if self.ordered else set()
        found |= {"NamedTuple", "torch"} if self.results.class_names else set()
        in_channels_last = self.graph.inference and inference.pays_channels_last(self.graph)
        return found | ({"torch"} if self.size_check or in_channels_last else set())

    def _heading(self) -> list[str]:
        """Return comments that say what the file is and where it came from: no text of a spec can leave a comment."""
        graph, place = self.graph, self.graph.main.definition
        costs = Costs()
        params, of_heads = costs.params(graph.main)
        macs = costs.macs(graph.main)
        count = f"{params if self.aux else params - of_heads:,} parameters"
        if isinstance(macs, int):
            images = all(len(value.shape) == 3 for value in graph.inputs)
            count += f", {macs:,} multiply-accumulates for one {'image' if images else 'example'}"
        about = [f"{graph.name}: {count}.", f"Written by archdsl from {place.place}." if place else "Written by archdsl."]
        return [f"# {_comment(line)}".rstrip() for line in about]

    # -- classes --

    def _class(self, template: ClassTemplate) -> list[str]:
        module = template.first
        sequential = module.sequential
        found = [
            f"class {template.name}(nn.{'Sequential' if sequential else 'Module'}):",
            *_docstring(module, self.graph.main.definition),
            "",
        ]
        found.append(f"    def __init__({', '.join(['self', *_signature(template)])}):")
        if sequential:
            found += lines(self._sequential(module, template.body, template, "super().__init__("), 8)
        else:
            found.append("        super().__init__()")
            for statement in self._attributes(template):
                found += lines(statement, 8)
            kept = kept_parameters(template)
            found += [f"        self.{name} = {template.names[symbol]}" for symbol, name in kept.items()]
        if template is self.root:
            found += self._end_of_constructor()
        if template is self.root and module.outputs:
            write = chain_lines if sequential else forward_lines
            head, *body = write(template, self.results)
            first = self._first_lines(head)
            found += ["", head, *first, *body] if first or not sequential else []
        elif not sequential and module.outputs:
            found += ["", *forward_lines(template, None)]
        return found

    def _end_of_constructor(self) -> list[str]:
        """Return the last lines of the network's constructor, and the methods of a network for inference."""
        if not self.graph.inference:
            return initialization_lines(self.graph, self.tree)
        return [*inference.constructor_lines(self.graph), *inference.train_lines()]

    def _first_lines(self, head: str) -> list[str]:
        """Return the first lines of the network's `forward`. The check that they call is kept, to be written above the class."""
        arguments = head[head.index("(self, ") + len("(self, ") : head.index("):")].split(", ")
        found = []
        if self.check_sizes:
            self.size_check = size_check(self.graph, arguments)
            found.append(f"        {NAME}({', '.join(arguments)})")
        return [*found, *inference.input_lines(self.graph, arguments)] if self.graph.inference else found

    def _attributes(self, template: ClassTemplate) -> Iterator[Expression]:
        """Yield a statement for each child of a module; the members of a family come together."""
        module = template.first
        children: dict[str, _Member] = {}
        registries: dict[str, Registry] = {}
        stored: set[str] = set()
        beside: list[Expression] = []
        for text in template.body:
            expression = self._construct(text, template, sequential=False)
            if expression is None:
                continue
            step = text.step
            if isinstance(text, OpText) and text.lowering.sibling is not None:
                sibling, call = text.lowering.sibling
                own = text.constructor[len(list(literals(text.lowering.bare))) :]
                children[sibling], registries[sibling] = _call(call, iter(own), template), "_parameters"
            *family, name = step.key
            members: dict[str, Any] = children
            for part in family:
                members = members.setdefault(part, {})
            if family and module.containers[step.key[:-1]] == "mixed" and step.registry != "_modules":
                holder = attribute(module, step.key[:-1], "_modules")
                beside.append(_registered(holder, name, step.registry, expression))
            else:
                members[name] = expression
            if not family:
                registries[name] = step.registry
                stored.update([name] if isinstance(text, OpText) and text.lowering.persistent else [])
        for name, child in children.items():
            found = _container(module, (name,), child) if isinstance(child, dict) else child
            yield _registered("self", name, registries.get(name, "_modules"), found, name in stored)
        yield from beside

    def _construct(self, text: StepText, template: ClassTemplate, *, sequential: bool) -> Expression | None:
        """Return what constructs a step's module; None if there is nothing to construct."""
        if not text.step.constructed:
            return None
        if isinstance(text, OpText):
            call = text.constructed(sequential)
            return None if call is None else _call(call, iter([] if text.removed else text.constructor), template)
        if text.template is not None:
            return _instance(text, template)
        return self._sequential(text.step.callee, text.chain, template, "nn.Sequential(")

    def _sequential(self, module: ModuleNode, body: list[StepText], template: ClassTemplate, opening: str) -> Expression:
        """Return the steps of a chain as the arguments of an `nn.Sequential`."""
        made = [self._construct(text, template, sequential=True) for text in body]
        children = [child for child in made if child is not None]
        if module.counted:
            return Group(opening, repeated(children))
        self.ordered = True
        named = [entry(f"({quoted(text.step.key[0])}, ", child, ")") for text, child in zip(body, children, strict=True)]
        return Group(opening + "OrderedDict([", tuple(named), "]))")


def _registered(owner: str, name: str, registry: Registry, made: Expression, stored: bool = False) -> Expression:
    """Return the statement that gives a module a child; a `stored` buffer is in the `state_dict`."""
    if registry == "_buffers":
        return entry(f"{owner}.register_buffer({quoted(name)}, ", made, ")" if stored else ", persistent=False)")
    if owner == "self" and is_attribute(name):
        return entry(f"self.{name} = ", made)
    method = "register_parameter" if registry == "_parameters" else "add_module"
    return entry(f"{owner}.{method}({quoted(name)}, ", made, ")")


def _signature(template: ClassTemplate) -> Iterator[str]:
    for parameter in template.parameters:
        yield f"{parameter.name}={parameter.default!r}" if parameter.optional else parameter.name


def _instance(text: CallText, template: ClassTemplate) -> Expression:
    """Return a class with its arguments: the size of the input or a single one by position, others by name."""
    assert text.template is not None
    parameters = text.template.parameters
    items: list[str] = []
    for position, (parameter, argument) in enumerate(zip(parameters, text.arguments, strict=True)):
        shown = value_text(argument, template.names.__getitem__)
        if shown is None:
            continue
        single = len(parameters) == 1 and not parameter.optional
        first = position == 0 and parameter.name in ("in_channels", "in_features")
        items.append(shown if single or first else f"{parameter.name}={shown}")
    return Group(f"{text.template.name}(", tuple(items))


def _call(call: Call, values: Iterator[Written | None], template: ClassTemplate) -> Group:
    """Return a constructor call, each argument taken from `values`; None leaves it out."""
    items: list[Expression] = []
    for argument in call.arguments:
        if isinstance(argument.value, Call):
            text: Expression | None = _call(argument.value, values, template)
        else:
            text = value_text(next(values), template.names.__getitem__)
        if text is not None:
            items.append(entry(f"{argument.name}=" if argument.keyword else "", text))
    return Group(f"{call.target}(", tuple(items))


def _imports(used: set[str]) -> list[str]:
    """Return the import statements for the names that a source uses."""
    found = ["from collections import OrderedDict"] if "OrderedDict" in used else []
    typing = [name for name in ("Any", "NamedTuple") if name in used]
    found += [f"from typing import {', '.join(typing)}"] if typing else []
    found += [""] if found else []
    found += ["import torch"] if "torch" in used else []
    found += ["import torch.nn.functional as F"] if "F" in used else []
    return [*found, f"from torch import {'Tensor, ' if 'Tensor' in used else ''}nn"]


def _container(module: ModuleNode, key: tuple[str, ...], members: dict[str, _Member]) -> Expression:
    """Return what constructs a family: its members, which are families themselves if they are dictionaries."""
    kind = module.containers[key]
    made = {
        name: _container(module, (*key, name), member) if isinstance(member, dict) else member for name, member in members.items()
    }
    if kind in ("ModuleList", "ParameterList"):
        return Group(f"nn.{kind}([", repeated(list(made.values())), "])")
    named = tuple([entry(f"{quoted(name)}: ", member) for name, member in made.items()])
    return Group(f"nn.{'ModuleDict' if kind == 'mixed' else kind}({{", named, "})")


def _docstring(module: ModuleNode, network: Span | None) -> list[str]:
    """Return a class's docstring: the documentation of the block, and where it is defined, seen from the network.

    With quotes and backslashes escaped, no text of a spec can leave it.
    """
    function = module.function
    place, line = function.definition, ""
    if place is not None:
        imported = network is not None and place.file.name != network.file.name
        file = _escaped(PurePath(place.file.name).name) if imported else "the spec"
        line = f", line {place.line_column[0]} of {file}"
    about = {
        "block": f"The block `{function.name}`{line}.",
        "network": f"The network `{function.name}`.",
        "group": f"The group `{_escaped(module.path)}`{line}.",
    }[function.kind]
    if not function.doc.strip():
        return [f'    """{about}"""']
    text = [_escaped(line) for line in function.doc.strip().splitlines()]
    return [f'    """{text[0]}', *[f"    {line}".rstrip() for line in [*text[1:], "", about]], '    """']


def _escaped(line: str) -> str:
    """Return a line of documentation as it is written between triple quotes."""
    shown = "".join(c if c.isprintable() else " " for c in printable(line)).rstrip()
    return shown.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _comment(text: str) -> str:
    """Return a text as a comment, which must neither end nor, on the first lines, name an encoding (PEP 263)."""
    shown = "".join(c if c.isprintable() else " " for c in printable(text.replace("\n", " ")))
    return re.sub(r"(?<=coding)(?=[:=])", " ", shown)
