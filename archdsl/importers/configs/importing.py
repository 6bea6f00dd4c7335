"""Import a configuration file: read it, write the text, and prove that both are the same network."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from archdsl import __version__
from archdsl.diagnostics import SpecError, codes
from archdsl.driver import compile_text
from archdsl.importers.configs.agreement import Agreement, Flow, compare, compare_keys, flow_of, keys_of
from archdsl.importers.configs.formats import ConfigFormat, config_format, read_config_text
from archdsl.importers.configs.grouping import grouped
from archdsl.importers.configs.layers import Layers
from archdsl.importers.model import Call, Model, Value, connect, walk
from archdsl.importers.naming import can_name_a_value
from archdsl.importers.network_text import spec_text
from archdsl.source import SourceFile
from archdsl.syntax.other_formats import text_format

_MOST_OPS = 10_000
"""The deepest published networks, residual ones of 1,001 layers, have 3,500."""


@dataclass
class ImportedConfig:
    """An imported text, with what was compared for each of its networks."""

    text: str
    names: list[str]
    reports: dict[str, Agreement] = field(default_factory=dict)
    partial: bool = False

    @property
    def proved(self) -> bool:
        """Whether every network is that of the file. A text that is not is never returned, unless it is a part."""
        return not self.partial

    def __str__(self) -> str:
        return self.text

    def marked(self) -> str:
        """Return the text; its first line says so if it is only a part of the network."""
        if self.partial:
            return "# PARTIAL: comments stand for layers that the language cannot express.\n" + self.text
        return self.text

    def require_proved(self) -> ImportedConfig:
        """Return the same."""
        return self

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Raise `SpecError` E1211: a configuration file has no weights."""
        raise SpecError(codes.configs.ConfigWithoutWeights(", ".join(self.names)))


def import_file(
    path: str | Path, *, sizes: Sequence[tuple[int, ...]] | None = None, partial: bool = False, family: bool = True
) -> ImportedConfig:
    """Return the spec of a configuration file. `sizes` are those of the inputs, without the batch, in place of those in the file.

    A file with the scales of a `family` becomes one network with an alias for each, or else the network of its first scale.
    Raise `SpecError` E1211 to E1213 if the file is not valid, cannot be expressed, or the text does not agree with it.
    """
    source = read_config_text(Path(path))
    found = config_format(str(path), source.text)
    if found is None:
        other = text_format(source.text)
        raise SpecError(codes.configs.UnknownFormat(str(path), other.kind if other is not None else None))
    return import_source(source, found, sizes=sizes or (), partial=partial, family=family)


def import_source(
    source: SourceFile, form: ConfigFormat, *, sizes: Sequence[tuple[int, ...]] = (), partial: bool = False, family: bool = True
) -> ImportedConfig:
    """Return the spec of a text in a format. The network is called as in the text, or like its file."""
    members = form.family(source) if family and not partial else []
    attempts = [(members, True)] * bool(members) + [([], True), ([], False)]
    for at, (wanted, modules) in enumerate(attempts, 1):
        try:
            return _imported(source, form, sizes, partial, wanted, modules=modules)
        except _NotTheSame as error:  # modules that were found, or scales, do not fit one another after all
            reasons = [str(argument) for argument in error.args]
        except SpecError as error:
            if at == len(attempts) or not isinstance(error.diagnostics[0], codes.importing.NotExpressible):
                raise
    raise SpecError(codes.configs.ConfigDisagrees(source.name, reasons))


class _NotTheSame(Exception):
    """A text that is another network than the file; its arguments say how."""


def _imported(
    source: SourceFile, form: ConfigFormat, sizes: Sequence[tuple[int, ...]], partial: bool, members: Sequence[str],
    *, modules: bool,
) -> ImportedConfig:  # fmt: skip
    """Return the spec of a text, with the `modules` that occur several times as blocks, or layer by layer.

    If it is that of a family, each of its `members` is a network.
    """
    read = [_read(source, form, sizes, partial, member, modules=modules) for member in (members or (None,))]
    models = [one.model for one in read]
    header = _header(source, form, read[0].layers)
    text = spec_text([_again(model) for model in models], header)
    if read[0].layers.refused:
        return ImportedConfig(text, [model.name for model in models], partial=True)
    reports = {one.model.name: _compared(text, one, form) for one in read}
    claims = {name: report.claims for name, report in reports.items()}
    return ImportedConfig(spec_text([_again(model) for model in models], header, claims=claims), list(reports), reports)


class _Read(NamedTuple):
    """What was read of a network: its layers, the flow through them, and the model of which a text is made."""

    layers: Layers
    flow: Flow
    model: Model


def _read(
    source: SourceFile, form: ConfigFormat, sizes: Sequence[tuple[int, ...]], partial: bool, member: str | None, *, modules: bool
) -> _Read:
    layers = form.read(source, partial=partial, sizes=sizes, member=member)
    layers.without_unused()
    name = _name(layers.title or Path(source.name).stem)
    flow = flow_of(layers.main)
    if len(flow.values) > _MOST_OPS:
        layers.layer = None
        layers.invalid(f"the network has {len(flow.values):,} ops, and at most {_MOST_OPS:,} are read")
    model = _model(layers, name)
    if member is not None and layers.scaling is not None:
        model.name, model.scaling = _name(f"{name}{'' if name[-1].isdigit() else '_'}{member}"), layers.scaling
        model.scaling.family = name
    if modules and not form.modules:
        grouped(model.main, named=form.named)
    connect(model.main)
    _keep_outputs(model)
    return _Read(layers, flow, model)


def _compared(text: str, read: _Read, form: ConfigFormat) -> Agreement:
    """Return the comparison of a network of the text with what was read; raise `_NotTheSame` if they differ."""
    compiled = compile_text(text, read.model.name, shown=f"{read.model.name}.arch")
    if compiled.graph is None:
        raise _NotTheSame(*(f"the text does not compile: {found.message}" for found in compiled.diagnostics if found.is_error))
    report = compare(read.flow, read.layers.params, compiled.graph)
    if form.named:
        compare_keys(report, keys_of(read.model.main), compiled.graph)
    if report.differences:
        raise _NotTheSame(*report.differences)
    return report


def _model(layers: Layers, name: str) -> Model:
    """Return the model of the layers. The first result is that of the network, others are outputs by name."""
    connect(layers.main)
    auxiliary = set(layers.heads.values())
    outputs: dict[str, Value] = {}
    for at, value in enumerate(layers.main.outputs):
        if value not in auxiliary:
            outputs["main" if at == 0 else layers.names.get(value) or f"output{at + 1}"] = value
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
    name = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_")[:60] or "net"
    name = f"net_{name}" if name[0].isdigit() else name
    return name if can_name_a_value(name) else f"{name}_net"


def _header(source: SourceFile, form: ConfigFormat, layers: Layers) -> list[str]:
    today = datetime.date.today().isoformat()
    version = f" ({layers.version})" if layers.version else ""
    return [
        f"Imported from {Path(source.name).name}, a file of {form.program}{version},",
        f"on {today} by archdsl {__version__}; only the structure is taken over. The licence of the file applies to its weights.",
        *(f"{remark}." for remark in layers.remarks),
    ]
