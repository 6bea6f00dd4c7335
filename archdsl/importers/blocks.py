"""Blocks: one for each class of modules, with parameters for what varies between the instances."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from archdsl.importers.alignment import Misfit, differ_in_parts, likeness
from archdsl.importers.forms import form, rolled
from archdsl.importers.formulas import function_of, same
from archdsl.importers.gathering import gathered
from archdsl.importers.layout import layout
from archdsl.importers.literal import Word, literal
from archdsl.importers.model import Call, Model, applications, walk
from archdsl.importers.naming import SHADOWING, block_name, fresh_name, is_reserved
from archdsl.importers.numbering import numbered
from archdsl.importers.rearrangement import ARRANGING
from archdsl.importers.scope import Column, Scope
from archdsl.importers.statements import Statement, stages
from archdsl.importers.structure import Structure
from archdsl.importers.template import Template

_ALIKE = 0.5
"""Instances of a class that have less than this in common become different blocks."""
_ALIKE_PARAMETERS = 3
"""Blocks that have so many parameters, and the same ones, can be rows of one table."""
_NATURAL: dict[str, Any] = {"stride": 1, "groups": 1, "dilation": 1, "p": 0.0, "k": None, "out": None}
"""Defaults that a person would give a parameter; none for those that a call should state."""


@dataclass(eq=False)
class Parameter:
    """A parameter of a block, with the text of its default."""

    name: str
    role: str
    default: str | None = None


@dataclass(eq=False)
class Block:
    """A block with its instances. `values` has the argument of each instance."""

    name: str
    instances: list[Call]
    parameters: list[Parameter] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    callees: frozenset[str] = frozenset()
    """The ops that it calls."""
    kin: str = ""
    """The name of the first block with the same parameters, if a table of both may have a column for the block."""

    def value(self, name: str, row: int) -> Any:
        """Return the argument of an instance."""
        return self.values[name][row]


class Blocks:
    """Finds the blocks of models, which may be several networks of one family."""

    def __init__(self, models: list[Model]) -> None:
        self._models = models
        self.found: list[Block] = []
        self.taken: set[str] = {model.name for model in models}
        calls = [call for model in models for call in walk(model.main) if isinstance(call, Call)]
        self._calls = _repeated(calls)
        heads = {value: name for model in models for name, value in model.heads.items()}
        outputs = {value: name for model in models for name, value in model.outputs.items()}
        self.structure = Structure(self._calls, _labels_of_heads(models, heads), outputs)
        for model in models:
            self.structure.learn(model.main)

    def make(self) -> None:
        """Make all blocks, innermost first."""
        for calls in self._by_class():
            for cluster in self._clusters(calls):
                self._block([call for call, _ in cluster], {call: statements for call, statements in cluster})
        signatures: dict[tuple[tuple[str, str | None], ...], str] = {}
        for block in self.found:
            signature = tuple((parameter.name, parameter.default) for parameter in block.parameters)
            block.kin = signatures.setdefault(signature, block.name) if len(signature) >= _ALIKE_PARAMETERS else ""

    def statements(self, call: Call) -> list[Statement]:
        """Return the statements of a call, numbered and in loops."""
        return prepared(self.structure.statements(call), free=call.path == "", alone=len(self._models) == 1)

    def _by_class(self) -> list[list[Call]]:
        """Return the calls of each class, such that those inside come first."""
        heights: dict[Call, int] = {}

        def height(call: Call) -> int:
            if call not in heights:
                inner = [height(node) for node in call.body if isinstance(node, Call)]
                heights[call] = max(inner, default=0) + (1 if call in self._calls else 0)
            return heights[call]

        by_class: dict[str, list[Call]] = {}
        for model in self._models:
            height(model.main)
            for call in walk(model.main):
                if isinstance(call, Call) and call in self._calls:
                    by_class.setdefault(call.origin.name, []).append(call)
        groups: list[tuple[int, list[Call]]] = []
        for calls in by_class.values():
            levels = {height(call) for call in calls}
            nested = any(isinstance(inner, Call) and inner in calls for call in calls for inner in walk(call))
            if nested:
                groups += [(level, [c for c in calls if heights[c] == level]) for level in sorted(levels)]
            else:
                groups.append((max(levels), calls))
        return [calls for _, calls in sorted(groups, key=lambda group: group[0])]

    def _clusters(self, calls: list[Call]) -> list[list[tuple[Call, list[Statement]]]]:
        """Return the calls that become one block each, with their statements."""
        clusters: list[list[tuple[Call, list[Statement]]]] = []
        for call in calls:
            statements = self.statements(call)
            for cluster in clusters:
                first, example = cluster[0]
                if len(first.inputs) == len(call.inputs) and likeness(example, statements) >= _ALIKE:
                    cluster.append((call, statements))
                    break
            else:
                clusters.append([(call, statements)])
        found: list[list[tuple[Call, list[Statement]]]] = []
        for cluster in clusters:
            fitting = [other for other in found if _are_one_block(other, cluster)]
            joined = [pair for other in fitting for pair in other] + cluster
            found = [other for other in found if other not in fitting] + [joined]
        return found

    def _block(self, calls: list[Call], statements: Mapping[Call, list[Statement]]) -> None:
        try:
            block = self._written(calls, statements)
        except Misfit:
            by_form: dict[str, list[Call]] = {}
            for call in calls:
                by_form.setdefault(form(statements[call]), []).append(call)
            if len(by_form) == 1:
                self._calls.difference_update(calls)  # they are written where they are called
                return
            for group in by_form.values():
                self._block(group, {call: self.statements(call) for call in group})
            return
        self.found.append(block)

    def _written(self, calls: list[Call], statements: Mapping[Call, list[Statement]]) -> Block:
        columns: list[Column] = []
        hidden: set[str] = set()
        for _ in range(4):  # the second time with all parameters known, which explain each other
            scope, operands, lines, definitions = self._attempt(calls, statements, columns, hidden)
            text, known = "\n".join(lines), columns
            columns = [column for column in scope.columns if re.search(rf"\b{column.name}\b", text)]
            now = {column.name for column in columns if _is_hidden(column.name, text)}
            columns = [column for column in columns if column.name not in now]
            if known and not now:
                break
            columns = [column for column in columns if not _follows_stride(column, columns, scope.arguments)]
            hidden |= now
        lines, lets = settled(lines, definitions, scope.taken)
        callees = [s.callee for s in stages(statements[calls[0]]) if isinstance(s.callee, str)]
        name = block_name(calls[0].origin.name, self.taken, self._variant(calls[0], callees))
        block = Block(name, calls, callees=frozenset(callees))
        block.values = {column.name: column.values for column in columns}
        block.parameters = parameters(columns, scope.arguments)
        signature = ", ".join(operands + [p.name if p.default is None else f"{p.name} = {p.default}" for p in block.parameters])
        head = f"block {name}({signature}) {{" if signature else f"block {name} {{"
        if len(lines) == 1 and not lets and len(head) + len(lines[0]) < 100 and lines[0].count("{") < 2:
            block.lines = [f"{head} {lines[0].strip()} }}"]
        else:
            block.lines = [head, *lets, *lines, "}"]
        for row, call in enumerate(calls):
            call.block, call.row = block, row
        return block

    def _variant(self, call: Call, callees: Sequence[str]) -> str:
        """Return what a block has that others of its class lack: a further input, or an op; nothing if it is the first one."""
        others = [block for block in self.found if block.instances[0].origin.name == call.origin.name]
        if others and len(call.inputs) > max(len(block.instances[0].inputs) for block in others):
            names = call.origin.inputs
            return names[len(call.inputs) - 1] if len(names) >= len(call.inputs) else ""
        known = frozenset().union(*(block.callees for block in others))
        return next((name for name in callees if others and name not in known and name not in ARRANGING), "")

    def _attempt(
        self, calls: list[Call], statements: Mapping[Call, list[Statement]], columns: list[Column], hidden: set[str]
    ) -> tuple[Scope, list[str], list[str], dict[str, str]]:
        scope = Scope("block", len(calls), columns=list(columns))
        scope.arguments = _arguments(calls)
        scope.results = [call.outputs[0].shape[0] if call.outputs[0].shape else 1 for call in calls]
        labels = {stage.label for body in statements.values() for stage in stages(body) if stage.label is not None}
        scope.labels = labels
        scope.sizes, definitions = _sizes(calls, "inputs" if "c" in labels else "c")
        scope.taken = set(self.taken) | set(definitions) | hidden | shadowed(statements.values())
        template = Template()
        operands = []
        for at in range(1, len(calls[0].inputs)):
            given = calls[0].origin.inputs
            name = given[at] if at < len(given) and given[at].isidentifier() and not is_reserved(given[at]) else f"value{at}"
            operands.append(name)
            template.register([call.inputs[at] for call in calls], name, scope)
        body = template.body({row: statements[call] for row, call in enumerate(calls)}, scope)
        return scope, operands, layout(body, 1), definitions


def _are_one_block(one: list[tuple[Call, list[Statement]]], other: list[tuple[Call, list[Statement]]]) -> bool:
    """Whether instances of a class that are not alike become one block all the same: two of them differ in parts alone."""
    if len(one[0][0].inputs) != len(other[0][0].inputs):
        return False
    forms = [{form(statements): statements for _, statements in cluster} for cluster in (one, other)]
    return any(differ_in_parts(a, b) for a in forms[0].values() for b in forms[1].values())


def shadowed(bodies: Iterable[list[Statement]]) -> set[str]:
    """Return the names of ops that bodies call, so that no parameter may have them, although others may."""
    return {
        stage.callee for body in bodies for stage in stages(body) if isinstance(stage.callee, str) and stage.callee in SHADOWING
    }


def _follows_stride(column: Column, columns: Sequence[Column], arguments: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a parameter that no constructor has is one thing where the stride is 1, and another elsewhere."""
    if column.role not in ("if", "either", "pad") or column.name in arguments[0]:
        return False
    strides = (other.values for other in columns if other.role == "stride")
    return any(function_of([stride != 1 for stride in own], column.values) is not None for own in strides)


def _is_hidden(name: str, text: str) -> bool:
    """Whether a label hides a parameter of its name, and the parameter is read behind it."""
    label = re.search(rf"(?<![\w.]){name}: ", text)
    return label is not None and re.search(rf"(?<![\w.\"]){name}\b(?!:)(?! =[^=])", text[label.end() :]) is not None


def prepared(statements: list[Statement], *, free: bool = False, alone: bool = True) -> list[Statement]:
    """Return statements with labels for their positions, and in loops."""
    from archdsl.importers.statements import Group, Head, inner_lists

    def number(items: list[Statement]) -> list[Statement]:
        for item in items:
            for inner in inner_lists(item):
                inner[:] = number(inner) if isinstance(item, Group | Head) else _inside(inner)
        return numbered(items)

    def _inside(items: list[Statement]) -> list[Statement]:
        for item in items:
            for inner in inner_lists(item):
                inner[:] = number(inner) if isinstance(item, Group | Head) else _inside(inner)
        return items

    return rolled(number(gathered(statements)), free=free, alone=alone)


def settled(lines: list[str], definitions: Mapping[str, str], taken: set[str]) -> tuple[list[str], list[str]]:
    """Return lines with names of the input's sizes, and the statements that define these names where `x` has changed.

    A product that is written several times gets a name, too.
    """
    text = "\n".join(lines)
    lets: list[str] = []
    products = re.findall(r"\w+ \* [§‡]\w+[§‡]", text.replace("‡", "§"))
    for product in dict.fromkeys(products):
        if products.count(product) > 1:
            name = fresh_name("hidden", taken)
            lets.append(f"  let {name} = {product}")
            text = text.replace(product, name).replace(product.replace("§", "‡"), name)
    for name, definition in definitions.items():
        if f"‡{name}‡" in text:
            lets = [f"  let {name} = {definition}", *lets]
            text = text.replace(f"‡{name}‡", name).replace(f"§{name}§", name)
            lets = [line.replace(f"§{name}§", name) for line in lets]
        else:
            text = text.replace(f"§{name}§", definition)
            lets = [line.replace(f"§{name}§", definition) for line in lets]
    return text.split("\n"), lets


def _repeated(calls: list[Call]) -> set[Call]:
    """Return the calls that become calls of a block: those of classes with several instances, and layers of other programs."""
    by_class: dict[str, list[Call]] = {}
    for call in calls:
        if (
            call.origin.name
            and not call.shared
            and len(call.outputs) == 1
            and call.inputs
            and sum(1 for _ in applications(call)) > 1
        ):
            by_class.setdefault(call.origin.name, []).append(call)
    found = {
        call for group in by_class.values() if len(group) > 1 or group[0].origin.layer for call in group if not _is_norm(call)
    }
    return {call for call in found if not (call.origin.container and any(inner in found for inner in call.body))}


def _is_norm(call: Call) -> bool:
    """Whether a call is one op after all, such as a norm between two permutations."""
    from archdsl.importers.steps import sole

    return not isinstance(sole(call), Call)


def _labels_of_heads(models: list[Model], heads: Mapping[Any, str]) -> dict[Any, str]:
    """Return the label of each head: the module that makes it, so that the keys match."""
    found = dict(heads)
    for model in models:
        for call in model.main.body:
            for value in call.outputs:
                if value in found and isinstance(call, Call):
                    found[value] = call.path
    return found


def _arguments(calls: list[Call]) -> list[Mapping[str, Any]]:
    """Return the arguments of each instance's constructor, those of configuration objects by their fields."""
    made: list[Mapping[str, Any]] = []
    for call in calls:
        flat: dict[str, Any] = {}
        for name, value in call.origin.arguments.items():
            if isinstance(value, bool | int | float | str) or (isinstance(value, tuple) and value and isinstance(value[0], int)):
                flat[name] = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
            elif is_dataclass(value) or type(value).__name__.endswith(("Config", "Conf", "Args")):
                for key, inner in vars(value).items():
                    if isinstance(inner, bool | int | float):
                        flat[f"{name}.{key}"] = inner
        made.append(flat)
    return made


def _sizes(calls: list[Call], channels: str) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Return the number of channels of each instance's input by the names that the text may use, and their definitions."""
    ranks = {len(call.inputs[0].shape) for call in calls}
    if len(ranks) != 1 or ranks == {0}:
        return {}, {}
    if ranks == {2}:
        return {"width": [call.inputs[0].shape[1] for call in calls]}, {"width": "x.shape[1]"}
    found = {channels: [call.inputs[0].shape[0] for call in calls]}
    definitions = {channels: "x.c"}
    if ranks == {3} and all(_channels_last(call) for call in calls):
        found["width"] = [call.inputs[0].shape[2] for call in calls]
        definitions["width"] = "x.shape[2]"
    return found, definitions


def _channels_last(call: Call) -> bool:
    """Whether the channels of an image are its last axis, as in Swin: the first norm or dense layer takes it as it is."""
    first = next((n for n in applications(call) if n.op in ("ln", "linear")), None)
    return first is not None and first.args["axis"] == -1 and first.inputs[0].shape[-1] == call.inputs[0].shape[-1]


def parameters(columns: list[Column], arguments: Sequence[Mapping[str, Any]]) -> list[Parameter]:
    """Return parameters in the order of a person: as in the constructor, those with defaults last."""
    order = [name.rpartition(".")[2] for name in arguments[0]] if arguments else []
    made = [(column, Parameter(column.name, column.role, _default(column))) for column in columns]

    def place(entry: tuple[Column, Parameter]) -> tuple[bool, int]:
        column, parameter = entry
        return parameter.default is not None, order.index(column.name) if column.name in order else len(order)

    return [parameter for _, parameter in sorted(made, key=place)]


def _default(column: Column) -> str | None:
    """Return the text of a default for a parameter: one, nothing, or what most instances have."""
    values = column.values
    if column.role in ("classes", "callee"):
        return literal(None) if None in values else None
    if column.role in _NATURAL:
        natural = _NATURAL[column.role]
        if column.role == "k" and 1 in values and not all(value == 1 for value in values):
            natural = 1
        usual = column.role == "p" or any(same(value, natural) for value in values)
        return literal(natural) if natural is not None and usual else None
    if column.role == "pad" and "same" in values:
        return literal("same")
    if isinstance(values[0], bool):
        return literal(max((False, True), key=values.count))
    shown = [literal(value) for value in values]
    most = max(shown, key=shown.count)
    wide = column.kind == "channels" or isinstance(values[0], Word | list | tuple)
    return most if not wide and len(values) > 2 and shown.count(most) * 4 >= len(values) * 3 else None
