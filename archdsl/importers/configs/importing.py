"""Import a configuration file: read it, write the text, and prove that both are the same network."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archdsl import __version__
from archdsl.diagnostics import SpecError, codes
from archdsl.driver import compile_text
from archdsl.importers.configs.agreement import Agreement, compare, flow_of
from archdsl.importers.configs.formats import ConfigFormat, config_format, read_config_text
from archdsl.importers.configs.grouping import grouped
from archdsl.importers.configs.layers import Layers
from archdsl.importers.model import Call, Model, Value, connect, walk
from archdsl.importers.naming import can_name_a_value
from archdsl.importers.network_text import spec_text
from archdsl.ir import Graph
from archdsl.session import Session
from archdsl.source import SourceFile


@dataclass
class ImportedConfig:
    """An imported text, with what was compared."""

    text: str
    name: str
    report: Agreement
    partial: bool = False
    graph: Graph | None = None

    def marked(self) -> str:
        """Return the text; its first line says so if it is only a part of the network."""
        if self.partial:
            return "# PARTIAL: comments stand for layers that the language cannot express.\n" + self.text
        return self.text


def import_config(path: str, *, partial: bool = False, network: str | None = None, sizes: Sequence[tuple[int, ...]] = ()) -> ImportedConfig:
    """Return the spec of a configuration file. Raise `SpecError` E1211 to E1213 if it is not valid or cannot be expressed.

    `network` is the name of the network and, for Ultralytics files with several scales, the letter of one at its end.
    """
    source = read_config_text(Path(path))
    found = config_format(path, source.text)
    if found is None:
        raise SpecError(unknown_format(path, source.text))
    return import_source(source, found, Path(path).stem, partial=partial, network=network, sizes=sizes)


def unknown_format(path: str, text: str) -> codes.configs.UnknownFormat:
    """Return the error for a file of another format."""
    from archdsl.syntax.other_formats import text_format

    other = text_format(text)
    return codes.configs.UnknownFormat(path, other.kind if other is not None else None)


def import_source(
    source: SourceFile, form: ConfigFormat, stem: str, *, partial: bool = False, network: str | None = None, sizes: Sequence[tuple[int, ...]] = ()
) -> ImportedConfig:
    """Return the spec of a text in a format. `stem` is the name of its file, which names the network unless the text does."""
    layers = form.read(source, partial=partial, sizes=sizes)
    name = network or _name(layers.title or stem)
    flat = flow_of(layers.main)
    model = _model(layers, name)
    if not form.modules:
        grouped(model.main, named=form.named)
    connect(model.main)
    _keep_outputs(model)
    header = _header(source, form, layers)
    text = spec_text([model], header)
    if layers.refused:
        return ImportedConfig(text, name, Agreement(), partial=True)
    compiled = compile_text(text, name, shown=f"{name}.arch", session=Session())
    if compiled.graph is None:
        errors = [diagnostic.message for diagnostic in compiled.diagnostics if diagnostic.is_error]
        raise SpecError(codes.configs.ConfigDisagrees(source.name, [f"the text does not compile: {message}" for message in errors]))
    report = compare(flat, layers.params, compiled.graph)
    if report.differences:
        raise SpecError(codes.configs.ConfigDisagrees(source.name, report.differences))
    model = _again(model)
    claimed = spec_text([model], header, claims={name: report.claims})
    return ImportedConfig(claimed, name, report, graph=compiled.graph)


def _model(layers: Layers, name: str) -> Model:
    """Return the model of the layers. The first result is that of the network, others are outputs by name."""
    connect(layers.main)
    outputs: dict[str, Value] = {}
    for at, value in enumerate(layers.main.outputs):
        shown = layers.names.get(value) or f"output{at + 1}"
        outputs["main" if at == 0 else shown] = value
    auxiliary = set(layers.heads.values())
    outputs = {shown: value for shown, value in outputs.items() if value not in auxiliary}
    return Model(layers.main, name, outputs, dict(layers.heads))


def _keep_outputs(model: Model) -> None:
    """Let the head of a detector declare the outputs that it makes, but the last one, which is the network's result."""
    first = next(iter(model.outputs.values()))
    for node in model.main.body:
        if isinstance(node, Call) and len(node.outputs) > 1 and set(node.outputs) <= set(model.outputs.values()):
            node.outputs = [first] if first in node.outputs else node.outputs[-1:]


def _again(model: Model) -> Model:
    """Return the same model, without what statements have noted about it."""
    for node in walk(model.main):
        if isinstance(node, Call):
            node.block = None
    return model


def _name(title: str) -> str:
    """Return the name of the network: that of the file or in it, as a name of the language."""
    name = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_") or "net"
    name = f"net_{name}" if name[0].isdigit() else name
    return name if can_name_a_value(name) else f"{name}_net"


def _header(source: SourceFile, form: ConfigFormat, layers: Layers) -> list[str]:
    today = datetime.date.today().isoformat()
    version = f" ({layers.version})" if layers.version else ""
    return [
        f"Imported from {Path(source.name).name}, a file of {form.program}{version},",
        f"on {today} by archdsl {__version__}; only the structure is taken over, and the licence of the file applies to its weights.",
        *(f"{remark}." for remark in layers.remarks),
    ]
