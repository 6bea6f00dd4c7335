"""The PyTorch code generator: a graph as Python source that a person can read, and that imports torch alone.

The module that trains is this source, executed; there is no other path from a graph to PyTorch.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import NamedTuple

from archdsl.analysis import Costs
from archdsl.backends.torch.expressions import Call, Target
from archdsl.backends.torch.forms import TAKEN, Form, Forms
from archdsl.backends.torch.forward import chain_lines, forward_lines
from archdsl.backends.torch.initialize import initialization_lines
from archdsl.backends.torch.layout import Expression, Group, lines, repeated
from archdsl.backends.torch.plan import Container, Leaf, Part, Step, is_bare, plan
from archdsl.backends.torch.runtime_source import definitions_for, names_used
from archdsl.backends.torch.size_check import NAME, size_check
from archdsl.diagnostics import printable
from archdsl.ir.unrolled import Graph, Scope


class Emitted(NamedTuple):
    """Source, and the name of the network's class in it."""

    source: str
    class_name: str


def emit(graph: Graph, *, aux: bool = True, check_sizes: bool = True) -> str:
    """The network as Python source. Without `aux` the heads are left out, and with them their weights.

    With `check_sizes`, `forward` first compares its inputs with the shapes that the network declares and the sizes that work.
    """
    return emit_module(graph, aux=aux, check_sizes=check_sizes).source


def emit_module(graph: Graph, *, aux: bool = True, check_sizes: bool = True) -> Emitted:
    """The source, with the name of the class to construct."""
    return _Emitter(graph, aux, check_sizes).module()


class _Emitter:
    def __init__(self, graph: Graph, aux: bool, check_sizes: bool) -> None:
        self.graph = graph
        self.aux = aux
        self.check_sizes = check_sizes
        self.size_check: list[str] = []
        self.ordered = False
        """Whether an `nn.Sequential` is written with names."""
        self.root = plan(graph, aux=aux)
        self.forms = Forms(self.root)
        self.results = _Results.of(graph, aux)
        self._name_forms()

    def module(self) -> Emitted:
        body: list[str] = []
        for form in self.forms.in_order:
            if form.first is self.root:
                body += self.results.lines()
            lines_of_class = self._class(form)
            body += [*(self.size_check if form.first is self.root else []), "", "", *lines_of_class]
        name = self.forms.by_part[id(self.root)].name
        named = set(self.forms.targets())
        runtime = definitions_for(target.name for target in named if target.namespace == "runtime")
        imports = _imports(self._used_names(named) | names_used(runtime))
        definitions = [line for definition in runtime.values() for line in ("", "", definition)]
        pieces = [*self._heading(), "", *imports, *definitions, *body]
        return Emitted("\n".join(pieces).rstrip() + "\n", name)

    def _used_names(self, named: set[Target]) -> set[str]:
        """Return the imported names that the classes use."""
        found = {target.namespace for target in named if target.namespace != "runtime"} | {"nn"}
        found |= {"OrderedDict"} if self.ordered else set()
        found |= {"NamedTuple", "torch"} if self.results.class_names else set()
        return found | ({"torch"} if self.size_check else set())

    def _heading(self) -> list[str]:
        """What this is and where it came from, as comments: no text of a spec can leave one."""
        graph = self.graph
        costs = Costs(graph)
        place = graph.definition
        params = costs.params(node for node in graph.nodes if self.aux or not graph.in_heads[node.index])
        macs = costs.macs(node for node in graph.nodes if graph.in_evaluation[node.index])
        count = f"{params:,} parameters" + (f", {macs:,} multiply-accumulates for one image" if isinstance(macs, int) else "")
        about = [f"{graph.name}: {count}.", *graph.doc.splitlines(), f"Written by archdsl from {place.place}."]
        return [f"# {_comment(line)}".rstrip() for line in about]

    # -- names --

    def _name_forms(self) -> None:
        """A class name for each form: the block's, and what tells it from others of that block."""
        parameters = {parameter.name for form in self.forms.in_order for parameter in form.parameters}
        taken = {*TAKEN, *self.results.class_names, *parameters}
        root = self.forms.by_part[id(self.root)]
        root.name = _fresh(_camel(self.graph.name), taken)
        by_stem: dict[str, list[Form]] = {}
        for form in self.forms.in_order:
            if form is not root:
                by_stem.setdefault(_stem(form.first.scope), []).append(form)
        for stem, forms in by_stem.items():
            usual = max(forms, key=lambda form: len(form.instances))
            for form in sorted(forms, key=lambda form: form is not usual):
                form.name = _fresh(stem + ("" if form is usual else _difference(form, usual)), taken)

    # -- classes --

    def _class(self, form: Form) -> list[str]:
        part = form.first
        texts = iter(form.texts)
        sequential = part.sequential
        found = [f"class {form.name}(nn.{'Sequential' if sequential else 'Module'}):", f'    """{_about(part.scope)}"""']
        found += ["", f"    def __init__({', '.join(['self', *self._parameters(form)])}):"]
        if sequential:
            found += lines(self._sequential(part, texts, "super().__init__("), 8)
        else:
            found.append("        super().__init__()")
            for statement in self._attributes(part, texts):
                found += lines(statement, 8)
            kept = dict.fromkeys(text for texts_of_step in form.numbers.values() for text in texts_of_step)
            found += [f"        self.{name} = {text}" for text in kept if (name := form.kept.get(text)) is not None]
        if part is self.root:
            found += initialization_lines(self.graph, self.root)
        if part is self.root and part.outputs:
            write = chain_lines if sequential else forward_lines
            if self.check_sizes or not sequential:
                found += ["", *self._checked(write(self.graph, form, self.results))]
        elif not sequential and part.outputs:
            found += ["", *forward_lines(self.graph, form, None)]
        return found

    def _checked(self, forward: list[str]) -> list[str]:
        """The network's `forward` with the check of its inputs, which is kept to be written above the class."""
        if not self.check_sizes:
            return forward
        head, *body = forward
        arguments = head[head.index("(self, ") + len("(self, ") : head.index("):")]
        self.size_check = size_check(self.graph, arguments.split(", "))
        return [head, f"        {NAME}({arguments})", *body]

    def _parameters(self, form: Form) -> Iterator[str]:
        ordered = sorted(form.parameters, key=lambda parameter: parameter.optional)
        for parameter in ordered:
            yield f"{parameter.name}={parameter.default!r}" if parameter.optional else parameter.name

    def _attributes(self, part: Part, texts: Iterator[str | None]) -> Iterator[Expression]:
        """A statement for each child of a module; a family's members come together."""
        families: dict[str, list[tuple[str, Expression]]] = {}
        plain: list[tuple[str, str, Expression | None]] = []
        beside: list[Expression] = []
        for step in part.steps:
            expression = self._construct(step, part, texts)
            if expression == "":
                continue
            if len(step.name) == 2:
                if step.name[0] not in families:
                    plain.append((step.name[0], "add_module", None))
                family, key = step.name
                members = families.setdefault(family, [])
                if part.containers[family] == "mixed" and is_bare(step):
                    beside.append(_entry(f'self.{family}.register_parameter("{key}", ', expression, ")"))
                else:
                    members.append((key, expression))
            else:
                plain.append((step.name[0], "register_parameter" if is_bare(step) else "add_module", expression))
        for name, register, found in plain:
            if found is None:
                found = _container(part.containers[name], families[name])
            yield (
                _entry(f"self.{name} = ", found, "") if name.isidentifier() else _entry(f'self.{register}("{name}", ', found, ")")
            )
        yield from beside

    def _construct(self, step: Step, part: Part, texts: Iterator[str | None]) -> Expression:
        """What constructs a step's module; empty for an op that is written as a function."""
        if isinstance(step, Leaf):
            call = step.constructor(part)
            made = "" if call is None else _call(call, texts)
            if numbers := step.numbers(part):
                self.forms.by_part[id(part)].numbers[id(step)] = [str(next(texts)) for _ in numbers]
            return made
        form = self.forms.by_part.get(id(step))
        if form is not None:
            return self._instance(form, texts)
        return self._sequential(step, texts, "nn.Sequential(")

    def _sequential(self, part: Part, texts: Iterator[str | None], opening: str) -> Expression:
        """A chain's steps as the arguments of an `nn.Sequential`."""
        children = [self._construct(child, part, texts) for child in part.steps]
        if part.counted:
            return Group(opening, repeated(children))
        self.ordered = True
        named = tuple(_entry(f'("{child.name[0]}", ', made, ")") for child, made in zip(part.steps, children, strict=True))
        return Group(opening + "OrderedDict([", named, "]))")

    def _instance(self, form: Form, texts: Iterator[str | None]) -> Expression:
        """A class with its arguments: channels first by position, the rest by name."""
        positional: list[str] = []
        named: list[str] = []
        for parameter in form.parameters:
            text = next(texts)
            if text is None:
                continue
            if parameter.name == "in_channels" or (len(form.parameters) == 1 and not parameter.optional):
                positional.append(text)
            else:
                named.append(f"{parameter.name}={text}")
        return Group(f"{form.name}(", (*positional, *named))


class _Results(NamedTuple):
    """What the network returns: a tensor, or named tuples where it has heads or further outputs."""

    training: tuple[tuple[str, int], ...]
    evaluation: tuple[tuple[str, int], ...]
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, graph: Graph, aux: bool) -> _Results:
        main = ("main", graph.result)
        heads = tuple((head.name, head.value) for head in graph.heads) if aux else ()
        outputs = tuple((output.name, output.value) for output in graph.outputs)
        name = _camel(graph.name)
        names = (f"{name}Training",) * bool(heads) + (f"{name}Result",) * bool(outputs)
        return cls((main, *heads, *outputs), (main, *outputs), names)

    def lines(self) -> list[str]:
        """The classes of the results."""
        found: list[str] = []
        for name in self.class_names:
            fields = self.training if name.endswith("Training") else self.evaluation
            when = "training" if name.endswith("Training") else "evaluation" if len(self.class_names) == 2 else "every mode"
            found += ["", "", f"class {name}(NamedTuple):", f'    """What the network returns in {when}."""', ""]
            found += [f"    {field}: torch.Tensor" for field, _ in fields]
        return found

    def returns(self, names: dict[int, str]) -> list[str]:
        """The last lines of `forward`, given the variable of each value."""

        def result(fields: tuple[tuple[str, int], ...], kind: str) -> str:
            if len(fields) == 1:
                return f"        return {names[fields[0][1]]}"
            name = next(n for n in self.class_names if n.endswith(kind))
            return f"        return {name}({', '.join(names[value] for _, value in fields)})"

        if self.training == self.evaluation:
            return [result(self.evaluation, "Result")]
        return ["        if self.training:", "    " + result(self.training, "Training"), result(self.evaluation, "Result")]


def _imports(used: set[str]) -> list[str]:
    """Return the import statements for the names that a source uses."""
    found = ["from collections import OrderedDict"] if "OrderedDict" in used else []
    typing = [name for name in ("Any", "NamedTuple") if name in used]
    found += [f"from typing import {', '.join(typing)}"] if typing else []
    found += [""] if found else []
    found += ["import torch"] if "torch" in used else []
    found += ["import torch.nn.functional as F"] if "F" in used else []
    return [*found, f"from torch import {'Tensor, ' if 'Tensor' in used else ''}nn"]


def _call(call: Call, texts: Iterator[str | None]) -> Group:
    """Return a constructor call, each argument taken from `texts`; those without a text are left out."""
    items: list[Expression] = []
    for argument in call.arguments:
        text = _call(argument.value, texts) if isinstance(argument.value, Call) else next(texts)
        if text is not None:
            items.append(_entry(f"{argument.name}=" if argument.keyword else "", text, ""))
    return Group(f"{call.target}(", tuple(items))


def _container(kind: Container, members: list[tuple[str, Expression]]) -> Expression:
    if kind in ("ModuleList", "ParameterList"):
        return Group(f"nn.{kind}([", repeated([made for _, made in members]), "])")
    return Group(
        f"nn.{'ModuleDict' if kind == 'mixed' else kind}({{",
        tuple(_entry(f'"{name}": ', made, "") for name, made in members),
        "})",
    )


def _entry(before: str, expression: Expression, after: str) -> Expression:
    """An expression with a text around it, which stays on the lines of its brackets."""
    if isinstance(expression, str):
        return before + expression + after
    return Group(before + expression.opening, expression.items, expression.closing + after)


def _about(scope: Scope) -> str:
    """A class's docstring: identifiers and numbers alone, so that no text of a spec can leave it."""
    line, _ = (scope.definition or scope.span).line_column
    if scope.kind == "block":
        return f"The block `{scope.block}`, line {line} of the spec."
    if scope.kind == "network":
        return f"The network `{scope.name}`."
    return f"The group `{scope.path}`, line {line} of the spec."


def _comment(text: str) -> str:
    """A text as a comment, which must neither end nor, on the first lines, name an encoding (PEP 263)."""
    shown = "".join(c if c.isprintable() else " " for c in printable(text.replace("\n", " ")))
    return shown.replace("coding:", "coding :").replace("coding=", "coding =")


def _camel(name: str) -> str:
    words = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    return words if words.isidentifier() and not keyword.iskeyword(words) else f"Network{words}"


def _stem(scope: Scope) -> str:
    if scope.kind == "block":
        return _camel(scope.block or "")
    word = _camel(scope.name.rstrip("0123456789"))
    return word if word != "Network" else "Group"


def _difference(form: Form, usual: Form) -> str:
    """What a form has that the usual one has not, such as `Downsample`."""
    have = {name for step in form.first.steps for name in step.name if name.isidentifier()}
    lack = {name for step in usual.first.steps for name in step.name if name.isidentifier()}
    extra = [_camel(name) for step in form.first.steps for name in step.name if name in have - lack]
    missing = [_camel(name) for step in usual.first.steps for name in step.name if name in lack - have]
    return "With" + extra[0] if extra else "Without" + missing[0] if missing else ""


def _fresh(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    taken.add(candidate)
    return candidate
