"""The text of a spec: a header, the blocks, and the network, or a family of networks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.formatting import format_source
from archdsl.importers.alignment import Misfit
from archdsl.importers.blocks import Blocks, Parameter, settled
from archdsl.importers.layout import Line, layout
from archdsl.importers.literal import literal
from archdsl.importers.loop_text import table_lines
from archdsl.importers.model import Model, Value, applications
from archdsl.importers.naming import block_name, fresh_name
from archdsl.importers.scope import Column, Scope
from archdsl.importers.statements import stages
from archdsl.importers.template import Template
from archdsl.importers.template_names import CLASSES
from archdsl.limits import DEFAULT
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse

_LONG_ARGUMENT = 60
"""An argument of an alias that is a list and longer than this becomes a constant."""


def spec_text(models: Sequence[Model], header: Sequence[str], *, claims: dict[str, dict[str, int]] | None = None) -> str:
    """Return the spec of a model, or of several that become aliases of one network. `claims` are facts by network."""
    for model in models:
        _name_classes(model)
    blocks = Blocks(list(models))
    try:
        blocks.make()
        network = _networks(list(models), blocks, claims or {})
    except SpecError:
        raise
    except Exception as error:
        found = str(error) if isinstance(error, Misfit) else f"{type(error).__name__}: {error}"
        reason = f"`{models[0].name}`: the importer has no text for its structure: {found}"
        raise SpecError(codes.importing.NotExpressible(models[0].name, (reason,), partial=False)) from error
    parts = ["\n".join(f"## {line}" if line else "##" for line in header)] if header else []
    parts += ["\n".join(block.lines) for block in blocks.found]
    parts.append("\n".join(network))
    return _formatted("\n\n".join(parts) + "\n")


def _formatted(text: str) -> str:
    """Return a text as `archdsl fmt` writes it; one that does not parse is left to the proof."""
    file, errors = parse(SourceFile("<text>", text), DEFAULT)
    return text if errors else format_source(file, DEFAULT)


def _name_classes(model: Model) -> None:
    """Make the number of classes a name, where the last layers have so many outputs and the constructor takes it."""
    given = model.main.origin.arguments
    count = next((given[name] for name in ("num_classes", "classes", "n_classes") if isinstance(given.get(name), int)), None)
    if count is None:
        return
    for value in [*model.outputs.values(), *model.heads.values()]:
        layer = _last_layer(value)
        if layer is not None and layer.args.get("out") == count:
            layer.args["out"] = CLASSES


def _last_layer(value: Value) -> Any:
    """Return the last layer with weights before a value."""
    at: Any = value.producer
    while at is not None:
        if getattr(at, "op", None) in ("linear", "conv"):
            return at
        at = at.inputs[0].producer if getattr(at, "inputs", None) else None
    return None


def _networks(models: list[Model], blocks: Blocks, claims: dict[str, dict[str, int]]) -> list[str]:
    """Return the lines of one network with an alias for each model, or of a network for each if that is shorter."""
    if len(models) == 1:
        return _network(models, blocks, claims)
    taken = set(blocks.taken)
    apart = [[*_network([model], blocks, claims), ""] for model in models]
    blocks.taken = taken
    alone = [line for lines in apart for line in lines][:-1]
    try:
        family = _network(models, blocks, claims)
    except Misfit:
        if models[0].scaling is not None:
            raise
        return alone
    return family if len(family) <= len(alone) or models[0].scaling is not None else alone


def _network(models: list[Model], blocks: Blocks, claims: dict[str, dict[str, int]]) -> list[str]:
    scope = Scope("network", len(models))
    scope.taken = set(blocks.taken)
    scope.arguments = [dict(model.main.origin.arguments) for model in models] if len(models) > 1 else []
    scalings = [model.scaling for model in models if model.scaling is not None and len(models) > 1]
    if scalings:
        first = scalings[0]
        scope.columns = [Column(name, [own.given[name] for own in scalings], "other", "given") for name in first.given]
        scope.terms = [
            Column(text, [own.terms[text][1] for own in scalings], kind) for text, (kind, _) in first.terms.items()
            if all(text in own.terms for own in scalings)
        ]  # fmt: skip
    template = Template(fresh=False, claims=all(model.at_size and not model.is_open for model in models))
    main = models[0].main
    for at, value in enumerate(main.inputs):
        template.register([model.main.inputs[at] for model in models], value.name, scope)
    statements = {row: blocks.statements(model.main) for row, model in enumerate(models)}
    scope.labels = {stage.label for body in statements.values() for stage in stages(body) if stage.label is not None}
    body = template.body(statements, scope)
    inputs = [_input(value) for value in main.inputs]
    if len(main.inputs) > 1:
        body.insert(0, Line(main.inputs[0].name, kind="start"))
    lines, _ = settled(layout(body, 1), {}, scope.taken)
    text = "\n".join(lines)
    definitions = [f"  {line}" for own in scalings[:1] for line in own.definitions if f"{_defined(line)}(" in text]
    text = "\n".join([*definitions, *lines])
    for listed, counts in scope.lets.items():
        text = text.replace(f" in {literal(counts)} {{", f" in {listed} {{")
    lines = text.split("\n")
    lets = [f"  let {name} = {literal(values)}" for name, values in scope.lets.items() if re.search(rf"\b{name}\b", text)]
    signature: list[str] = []
    columns = [column for column in scope.columns if re.search(rf"\b{column.name}\b", text)]
    given = [Parameter(column.name, column.role) for column in columns]
    values = {column.name: column.values for column in columns}
    signature = [parameter.name for parameter in given]
    classes = next((model.main.origin.arguments.get(n) for model in models for n in ("num_classes", "classes", "n_classes")
                    if isinstance(model.main.origin.arguments.get(n), int)), None)  # fmt: skip
    guard = ""
    if re.search(r"\bclasses\b", text):
        signature.append(f"classes: int = {classes}")
        guard = f" if classes == {classes}"
    name = models[0].name if len(models) == 1 else scalings[0].family if scalings else _family_name(models, blocks)
    head = f"network {name}({', '.join(signature)}) {{" if signature else f"network {name} {{"
    found = [head, *inputs, *lets, *lines]
    if len(models) == 1:
        return [*found, *(f"  expect {claim} == {_grouped(n)}{guard}" for claim, n in claims.get(name, {}).items()), "}"]
    arguments, tables = _arguments(models, {parameter.name: values[parameter.name] for parameter in given}, blocks.taken)
    found = [*tables, *found, "}", ""]
    wide = max(len(model.name) for model in models)
    for model, shown in zip(models, arguments, strict=True):
        alias = f"network {model.name:<{wide}} = {name}({shown})"
        claim = claims.get(model.name, {})
        found.append(alias + (f" expect params == {_grouped(claim['params'])}{guard}" if "params" in claim else ""))
    return found


def _arguments(models: list[Model], values: dict[str, list[Any]], taken: set[str]) -> tuple[list[str], list[str]]:
    """Return the arguments of each alias, and the lines of constants for lists that are too long for it."""
    shown: list[list[str]] = [[] for _ in models]
    tables: list[str] = []
    same = len(_common(models).rstrip("0123456789"))
    for name, column in values.items():
        long = max(len(literal(value)) for value in column) > _LONG_ARGUMENT
        for row, (model, value) in enumerate(zip(models, column, strict=True)):
            if not long or not isinstance(value, list):
                shown[row].append(literal(value))
                continue
            constant = fresh_name(f"{name}_{model.name[same:].strip('_') or model.name}", taken)
            shown[row].append(constant)
            cells = [list(map(literal, row)) for row in value] if _is_table(value) else []
            tables += [*(table_lines(constant, cells) if cells else [f"let {constant} = {literal(value)}"]), ""]
    return [", ".join(texts) for texts in shown], tables


def _is_table(value: Any) -> bool:
    """Whether a value is a list of rows of equal lengths, whose cells are no lists."""
    return (
        isinstance(value, list) and len(value) > 1 and all(isinstance(row, list) for row in value)
        and len({len(row) for row in value}) == 1 and not any(isinstance(cell, list | tuple) for row in value for cell in row)
    )  # fmt: skip


def _defined(line: str) -> str:
    """Return the name of the function that a line defines."""
    return line.removeprefix("let ").partition("(")[0]


def _family_name(models: list[Model], blocks: Blocks) -> str:
    """Return the name of the network that several are aliases of: what their names have in common, or their class."""
    common = _common(models)
    whole = all(not model.name[len(common) :][:1].isalpha() for model in models)
    common = re.sub(r"_[a-z]$", "", common.rstrip("_0123456789"))
    return block_name(common if whole and len(common) > 2 else models[0].main.origin.name.lower(), blocks.taken)


def _common(models: list[Model]) -> str:
    """Return what the names of all models begin with."""
    return "".join(letters[0] for letters in takewhile(_agree, zip(*[model.name for model in models], strict=False)))


def _agree(letters: tuple[str, ...]) -> bool:
    return len(set(letters)) == 1


def _input(value: Value) -> str:
    kind = {"float": "", "int": ": int", "bool": ": bool"}[value.dtype]
    sizes = value.symbolic or value.shape
    return f"  input {value.name}{kind} [{', '.join(map(str, sizes))}]"


def _grouped(number: int) -> str:
    return f"{number:_}"


def layers_of(model: Model) -> int:
    """Return the number of ops with tensors in a model."""
    return sum(1 for node in applications(model.main) if node.key is not None)
