"""The text of a spec: a header, the blocks, and the network, or a family of networks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.formatting import format_source
from archdsl.importers.alignment import Misfit
from archdsl.importers.blocks import Blocks, parameters, settled
from archdsl.importers.layout import Line, layout
from archdsl.importers.literal import literal
from archdsl.importers.model import Model, Value, applications
from archdsl.importers.naming import block_name
from archdsl.importers.scope import Scope
from archdsl.importers.statements import stages
from archdsl.importers.template import Template
from archdsl.importers.template_names import CLASSES
from archdsl.limits import DEFAULT
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse


def spec_text(models: Sequence[Model], header: Sequence[str], *, claims: dict[str, dict[str, int]] | None = None) -> str:
    """Return the spec of a model, or of several that become aliases of one network. `claims` are facts by network."""
    for model in models:
        _name_classes(model)
    blocks = Blocks(list(models))
    try:
        blocks.make()
        network = _network(list(models), blocks, claims or {})
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


def _network(models: list[Model], blocks: Blocks, claims: dict[str, dict[str, int]]) -> list[str]:
    scope = Scope("network", len(models))
    scope.taken = set(blocks.taken)
    scope.arguments = [dict(model.main.origin.arguments) for model in models] if len(models) > 1 else []
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
    for listed, counts in scope.lets.items():
        text = text.replace(f" in {literal(counts)} {{", f" in {listed} {{")
    lines = text.split("\n")
    lets = [f"  let {name} = {literal(values)}" for name, values in scope.lets.items() if re.search(rf"\b{name}\b", text)]
    signature: list[str] = []
    columns = [column for column in scope.columns if re.search(rf"\b{column.name}\b", text)]
    given = parameters(columns, [])
    values = {column.name: column.values for column in columns}
    signature = [parameter.name for parameter in given]
    classes = next((model.main.origin.arguments.get(n) for model in models for n in ("num_classes", "classes", "n_classes")
                    if isinstance(model.main.origin.arguments.get(n), int)), None)  # fmt: skip
    guard = ""
    if re.search(r"\bclasses\b", text):
        signature.append(f"classes: int = {classes}")
        guard = f" if classes == {classes}"
    name = models[0].name if len(models) == 1 else _family_name(models, blocks)
    head = f"network {name}({', '.join(signature)}) {{" if signature else f"network {name} {{"
    found = [head, *inputs, *lets, *lines]
    if len(models) == 1:
        return [*found, *(f"  expect {claim} == {_grouped(n)}{guard}" for claim, n in claims.get(name, {}).items()), "}"]
    found += ["}", ""]
    wide = max(len(model.name) for model in models)
    for row, model in enumerate(models):
        arguments = ", ".join(literal(values[parameter.name][row]) for parameter in given)
        alias = f"network {model.name:<{wide}} = {name}({arguments})"
        claim = claims.get(model.name, {})
        found.append(alias + (f" expect params == {_grouped(claim['params'])}{guard}" if "params" in claim else ""))
    return found


def _family_name(models: list[Model], blocks: Blocks) -> str:
    """Return the name of the network that several are aliases of: what their names have in common, or their class."""
    common = "".join(letters[0] for letters in takewhile(_agree, zip(*[model.name for model in models], strict=False)))
    whole = all(not model.name[len(common) :][:1].isalpha() for model in models)
    common = re.sub(r"_[a-z]$", "", common.rstrip("_0123456789"))
    return block_name(common if whole and len(common) > 2 else models[0].main.origin.name.lower(), blocks.taken)


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
